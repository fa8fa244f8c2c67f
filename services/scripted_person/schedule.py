"""What the scripted person does and when: three meals a day, a measurement two hours after each."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from schemas.units import HOUR_MS, MINUTE_MS, Grams, Milliseconds, UtcMillis
from services.runtime.platform.zones import local_resolver, local_time

LATE_MS_MAX = Milliseconds(15 * MINUTE_MS)
"""[ms] an act that is later than this is left out: a missed meal is not made up."""

MEASURED_AFTER_MS = Milliseconds(2 * HOUR_MS)
"""[ms] from a meal to the measurement after it."""


class Meal(NamedTuple):
    """One meal of every day."""

    name: str
    hour: int
    minute: int
    grams: int


MEALS: Final = (
    Meal("breakfast", 7, 30, 45),
    Meal("lunch", 12, 30, 60),
    Meal("dinner", 18, 30, 70),
)
"""[-] local wall clock, grams of carbohydrate on an ordinary day."""

VARIATION_G: Final = (0, 5, -5, 10, -10)
"""[g] by which meals differ from day to day, the same for the same day and meal."""


class Act(NamedTuple):
    """Something to do at an instant."""

    at: UtcMillis
    kind: Literal["eat", "measure"]
    name: str
    """[-] day and meal, the same at every start."""
    grams: Grams


def acts_around(now: UtcMillis, *, zone: str) -> tuple[Act, ...]:
    """Give the acts of yesterday, today and tomorrow by the wall clock, sorted.

    A meal at a wall-clock time that does not exist that day is left out; one that exists twice
    is eaten the first time.
    """
    today = local_time(now, zone=zone)
    days = (today + timedelta(days=offset) for offset in (-1, 0, 1))
    return tuple(
        sorted(act for day in days for act in _acts_of(day.year, day.month, day.day, zone=zone))
    )


def _acts_of(year: int, month: int, day: int, *, zone: str) -> Iterator[Act]:
    resolve = local_resolver(zone)
    for number, meal in enumerate(MEALS):
        instants = resolve(year, month, day, meal.hour, meal.minute, 0)
        if not instants:
            continue
        varied = VARIATION_G[(year * 372 + month * 31 + day + number) % len(VARIATION_G)]
        grams = Grams(meal.grams + varied)
        name = f"{year:04}-{month:02}-{day:02}-{meal.name}"
        yield Act(instants[0], "eat", name, grams)
        yield Act(UtcMillis(instants[0] + MEASURED_AFTER_MS), "measure", name, grams)


def due(acts: tuple[Act, ...], *, after: UtcMillis, now: UtcMillis) -> tuple[Act, ...]:
    """Give the acts that are due now.

    Args:
        acts: sorted.
        after: [ms] up to here everything was done or left out.
        now: [ms] therapy time.
    """
    since = max(after, now - LATE_MS_MAX)
    return tuple(act for act in acts if since < act.at <= now)


def next_after(acts: tuple[Act, ...], *, now: UtcMillis) -> UtcMillis | None:
    """Give the instant of the next act."""
    return next((act.at for act in acts if act.at > now), None)
