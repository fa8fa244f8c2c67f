"""Bolus settings in the services: by the hour, on a journey, by any rule set, on any pump."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from core.deciders.bolus.zone_tracking import RENEWED_MS
from schemas.basal.plans import BasalPlanAccepted
from schemas.basal.profiles import BasalPlanMade, SetBasalZone, ZoneLookupRequested, ZoneResolved
from schemas.bolus.advice import BolusAdvised, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.bolus.settings import (
    BolusSettingsSet,
    CarbRatioSegment,
    SetBolusSettings,
    TargetSegment,
)
from schemas.units import DAY_MS, HOUR_MS, Grams, MgDl, MilligramsPerUnit, MilliUnits, UtcMillis
from schemas.wire import codec
from services.runtime.platform.zone_lookup import ZoneHands
from support.simulated.fake_system import LIMITS, PROFILE, SETTINGS, START, FakeHouse, whole_day

NIGHT_AND_DAY = (
    CarbRatioSegment(start_minute=0, carb_ratio=MilligramsPerUnit(20_000)),
    CarbRatioSegment(start_minute=6 * 60, carb_ratio=MilligramsPerUnit(10_000)),
)


def changed(**fields: Any) -> SetBolusSettings:
    return msgspec.structs.replace(SETTINGS, **fields)


def advised(house: FakeHouse, carbs: int) -> BolusAdvised:
    outcome = house.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor")
    event = codec.decode_event(outcome.said[0])
    assert isinstance(event, BolusAdvised), event
    return event


def names(found: Sequence[Any]) -> list[str]:
    return [one.name for one in found]


def test_day_and_night_differ_and_the_segment_is_cited(house: FakeHouse) -> None:
    """Berlin is an hour ahead of UTC in November: 05:00 there at 04:00, 06:00 an hour later."""
    house.ask(changed(carb_ratios=NIGHT_AND_DAY), to="bolus_advisor")
    house.run(ms=4 * HOUR_MS)
    night = advised(house, 40)
    house.run(ms=HOUR_MS)
    day = advised(house, 40)

    assert night.factors is not None and day.factors is not None
    assert (2_000, 20_000, 0) == (
        night.food,
        night.factors.carb_ratio,
        night.factors.carb_ratio_from,
    )
    assert (4_000, 10_000, 360) == (day.food, day.factors.carb_ratio, day.factors.carb_ratio_from)


def test_on_a_journey_the_settings_follow_the_clock_of_the_place(house: FakeHouse) -> None:
    """At 06:00 in Berlin it is midnight in New York."""
    house.ask(changed(carb_ratios=NIGHT_AND_DAY), to="bolus_advisor")
    house.run(ms=5 * HOUR_MS)
    before = advised(house, 40)
    house.ask(SetBasalZone(zone="America/New_York"), to="basal_scheduler")
    after = advised(house, 40)

    assert (4_000, 2_000) == (before.food, after.food)
    assert "America/New_York" == house.view("bolus_advisor").zone


def test_a_journey_to_nowhere_changes_nothing(house: FakeHouse) -> None:
    """The scheduler refuses the zone, and the advisor goes back with it."""
    house.ask(changed(carb_ratios=NIGHT_AND_DAY), to="bolus_advisor")
    house.run(ms=5 * HOUR_MS)
    house.ask(SetBasalZone(zone="Mars/Olympus"), to="basal_scheduler")
    house.settle()

    assert 4_000 == advised(house, 40).food


def test_without_a_known_zone_there_is_no_advice_and_an_alarm(house: FakeHouse) -> None:
    """Which ratio holds is not known, so none is used."""
    asked = changed(zone="Mars/Olympus", carb_ratios=NIGHT_AND_DAY)
    house.ask(asked, to="bolus_advisor")
    house.settle()
    outcome = house.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor")
    alarms = [alarm.alarm for alarm in house.view("bolus_advisor").alarms]
    house.ask(changed(carb_ratios=NIGHT_AND_DAY), to="bolus_advisor")
    house.settle()

    assert (False, "no_local_time") == (outcome.accepted, outcome.reason)
    assert ["zone_unknown"] == alarms
    assert 2_000 == advised(house, 40).food
    assert () == house.view("bolus_advisor").alarms


def test_a_lookup_that_died_with_the_process_is_made_again(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked, killed before the answer, started: asked again."""

    async def dies(*_: object) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(ZoneHands, "perform", dies)
        house.ask(changed(carb_ratios=NIGHT_AND_DAY, zone="Asia/Tokyo"), to="bolus_advisor")
    refused = house.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor")
    house.restart("bolus_advisor")
    house.settle()

    assert "no_local_time" == refused.reason
    assert 4_000 == advised(house, 40).food


def test_transitions_are_looked_up_anew_well_before_they_end(house: FakeHouse) -> None:
    """A pump runs for years; its time-zone data must not run out."""
    clock = house.state("bolus_advisor").clock
    assert isinstance(clock.known, ZoneResolved)
    asked = len(house.said_of("bolus_advisor", ZoneLookupRequested))

    house.clock.advance(therapy_ms=clock.known.known_until - RENEWED_MS - START)
    house.settle()

    later = house.state("bolus_advisor").clock.known
    assert asked + 1 == len(house.said_of("bolus_advisor", ZoneLookupRequested))
    assert later.known_until > clock.known.known_until + 300 * DAY_MS


def test_no_correction_up_to_the_threshold(house: FakeHouse) -> None:
    """170 is above the target and not above the threshold of a correction."""
    above = TargetSegment(start_minute=0, low=MgDl(90), high=MgDl(120), correct_above=MgDl(170))
    house.ask(changed(targets=(above,)), to="bolus_advisor")
    house.glucose("170")
    at = advised(house, 0)
    house.run(ms=5 * 60_000)
    house.glucose("171")
    over = advised(house, 0)

    assert (0, 0) == (at.correction, at.amount)
    assert "not_above_correct_above" in at.reasons
    assert (1_275, 1_250) == (over.correction, over.amount)


@pytest.mark.parametrize(
    ("rules", "vendor", "amount", "reason"),
    [
        ("basalt", 2_050, 2_050, "rounded_down"),
        ("omnipod", 2_050, 2_050, "rounded_down"),
        ("medtronic", 2_000, 2_000, None),
        ("tandem", 2_070, 2_050, "rules_unverified"),
        ("ypsomed", 2_050, 2_050, "rounded_down"),
        ("aaps", 2_100, 2_050, "never_rounded_up"),
        ("loop", 2_450, 2_450, "rules_unverified"),
    ],
)
def test_the_rule_set_in_force_advises(
    house: FakeHouse, rules: str, vendor: int, amount: int, reason: str | None
) -> None:
    """203 mg/dL and nothing else, each vendor's way; what it rounds up is cut."""
    house.ask(whole_day(rules=rules), to="bolus_advisor")
    house.glucose("203")

    found = advised(house, 0)

    assert (rules, vendor, amount) == (found.rules, found.vendor, found.amount)
    assert reason is None or reason in found.reasons
    assert "correction" in names(found.terms)


def test_a_rule_set_that_nobody_knows_is_refused(house: FakeHouse) -> None:
    """And segments that do not begin at midnight."""
    unknown = house.ask(whole_day(rules="guess"), to="bolus_advisor")
    late = house.ask(changed(carb_ratios=NIGHT_AND_DAY[1:]), to="bolus_advisor")

    assert (False, "unknown_rules") == (unknown.accepted, unknown.reason)
    assert (False, "segments_wrong") == (late.accepted, late.reason)


@pytest.mark.parametrize(
    ("amount", "reason", "limit"),
    [(1_050, "pump_step", 1_000), (25_100, "pump_maximum", 25_000)],
)
def test_a_pump_model_gives_its_own_steps_and_no_more(
    house: FakeHouse, amount: int, reason: str, limit: int
) -> None:
    """A Medtronic 522 gives tenths of a unit, up to 25 U."""
    limits = msgspec.structs.replace(LIMITS, pump_model="medtronic_522")
    house.ask(limits, to="actuator")
    house.glucose("203")
    advice = advised(house, 0)

    outcome = house.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor")

    assert (2_000, ("rounded_down",)) == (advice.amount, advice.reasons[-1:])
    assert (False, reason) == (outcome.accepted, outcome.reason)
    assert f'"limit":{limit}'.encode() in bytes(outcome.said[0])


def test_a_pump_model_rounds_the_plan_down(house: FakeHouse) -> None:
    """0.83 U/h is 0.8 U/h on a pump with steps of 0.05, and that alone is no alarm."""
    limits = msgspec.structs.replace(LIMITS, pump_model="omnipod_dash")
    first = msgspec.structs.replace(PROFILE.segments[0], rate=830)
    house.ask(limits, to="actuator")
    house.ask(msgspec.structs.replace(PROFILE, segments=(first,)), to="basal_scheduler")
    house.settle()

    planned = house.said_of("basal_scheduler", BasalPlanMade)[-1]
    accepted = house.said_of("actuator", BasalPlanAccepted)[-1]
    assert [830] == [step.rate for step in planned.steps]
    assert ([800], False) == ([step.rate for step in accepted.steps], accepted.capped)


def test_a_model_that_nobody_knows_is_refused(house: FakeHouse) -> None:
    """A typing error must not choose a pump."""
    limits = msgspec.structs.replace(LIMITS, pump_model="pump")

    outcome = house.ask(limits, to="actuator")

    assert (False, "out_of_range") == (outcome.accepted, outcome.reason)
    assert b"pump_model" in bytes(outcome.said[0])


def test_settings_of_the_first_version_are_read_for_ever() -> None:
    """One ratio for the whole day becomes one segment, by the rule set of that time."""
    old = (
        b'"carb_ratio":10000,"sensitivity":40000,"target_low":90,"target_high":120,'
        b'"insulin":{"duration":21600000,"peak":4500000,"delay":600000}'
    )
    command = codec.decode_command(b'{"type":"set_bolus_settings.v1",' + old + b"}")
    event = codec.decode_event(b'{"type":"bolus_settings_set.v1","actor":"person:a",' + old + b"}")

    assert msgspec.structs.replace(SETTINGS, zone="UTC") == command
    assert isinstance(event, BolusSettingsSet)
    assert ("UTC", SETTINGS.targets, "person:a") == (event.zone, event.targets, event.actor)


def test_why_a_setting_was_changed_is_kept(house: FakeHouse) -> None:
    """Each setting is an event with who and why."""
    house.ask(changed(because="after the visit"), to="bolus_advisor")
    refused = house.ask(changed(because="x" * 201), to="bolus_advisor")

    taken = house.said_of("bolus_advisor", BolusSettingsSet)[-1]
    assert ("person:test", "after the visit") == (taken.actor, taken.because)
    assert (False, "out_of_range") == (refused.accepted, refused.reason)
    assert UtcMillis(START) <= house.clock.now().therapy


def test_the_zone_of_a_new_profile_moves_the_settings_as_well(house: FakeHouse) -> None:
    """One clock on the wall for basal and boluses, whatever moved it."""
    house.ask(msgspec.structs.replace(PROFILE, zone="Asia/Tokyo"), to="basal_scheduler")
    house.run(ms=60_000)
    moved = house.view("bolus_advisor").zone
    house.ask(msgspec.structs.replace(PROFILE, zone="Mars/Olympus"), to="basal_scheduler")
    house.run(ms=60_000)

    assert "Asia/Tokyo" == moved == house.view("basal_scheduler").zone
    assert "Asia/Tokyo" == house.view("bolus_advisor").zone
