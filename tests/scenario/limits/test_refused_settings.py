"""Settings, limits, profiles and meals that make no sense: each is refused by name."""

from typing import Any

import msgspec
import pytest

from schemas.alarms import AcknowledgeAlarm
from schemas.basal.profiles import (
    BasalPlanMade,
    ProfileSegment,
)
from schemas.bolus.advice import RecordCarbs
from schemas.delivery.delivery import CancelBolus
from schemas.delivery.pump import FillReservoir, ResumeDelivery
from schemas.record import (
    SettleHistory,
)
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    Grams,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from support.simulated.fake_system import (
    LIMITS,
    PROFILE,
    SETTINGS,
    FakeSystem,
    whole_day,
)


def changed(whole: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(whole, **fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("carb_ratio", 999),
        ("carb_ratio", 150_001),
        ("carb_ratio", -1),
        ("sensitivity", 4_999),
        ("sensitivity", 500_001),
        ("target_low", 69),
        ("target_high", 89),
        ("target_high", 181),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(
    system: FakeSystem, field: str, value: int
) -> None:
    """The old settings stay, and the person learns which number was wrong."""
    asked = whole_day(**{field: value})  # type: ignore[arg-type]  # one field by its name
    outcome = system.ask(asked, to="bolus_advisor")

    assert (False, "out_of_range") == (outcome.accepted, outcome.reason)
    assert field.encode() in bytes(outcome.said[0])
    assert SETTINGS.carb_ratios == system.state("bolus_advisor").settings.carb_ratios


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration", 119 * MINUTE_MS),
        ("duration", 601 * MINUTE_MS),
        ("peak", 0),
        ("peak", 180 * MINUTE_MS),
        ("delay", -1),
        ("delay", 31 * MINUTE_MS),
    ],
)
def test_an_insulin_that_cannot_be_is_refused(system: FakeSystem, field: str, value: int) -> None:
    """A peak at half the duration would divide by zero."""
    insulin = changed(SETTINGS.insulin, **{field: Milliseconds(value)})

    assert not system.ask(changed(SETTINGS, insulin=insulin), to="bolus_advisor").accepted


@pytest.mark.parametrize(
    ("field", "value"),
    [("single", 0), ("single", 25_050), ("hourly", 9_999), ("daily", 1), ("basal", 30_001)],
)
@pytest.mark.requirement("R9")
def test_a_limit_out_of_range_is_refused_by_name(
    system: FakeSystem, field: str, value: int
) -> None:
    """A limit that limits nothing is none."""
    outcome = system.ask(changed(LIMITS, **{field: value}), to="actuator")

    assert not outcome.accepted
    assert field.encode() in bytes(outcome.said[0])


@pytest.mark.parametrize(
    "segments",
    [
        (),
        ((30, 800),),
        ((0, 800), (0, 900)),
        ((0, 800), (60, 900), (30, 700)),
        ((0, 800), (1440, 900)),
        ((0, -1),),
        ((0, 35_001),),
        tuple((minute, 800) for minute in range(49)),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(
    system: FakeSystem, segments: tuple[tuple[int, int], ...]
) -> None:
    """The plan stays as it is."""
    plans = len(system.said_of("basal_scheduler", BasalPlanMade))
    wrong = tuple(
        ProfileSegment(start_minute=minute, rate=MilliUnitsPerHour(rate))
        for minute, rate in segments
    )

    assert not system.ask(changed(PROFILE, segments=wrong), to="basal_scheduler").accepted
    system.run(ms=MINUTE_MS)
    assert plans == len(system.said_of("basal_scheduler", BasalPlanMade))


@pytest.mark.parametrize(
    ("grams", "ago_ms", "reason"),
    [
        (0, 0, "out_of_range"),
        (301, 0, "out_of_range"),
        (20, 13 * HOUR_MS, "time_out_of_range"),
        (20, -2 * HOUR_MS, "time_out_of_range"),
    ],
)
def test_carbs_out_of_reason_are_refused(
    system: FakeSystem, grams: int, ago_ms: int, reason: str
) -> None:
    """A typing error must not become a meal."""
    at = UtcMillis(system.clock.now().therapy - ago_ms)
    meal = RecordCarbs(grams=Grams(grams), eaten_at=at)

    assert reason == system.ask(meal, to="bolus_advisor").reason


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (CancelBolus(dose=DoseId("bolus_advisor:p1:77")), "no_bolus_runs"),
        (ResumeDelivery(), "not_suspended"),
        (FillReservoir(amount=MilliUnits(49)), "out_of_range"),
        (FillReservoir(amount=MilliUnits(300_001)), "out_of_range"),
        (AcknowledgeAlarm(alarm="nothing"), "not_active"),
        (SettleHistory(speaker="bolus_advisor"), "not_supported"),
    ],
)
def test_a_command_with_nothing_to_do_says_so(
    system: FakeSystem, command: Any, reason: str
) -> None:
    """Never do nothing in silence."""
    assert reason == system.ask(command, to="actuator").reason
