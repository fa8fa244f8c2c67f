"""Every bolus rule set over the same days of the same virtual people: time in low and in high.

A model, no evidence: what is measured is how rules treat errors of counting, of settings and of
meters, not how a body lives. `python -m bench.rules` takes about a minute.
"""

import argparse
import random
from dataclasses import dataclass, field
from fractions import Fraction

from rich.console import Console
from rich.table import Table

from core.dosing.advice.rules.guards import guard
from core.dosing.advice.rules.registry import RULE_SETS
from core.dosing.advice.rules.shape import Asked, RuleSet
from core.models.insulin.on_board import fraction_on_board
from schemas.bolus.settings import InsulinAction
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits

STEP_MIN = 5
DAY_MIN = 24 * 60
ACTION = InsulinAction(
    duration=Milliseconds(6 * HOUR_MS),
    peak=Milliseconds(75 * MINUTE_MS),
    delay=Milliseconds(10 * MINUTE_MS),
)
LEFT = [fraction_on_board(ACTION, after=Milliseconds(m * MINUTE_MS)) for m in range(0, 400, 5)]
TARGET = (90, 120)
RESCUE_G, RESCUE_BELOW, RESCUE_EACH_MIN = 15, 60, 20


@dataclass(frozen=True)
class Dose:
    """A bolus by purpose."""

    at: int
    meal: int
    correction: int


@dataclass(frozen=True)
class Meal:
    """Carbohydrate that is absorbed evenly."""

    at: int
    grams: float
    minutes: int


@dataclass
class Day:
    """What happens to a person and what is measured, the same for every rule set."""

    ratio: float
    sensitivity: float
    set_ratio: float
    set_sensitivity: float
    drift: list[float]
    meter: list[float]
    eaten: dict[int, tuple[float, float, int]]
    looks: set[int]


@dataclass
class Life:
    """One person under one rule set."""

    glucose: float = 130.0
    doses: list[Dose] = field(default_factory=list)
    meals: list[Meal] = field(default_factory=list)
    rescued_at: int = -DAY_MIN
    seen: list[float] = field(default_factory=list)
    insulin: int = 0


def person(seed: int, days: int) -> Day:
    """Make a person whose settings are off by a fifth, who miscounts by a quarter."""
    rng = random.Random(seed)
    ratio, sensitivity = rng.uniform(7, 15), rng.uniform(30, 60)
    eaten: dict[int, tuple[float, float, int]] = {}
    looks: set[int] = set()
    for day in range(days):
        for hour, grams in ((7.5, 45), (12.5, 60), (16, 20), (19, 65)):
            at = day * DAY_MIN + int((hour + rng.uniform(-0.5, 0.5)) * 12) * 5
            real = grams * rng.uniform(0.6, 1.4)
            counted = max(5.0, real * rng.lognormvariate(0, 0.25))
            eaten[at] = (real, counted, rng.choice((120, 180, 240, 300)))
            if rng.random() < 0.6:
                looks.add(at + rng.choice((75, 90, 120, 150)))
        looks.add(day * DAY_MIN + 22 * 60 + 30)
    steps = days * DAY_MIN // STEP_MIN
    drift, pull = [], 0.0
    for _ in range(steps):
        pull = 0.97 * pull + rng.gauss(0, 0.35)
        drift.append(pull)
    return Day(
        ratio=ratio,
        sensitivity=sensitivity,
        set_ratio=ratio * rng.lognormvariate(0, 0.2),
        set_sensitivity=sensitivity * rng.lognormvariate(0, 0.2),
        drift=drift,
        meter=[rng.gauss(1, 0.07) for _ in range(steps)],
        eaten=eaten,
        looks=looks,
    )


def on_board(life: Life, now: int) -> tuple[MilliUnits, MilliUnits]:
    """Give meal and correction insulin on board [mU]."""
    left = [(LEFT[(now - dose.at) // STEP_MIN], dose) for dose in life.doses]
    meal = sum(part * dose.meal for part, dose in left)
    return MilliUnits(round(meal)), MilliUnits(round(sum(p * d.correction for p, d in left)))


def decide(life: Life, day: Day, rules: RuleSet, *, now: int, carbs: float, index: int) -> None:
    """Measure, ask and give."""
    shown = max(20, round(life.glucose * day.meter[index]))
    if shown < 70:
        life.meals.append(Meal(now, RESCUE_G, 30))
        return
    meal, correction = on_board(life, now)
    reckoned = rules.reckon(
        Asked(
            glucose=shown * 1000,
            carbs=round(carbs) * 1000,
            carb_ratio=round(day.set_ratio * 1000),
            sensitivity=round(day.set_sensitivity * 1000),
            target_low=TARGET[0] * 1000,
            target_high=TARGET[1] * 1000,
            meal_iob=meal,
            correction_iob=correction,
        )
    )
    amount, _ = guard(
        MilliUnits(reckoned.vendor or 0),
        exact=reckoned.exact,
        floor=lambda given: MilliUnits(given // 50 * 50),
        rooms=(("max_bolus", MilliUnits(15_000)),),
    )
    part = min(amount, int(max(Fraction(0), reckoned.meal_part)))
    if amount:
        life.doses.append(Dose(now, part, amount - part))
        life.insulin += amount


def live(day: Day, rules: RuleSet, days: int) -> Life:
    """Let the days pass."""
    life = Life()
    for index in range(days * DAY_MIN // STEP_MIN):
        now = index * STEP_MIN
        if now in day.eaten:
            real, counted, minutes = day.eaten[now]
            decide(life, day, rules, now=now, carbs=counted, index=index)
            life.meals.append(Meal(now + 10, real, minutes))
        elif now in day.looks:
            decide(life, day, rules, now=now, carbs=0, index=index)
        if life.glucose < RESCUE_BELOW and now - life.rescued_at >= RESCUE_EACH_MIN:
            life.meals.append(Meal(now, RESCUE_G, 30))
            life.rescued_at = now
        life.doses = [d for d in life.doses if now - d.at < (len(LEFT) - 2) * STEP_MIN]
        life.meals = [m for m in life.meals if now < m.at + m.minutes]
        acted = sum(
            (d.meal + d.correction) * (LEFT[k] - LEFT[k + 1])
            for d in life.doses
            if (k := (now - d.at) // STEP_MIN) + 1 < len(LEFT)
        )
        grams = sum(m.grams * STEP_MIN / m.minutes for m in life.meals if m.at <= now)
        rise = grams * day.sensitivity / day.ratio - acted / 1000 * day.sensitivity
        renal = max(0.0, life.glucose - 250) * 0.01
        life.glucose = max(20.0, life.glucose + rise + day.drift[index] - renal)
        life.seen.append(life.glucose)
    return life


def share(seen: list[float], low: float, high: float) -> float:
    """Give the part of the time within [low, high) in per cent."""
    return 100 * sum(low <= one < high for one in seen) / len(seen)


def main() -> None:
    """Run every rule set over the same people and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--days", type=int, default=14)
    asked = parser.parse_args()
    table = Table(title=f"{asked.people} virtual people, {asked.days} days each, % of the time")
    for name in ("rules", "< 54", "< 70", "70-180", "> 180", "> 250", "bolus U/day"):
        table.add_column(name, justify="left" if name == "rules" else "right")
    people = [person(seed, asked.days) for seed in range(asked.people)]
    for rules in RULE_SETS.values():
        lives = [live(day, rules, asked.days) for day in people]
        seen = [one for life in lives for one in life.seen]
        units = sum(life.insulin for life in lives) / 1000 / asked.people / asked.days
        bands = ((0, 54), (0, 70), (70, 180), (180, 1e9), (250, 1e9))
        shares = [f"{share(seen, low, high):.2f}" for low, high in bands]
        table.add_row(rules.name, *shares, f"{units:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
