"""K1 for what is taken over: a service dies at each step of it, and nothing is given twice."""

import shutil
from pathlib import Path

import pytest

from support.real.crash_system import HISTORY, CrashFolder, points_of, processes
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

SPEED = ("--speed", "60", "--no-person")


def lose(system: RealSystem, *names: str) -> None:
    """Remove journals of a system that has stopped."""
    for name in names:
        for path in system.folder.journals.glob(f"{name}.db*"):
            path.unlink()


def start_and_die(system: RealSystem, folder: CrashFolder, *names: str) -> None:
    """Start it, each of these dying at each of its points of history, and let it rest.

    However the past came back, the record folds to what lived: the system is held to it at its end.
    """
    for name in names:
        for point in points_of(name):
            if point.startswith(HISTORY):
                folder.arm(name, point)
    with real_system(system.folder.path, *SPEED, environment=folder.environment) as again:
        again.wait_until(lambda: not folder.armed(), "all have died")
        again.wait_until(again.has_come_to_rest, "everybody knows everything")
        again.basalt("bolus", "0.5", "--confirm")
        again.wait_until(again.has_come_to_rest, "everybody knows everything")
        assert again.stop() == 0
    let_it_rest(system)  # a pulse between the last look and the stop is accounted now


def assert_all_is_there(system: RealSystem, *, doses: int) -> None:
    """Each dose once by the pump's ledger, the record equal to it, no version without a home."""
    system.assert_each_dose_once()
    system.assert_accounted()
    assert doses == len([one for one in system.ledger() if one.kind == "bolus_started"])
    for name in processes():
        if name not in ("virtual_pump", "historian"):
            own = system.own_events(name)
            assert list(range(1, len(own) + 1)) == sorted(own)
            assert own == system.recorded_events(name)
    assert not any(report.differences for report in system.reports().values())


@pytest.mark.requirement("R44")
def test_a_death_while_the_past_is_taken_over_loses_nothing(tmp_path: Path) -> None:
    """First all journals at once, from the stream; then stream and historian, from everybody."""
    folder = CrashFolder(tmp_path / "points")
    with real_system(tmp_path / "data", *SPEED) as system:
        system.basalt("bolus", "1")
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        assert system.stop() == 0
    speakers = [name for name in processes() if name not in ("virtual_pump", "historian")]

    lose(system, *speakers, "historian")
    start_and_die(system, folder, *speakers)
    assert_all_is_there(system, doses=2)
    lose(system, "historian")
    shutil.rmtree(system.folder.broker)
    start_and_die(system, folder, "historian")
    assert_all_is_there(system, doses=3)

    expected = {
        f"{name}.{point}"
        for name in (*speakers, "historian")
        for point in points_of(name)
        if point.startswith(HISTORY)
    }
    assert expected == folder.died
