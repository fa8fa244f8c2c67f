"""Clocks that jump under real processes, together and each for itself (T1, T3, T4)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.delivery.delivery import BolusDelivered, BolusStopped, DeliveryGap
from schemas.units import DAY_MS
from support.real.crash_system import assert_sound, look
from support.real.real_system import RealHouse, let_it_rest, real_house
from support.repository import ROOT

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")
HOOK = ROOT / "tests/support/real/shifted_clock"
YEAR_S = 365.25 * DAY_MS / 1_000
STEPS_S = (1, -1, 60, -60, 3_600, -3_600, 86_400, -86_400, 10 * YEAR_S, -10 * YEAR_S, 0)


class Clocks:
    """The folder in which a test writes by how much each clock is shifted."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path
        self.environment = {"BASALT_TEST_CLOCKS": str(path), "PYTHONPATH": str(HOOK)}

    def shift(self, kind: str, by_s: float, *, of: str = "") -> None:
        draft = self.path / "draft"
        draft.write_text(str(by_s))
        draft.replace(self.path / (f"{kind}.services.{of}" if of else kind))


@contextmanager
def shifted_house(tmp_path: Path) -> Iterator[tuple[RealHouse, Clocks]]:
    clocks = Clocks(tmp_path / "clocks")
    with real_house(tmp_path / "data", *QUIET, environment=clocks.environment) as house:
        yield house, clocks


@pytest.mark.requirement("R85")
@pytest.mark.requirement("R88")
@pytest.mark.requirement("R44")
def test_steps_of_the_wall_clock_in_mid_bolus_move_nothing(tmp_path: Path) -> None:
    """From a second to ten years, both ways, with processes started anew in between (T1)."""
    with shifted_house(tmp_path) as (house, clocks):
        house.basalt("bolus", "6")
        house.until_begun()
        for number, by_s in enumerate(STEPS_S):
            clocks.shift("wall", by_s)
            time.sleep(0.2)
            if number in (3, 9):
                house.kill("actuator")
        look(house)
        house.until_settled()
        given = house.basalt("bolus", "0.5", "--confirm", check=False)
        house.until_settled()
        assert house.stop() == 0
        span = house.ledger()[-1].ends_at - house.ledger()[0].ends_at
    let_it_rest(house)

    assert [6_000, 500] == [event.delivered for event in house.said("actuator", BolusDelivered)]
    assert given.returncode == 0
    assert span < DAY_MS
    assert_sound(house)


@pytest.mark.requirement("R85")
@pytest.mark.parametrize("by_s", [10 * YEAR_S, -10 * YEAR_S, -3_600])
def test_a_wall_clock_that_was_set_between_two_runs_loses_nothing(
    tmp_path: Path, by_s: float
) -> None:
    """Therapy and real time go on where they were; what is late is late (T1)."""
    with shifted_house(tmp_path) as (house, clocks):
        house.basalt("bolus", "0.5")
        house.until_settled()
        before = house.last_now()
        assert house.stop() == 0
    clocks.shift("wall", by_s)
    with real_house(house.folder.path, *QUIET, environment=clocks.environment) as house:
        given = house.basalt("bolus", "0.6", "--confirm")
        house.until_settled()
        after = house.last_now()
        assert house.stop() == 0
    clocks.shift("wall", 0)
    let_it_rest(house)

    assert given.returncode == 0
    assert 0 < after.therapy - before.therapy < DAY_MS
    assert after.real > before.real
    assert [500, 600] == [event.delivered for event in house.said("actuator", BolusDelivered)]
    assert_sound(house)


@pytest.mark.requirement("R85")
def test_services_whose_wall_clocks_are_hours_apart_agree(tmp_path: Path) -> None:
    """They share one record and count elapsed time alone (T3)."""
    clocks = Clocks(tmp_path / "clocks")
    for name, by_s in (("actuator", 3_600), ("bolus_advisor", -3_600), ("virtual_pump", 7_200)):
        clocks.shift("wall", by_s, of=name)
    with real_house(tmp_path / "data", *QUIET, environment=clocks.environment) as house:
        house.basalt("bolus", "0.5")
        house.until_settled()
        assert house.stop() == 0
    let_it_rest(house)

    assert [500] == [event.delivered for event in house.said("actuator", BolusDelivered)]
    assert_sound(house)


@pytest.mark.requirement("R45")
@pytest.mark.requirement("R85")
def test_a_machine_that_slept_for_ten_minutes_makes_nothing_up(tmp_path: Path) -> None:
    """The clock that counts through sleep jumps in mid-bolus: the pump was off, no burst (T4)."""
    with shifted_house(tmp_path) as (house, clocks):
        house.basalt("bolus", "6")
        house.until_begun()
        before = house.pumped()
        clocks.shift("boot", 600)
        house.wait_until(lambda: house.said("actuator", BolusStopped), "the bolus ended")
        look(house)
        made_up = house.pumped() - before
        house.wait_until(
            lambda: house.basalt("bolus", "0.5", "--confirm", check=False).returncode == 0,
            "boluses again",
        )
        house.until_settled()
        assert house.stop() == 0
    let_it_rest(house)

    assert house.said("actuator", DeliveryGap)
    assert made_up < 6_000
    assert ["power_lost"] == [event.reason for event in house.said("actuator", BolusStopped)]
    assert_sound(house)
