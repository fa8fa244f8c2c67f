"""How much insulin to advise: by the rule set in force, term by term, within Basalt's guards.

For AndroidAPS's rule set the trend, carbohydrate and basal on board are counted beside insulin of
boluses.
"""

import math
from fractions import Fraction
from math import floor
from typing import Final, get_args

import msgspec

from core.dosing.advice.inputs import AdviceInputs, Reading, SensorDoubt
from core.dosing.advice.meals import carbs_on_board, meals_of
from core.dosing.advice.projection import record_of
from core.dosing.advice.rules.aaps import WHEN_UNKNOWN
from core.dosing.advice.rules.guards import Cut, guard
from core.dosing.advice.rules.registry import RULE_SETS
from core.dosing.advice.rules.shape import Asked, Reckoned
from core.dosing.advice.rules.split import later_part
from core.dosing.advice.settings import factors_at
from core.dosing.insulin_account.unproven_time import KEPT_MS, kept_ms
from core.dosing.limits.limits import SAFE_MINIMUM_MG_DL, headrooms, whole_pulses
from core.models.glucose_quality import trend_of
from core.models.insulin.on_board import on_board
from core.models.pump_models import PUMP_MODELS, PumpModel, floor_bolus, spread_problem
from schemas.bolus.advice import (
    AdviceFactors,
    AdviceReason,
    AdviceRefusal,
    AdviceTerm,
    BolusAdvised,
    Clamp,
    RequestAdvice,
)
from schemas.bolus.settings import BolusSettingsSet
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.delivery.device import PULSE_MU
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured, ReadingRejected
from schemas.limit_names import ClampName
from schemas.message import Deadline, Now
from schemas.units import (
    MINUTE_MS,
    SECOND_MS,
    EventId,
    Grams,
    MgDl,
    Milliseconds,
    MilliUnits,
    UtcMillis,
)

AS_ENTERED: Final = 1.0
"""[1] no longer than entered: carbohydrate on board asks for insulin, so it is not overstated."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """Terms that one rule set has; what nobody knows is none, never nothing."""

    is_asked: bool = False
    """[-] the rule set counts them."""
    trend: int | None = None
    """[ug/dL/min] where the sensor leads."""
    carbs: int = 0
    """[mg] of carbohydrate on board."""
    basal: MilliUnits | None = None
    """[mU] of basal on board beyond the profile, rounded up."""

    @property
    def unknown(self) -> dict[str, AdviceReason]:
        """Name the terms that are left out, and say so."""
        if not self.is_asked:
            return {}
        known = {"trend": self.trend, "basal_insulin_on_board": self.basal}
        return {name: WHEN_UNKNOWN[name] for name, value in known.items() if value is None}


def beside(
    inputs: AdviceInputs,
    settings: BolusSettingsSet,
    glucose: GlucoseMeasured | None,
    *,
    at: UtcMillis,
) -> Beside:
    """Give what AndroidAPS counts; nothing for the other rule sets.

    Args:
        basis: what the advisor knows.
        settings: in force.
        glucose: by which the advice is computed; a drop of blood has no trend.
        at: [ms] now.
    """
    if not RULE_SETS[settings.rules].counts_trend:
        return Beside()
    slope = None
    if glucose is not None and glucose.source == "sensor":
        slope = trend_of(inputs.points).mg_dl_per_min
    record = record_of(inputs, settings.insulin, at=at)
    basal = math.ceil(round(on_board(record.parts, at=at).basal * 1000, 6))
    return Beside(
        is_asked=True,
        trend=None if slope is None else math.floor(slope * 1000),
        carbs=carbs_on_board(meals_of(inputs.meals, overrun=AS_ENTERED), at=at) * 1000,
        basal=MilliUnits(basal) if record.is_basal_whole else None,
    )


GLUCOSE_AGE_MS_MAX = Milliseconds(10 * MINUTE_MS)
"""[ms] older glucose enters no bolus; source: R57."""

ADVICE_LIFE_MS = Milliseconds(5 * MINUTE_MS)
"""[ms] therapy time that an advice lives; source: R39."""

ADVICE_LIFE_REAL_MS = Milliseconds(20 * SECOND_MS)
"""[ms] real time that an advice lives at least, whatever the speed: a person must read it."""

CARBS_G_MAX = 300
"""[g] largest meal taken; project's own choice."""

_CLAMPS: Final[dict[str, ClampName]] = {name: name for name in get_args(ClampName)}

_CUT_REASONS: Final[dict[ClampName, AdviceReason]] = {
    "limits_disagree": "limits_disagree",
    "single_limit": "clamped_to_single_limit",
    "hourly_limit": "clamped_to_hourly_limit",
    "four_hour_limit": "clamped_to_four_hour_limit",
    "daily_limit": "clamped_to_daily_limit",
    "calendar_day_limit": "clamped_to_calendar_day_limit",
    "on_board_limit": "clamped_to_on_board_limit",
    "combined_limit": "clamped_to_combined_limit",
    "pump_maximum": "clamped_to_pump_maximum",
    "never_up": "never_rounded_up",
    "whole_steps": "rounded_down",
}


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    """A basis that allows an advice."""

    settings: BolusSettingsSet
    limits: DeliveryLimitsSet
    factors: AdviceFactors
    glucose: GlucoseMeasured | None
    doubt: SensorDoubt | None
    wanted: RequestAdvice
    beside: Beside


def advise(inputs: AdviceInputs, wanted: RequestAdvice, now: Now) -> BolusAdvised | AdviceRefusal:
    """Compute an advice by the rule set in force, or say why there is none.

    The most insulin on board is subtracted; the rule set's own value is then cut to every limit
    and rounded down to what the pump can give. Each addend, cut and reason is part of it.
    """
    case = _case(inputs, wanted, now)
    if not isinstance(case, _Case):
        return case
    rules = RULE_SETS[case.settings.rules]
    least, most = inputs.doses.on_board(case.settings.insulin, at=now.therapy)
    reckoned = rules.reckon(_asked(inputs, case, most, now))
    if reckoned.vendor is None:
        return "vendor_gives_no_advice"
    amount, cuts = _guarded(inputs, case, reckoned, now)
    other: MilliUnits | None = None
    if inputs.doses.unknown:
        other, _ = _guarded(inputs, case, rules.reckon(_asked(inputs, case, least, now)), now)
    clamps = tuple(Clamp(limit=_CLAMPS[c.name], before=c.before, after=c.after) for c in cuts)
    reading = (inputs.reading_id,) if case.glucose else ()
    doses = inputs.doses.acting(case.settings.insulin, at=now.therapy)
    return BolusAdvised(
        amount=amount,
        carbs=wanted.carbs,
        food=_floored(reckoned.food),
        correction=_floored(reckoned.correction),
        insulin_on_board_least=least,
        insulin_on_board_most=most,
        glucose=case.glucose.glucose if case.glucose else None,
        measured_at=case.glucose.measured_at if case.glucose else None,
        rules=rules.name,
        vendor=reckoned.vendor,
        meal=MilliUnits(min(amount, floor(reckoned.meal_part))),
        later=_later(case, reckoned, amount),
        duration=wanted.duration,
        now_percent=wanted.now_percent,
        terms=tuple(
            AdviceTerm(name=t.name, amount=_floored(t.amount))
            for t in reckoned.terms
            if t.name not in case.beside.unknown
        ),
        factors=case.factors,
        amount_least=other,
        clamps=clamps,
        reasons=_reasons(inputs, case, reckoned, clamps, amount, now),
        computed_from=(
            inputs.settings_id,
            inputs.limits_id,
            *reading,
            *(EventId(dose) for dose in doses),
        ),
        expires=Deadline(
            therapy=UtcMillis(now.therapy + ADVICE_LIFE_MS),
            real=UtcMillis(now.real + ADVICE_LIFE_REAL_MS),
        ),
    )


def is_fresh(reading: Reading | None, now: Now) -> bool:
    """Say whether a reading is young enough to dose by."""
    return reading is not None and now.therapy - reading.measured_at <= GLUCOSE_AGE_MS_MAX


def _case(inputs: AdviceInputs, wanted: RequestAdvice, now: Now) -> _Case | AdviceRefusal:
    refusal = _refusal(inputs, wanted.carbs, now)
    if refusal is not None:
        return refusal
    if inputs.settings is None:
        return "no_settings"
    if inputs.limits is None:
        return "no_limits"
    if spread_problem(inputs.limits.pump_model, wanted.duration, wanted.now_percent):
        return "duration_out_of_range"
    if wanted.duration and inputs.doses.extended is not None:
        return "extended_running"
    factors = factors_at(inputs.settings, inputs.transitions, at=now.therapy)
    if factors is None:
        return "no_local_time"
    reading = inputs.reading
    glucose: GlucoseMeasured | None = None
    doubt: SensorDoubt | None = None
    if isinstance(reading, GlucoseMeasured) and is_fresh(reading, now):
        doubt = inputs.doubt_of(reading)
        glucose = reading if doubt is None else None
    return _Case(
        settings=inputs.settings,
        limits=inputs.limits,
        factors=factors,
        glucose=glucose,
        doubt=doubt,
        wanted=wanted,
        beside=beside(inputs, inputs.settings, glucose, at=now.therapy),
    )


def _later(case: _Case, reckoned: Reckoned, amount: MilliUnits) -> MilliUnits:
    if not case.wanted.duration:
        return MilliUnits(0)
    rules, percent = RULE_SETS[case.settings.rules], case.wanted.now_percent
    step = MilliUnits(max(PULSE_MU, _model(case).bolus_steps[0].step))
    return later_part(rules, reckoned, amount, now_percent=percent, step=step)


def _refusal(inputs: AdviceInputs, carbs: Grams, now: Now) -> AdviceRefusal | None:
    if not inputs.is_record_whole:
        return "history_missing"
    if not inputs.is_clock_sound:
        return "clock_doubtful"
    if not 0 <= carbs <= CARBS_G_MAX:
        return "carbs_out_of_range"
    if inputs.suspended:
        return "suspended"
    if inputs.doses.running is not None:
        return "bolus_running"
    if not is_fresh(inputs.reading, now):
        return None
    return _glucose_refusal(inputs.reading, minimum=safe_minimum(inputs.settings))


def safe_minimum(settings: BolusSettingsSet | None) -> MgDl:
    """Give the glucose below which no insulin is advised [mg/dL]."""
    return SAFE_MINIMUM_MG_DL if settings is None else settings.safe_minimum


def _glucose_refusal(reading: Reading | None, *, minimum: MgDl) -> AdviceRefusal | None:
    match reading:
        case GlucoseBeyondRange(bound=bound):
            return "glucose_low_mark" if bound == "low" else "glucose_high_mark"
        case ReadingRejected():
            return "glucose_implausible"
        case GlucoseMeasured(glucose=glucose) if glucose < minimum:
            return "glucose_below_safe_minimum"
        case _:
            return None


def _asked(inputs: AdviceInputs, case: _Case, on_board: MilliUnits, now: Now) -> Asked:
    factors = case.factors
    above = factors.correct_above
    meal = inputs.doses.meal_on_board(case.settings.insulin, at=now.therapy)
    return Asked(
        glucose=case.glucose.glucose * 1000 if case.glucose else None,
        carbs=case.wanted.carbs * 1000,
        carb_ratio=factors.carb_ratio,
        sensitivity=factors.sensitivity,
        target_low=factors.target_low * 1000,
        target_high=factors.target_high * 1000,
        correct_above=None if above is None else above * 1000,
        meal_iob=MilliUnits(min(meal, on_board)),
        correction_iob=MilliUnits(max(0, on_board - meal)),
        basal_iob=case.beside.basal or MilliUnits(0),
        trend=case.beside.trend,
        cob=case.beside.carbs,
        step=MilliUnits(_model(case).bolus_steps[0].step),
        minimum=case.settings.safe_minimum * 1000,
    )


def _model(case: _Case) -> PumpModel:
    return PUMP_MODELS[case.limits.pump_model]


def _guarded(
    inputs: AdviceInputs, case: _Case, reckoned: Reckoned, now: Now
) -> tuple[MilliUnits, tuple[Cut, ...]]:
    model = _model(case)
    given = inputs.doses.given(at=now.therapy, ahead=inputs.ahead, action=case.settings.insulin)
    found = headrooms(case.limits, given, at=now.therapy, lasting=case.wanted.duration)
    rooms: list[tuple[str, MilliUnits]] = [(room.limit, room.amount) for room in found]
    if model.bolus_max is not None:
        rooms.append(("pump_maximum", model.bolus_max))
    return guard(
        MilliUnits(reckoned.vendor or 0),
        exact=reckoned.exact,
        floor=lambda amount: whole_pulses(floor_bolus(model, amount)),
        rooms=rooms,
    )


def _reasons(
    inputs: AdviceInputs,
    case: _Case,
    reckoned: Reckoned,
    clamps: tuple[Clamp, ...],
    amount: MilliUnits,
    now: Now,
) -> tuple[AdviceReason, ...]:
    found: list[AdviceReason] = []
    if case.glucose is None:
        missing: AdviceReason = "no_glucose" if inputs.reading is None else "glucose_stale"
        found.append(case.doubt or missing)
    elif case.glucose.glucose < case.factors.target_low:
        found.append("below_target")
    found.extend(reckoned.reasons)
    if "insulin_on_board_subtracted" in found and inputs.doses.open:
        found.append("unknown_dose_counted" if inputs.doses.unknown else "running_dose_counted")
    if kept_ms(inputs.doses.unproven, at=now.therapy) > KEPT_MS:
        found.append("time_unproven")
    if not RULE_SETS[case.settings.rules].is_verified:
        found.append("rules_unverified")
    found.extend(case.beside.unknown.values())
    if inputs.is_young(case.settings.insulin.duration, at=now.therapy):
        found.append("record_younger_than_insulin")
    if reckoned.vendor is not None and reckoned.vendor < reckoned.exact:
        found.append("rounded_down")
    found.extend(_CUT_REASONS[cut.limit] for cut in clamps)
    if amount == 0:
        found.append("nothing_needed")
    return tuple(dict.fromkeys(found))


def _floored(amount: Fraction) -> MilliUnits:
    return MilliUnits(floor(amount))
