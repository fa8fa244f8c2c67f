"""What a person may say of insulin by pen and of carbohydrate that were recorded wrong."""

from collections.abc import Sequence
from typing import Final, Literal

from core.dosing.advice.meals import MEALS_MS, Eaten
from core.dosing.insulin_account.dose_account import BolusPart, DoseBook
from schemas.corrections import (
    CarbsCorrected,
    CarbsCorrectionRefused,
    CorrectCarbs,
    CorrectDose,
    DoseCorrected,
    DoseCorrectionRefused,
)
from schemas.message import Now
from schemas.units import HOUR_MS, Milliseconds, UtcMillis

CORRECTED_MU_MAX: Final = 100_000
"""[mU] largest amount by pen; as of an injection."""

CORRECTED_MS_MAX: Final = Milliseconds(24 * HOUR_MS)
"""[ms] after it was given that an injection can be corrected: the longest window of a limit."""

CORRECTED_G_MAX: Final = 300
"""[g] largest amount of carbohydrate; as of a meal."""

EATEN_BEFORE_MS, EATEN_AHEAD_MS = Milliseconds(12 * HOUR_MS), Milliseconds(HOUR_MS)
"""[ms] before and after now that carbohydrate may have been eaten; as of a meal."""

DoseProblem = Literal[
    "no_such_dose",
    "counted_by_pump",
    "too_old",
    "out_of_range",
    "time_out_of_range",
    "nothing_changed",
]
CarbsProblem = Literal[
    "no_such_carbs", "too_old", "out_of_range", "time_out_of_range", "nothing_changed"
]


def correct_dose(
    book: DoseBook, asked: CorrectDose, *, actor: str, now: Now
) -> DoseCorrected | DoseCorrectionRefused:
    """Say what insulin by pen came to, or why it counts as before.

    The rule: only what stands on a person's word alone is corrected by a person's word. A dose
    that went through the pump, running, unknown or settled ones among them, is `counted_by_pump`
    whatever the amount; more than it counted is recorded as an injection. So no correction makes a
    limit looser for insulin that the pump gave.
    """
    part = next((one for one in book.boluses if one.dose == asked.dose and one.is_by_pen), None)
    problem = _dose_problem(book, part, asked, now)
    if part is None or problem is not None:
        return DoseCorrectionRefused(dose=asked.dose[:64], reason=problem or "no_such_dose")
    return DoseCorrected(
        dose=asked.dose,
        amount=asked.amount,
        given_at=part.ends_at if asked.given_at is None else asked.given_at,
        was=part.amount,
        actor=actor,
        because=asked.because,
    )


def _dose_problem(
    book: DoseBook, part: BolusPart | None, asked: CorrectDose, now: Now
) -> DoseProblem | None:
    if part is None:
        pumped = {one.dose for one in book.boluses} | {one.dose for one in book.open}
        return "counted_by_pump" if asked.dose in pumped else "no_such_dose"
    if part.ends_at < now.therapy - CORRECTED_MS_MAX:
        return "too_old"
    if not 0 <= asked.amount <= CORRECTED_MU_MAX:
        return "out_of_range"
    given_at = part.ends_at if asked.given_at is None else asked.given_at
    if not -CORRECTED_MS_MAX <= given_at - now.therapy <= 0:
        return "time_out_of_range"
    return "nothing_changed" if (asked.amount, given_at) == (part.amount, part.ends_at) else None


def correct_carbs(
    meals: Sequence[Eaten], asked: CorrectCarbs, *, actor: str, now: Now
) -> CarbsCorrected | CarbsCorrectionRefused:
    """Say what carbohydrate was eaten, or why it counts as before."""
    meal = next((one for one in meals if one.id == asked.carbs), None)
    problem = _carbs_problem(meal, asked, now)
    if meal is None or problem is not None:
        return CarbsCorrectionRefused(carbs=asked.carbs[:64], reason=problem or "no_such_carbs")
    return CarbsCorrected(
        carbs=asked.carbs,
        grams=asked.grams,
        eaten_at=meal.eaten_at if asked.eaten_at is None else asked.eaten_at,
        was=meal.grams,
        was_eaten_at=meal.eaten_at,
        actor=actor,
        because=asked.because,
    )


def _carbs_problem(meal: Eaten | None, asked: CorrectCarbs, now: Now) -> CarbsProblem | None:
    if meal is None:
        return "no_such_carbs"
    if meal.eaten_at <= now.therapy - MEALS_MS:
        return "too_old"
    if not 0 <= asked.grams <= CORRECTED_G_MAX:
        return "out_of_range"
    eaten_at = UtcMillis(meal.eaten_at if asked.eaten_at is None else asked.eaten_at)
    if not -EATEN_BEFORE_MS <= eaten_at - now.therapy <= EATEN_AHEAD_MS:
        return "time_out_of_range"
    is_same = (asked.grams, eaten_at) == (meal.grams, meal.eaten_at)
    return "nothing_changed" if is_same else None
