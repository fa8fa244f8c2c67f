"""An advice as rows that add up: whoever reads it can check the sum."""

from dataclasses import dataclass

from core.formats.amounts import print_ratio
from schemas.bolus.advice import AdviceTerm, BolusAdvised
from schemas.limit_names import ClampName
from schemas.message import Now
from schemas.units import MINUTE_MS, SECOND_MS
from services.command_line.output.event_messages import signed_units
from services.command_line.output.reason_messages import in_words

_CUTS: dict[ClampName, str] = {
    "limits_disagree": "two computations of a limit differ",
    "single_limit": "limit for one bolus",
    "hourly_limit": "limit for 60 min",
    "four_hour_limit": "limit for 4 h",
    "daily_limit": "limit for 24 h",
    "calendar_day_limit": "limit from midnight on",
    "on_board_limit": "limit for insulin on board",
    "combined_limit": "speed of the pump's motor",
    "pump_maximum": "largest bolus of the pump",
    "never_up": "never rounded up",
    "whole_steps": "whole steps of the pump",
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
    rows = [Term(_name(one), _detail(one, advice, now), one.amount) for one in advice.terms]
    total = sum(one.amount for one in advice.terms)
    vendor = advice.vendor or 0
    if total < 0:
        rows.append(Term("no less than nothing", "", -total))
    if vendor != max(0, total):
        rows.append(Term("rounded", f"the way of {advice.rules}", vendor - max(0, total)))
    for cut in advice.clamps:
        detail = f"{signed_units(cut.before)} to {signed_units(cut.after)}"
        rows.append(Term(_CUTS[cut.limit], detail, cut.after - cut.before))
    return tuple(rows)


def _name(term: AdviceTerm) -> str:
    return term.name.replace("_", " ")


def _detail(term: AdviceTerm, advice: BolusAdvised, now: Now) -> str:
    by = advice.factors
    match term.name:
        case "food":
            ratio = f" at {print_ratio(by.carb_ratio)} g/U" if by else ""
            return f"{advice.carbs} g{ratio}{_since(by.carb_ratio_from) if by else ''}"
        case "correction":
            return _glucose(advice, now)
        case name if name.endswith("insulin_on_board"):
            return _on_board(advice, -term.amount)
        case _:
            return ""


def _since(minute: int) -> str:
    """Cite a segment that does not begin at midnight."""
    return f" from {minute // 60:02}:{minute % 60:02}" if minute else ""


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
    text = f"glucose {advice.glucose} mg/dL, {age_min} min old"
    by = advice.factors
    if by is None:
        return text
    return f"{text}, to {by.target_low} to {by.target_high}{_since(by.target_from)}"


def _on_board(advice: BolusAdvised, subtracted: int) -> str:
    least, most = advice.insulin_on_board_least, advice.insulin_on_board_most
    amount = signed_units(most)
    if least != most:
        amount = f"{signed_units(least)} to {amount}"
    if most == 0:
        return "none"
    return f"{amount} on board" + ("" if subtracted else ", not subtracted")
