"""What an advice says of itself, field by field, and each reason at its edge."""

from typing import Any

import msgspec
import pytest

from core.deciders.bolus.state import advice_inputs_of
from core.dosing.advice.advise import advise
from core.dosing.advice.inputs import AdviceInputs
from core.dosing.advice.settings import factors_at
from core.dosing.insulin_account.dose_account import DoseBook, OpenDose
from schemas.basal.profiles import ZoneTransition
from schemas.bolus.advice import (
    BolusAdvised,
    RequestAdvice,
)
from schemas.bolus.orders import (
    OrderBolus,
)
from schemas.bolus.settings import BolusSettingsSet, CarbRatioSegment, TargetSegment
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured
from schemas.message import Now
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    Grams,
    MgDl,
    MilligramsPerUnit,
    Milliseconds,
    MilliUnits,
    UtcMillis,
)
from support.simulated.fake_system import LIMITS, SETTINGS, START, FakeSystem, whole_day

MEAL = RequestAdvice(carbs=Grams(40))
NOTHING = RequestAdvice(carbs=Grams(0))


LONG_AGO = UtcMillis(START - 10 * HOUR_MS)


def basis(system: FakeSystem, **fields: Any) -> AdviceInputs:
    known = msgspec.structs.replace(
        advice_inputs_of(system.state("bolus_advisor")), recorded_from=LONG_AGO
    )
    return msgspec.structs.replace(known, **fields)


def now(system: FakeSystem) -> Now:
    return system.clock.now()


def advised(system: FakeSystem, wanted: RequestAdvice = NOTHING, **fields: Any) -> BolusAdvised:
    found = advise(basis(system, **fields), wanted, now(system))
    assert isinstance(found, BolusAdvised), found
    return found


def unknown(amount: int = 1_000, **fields: Any) -> DoseBook:
    dose = OpenDose(
        dose=DoseId("u"), amount=MilliUnits(amount), since=UtcMillis(START), is_unknown=True
    )
    return DoseBook(open=(msgspec.structs.replace(dose, **fields),))


@pytest.mark.parametrize(
    ("fields", "wanted", "reason"),
    [
        ({"is_record_whole": False}, MEAL, "history_missing"),
        ({"is_clock_sound": False}, MEAL, "clock_doubtful"),
        ({}, RequestAdvice(carbs=Grams(301)), "carbs_out_of_range"),
        ({"suspended": True}, MEAL, "suspended"),
        ({"doses": unknown(is_unknown=False)}, MEAL, "bolus_running"),
        ({"settings": None}, MEAL, "no_settings"),
        ({"limits": None}, MEAL, "no_limits"),
        (
            {"doses": unknown(is_unknown=False, is_extended=True)},
            RequestAdvice(carbs=Grams(40), duration=Milliseconds(HOUR_MS)),
            "extended_running",
        ),
        ({}, RequestAdvice(carbs=Grams(40), duration=Milliseconds(1)), "duration_out_of_range"),
    ],
)
def test_each_reason_against_an_advice(
    system: FakeSystem, fields: dict[str, Any], wanted: RequestAdvice, reason: str
) -> None:
    """By its own name."""
    assert reason == advise(basis(system, **fields), wanted, now(system))


def test_a_vendor_may_refuse_by_itself(system: FakeSystem) -> None:
    """The reason is the vendor's, not the system's."""
    settings = msgspec.structs.replace(whole_day(rules="loop"), safe_minimum=MgDl(50))
    system.ask(settings, to="bolus_advisor")
    system.glucose("54")

    assert "vendor_gives_no_advice" == advise(basis(system), MEAL, now(system))


def test_what_it_was_computed_from_is_named(system: FakeSystem) -> None:
    """Settings, limits, the reading that was used, every dose that acts; no other."""
    without = advised(system)
    system.glucose("200")
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    system.run(ms=MINUTE_MS)
    state = system.state("bolus_advisor")
    found = advised(system)
    system.run(ms=10 * MINUTE_MS + 1)
    stale = advised(system)

    ordered = [name for name in found.computed_from if name.startswith("bolus_advisor")]
    assert (state.settings_id, state.limits_id) == without.computed_from
    assert (state.settings_id, state.limits_id, state.reading_id) == found.computed_from[:3]
    assert 4 == len(found.computed_from) and ordered[-1] == found.computed_from[3]
    assert state.reading_id not in stale.computed_from
    assert (200, state.reading.measured_at) == (found.glucose, found.measured_at)
    assert (None, None) == (stale.glucose, stale.measured_at)


def test_both_advices_are_shown_where_a_dose_is_unknown(system: FakeSystem) -> None:
    """The most is subtracted; the other is for the eye."""
    system.glucose("200")
    book = unknown()
    found = advised(system, doses=book)

    assert (1_000, 2_000) == (found.amount, found.amount_least)
    assert (0, 1_000) == (found.insulin_on_board_least, found.insulin_on_board_most)
    assert "unknown_dose_counted" in found.reasons
    assert None is advised(system).amount_least


@pytest.mark.parametrize(
    ("glucose", "carbs", "reasons"),
    [
        ("100", 40, ()),
        ("90", 40, ()),
        ("89", 40, ("below_target", "negative_correction", "rounded_down")),
        ("120", 0, ("nothing_needed",)),
        ("200", 0, ()),
        ("201", 0, ("rounded_down",)),
    ],
)
def test_reasons_and_nothing_but_reasons(
    system: FakeSystem, glucose: str, carbs: int, reasons: tuple[str, ...]
) -> None:
    """A reason that is always there says nothing."""
    system.glucose(glucose)

    assert reasons == advised(system, RequestAdvice(carbs=Grams(carbs))).reasons


def test_a_dose_that_is_open_and_not_subtracted_is_no_reason(system: FakeSystem) -> None:
    """A meal alone: insulin on board takes nothing from it."""
    system.glucose("100")

    assert () == advised(system, MEAL, doses=unknown()).reasons


def test_aaps_alone_says_what_it_does_not_count(system: FakeSystem) -> None:
    """Its own wizard counts trend and basal: a drop of blood leads nowhere."""
    system.glucose("200")
    plain = advised(system).reasons
    system.ask(whole_day(rules="aaps"), to="bolus_advisor")

    terms = {term.name for term in advised(system).terms}
    assert "basal_not_counted" not in plain
    assert ("trend_not_counted", "basal_not_counted") == advised(system).reasons
    assert terms.isdisjoint({"trend", "basal_insulin_on_board"})
    assert {"food", "correction", "carbs_on_board", "bolus_insulin_on_board"} <= terms


@pytest.mark.requirement("R13")
@pytest.mark.parametrize(
    ("began", "is_young"), [(None, True), (6 * HOUR_MS - 1, True), (6 * HOUR_MS, False)]
)
def test_a_record_younger_than_insulin_acts_is_told(
    system: FakeSystem, began: int | None, is_young: bool
) -> None:
    """What was given before it is unknown, never nothing."""
    system.glucose("250")
    since = None if began is None else UtcMillis(now(system).therapy - began)
    found = advised(system, recorded_from=since)

    assert is_young == ("record_younger_than_insulin" in found.reasons)


@pytest.mark.requirement("R13")
def test_the_mutant_that_takes_a_new_record_for_all_of_it_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service itself knows when its record begins."""

    def told() -> bool:
        return "record_younger_than_insulin" in advise_now(system).reasons

    assert told()
    monkeypatch.setattr(AdviceInputs, "is_young", lambda *_, **__: False)
    assert not told()
    monkeypatch.undo()
    system.run(ms=6 * HOUR_MS)
    assert not told()


def advise_now(system: FakeSystem) -> BolusAdvised:
    found = advise(advice_inputs_of(system.state("bolus_advisor")), MEAL, now(system))
    assert isinstance(found, BolusAdvised)
    return found


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("minimum", "reason"),
    [(49, "out_of_range"), (50, ""), (100, ""), (101, "out_of_range")],
)
def test_the_safe_minimum_is_a_setting(system: FakeSystem, minimum: int, reason: str) -> None:
    """From 50 to 100 mg/dL; 70 where nobody sets it."""
    asked = msgspec.structs.replace(whole_day(), safe_minimum=MgDl(minimum))
    assert reason == system.ask(asked, to="bolus_advisor").reason

    holds = minimum if not reason else 70
    system.glucose(str(holds - 1))
    assert "glucose_below_safe_minimum" == advise(basis(system), MEAL, now(system))
    system.run(ms=MINUTE_MS)
    system.glucose(str(holds))
    assert advised(system, MEAL).amount >= 0


def test_the_largest_bolus_of_the_pump_is_a_cut(system: FakeSystem) -> None:
    """30 U by the settings, 25 U by the pump."""
    limits = msgspec.structs.replace(LIMITS, pump_model="basalt_virtual")
    system.ask(msgspec.structs.replace(limits, single=25_000, hourly=75_000), to="actuator")
    state = system.state("bolus_advisor")
    open_limits = msgspec.structs.replace(state.limits, single=MilliUnits(40_000))
    found = advised(system, RequestAdvice(carbs=Grams(300)), limits=open_limits)

    assert 25_000 == found.amount
    assert [("pump_maximum", 30_000, 25_000)] == [
        (cut.limit, cut.before, cut.after) for cut in found.clamps
    ]
    assert "clamped_to_pump_maximum" in found.reasons


def test_rounding_of_the_rule_is_by_the_steps_of_the_pump(system: FakeSystem) -> None:
    """A t:slim gives hundredths; the virtual motor twentieths of a unit."""
    system.ask(msgspec.structs.replace(LIMITS, pump_model="tandem_tslim_x2"), to="actuator")
    system.ask(whole_day(rules="ypsomed"), to="bolus_advisor")
    system.glucose("203")
    found = advised(system)

    assert (2_070, 2_050) == (found.vendor, found.amount)
    assert [("whole_steps", 2_070, 2_050)] == [
        (cut.limit, cut.before, cut.after) for cut in found.clamps
    ]


def test_the_threshold_of_a_correction_is_exact(system: FakeSystem) -> None:
    """170 mg/dL are 170000 ug/dL, not one more."""
    target = TargetSegment(start_minute=0, low=MgDl(90), high=MgDl(120), correct_above=MgDl(170))
    system.ask(msgspec.structs.replace(SETTINGS, targets=(target,)), to="bolus_advisor")
    system.glucose("171")

    assert 1_275 == advised(system).correction


def test_a_mark_that_is_stale_is_no_reason_to_refuse(system: FakeSystem) -> None:
    """LOW of a quarter of an hour ago is no reading; carbs only."""
    low = GlucoseBeyondRange(
        measured_at=UtcMillis(now(system).therapy - 15 * MINUTE_MS),
        bound="low",
        source="meter",
        received="LOW",
    )
    fresh = msgspec.structs.replace(low, measured_at=now(system).therapy)

    assert ("glucose_stale", "carbs_only") == advised(system, MEAL, reading=low).reasons
    assert "glucose_low_mark" == advise(basis(system, reading=fresh), MEAL, now(system))


def test_a_measured_value_is_no_mark(system: FakeSystem) -> None:
    """It is used."""
    value = GlucoseMeasured(
        measured_at=now(system).therapy,
        glucose=MgDl(100),
        source="meter",
        unit="mg/dL",
        received="100",
    )

    assert 100 == advised(system, MEAL, reading=value).glucose


def test_the_clock_on_the_wall_begins_with_its_first_transition() -> None:
    """At that very instant it is known, a millisecond before it is not."""
    ratios = tuple(
        CarbRatioSegment(start_minute=minute, carb_ratio=MilligramsPerUnit(10_000 + minute))
        for minute in (0, 1, 60)
    )
    fields = msgspec.structs.asdict(msgspec.structs.replace(SETTINGS, carb_ratios=ratios))
    settings = BolusSettingsSet(**fields, actor="a")
    midnight = UtcMillis(START)
    utc = (ZoneTransition(at=midnight, offset_s=0),)

    at = factors_at(settings, utc, at=midnight)
    assert at is not None and 0 == at.carb_ratio_from
    assert None is factors_at(settings, utc, at=UtcMillis(midnight - 1))
    whole = BolusSettingsSet(**msgspec.structs.asdict(SETTINGS), actor="a")
    anywhere = factors_at(whole, (), at=midnight)
    assert anywhere is not None and 0 == anywhere.carb_ratio_from


def test_an_advice_keeps_how_it_was_to_be_spread(system: FakeSystem) -> None:
    """So that accepting it computes the same again."""
    wanted = RequestAdvice(carbs=Grams(40), duration=Milliseconds(HOUR_MS), now_percent=25)
    found = advised(system, wanted)

    assert (25, HOUR_MS, 3_000) == (found.now_percent, found.duration, found.later)
    assert (0, 0, 0) == (
        advised(system, MEAL).now_percent,
        advised(system, MEAL).duration,
        advised(system, MEAL).later,
    )
