"""Hours of the real trace on real processes at a high speed, replayed; nightly a day at 600."""

from typing import NamedTuple

import msgspec
import pytest

from schemas.bolus.advice import AdviceAccepted, BolusAdvised
from schemas.bolus.orders import BolusOrdered
from schemas.glucose import GlucoseMeasured
from schemas.units import HOUR_MS
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

BEGIN = 1_489_587_059_000  # 2017-03-15 07:11 in Los Angeles


class Span(NamedTuple):
    """How long is lived, and how fast, and what a person eats in it.

    A meal that is 15 minutes late is left out: at 600 these are 1.5 s, too little where a machine
    does other work.
    """

    hours: int
    speed: int
    meals: int


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(Span(6, 300, 2), id="breakfast and lunch"),
        pytest.param(Span(24, 600, 3), id="a whole day", marks=pytest.mark.nightly),
    ],
)
def span(request: pytest.FixtureRequest) -> Span:
    chosen: Span = request.param
    return chosen


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, span: Span) -> RealSystem:
    """Let the scripted person live some hours: meals, advice, acceptance."""
    folder = tmp_path_factory.mktemp("day") / "data"
    lasts_s = span.hours * HOUR_MS / 1000 / span.speed
    with real_system(folder, "--speed", f"{span.speed}", "--for", f"{lasts_s:.0f}s") as system:
        assert system.process.wait(timeout=2 * lasts_s + 120) == 0
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


def test_the_person_ate_and_dosed_at_each_meal(day: RealSystem, span: Span) -> None:
    """The hours were lived, not only survived."""
    assert len(day.said("bolus_advisor", AdviceAccepted)) >= span.meals
    assert len(day.said("bolus_advisor", BolusOrdered)) >= span.meals
    assert len(day.said("bolus_advisor", BolusAdvised)) >= span.meals
    assert len(day.said("glucose_ingest", GlucoseMeasured)) >= span.hours * 10


def test_the_command_line_replays_any_hour(day: RealSystem, span: Span) -> None:
    """`basalt replay --at` shows the state of then, from the record alone."""
    noon = "2017-03-15T12:00:00-07:00"

    shown = msgspec.json.decode(day.basalt("replay", "--at", noon, "--json").stdout)
    later = msgspec.json.decode(day.basalt("replay", "--json").stdout)

    text, text_later = str(shown), str(later)
    assert text != text_later
    assert day.last_now().therapy - BEGIN > (span.hours - 1) * HOUR_MS
