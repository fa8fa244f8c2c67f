"""The record of a real system: checked, proven, and found out when an older copy is put back."""

import json
import os
import re
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow.parquet  # type: ignore[import-untyped]  # it has no types
import pytest

from support.real.real_system import RealSystem, real_system
from support.real.tampered_journal import tamper
from support.simulated.tampering import Rows, with_words

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> RealSystem:
    """A system that ran twice; the copy of its record is from between the two."""
    folder = tmp_path_factory.mktemp("record")
    for amount in ("1", "2"):
        with real_system(folder / "data", *QUIET) as system:
            system.basalt("bolus", amount, "--confirm")
            system.wait_until(system.has_come_to_rest, "everybody knows everything")
            assert system.stop() == 0
        if amount == "1":
            shutil.copytree(folder / "data" / "journals", folder / "older")
    with real_system(folder / "data", *QUIET) as system:
        system.wait_until(lambda: covers(system, "actuator:demo:20"), "a checkpoint is written")
        assert system.stop() == 0
    return system


def covers(system: RealSystem, event: str) -> bool:
    return system.basalt("prove", event, check=False).returncode == 0


def checked(system: RealSystem, store: Path | None = None) -> tuple[int, str, str]:
    words = [] if store is None else ["--store", f"sqlite:{store}"]
    done = system.basalt("verify", "record", *words, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.requirement("R94")
def test_an_honest_record_passes_and_agrees_with_its_checkpoints(lived: RealSystem) -> None:
    """Of each speaker, the historian itself too."""
    code, out, err = checked(lived)

    assert (0, "") == (code, err)
    lines, events, compared, wrong, behind = map(int, out.splitlines()[1].split())
    assert lines >= events > compared >= 5
    assert (0, 0) == (wrong, behind)


@pytest.mark.requirement("R97")
def test_an_older_copy_is_found_by_what_lies_elsewhere(lived: RealSystem) -> None:
    """It is whole, and ends too early."""
    code, _, err = checked(lived, lived.folder.path.parent / "older" / "historian.db")

    assert 1 == code
    assert "actuator has" in err
    assert "in the checkpoint" in err


@pytest.mark.requirement("R94")
def test_a_changed_line_is_named(lived: RealSystem, tmp_path: Path) -> None:
    """Four times the insulin, and no other byte."""
    altered = tmp_path / "altered.db"
    shutil.copy(lived.folder.journal("historian"), altered)
    with sqlite3.connect(altered) as file:
        (line, state) = file.execute(
            "SELECT originator_version, state FROM stored_events "
            "WHERE topic='heard bolus_ordered.v1' LIMIT 1"
        ).fetchone()
        changed = state.replace(b'"amount":1000', b'"amount":4000')
        assert changed != state
        file.execute("UPDATE stored_events SET state=? WHERE state=?", (changed, state))

    code, _, err = checked(lived, altered)

    assert 1 == code
    assert f"demo, line {line}: it is not what was written there" in err


def test_an_event_is_proven_to_who_has_not_the_record(lived: RealSystem, tmp_path: Path) -> None:
    """With the public key alone; another event, another key and half a proof prove nothing."""
    proof, key = tmp_path / "proof.json", lived.folder.keys / "record.pub"
    lived.basalt("prove", "actuator:demo:7", "--out", str(proof))
    words = ("verify", "proof", str(proof), "--key")
    elsewhere = ("--data", str(tmp_path / "nothing"))

    shown = lived.basalt(*words, str(key), *elsewhere)
    wrong_key = lived.basalt(*words, str(lived.folder.keys / "bolus_orders.pub"), check=False)
    other = json.loads(proof.read_text())
    other["event"] = other["event"].replace(":7", ":8")
    proof.write_text(json.dumps(other))
    changed = lived.basalt(*words, str(key), check=False)
    proof.write_text("{}")
    half = lived.basalt(*words, str(key), check=False)

    assert "actuator:demo:7" in shown.stdout
    assert [1, 1, 2] == [one.returncode for one in (wrong_key, changed, half)]
    assert "not signed by the key of the record" in wrong_key.stderr
    assert "does not lead to the root" in changed.stderr
    assert "is no proof" in half.stderr


def test_what_cannot_be_checked_is_said(lived: RealSystem, tmp_path: Path) -> None:
    """No checkpoint, no key, no such event, not yet covered."""
    without = lived.basalt("verify", "record", "--checkpoints", str(tmp_path), check=False)
    no_key = lived.basalt("verify", "record", "--key", str(tmp_path / "no.pub"), check=False)
    no_folder = lived.basalt("verify", "record", "--checkpoints", str(tmp_path / "x"), check=False)
    no_event = lived.basalt("prove", "a bolus", check=False)
    later = lived.basalt("prove", "actuator:demo:999999", check=False)
    nobody = lived.basalt("prove", "nobody:demo:1", check=False)

    assert (4, True) == (without.returncode, "no checkpoint to hold it against" in without.stderr)
    assert "stand behind the last checkpoint that agrees (line 0), from" in without.stderr
    assert (2, True) == (no_key.returncode, "say --key FILE" in no_key.stderr)
    assert (2, True) == (no_folder.returncode, "is no folder" in no_folder.stderr)
    assert (2, True) == (no_event.returncode, "no id of an event" in no_event.stderr)
    assert (1, True) == (later.returncode, "wait for the next one" in later.stderr)
    assert (1, True) == (nobody.returncode, "no checkpoint about nobody" in nobody.stderr)


def asked(lived: RealSystem, *words: str) -> str:
    return lived.basalt("history", *words).stdout


def lines(lived: RealSystem, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in asked(lived, *words, "--json").splitlines()]


def test_questions_that_people_ask_have_answers(lived: RealSystem) -> None:
    """As a table, as CSV and as lines of JSON; filtered, and gone on with."""
    only = ("events", "--kind", "bolus_ordered")
    orders = lines(lived, *only)
    mine = asked(lived, *only, "--by", orders[0]["actor"], "--format", "csv")
    later = lines(lived, *only, "--after", orders[0]["event"])
    caused = asked(lived, "events", "--cause", orders[0]["cause"], "--format", "jsonl")
    days = lines(lived, "days")

    assert ["bolus of 1.00 U", "bolus of 2.00 U"] == [one["text"][:15] for one in orders]
    assert 3 == len(mine.splitlines())
    assert orders[1:] == later
    assert orders[0]["event"] in caused
    assert 3.0 == sum(day["bolus_u"] for day in days)
    assert sum(day["basal_u"] for day in days) * 1_000 == pytest.approx(lived.accounted() - 3_000)
    assert "ratios and targets" in asked(lived, "changes")
    assert "MAGE: Service 1970" in asked(lived, "glucose", "--zone", "Europe/Berlin")
    assert "the pump was off" in asked(lived, "gaps")
    assert "nothing on record" in asked(lived, "events", "--to", "2000-01-01T00:00:00Z")


def test_answers_go_into_files_for_other_programs(lived: RealSystem, tmp_path: Path) -> None:
    """Parquet with typed columns, CSV as on the screen; each there whole."""
    parquet, text = tmp_path / "days.parquet", tmp_path / "days.csv"
    asked(lived, "days", "--format", "parquet", "--output", str(parquet))
    asked(lived, "days", "--format", "csv", "--output", str(text))

    days = pyarrow.parquet.read_table(parquet).to_pylist()

    assert 3.0 == sum(day["bolus_u"] for day in days)
    assert [one["day"] for one in lines(lived, "days")] == [str(day["day"]) for day in days]
    assert asked(lived, "days", "--format", "csv") == text.read_text()
    nowhere = lived.basalt("history", "days", "--format", "parquet", check=False)
    assert (2, True) == (nowhere.returncode, "needs --output FILE" in nowhere.stderr)


def test_a_question_that_makes_no_sense_is_refused(lived: RealSystem) -> None:
    """A kind, a zone and an event that there are not."""
    kind = lived.basalt("history", "events", "--kind", "bolus", check=False)
    zone = lived.basalt("history", "days", "--zone", "Berlin", check=False)
    after = lived.basalt("history", "events", "--after", "actuator:demo:0", check=False)

    useless = lived.basalt("history", "days", "--kind", "bolus_ordered", check=False)
    also = lived.basalt("verify", "orders", "--key", "record.pub", check=False)

    assert [2, 2, 2] == [one.returncode for one in (kind, zone, after)]
    assert (2, True) == (useless.returncode, "--kind is for 'history events'" in useless.stderr)
    assert (2, True) == (also.returncode, "--key is for 'verify record'" in also.stderr)
    assert "no event is of the kind 'bolus'" in kind.stderr
    assert "Berlin" in zone.stderr
    assert "no event 'actuator:demo:0' of these" in after.stderr


@pytest.mark.requirement("R121")
def test_a_record_that_somebody_cut_short_is_an_alarm_at_the_start(
    lived: RealSystem, tmp_path: Path
) -> None:
    """All hashes fit, and the system starts: basal flows, and the alarm names the record."""
    data = tmp_path / "data"
    shutil.copytree(lived.folder.path, data, ignore=shutil.ignore_patterns("*.sock"))
    tamper(data / "journals" / "historian.db", lived.pump, lambda rows: rows[:-3])

    cut = lived.basalt("verify", "record", "--data", str(data), check=False)
    with real_system(data, *QUIET) as system:
        system.wait_until(
            lambda: "runtime_record_altered" in system.basalt("alarms", check=False).stdout,
            "the cut is an alarm",
        )
        assert system.stop() == 0
    after = lived.basalt("verify", "record", "--data", str(data), check=False)

    assert (1, True) == (cut.returncode, "the record ends here" in cut.stderr)
    assert 1 == after.returncode, "a start must not sign what was changed"


ALARM = "runtime_record_altered"


def killed_with_open_lines(lived: RealSystem, data: Path) -> None:
    """Let a copy of the system hear a reading, and kill all of it before that is signed."""
    shutil.copytree(lived.folder.path, data, ignore=shutil.ignore_patterns("*.sock"))
    with real_system(data, *QUIET, replays=False) as system:
        system.basalt("glucose", "117")
        read = max(system.own_events("glucose_ingest"))
        system.wait_until(
            lambda: read in system.recorded_events("glucose_ingest"), "the record has the reading"
        )
        children = system.pids().values()
        for pid in (system.process.pid, *children):
            os.kill(pid, signal.SIGKILL)
        system.process.wait()


@pytest.mark.requirement("R121")
def test_another_actor_in_the_open_lines_is_an_alarm_at_the_start(
    lived: RealSystem, tmp_path: Path
) -> None:
    """The reading names nobody: only the service that heard the command knows who gave it."""
    data, honest = tmp_path / "data", tmp_path / "honest"
    killed_with_open_lines(lived, data)
    shutil.copytree(data, honest, ignore=shutil.ignore_patterns("*.sock"))

    def by_nobody(rows: Rows) -> Rows:
        said = [at for at, row in enumerate(rows) if b"record_reading.v1" in row.state][-1]
        actor = re.compile(rb'"actor":"[^"]*"').search(rows[said].state)
        assert actor is not None
        changed = with_words(rows[said], actor[0].decode(), '"actor":"person:nobody"')
        return [*rows[:said], changed, *rows[said + 1 :]]

    tamper(data / "journals" / "historian.db", lived.pump, by_nobody)
    with real_system(data, *QUIET, replays=False) as system:
        system.wait_until(
            lambda: ALARM in system.basalt("alarms", check=False).stdout, "the change is an alarm"
        )
    with real_system(honest, *QUIET) as system:
        last = f"glucose_ingest:{lived.pump}:{max(system.own_events('glucose_ingest'))}"
        for _ in range(2):
            system.wait_until(lambda: covers(system, last), "what nobody touched is signed")
            system.kill("historian")
        system.basalt("glucose", "121")
        later = f"glucose_ingest:{lived.pump}:{max(system.own_events('glucose_ingest'))}"
        system.wait_until(lambda: covers(system, later), "and so is what came after")
        assert ALARM not in system.basalt("alarms", check=False).stdout
