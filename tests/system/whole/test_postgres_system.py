"""A whole system on PostgreSQL: services and the server killed while insulin flows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.delivery.delivery import BolusStartRequested
from support.real.postgres_server import PASSWORD, PostgresServer, postgres_server
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

BUSY = ("actuator", "glucose_ingest", "historian")  # the others end with their next step


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own, to be killed."""
    with postgres_server() as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        yield made


@pytest.fixture(scope="module")
def survived(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> RealSystem:
    """A bolus in mid-flow: two services killed, then the server, which comes back."""
    folder = tmp_path_factory.mktemp("pg") / "data"
    url = server.new_database()
    words = ("--speed", "30", "--no-person", "--store", url)
    # The system has the password from the URL alone; whoever reads has it in the environment.
    with real_system(folder, *words, environment={"PGPASSWORD": "none"}) as system:
        system.environment["PGPASSWORD"] = PASSWORD
        system.basalt("bolus", "6")
        system.until_begun()
        for pid in system.pids().values():
            assert "secret" not in Path(f"/proc/{pid}/cmdline").read_text()
        system.kill("actuator")
        system.kill("historian")
        before = system.pids()
        server.kill()
        system.wait_until(
            lambda: all(system.pids().get(name, 0) != before[name] for name in BUSY),
            "each service that had something to store has ended",
        )
        server.start()
        system.wait_until(
            lambda: system.basalt("status", check=False).returncode == 0, "all are back"
        )
        assert system.stop() == 0
    return system


@pytest.mark.requirement("R34")
@pytest.mark.requirement("R44")
def test_nothing_is_lost_or_given_twice(survived: RealSystem) -> None:
    """The pump's own ledger is the judge, as of journals in files."""
    let_it_rest(survived)  # ends when all that was pumped is accounted, and not before
    assert survived.said("actuator", BolusStartRequested)
    survived.assert_record_is_whole()
    survived.assert_each_dose_once()
    # A pulse of the basal rate between that look and the stop is accounted at the next start.
    assert survived.ledger()[-1].odometer == survived.pumped() >= survived.accounted()
    survived.assert_replay_agrees()
    assert not list(survived.folder.journals.glob("*.db"))


def test_the_line_of_a_service_names_the_server_and_no_password(survived: RealSystem) -> None:
    """One line says what to mend; a log is no place for a secret."""
    logs = "".join(path.read_text() for path in survived.folder.logs.glob("*.log"))

    assert "StoreUnreachable: postgresql://basalt@127.0.0.1" in logs
    assert "Traceback" not in logs
    assert PASSWORD not in logs + survived.text()
    assert PASSWORD not in survived.folder.store.read_text()


def test_the_record_is_read_and_moved_home(survived: RealSystem) -> None:
    """What reads a file reads a database, and after a copy says the same."""
    questions = (("replay", "--json"), ("verify", "record"), ("verify", "decisions"))
    there = [survived.basalt(*words).stdout for words in questions]
    database = survived.folder.store.read_text().strip()

    survived.basalt("store", "copy", database, f"sqlite:{survived.folder.path}")
    survived.folder.store.unlink()

    assert there == [survived.basalt(*words).stdout for words in questions]


def test_a_system_is_not_begun_anew_beside_its_journals(
    survived: RealSystem, server: PostgresServer
) -> None:
    """Services without their past would ask each other for it, and nobody would have it."""
    done = survived.basalt("up", "--no-screen", "--store", server.new_database(), check=False)

    assert done.returncode == 2
    assert "basalt store copy" in done.stderr


@pytest.mark.parametrize("wrong", ["password", "server"])
def test_a_start_without_its_server_is_refused_in_one_line(
    survived: RealSystem, server: PostgresServer, wrong: str
) -> None:
    """A start that cannot succeed says its one reason."""
    url = server.url("postgres", password="guessed")
    if wrong == "server":
        url = "postgresql://basalt:guessed@127.0.0.1:1/postgres"

    done = survived.basalt("up", "--no-screen", "--store", url, check=False)

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "guessed" not in done.stderr
