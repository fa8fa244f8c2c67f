"""An advice as rows that add up: whoever reads it can check the sum."""

from dataclasses import dataclass

from core.limits import whole_pulses
from schemas.bolus import BolusAdvised
from schemas.message import Now
from schemas.units import MINUTE_MS, SECOND_MS
from services.command_line.reasons import in_words
from services.command_line.words import signed_units

_LIMITS = {
    "limits_disagree": "two computations of a limit differ",
    "single_limit": "limit for one bolus",
    "hourly_limit": "limit for 60 min",
    "daily_limit": "limit for 24 h",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One row: what it is, why, and what it adds."""

    name: str
    detail: str
    amount: int
    """[mU] may be negative; the sum of all is the amount advised."""


def terms(advice: BolusAdvised, now: Now) -> tuple[Term, ...]:
    """Take an advice apart into terms whose sum is its amount."""
    subtracted = min(max(0, advice.correction), advice.insulin_on_board_most)
    wanted = advice.food + advice.correction - subtracted
    rows = [
        Term("food", f"{advice.carbs} g", advice.food),
        Term("correction", _glucose(advice, now), advice.correction),
        Term("insulin on board", _on_board(advice, subtracted), -subtracted),
    ]
    if wanted < 0:
        rows.append(Term("no less than nothing", "", -wanted))
    rounded = whole_pulses(wanted)
    if rounded != max(0, wanted):
        rows.append(Term("rounded down", "to whole pulses of 0.05 U", rounded - max(0, wanted)))
    for cut in advice.clamps:
        detail = f"{signed_units(cut.before)} to {signed_units(cut.after)}"
        rows.append(Term(_LIMITS[cut.limit], detail, cut.after - cut.before))
    return tuple(rows)


def reasons(advice: BolusAdvised) -> tuple[str, ...]:
    """Say in sentences what shaped an advice."""
    return tuple(in_words(reason, tag="bolus_advised.v1") for reason in advice.reasons)


def expiry(advice: BolusAdvised, now: Now) -> str:
    """Say how long an advice lives: until both clocks have passed it."""
    therapy_s = max(0, advice.expires.therapy - now.therapy) / SECOND_MS
    real_s = max(0, advice.expires.real - now.real) / SECOND_MS
    left = max(real_s, therapy_s / now.speed)
    if left == 0:
        return "it has expired"
    return f"it expires in {left:.0f} s"


def _glucose(advice: BolusAdvised, now: Now) -> str:
    if advice.glucose is None or advice.measured_at is None:
        return "no glucose that may be used"
    age_min = (now.therapy - advice.measured_at) // MINUTE_MS
    return f"glucose {advice.glucose} mg/dL, {age_min} min old"


def _on_board(advice: BolusAdvised, subtracted: int) -> str:
    least, most = advice.insulin_on_board_least, advice.insulin_on_board_most
    amount = signed_units(most)
    if least != most:
        amount = f"{signed_units(least)} to {amount}"
    if most == 0:
        return "none"
    return f"{amount} on board" + ("" if subtracted else ", not subtracted")
