"""A journal that is gone, a pump's memory put back from a copy: on real processes."""

import shutil
from pathlib import Path

import pytest

from schemas.alarms import AlarmRaised
from schemas.bolus.orders import BolusOrdered
from schemas.delivery.delivery import BolusDelivered
from schemas.delivery.unresolved_doses import BolusReconciled, PumpDoubted
from schemas.units import Speaker
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")
EACH = (
    "actuator",
    "bolus_advisor",
    "historian",
    pytest.param("basal_scheduler", marks=pytest.mark.nightly),
    pytest.param("glucose_ingest", marks=pytest.mark.nightly),
)
"""[-] who drives the pump, who decides, who keeps the record; in `make nightly` everybody."""

LOST = ("glucose_ingest", "basal_scheduler", "bolus_advisor", "actuator", "historian")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system that has given a bolus and stopped."""
    folder = tmp_path_factory.mktemp("lost") / "data"
    with real_system(folder, *QUIET) as system:
        system.basalt("bolus", "1")
        system.wait_until(lambda: "bolus delivered" in system.text(), "the bolus is given")
        assert system.stop() == 0
    return folder


def again(lived: Path, tmp_path: Path) -> Path:
    """Give a copy of the system, so that each test breaks its own."""
    folder = tmp_path / "data"
    shutil.copytree(lived, folder)
    return folder


def alarms(system: RealSystem) -> set[str]:
    return {
        event.alarm
        for name in LOST
        if name != "historian"
        for event in system.said(name, AlarmRaised)
    }


@pytest.mark.requirement("R97")
@pytest.mark.parametrize("name", EACH)
def test_a_service_whose_journal_is_gone_takes_its_past_over(
    lived: Path, tmp_path: Path, name: str
) -> None:
    """Nothing is said twice under one number, and boluses go on."""
    folder = again(lived, tmp_path)
    for path in (folder / "journals").glob(f"{name}.db*"):
        path.unlink()

    with real_system(folder, *QUIET) as system:
        system.basalt("bolus", "0.5", "--confirm")
        system.wait_until(
            lambda: [1_000, 500] == [e.delivered for e in system.said("actuator", BolusDelivered)],
            "the second bolus is given",
        )
        system.rest_and_stop()

    forked = {alarm for alarm in alarms(system) if alarm.startswith("speaker_forked")}
    assert not forked
    system.assert_each_dose_once_by_ledger()
    system.assert_accounted()
    with system.journal("historian") as store:
        heads = store.heads()
    versions = system.recorded_events("bolus_advisor")
    assert list(range(1, len(versions) + 1)) == sorted(versions)
    assert heads[system.pump, Speaker("bolus_advisor")].version == len(versions)
    system.assert_orders_are_sound()
    assert not any(report.differences for report in system.reports().values())


@pytest.mark.requirement("R97")
@pytest.mark.requirement("R45")
@pytest.mark.parametrize(
    "name",
    [
        "actuator",
        pytest.param("basal_scheduler", marks=pytest.mark.nightly),
        pytest.param("bolus_advisor", marks=pytest.mark.nightly),
    ],
)
def test_a_journal_and_the_stream_gone_together_come_back_from_the_historian(
    lived: Path, tmp_path: Path, name: str
) -> None:
    """Nothing is left of its words but what the historian heard: that is asked before the first."""
    folder = again(lived, tmp_path)
    for path in (folder / "journals").glob(f"{name}.db*"):
        path.unlink()
    shutil.rmtree(folder / "broker")

    with real_system(folder, *QUIET) as system:
        system.basalt("bolus", "0.5", "--confirm")
        system.wait_until(
            lambda: [1_000, 500] == [e.delivered for e in system.said("actuator", BolusDelivered)],
            "the second bolus is given",
        )
        system.rest_and_stop()

    found = alarms(system)
    assert not {one for one in found if one.startswith(("speaker_forked", "history_missing"))}
    assert "ended by itself" not in system.text()
    system.assert_each_dose_once_by_ledger()
    system.assert_accounted()
    own = system.own_events(name)
    assert list(range(1, len(own) + 1)) == sorted(own)
    assert own == system.recorded_events(name)
    system.assert_orders_are_sound()
    assert not any(report.differences for report in system.reports().values())


def first_dose_and_first_look(system: RealSystem) -> tuple[int, int]:
    """Say where the actuator's journal has its first dose and its first look since it was lost."""
    topics = [row.topic for row in system.rows("actuator")]
    since = max(at for at, topic in enumerate(topics) if topic == "heard restarted.v1")
    return topics.index("bolus_start_requested.v1", since), topics.index("pump_found.v1", since)


@pytest.mark.requirement("R97")
def test_all_journals_gone_at_once_come_back_from_the_stream(lived: Path, tmp_path: Path) -> None:
    """The historian reads the stream anew, the others wait for it; no dose before the pump is read.

    Nobody ends and is started again over it, nothing is said, ordered or given twice.
    """
    folder = again(lived, tmp_path)
    for name in LOST:
        for path in (folder / "journals").glob(f"{name}.db*"):
            path.unlink()

    with real_system(folder, *QUIET) as system:
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        system.basalt("bolus", "0.5", "--confirm")
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        assert system.stop() == 0

    assert "ended by itself" not in system.text()
    assert not alarms(system)
    dose, look = first_dose_and_first_look(system)
    assert look < dose
    let_it_rest(system)  # a pulse between the last look and the stop is accounted now
    system.assert_each_dose_once()
    system.assert_accounted()
    assert [1_000, 500] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    assert [1_000, 500] == [event.amount for event in system.said("bolus_advisor", BolusOrdered)]
    for name in LOST[:-1]:
        own = system.own_events(name)
        assert list(range(1, len(own) + 1)) == sorted(own)
        assert own == system.recorded_events(name)
    system.assert_orders_are_sound()
    assert not any(report.differences for report in system.reports().values())


@pytest.mark.requirement("R97")
@pytest.mark.requirement("R45")
def test_everything_but_the_pump_put_back_is_found_and_the_missing_amount_is_named(
    lived: Path, tmp_path: Path
) -> None:
    """Journals and stream agree with each other and are old: the pump alone remembers."""
    folder = again(lived, tmp_path)
    with real_system(folder, *QUIET) as system:
        system.basalt("bolus", "2", "--confirm")
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        assert system.stop() == 0
    for part in ("journals", "broker"):
        shutil.rmtree(folder / part)
        shutil.copytree(lived / part, folder / part)
    known, moved = system.accounted(), system.pumped()

    with real_system(folder, *QUIET) as system:
        system.wait_until(lambda: system.said("actuator", PumpDoubted), "the pump is doubted")
        refused = system.basalt("bolus", "0.5", "--confirm", check=False)
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        system.basalt("count", "accept", "--because", "put back by the test")
        counted = system.accounted()
        system.wait_until(lambda: system.accounted() > counted, "the pump is read again")
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        assert system.stop() == 0

    (doubted,) = system.said("actuator", PumpDoubted)
    assert ("record_behind", known) == (doubted.reason, doubted.accounted)
    assert doubted.missing >= moved - known >= 2_000
    assert (1, True) == (refused.returncode, "look at the pump" in refused.stderr)
    assert ["spontaneous"] == [one.outcome for one in system.said("actuator", BolusReconciled)]
    assert "pump_doubted" in alarms(system)
    assert 2 == len([one for one in system.ledger() if one.kind == "bolus_started"])
    system.assert_each_dose_once_by_ledger()
    system.assert_accounted()


@pytest.mark.requirement("R45")
def test_a_pumps_memory_put_back_from_a_copy_is_found(lived: Path, tmp_path: Path) -> None:
    """No bolus until somebody has looked; basal flows, and what flows is accounted."""
    folder = again(lived, tmp_path)
    with real_system(folder, *QUIET) as system:
        system.basalt("bolus", "2", "--confirm")
        system.wait_until(lambda: "bolus delivered" in system.text(), "the bolus is given")
        assert system.stop() == 0
    for path in (folder / "pump").glob("demo.nvm*"):
        path.unlink()
    for path in (lived / "pump").glob("demo.nvm*"):
        shutil.copy(path, folder / "pump" / path.name)

    with real_system(folder, *QUIET) as system:
        system.wait_until(lambda: system.said("actuator", PumpDoubted), "the pump is doubted")
        refused = system.basalt("bolus", "0.5", "--confirm", check=False)
        count = ("count", "accept", "--because", "put back by the test")
        system.wait_until(
            lambda: system.basalt(*count, check=False).returncode == 0, "the pump is read again"
        )
        given = system.basalt("bolus", "0.5", "--confirm")
        assert system.stop() == 0

    (doubted,) = system.said("actuator", PumpDoubted)
    assert ("count_went_back", True) == (doubted.reason, doubted.missing >= 2_000)
    assert (1, 0) == (refused.returncode, given.returncode)
    assert "look at the pump" in refused.stderr
