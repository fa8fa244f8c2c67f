"""K1: each process dies at each of its durable boundaries, and nothing is given twice or lost."""

import pytest

from support.real.busy_person import BusyPerson
from support.real.crash_system import (
    AT_START,
    HISTORY,
    Crasher,
    CrashFolder,
    assert_sound,
    points_of,
    processes,
)
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

SPEED = ("--speed", "60", "--no-person")
TOGETHER = (
    ("actuator", "glucose_ingest", "historian"),
    ("basal_scheduler", "bolus_advisor", "virtual_pump"),
)


def plan_of(process: str) -> list[str]:
    """Order the points so that those of a start come last."""
    points = [point for point in points_of(process) if not point.startswith(HISTORY)]
    return sorted(points, key=lambda point: point.startswith(AT_START))


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory) -> tuple[RealSystem, CrashFolder]:
    """A system in which everybody has died everywhere, at rest."""
    root = tmp_path_factory.mktemp("crash")
    folder = CrashFolder(root / "points")
    with real_system(root / "data", *SPEED, environment=folder.environment) as system:
        with BusyPerson(system) as person:
            for together in TOGETHER:
                plans = {name: plan_of(name) for name in together}
                assert Crasher(system, folder, plans).run() > 10
        assert person.answered > 10
        assert system.stop() == 0
    let_it_rest(system)
    return system, folder


@pytest.mark.requirement("R44")
def test_every_process_died_at_every_point(died: tuple[RealSystem, CrashFolder]) -> None:
    """A point that nobody comes by guards nothing."""
    _, folder = died

    expected = {f"{name}.{point}" for name in processes() for point in plan_of(name)}
    assert expected == folder.died


@pytest.mark.requirement("R44")
def test_nothing_is_given_twice_and_all_of_it_is_accounted(
    died: tuple[RealSystem, CrashFolder],
) -> None:
    """By the pump's own ledger, against the record, after all those deaths."""
    system, _ = died

    assert_sound(system)
