"""A day of the real trace on real processes at speed 600, then replayed."""

import msgspec
import pytest

from schemas.bolus.advice import AdviceAccepted, BolusAdvised
from schemas.bolus.orders import BolusOrdered
from schemas.glucose import GlucoseMeasured
from schemas.units import DAY_MS, HOUR_MS
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

DAY_S = DAY_MS / 1000 / 600


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> RealSystem:
    """Let the scripted person live a day: three meals, advice, acceptance."""
    folder = tmp_path_factory.mktemp("day") / "data"
    with real_system(folder, "--speed", "600", "--for", f"{DAY_S:.0f}s") as system:
        assert system.process.wait(timeout=DAY_S + 60) == 0
    let_it_rest(system)
    return system


@pytest.mark.requirement("R97")
def test_the_day_replays_field_by_field_and_byte_by_byte(day: RealSystem) -> None:
    """The record says what each service knew at the end; each decision is made again alike."""
    day.assert_replay_agrees()


def test_the_record_is_whole_and_equals_the_pumps_ledger(day: RealSystem) -> None:
    """Thousands of events at speed 600: none lost, none doubled, every pulse accounted."""
    day.assert_record_is_whole()
    day.assert_each_dose_once()
    day.assert_accounted()


def test_the_person_ate_and_dosed_three_times(day: RealSystem) -> None:
    """The day was lived, not only survived."""
    assert len(day.said("bolus_advisor", AdviceAccepted)) >= 3
    assert len(day.said("bolus_advisor", BolusOrdered)) >= 3
    assert len(day.said("bolus_advisor", BolusAdvised)) >= 3
    assert len(day.said("glucose_ingest", GlucoseMeasured)) >= 250


def test_the_command_line_replays_any_hour(day: RealSystem) -> None:
    """`basalt replay --at` shows the state of then, from the record alone."""
    noon = "2017-03-15T12:00:00-07:00"

    shown = msgspec.json.decode(day.basalt("replay", "--at", noon, "--json").stdout)
    later = msgspec.json.decode(day.basalt("replay", "--json").stdout)

    text, text_later = str(shown), str(later)
    assert text != text_later
    assert day.last_now().therapy - 1_489_604_400_000 > 10 * HOUR_MS
