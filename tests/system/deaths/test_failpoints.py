"""K1: each process dies at each of its durable boundaries, and nothing is given twice or lost."""

from collections.abc import Callable

import pytest

from services.runtime.platform.failpoints import FAILPOINTS
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


ON_THE_WAY = ("glucose_ingest", "basal_scheduler", "bolus_advisor", "historian")
"""[-] who dies in turn at the points that all deciders share; the actuator has many of its own."""


def plan_of(process: str) -> list[str]:
    """Order all points of a process so that those of a start come last."""
    points = [point for point in points_of(process) if not point.startswith(HISTORY)]
    return sorted(points, key=lambda point: point.startswith(AT_START))


def plan_with_each_point_once(process: str) -> list[str]:
    """Give those points of a process at which it is this one that dies."""
    return [point for point in plan_of(process) if dies_at(point) == process]


def dies_at(point: str) -> str:
    """Name the one process that dies at a point where each point is tried once."""
    who = FAILPOINTS[point][0]
    shared = [name for name in ON_THE_WAY if name in who]
    if who == ("actuator",) or not shared:
        return who[0]
    return shared[[*FAILPOINTS].index(point) % len(shared)]


Plan = Callable[[str], list[str]]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(plan_with_each_point_once, id="each point once"),
        pytest.param(plan_of, id="each process at each point", marks=pytest.mark.nightly),
    ],
)
def plan(request: pytest.FixtureRequest) -> Plan:
    chosen: Plan = request.param
    return chosen


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> tuple[RealSystem, CrashFolder]:
    """A system in which everybody has died everywhere, at rest."""
    root = tmp_path_factory.mktemp("crash")
    folder = CrashFolder(root / "points")
    with real_system(root / "data", *SPEED, environment=folder.environment) as system:
        with BusyPerson(system) as person:
            for together in TOGETHER:
                plans = {name: plan(name) for name in together}
                assert Crasher(system, folder, plans).run() > 10
        assert person.answered > 10
        assert system.stop() == 0
    let_it_rest(system)
    return system, folder


@pytest.mark.requirement("R44")
def test_every_process_died_at_every_point(
    died: tuple[RealSystem, CrashFolder], plan: Plan
) -> None:
    """A point that nobody comes by guards nothing."""
    _, folder = died

    assert {f"{name}.{point}" for name in processes() for point in plan(name)} == folder.died


def test_each_point_is_tried_at_some_process() -> None:
    """A point that is in no plan would be tried by nobody before the night."""
    tried = [point for name in processes() for point in plan_with_each_point_once(name)]

    assert sorted(point for point in FAILPOINTS if not point.startswith(HISTORY)) == sorted(tried)


@pytest.mark.requirement("R44")
def test_nothing_is_given_twice_and_all_of_it_is_accounted(
    died: tuple[RealSystem, CrashFolder],
) -> None:
    """By the pump's own ledger, against the record, after all those deaths."""
    system, _ = died

    assert_sound(system)
