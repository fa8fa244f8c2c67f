"""Clocks that jump under real processes, together and each for itself (T1, T3, T4)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from schemas.delivery.delivery import BolusDelivered, BolusStopped, DeliveryGap
from schemas.units import DAY_MS
from services.runtime.platform.clock import _checksum, read_clock_record
from services.runtime.platform.data_folder import DataFolder
from support.real.crash_system import assert_sound, look
from support.real.real_system import RealSystem, let_it_rest, real_system
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
def shifted_system(tmp_path: Path) -> Iterator[tuple[RealSystem, Clocks]]:
    clocks = Clocks(tmp_path / "clocks")
    with real_system(tmp_path / "data", *QUIET, environment=clocks.environment) as system:
        yield system, clocks


@pytest.mark.requirement("R85")
@pytest.mark.requirement("R88")
@pytest.mark.requirement("R44")
def test_steps_of_the_wall_clock_in_mid_bolus_move_nothing(tmp_path: Path) -> None:
    """From a second to ten years, both ways, with processes started anew in between (T1)."""
    with shifted_system(tmp_path) as (system, clocks):
        system.basalt("bolus", "6")
        system.until_begun()
        for number, by_s in enumerate(STEPS_S):
            clocks.shift("wall", by_s)
            time.sleep(0.2)
            if number in (3, 9):
                system.kill("actuator")
        look(system)
        system.until_settled()
        given = system.basalt("bolus", "0.5", "--confirm", check=False)
        system.until_settled()
        system.rest_and_stop()
        span = system.ledger()[-1].ends_at - system.ledger()[0].ends_at

    assert [6_000, 500] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    assert given.returncode == 0
    assert span < DAY_MS
    assert_sound(system)


@pytest.mark.requirement("R85")
@pytest.mark.parametrize(
    "by_s",
    [
        -3_600,
        pytest.param(-10 * YEAR_S, marks=pytest.mark.nightly),
        pytest.param(10 * YEAR_S, marks=pytest.mark.nightly),
    ],
)
def test_a_wall_clock_that_was_set_between_two_runs_loses_nothing(
    tmp_path: Path, by_s: float
) -> None:
    """Therapy and real time go on where they were; what is late is late (T1)."""
    with shifted_system(tmp_path) as (system, clocks):
        system.basalt("bolus", "0.5")
        system.until_settled()
        before = system.last_now()
        assert system.stop() == 0
    clocks.shift("wall", by_s)
    with real_system(system.folder.path, *QUIET, environment=clocks.environment) as system:
        given = system.basalt("bolus", "0.6", "--confirm")
        system.until_settled()
        after = system.last_now()
        assert system.stop() == 0
    clocks.shift("wall", 0)
    let_it_rest(system)

    assert given.returncode == 0
    assert 0 < after.therapy - before.therapy < DAY_MS
    assert after.real > before.real
    assert [500, 600] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    assert_sound(system)


@pytest.mark.nightly
@pytest.mark.requirement("R129")
def test_a_wall_clock_ten_years_on_after_a_reboot_opens_no_limit(tmp_path: Path) -> None:
    """The machine was started anew and only its wall clock says for how long it stood."""
    in_real_time = ("--glucose", "none", "--no-person")
    clocks = Clocks(tmp_path / "clocks")
    with real_system(tmp_path / "data", *in_real_time, environment=clocks.environment) as system:
        system.basalt(
            "limits",
            *["--single", "1", "--hourly", "1", "--daily", "80", "--basal", "3", "--soft", "1"],
        )
        system.basalt("bolus", "1")
        system.until_settled()
        assert system.stop() == 0
    of_another_boot(system.folder)
    clocks.shift("wall", 10 * YEAR_S)
    with real_system(system.folder.path, *in_real_time, environment=clocks.environment) as system:
        shown = system.basalt("clock")
        refused = system.basalt("bolus", "1", "--confirm", check=False)
        system.basalt("clock", "passed", "--because", "tried")
        given = system.basalt("bolus", "1", "--confirm", check=False)
        system.until_settled()
        assert system.stop() == 0

    assert "passed by the clock alone" in shown.stdout
    assert (1, "any 60 min" in refused.stderr) == (refused.returncode, True)
    assert given.returncode == 0
    assert [1_000, 1_000] == [event.delivered for event in system.said("actuator", BolusDelivered)]


def of_another_boot(folder: DataFolder) -> None:
    """Make the files of the clock those of an earlier boot of the machine."""
    for path in (folder.clock, folder.path / "clock_seen.json"):
        older = msgspec.structs.replace(read_clock_record(path), boot="of before", checksum="")
        sealed = msgspec.structs.replace(older, checksum=_checksum(older))
        path.write_bytes(msgspec.json.encode(sealed))


@pytest.mark.requirement("R85")
def test_services_whose_wall_clocks_are_hours_apart_agree(tmp_path: Path) -> None:
    """They share one record and count elapsed time alone (T3)."""
    clocks = Clocks(tmp_path / "clocks")
    for name, by_s in (("actuator", 3_600), ("bolus_advisor", -3_600), ("virtual_pump", 7_200)):
        clocks.shift("wall", by_s, of=name)
    with real_system(tmp_path / "data", *QUIET, environment=clocks.environment) as system:
        system.basalt("bolus", "0.5")
        system.until_settled()
        system.rest_and_stop()

    assert [500] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    assert_sound(system)


@pytest.mark.requirement("R45")
@pytest.mark.requirement("R85")
def test_a_machine_that_slept_for_ten_minutes_makes_nothing_up(tmp_path: Path) -> None:
    """The clock that counts through sleep jumps in mid-bolus: the pump was off, no burst (T4)."""
    with shifted_system(tmp_path) as (system, clocks):
        system.basalt("bolus", "6")
        system.until_begun()
        before = system.pumped()
        clocks.shift("boot", 600)
        system.wait_until(lambda: system.said("actuator", BolusStopped), "the bolus ended")
        look(system)
        made_up = system.pumped() - before
        system.wait_until(
            lambda: system.basalt("bolus", "0.5", "--confirm", check=False).returncode == 0,
            "boluses again",
        )
        system.until_settled()
        system.rest_and_stop()

    assert system.said("actuator", DeliveryGap)
    assert made_up < 6_000
    assert ["power_lost"] == [event.reason for event in system.said("actuator", BolusStopped)]
    assert_sound(system)
