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
from services.runtime.platform.zone_lookup import ZoneLookupHandler
from support.simulated.fake_system import (
    LIMITS,
    PROFILE,
    SAID_TWICE,
    SETTINGS,
    START,
    FakeSystem,
    whole_day,
)

NIGHT_AND_DAY = (
    CarbRatioSegment(start_minute=0, carb_ratio=MilligramsPerUnit(20_000)),
    CarbRatioSegment(start_minute=6 * 60, carb_ratio=MilligramsPerUnit(10_000)),
)


def changed(**fields: Any) -> SetBolusSettings:
    return msgspec.structs.replace(SETTINGS, confirmed=SAID_TWICE, **fields)


def advised(system: FakeSystem, carbs: int) -> BolusAdvised:
    outcome = system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor")
    event = codec.decode_event(outcome.said[0])
    assert isinstance(event, BolusAdvised), event
    return event


def names(found: Sequence[Any]) -> list[str]:
    return [one.name for one in found]


def test_day_and_night_differ_and_the_segment_is_cited(system: FakeSystem) -> None:
    """Berlin is an hour ahead of UTC in November: 05:00 there at 04:00, 06:00 an hour later."""
    system.ask(changed(carb_ratios=NIGHT_AND_DAY), to="bolus_advisor")
    system.run(ms=4 * HOUR_MS)
    night = advised(system, 40)
    system.run(ms=HOUR_MS)
    day = advised(system, 40)

    assert night.factors is not None and day.factors is not None
    assert (2_000, 20_000, 0) == (
        night.food,
        night.factors.carb_ratio,
        night.factors.carb_ratio_from,
    )
    assert (4_000, 10_000, 360) == (day.food, day.factors.carb_ratio, day.factors.carb_ratio_from)


def test_on_a_journey_the_settings_follow_the_clock_of_the_place(system: FakeSystem) -> None:
    """At 06:00 in Berlin it is midnight in New York."""
    system.ask(changed(carb_ratios=NIGHT_AND_DAY), to="bolus_advisor")
    system.run(ms=5 * HOUR_MS)
    before = advised(system, 40)
    system.ask(SetBasalZone(zone="America/New_York"), to="basal_scheduler")
    after = advised(system, 40)

    assert (4_000, 2_000) == (before.food, after.food)
    assert "America/New_York" == system.view("bolus_advisor").zone


def test_a_journey_to_nowhere_changes_nothing(system: FakeSystem) -> None:
    """The scheduler refuses the zone, and the advisor goes back with it."""
    system.ask(changed(carb_ratios=NIGHT_AND_DAY), to="bolus_advisor")
    system.run(ms=5 * HOUR_MS)
    system.ask(SetBasalZone(zone="Mars/Olympus"), to="basal_scheduler")
    system.settle()

    assert 4_000 == advised(system, 40).food


def test_without_a_known_zone_there_is_no_advice_and_an_alarm(system: FakeSystem) -> None:
    """Which ratio holds is not known, so none is used."""
    asked = changed(zone="Mars/Olympus", carb_ratios=NIGHT_AND_DAY)
    system.ask(asked, to="bolus_advisor")
    system.settle()
    outcome = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor")
    alarms = [alarm.alarm for alarm in system.view("bolus_advisor").alarms]
    system.ask(changed(carb_ratios=NIGHT_AND_DAY), to="bolus_advisor")
    system.settle()

    assert (False, "no_local_time") == (outcome.accepted, outcome.reason)
    assert ["zone_unknown"] == alarms
    assert 2_000 == advised(system, 40).food
    assert () == system.view("bolus_advisor").alarms


def test_a_lookup_that_died_with_the_process_is_made_again(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked, killed before the answer, started: asked again."""

    async def dies(*_: object) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(ZoneLookupHandler, "handle", dies)
        system.ask(changed(carb_ratios=NIGHT_AND_DAY, zone="Asia/Tokyo"), to="bolus_advisor")
    refused = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor")
    system.restart("bolus_advisor")
    system.settle()

    assert "no_local_time" == refused.reason
    assert 4_000 == advised(system, 40).food


def test_transitions_are_looked_up_anew_well_before_they_end(system: FakeSystem) -> None:
    """A pump runs for years; its time-zone data must not run out."""
    clock = system.state("bolus_advisor").clock
    assert isinstance(clock.known, ZoneResolved)
    asked = len(system.said_of("bolus_advisor", ZoneLookupRequested))

    system.clock.advance(therapy_ms=clock.known.known_until - RENEWED_MS - START)
    system.settle()

    later = system.state("bolus_advisor").clock.known
    assert asked + 1 == len(system.said_of("bolus_advisor", ZoneLookupRequested))
    assert later.known_until > clock.known.known_until + 300 * DAY_MS


def test_no_correction_up_to_the_threshold(system: FakeSystem) -> None:
    """170 is above the target and not above the threshold of a correction."""
    above = TargetSegment(start_minute=0, low=MgDl(90), high=MgDl(120), correct_above=MgDl(170))
    system.ask(changed(targets=(above,)), to="bolus_advisor")
    system.glucose("170")
    at = advised(system, 0)
    system.run(ms=5 * 60_000)
    system.glucose("171")
    over = advised(system, 0)

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
    system: FakeSystem, rules: str, vendor: int, amount: int, reason: str | None
) -> None:
    """203 mg/dL and nothing else, each vendor's way; what it rounds up is cut."""
    system.ask(whole_day(rules=rules), to="bolus_advisor")
    system.glucose("203")

    found = advised(system, 0)

    assert (rules, vendor, amount) == (found.rules, found.vendor, found.amount)
    assert reason is None or reason in found.reasons
    assert "correction" in names(found.terms)


def test_a_rule_set_that_nobody_knows_is_refused(system: FakeSystem) -> None:
    """And segments that do not begin at midnight."""
    unknown = system.ask(whole_day(rules="guess"), to="bolus_advisor")
    late = system.ask(changed(carb_ratios=NIGHT_AND_DAY[1:]), to="bolus_advisor")

    assert (False, "unknown_rules") == (unknown.accepted, unknown.reason)
    assert (False, "segments_wrong") == (late.accepted, late.reason)


@pytest.mark.parametrize(
    ("amount", "reason", "limit"),
    [(1_050, "pump_step", 1_000), (25_100, "pump_maximum", 25_000)],
)
def test_a_pump_model_gives_its_own_steps_and_no_more(
    system: FakeSystem, amount: int, reason: str, limit: int
) -> None:
    """A Medtronic 522 gives tenths of a unit, up to 25 U."""
    limits = msgspec.structs.replace(LIMITS, pump_model="medtronic_522")
    system.ask(limits, to="actuator")
    system.glucose("203")
    advice = advised(system, 0)

    outcome = system.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor")

    assert (2_000, ("rounded_down",)) == (advice.amount, advice.reasons[-1:])
    assert (False, reason) == (outcome.accepted, outcome.reason)
    assert f'"limit":{limit}'.encode() in bytes(outcome.said[0])


def test_a_pump_model_rounds_the_plan_down(system: FakeSystem) -> None:
    """0.83 U/h is 0.8 U/h on a pump with steps of 0.05, and that alone is no alarm."""
    limits = msgspec.structs.replace(LIMITS, pump_model="omnipod_dash")
    first = msgspec.structs.replace(PROFILE.segments[0], rate=830)
    system.ask(limits, to="actuator")
    system.ask(msgspec.structs.replace(PROFILE, segments=(first,)), to="basal_scheduler")
    system.settle()

    planned = system.said_of("basal_scheduler", BasalPlanMade)[-1]
    accepted = system.said_of("actuator", BasalPlanAccepted)[-1]
    assert [830] == [step.rate for step in planned.steps]
    assert ([800], False) == ([step.rate for step in accepted.steps], accepted.capped)


def test_a_model_that_nobody_knows_is_refused(system: FakeSystem) -> None:
    """A typing error must not choose a pump."""
    limits = msgspec.structs.replace(LIMITS, pump_model="pump")

    outcome = system.ask(limits, to="actuator")

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


def test_why_a_setting_was_changed_is_kept(system: FakeSystem) -> None:
    """Each setting is an event with who and why."""
    system.ask(changed(because="after the visit"), to="bolus_advisor")
    refused = system.ask(changed(because="x" * 201), to="bolus_advisor")

    taken = system.said_of("bolus_advisor", BolusSettingsSet)[-1]
    assert ("person:test", "after the visit") == (taken.actor, taken.because)
    assert (False, "out_of_range") == (refused.accepted, refused.reason)
    assert UtcMillis(START) <= system.clock.now().therapy


def test_the_zone_of_a_new_profile_moves_the_settings_as_well(system: FakeSystem) -> None:
    """One clock on the wall for basal and boluses, whatever moved it."""
    system.ask(msgspec.structs.replace(PROFILE, zone="Asia/Tokyo"), to="basal_scheduler")
    system.run(ms=60_000)
    moved = system.view("bolus_advisor").zone
    system.ask(msgspec.structs.replace(PROFILE, zone="Mars/Olympus"), to="basal_scheduler")
    system.run(ms=60_000)

    assert "Asia/Tokyo" == moved == system.view("basal_scheduler").zone
    assert "Asia/Tokyo" == system.view("bolus_advisor").zone
