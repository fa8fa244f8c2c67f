"""A ratio or a sensitivity that changes by more than half is said twice (R118)."""

import msgspec
import pytest

from schemas.bolus.settings import BolusSettingsSet, CarbRatioSegment
from schemas.units import MilligramsPerUnit
from schemas.wire import codec
from services.command_line.output.event_messages import refused
from support.simulated.fake_system import FakeSystem, whole_day
from support.simulated.mutant_pairs import is_caught


def a_slip_of_the_pen_asks_again() -> bool:
    """1 g/U for 10 g/U: ten times the insulin."""
    system = FakeSystem()
    system.set_up()
    return not system.ask(whole_day(carb_ratio=1_000), to="bolus_advisor").accepted


@pytest.mark.requirement("R118")
@pytest.mark.parametrize(
    ("changes", "asks"),
    [
        ({"carb_ratio": 15_000}, ()),
        ({"carb_ratio": 15_001}, ("carb_ratio_changed",)),
        ({"carb_ratio": 6_667}, ()),
        ({"carb_ratio": 6_666}, ("carb_ratio_changed",)),
        ({"sensitivity": 60_000}, ()),
        ({"sensitivity": 60_001}, ("sensitivity_changed",)),
        ({"sensitivity": 26_666}, ("sensitivity_changed",)),
        (
            {"carb_ratio": 3_000, "sensitivity": 9_000},
            ("carb_ratio_changed", "sensitivity_changed"),
        ),
    ],
)
def test_a_value_or_its_insulin_changed_by_more_than_half_asks_again(
    system: FakeSystem, changes: dict[str, int], asks: tuple[str, ...]
) -> None:
    """10 g/U and 40 mg/dL/U before; a third less of a ratio is half more of insulin."""
    asked = whole_day(**changes)  # type: ignore[arg-type]  # fields by name
    outcome = system.ask(asked, to="bolus_advisor")

    assert ("confirmation_needed" if asks else "") == outcome.reason
    twice = msgspec.structs.replace(asked, confirmed=asks)
    again = system.ask(twice, to="bolus_advisor")
    said = codec.decode_event(again.said[0])
    assert isinstance(said, BolusSettingsSet)
    if asks:
        assert asks == said.confirmed


@pytest.mark.requirement("R118")
def test_one_word_confirms_no_other(system: FakeSystem) -> None:
    """Both change; only one was said, and the answer names both."""
    asked = whole_day(carb_ratio=3_000, sensitivity=9_000)
    once = msgspec.structs.replace(asked, confirmed=("carb_ratio_changed",))

    outcome = system.ask(once, to="bolus_advisor")

    assert (
        "the carbohydrate ratio from 00:00 changes from 10 to 3 g/U; the sensitivity from 00:00 "
        "changes from 40 to 9 mg/dL/U; nothing is changed. If you mean it, say it a second time "
        "with --confirm carb_ratio_changed --confirm sensitivity_changed"
    ) == refused(codec.decode_event(outcome.said[0]))


def test_one_hour_of_the_day_is_enough(system: FakeSystem) -> None:
    """The slip may stand in one segment of many."""
    ratios = tuple(
        CarbRatioSegment(start_minute=minute, carb_ratio=MilligramsPerUnit(ratio))
        for minute, ratio in ((0, 10_000), (420, 1_000), (480, 10_000))
    )
    asked = msgspec.structs.replace(whole_day(), carb_ratios=ratios)

    outcome = system.ask(asked, to="bolus_advisor")

    assert "ratio from 07:00 changes from 10 to 1 g/U" in refused(
        codec.decode_event(outcome.said[0])
    )


@pytest.mark.requirement("R118")
def test_the_mutant_that_takes_any_change_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old advisor: a decimal point lost was ten times the insulin."""
    assert a_slip_of_the_pen_asks_again()
    assert is_caught(
        a_slip_of_the_pen_asks_again,
        lambda patch: patch.setattr("core.deciders.bolus.decider.setting_changes", lambda *_: ()),
        monkeypatch,
    )
