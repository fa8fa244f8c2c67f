"""How much insulin: Basalt's own rule, term by term."""

from typing import Final

import msgspec

from core.doses import DoseBook
from core.limits import SAFE_MINIMUM_MG_DL, clamp, whole_pulses
from schemas.bolus import (
    AdviceReason,
    AdviceRefusal,
    BolusAdvised,
    BolusSettingsSet,
    Clamp,
    LimitName,
)
from schemas.delivery import DeliveryLimitsSet
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured, ReadingRejected
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

GLUCOSE_AGE_MS_MAX = Milliseconds(10 * MINUTE_MS)
"""[ms] older glucose enters no bolus; source: R57."""

ADVICE_LIFE_MS = Milliseconds(5 * MINUTE_MS)
"""[ms] therapy time that an advice lives; source: R39."""

ADVICE_LIFE_REAL_MS = Milliseconds(20 * SECOND_MS)
"""[ms] real time that an advice lives at least, whatever the speed: a person must read it."""

CARBS_G_MAX = 300
"""[g] largest meal taken; project's own choice."""

Reading = GlucoseMeasured | GlucoseBeyondRange | ReadingRejected

_CLAMP_REASONS: Final[dict[LimitName, AdviceReason]] = {
    "limits_disagree": "limits_disagree",
    "single_limit": "clamped_to_single_limit",
    "hourly_limit": "clamped_to_hourly_limit",
    "daily_limit": "clamped_to_daily_limit",
}


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an advice is computed from."""

    settings: BolusSettingsSet | None
    """[-] in force."""
    settings_id: EventId
    """[-] their event."""
    limits: DeliveryLimitsSet | None
    """[-] in force."""
    limits_id: EventId
    """[-] their event."""
    reading: Reading | None
    """[-] with the latest time of measurement."""
    reading_id: EventId
    """[-] its event."""
    doses: DoseBook
    """[-] the advisor's own account."""
    suspended: bool
    """[-] the pump stands."""
    is_record_whole: bool
    """[-] nothing that was said is missing."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The amount before limits, and where it came from."""

    food: MilliUnits
    """[mU] carbs / ratio."""
    correction: MilliUnits
    """[mU] before insulin on board."""
    glucose: MgDl | None
    """[mg/dL] used, none when there was none fresh."""
    measured_at: UtcMillis | None
    """[ms] its time."""
    reasons: tuple[AdviceReason, ...]
    """[-] why it is so."""


def advise(basis: Basis, carbs: Grams, now: Now) -> BolusAdvised | AdviceRefusal:
    """Compute an advice, or say why there is none.

    advice = carbs / ratio + (above target: max(0, correction - bolus insulin on board);
    below: the negative correction), never below 0, cut to every limit, whole pulses, rounded down.
    """
    refusal = _refusal(basis, carbs, now)
    if refusal is not None:
        return refusal
    settings, limits = basis.settings, basis.limits
    if settings is None or limits is None:
        return "no_settings" if settings is None else "no_limits"
    terms = _terms(settings, basis.reading, carbs, now)
    least, most = basis.doses.on_board(settings.insulin, at=now.therapy)
    reasons = list(terms.reasons)
    correction = terms.correction
    if correction > 0 and most > 0:
        correction = MilliUnits(max(0, correction - most))
        reasons.append("insulin_on_board_subtracted")
        if most > least:
            reasons.append("unknown_dose_counted")
    wanted = MilliUnits(max(0, terms.food + correction))
    rounded = whole_pulses(wanted)
    if rounded < wanted:
        reasons.append("rounded_down")
    given = basis.doses.given(at=now.therapy)
    amount, clamps = clamp(rounded, limits, given, at=now.therapy)
    reasons.extend(_clamp_reasons(clamps))
    if amount == 0:
        reasons.append("nothing_needed")
    used = (basis.settings_id, basis.limits_id)
    reading = (basis.reading_id,) if terms.glucose is not None else ()
    doses = basis.doses.acting(settings.insulin, at=now.therapy)
    return BolusAdvised(
        amount=amount,
        carbs=carbs,
        food=terms.food,
        correction=terms.correction,
        insulin_on_board_least=least,
        insulin_on_board_most=most,
        glucose=terms.glucose,
        measured_at=terms.measured_at,
        clamps=clamps,
        reasons=tuple(reasons),
        computed_from=(*used, *reading, *(EventId(dose) for dose in doses)),
        expires=Deadline(
            therapy=UtcMillis(now.therapy + ADVICE_LIFE_MS),
            real=UtcMillis(now.real + ADVICE_LIFE_REAL_MS),
        ),
    )


def is_fresh(reading: Reading | None, now: Now) -> bool:
    """Say whether a reading is young enough to dose by."""
    return reading is not None and now.therapy - reading.measured_at <= GLUCOSE_AGE_MS_MAX


def _refusal(basis: Basis, carbs: Grams, now: Now) -> AdviceRefusal | None:
    if not basis.is_record_whole:
        return "history_missing"
    if not 0 <= carbs <= CARBS_G_MAX:
        return "carbs_out_of_range"
    if basis.suspended:
        return "suspended"
    if basis.doses.running is not None:
        return "bolus_running"
    return _glucose_refusal(basis.reading) if is_fresh(basis.reading, now) else None


def _glucose_refusal(reading: Reading | None) -> AdviceRefusal | None:
    match reading:
        case GlucoseBeyondRange(bound=bound):
            return "glucose_low_mark" if bound == "low" else "glucose_high_mark"
        case ReadingRejected():
            return "glucose_implausible"
        case GlucoseMeasured(glucose=glucose) if glucose < SAFE_MINIMUM_MG_DL:
            return "glucose_below_safe_minimum"
        case _:
            return None


def _terms(settings: BolusSettingsSet, reading: Reading | None, carbs: Grams, now: Now) -> Terms:
    food = MilliUnits(carbs * 1_000_000 // settings.carb_ratio)
    if not isinstance(reading, GlucoseMeasured) or not is_fresh(reading, now):
        why: AdviceReason = "no_glucose" if reading is None else "glucose_stale"
        return Terms(
            food=food,
            correction=MilliUnits(0),
            glucose=None,
            measured_at=None,
            reasons=(why, "carbs_only"),
        )
    above = reading.glucose - settings.target_high
    below = reading.glucose - settings.target_low
    distance = above if above > 0 else min(0, below)
    reasons: tuple[AdviceReason, ...] = ()
    if distance < 0:
        reasons = ("below_target", "negative_correction")
    return Terms(
        food=food,
        correction=MilliUnits(distance * 1_000_000 // settings.sensitivity),
        glucose=reading.glucose,
        measured_at=reading.measured_at,
        reasons=reasons,
    )


def _clamp_reasons(clamps: tuple[Clamp, ...]) -> list[AdviceReason]:
    return [_CLAMP_REASONS[cut.limit] for cut in clamps]
