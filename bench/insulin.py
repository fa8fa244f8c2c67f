"""Insulin on board every 5 min over 30 days, and now for 10,000 pumps, beside PyLoopKit.

Also beside the plain way: the same curve, over every dose there is. PyLoopKit (opsb-pyloopkit on
PyPI, a port of LoopKit) is measured if it can be imported. Its cost for an instant grows with the
history, so that long ones are measured at some instants, by the function that its own timeline
calls for every dose.
"""

import argparse
import importlib
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from core.models.insulin.curves import Curve
from core.models.insulin.models import Exponential, curve_of
from core.models.insulin.series import Pulse, SlidingSum, on_board_now, on_board_series
from schemas.units import DAY_MS, MINUTE_MS, UtcMillis

RATIO_MIN = 100
"""[1] times PyLoopKit's speed, on the same doses in the same run; the limit it is held against."""

DIFFERENCE_U_MAX = 1e-9
"""[U] between any two ways; a stroke has 0.05 U."""

STROKES = 500
"""[1/day] of basal, 0.05 U each."""

BOLUSES = 8
"""[1/day] of 0.5 to 8 U."""

STEP_MS = 5 * MINUTE_MS
"""[ms] between two instants."""

SAMPLES = 24
"""[-] instants at which the slow ways are measured on long histories."""

RECORDS = 100
"""[-] different records that the pumps of a fleet have; memory holds no more of them."""

MODEL = Exponential(duration_min=360.0, peak_min=75.0, delay_min=10.0)
START = UtcMillis(1_793_491_200_000)

OnBoard = Callable[[Sequence[Pulse], UtcMillis], float]


@dataclass(frozen=True)
class Cost:
    """What one way costs, and what it gave."""

    seconds: float
    values: dict[UtcMillis, float]

    @property
    def each_us(self) -> float:
        """Give the cost of one instant [us]."""
        return self.seconds / len(self.values) * 1e6


def doses(days: int, *, seed: int) -> list[Pulse]:
    """Make a history: strokes of basal at random times, and boluses."""
    chance = random.Random(seed)
    span = days * DAY_MS
    strokes = [(chance.randrange(span), 0.05) for _ in range(days * STROKES)]
    boluses = [
        (chance.randrange(span), chance.randrange(10, 160) * 0.05) for _ in range(days * BOLUSES)
    ]
    return [(UtcMillis(START + at), units) for at, units in sorted(strokes + boluses)]


def sliding(given: Sequence[Pulse], instants: Sequence[UtcMillis]) -> Cost:
    """Measure the series of the core."""
    curve = curve_of(MODEL)
    begin = time.perf_counter()
    found = on_board_series(given, curve=curve, instants=instants)
    return Cost(time.perf_counter() - begin, dict(zip(instants, found, strict=True)))


def measured(way: OnBoard, given: Sequence[Pulse], instants: Sequence[UtcMillis]) -> Cost:
    """Measure a way that starts anew at every instant."""
    begin = time.perf_counter()
    found = {at: way(given, at) for at in instants}
    return Cost(time.perf_counter() - begin, found)


def still_acting(given: Sequence[Pulse], at: UtcMillis) -> float:
    """Add up the doses that still act, as found by bisection."""
    return on_board_now(given, curve=curve_of(MODEL), at=at)


def every_dose(given: Sequence[Pulse], at: UtcMillis) -> float:
    """Add up every dose there is."""
    fraction = curve_of(MODEL).fraction
    return math.fsum(
        units * fraction((at - when) / MINUTE_MS) for when, units in given if when <= at
    )


def pyloopkit() -> OnBoard | None:
    """Give PyLoopKit's way, None if it cannot be imported."""
    try:
        insulin: Any = importlib.import_module("pyloopkit.insulin_math")
        bolus: Any = importlib.import_module("pyloopkit.dose").DoseType.bolus
    except ImportError:
        return None
    known: dict[int, list[tuple[datetime, float]]] = {}
    model = [MODEL.duration_min, MODEL.peak_min]

    def way(given: Sequence[Pulse], at: UtcMillis) -> float:
        if id(given) not in known:
            known[id(given)] = [(_moment(when), units) for when, units in given]
        date = _moment(at)
        return math.fsum(
            insulin.insulin_on_board_calc(
                bolus, when, when, units, 0, units, date, model, MODEL.delay_min, 5
            )
            for when, units in known[id(given)]
        )

    return way


def _moment(at: UtcMillis) -> datetime:
    return datetime.fromtimestamp(at / 1000, tz=UTC).replace(tzinfo=None)


def difference(one: Cost, other: Cost) -> float:
    """Give the greatest difference at an instant that both have [U]."""
    common = one.values.keys() & other.values.keys()
    return max(abs(one.values[at] - other.values[at]) for at in common)


def histories(console: Console, all_days: Sequence[int]) -> bool:
    """Measure series of 1 to 30 days; say whether the limits are kept."""
    table = Table(
        title=f"insulin on board every 5 min, {STROKES} strokes + {BOLUSES} boluses a day"
    )
    for name in ("days", "doses", "instants", "whole series", "one instant"):
        table.add_column(name, justify="right")
    for name in ("from the record", "every dose", "PyLoopKit", "times", "differ by"):
        table.add_column(name, justify="right")
    other, kept = pyloopkit(), True
    for days in all_days:
        given = doses(days, seed=days)
        instants = [UtcMillis(START + n * STEP_MS) for n in range(days * DAY_MS // STEP_MS)]
        some = instants[:: max(1, len(instants) // SAMPLES)]
        ours = sliding(given, instants)
        window = measured(still_acting, given, instants[:: max(1, len(instants) // 500)])
        plain = measured(every_dose, given, some)
        costs, ratio = [window, plain], "-"
        if other is not None:
            other(given, instants[0])  # The dates are made outside of the measurement.
            peer = measured(other, given, some)
            costs.append(peer)
            ratio = f"{peer.each_us / ours.each_us:,.0f}"
            kept = kept and peer.each_us >= RATIO_MIN * ours.each_us
        worst = max(difference(ours, cost) for cost in costs)
        kept = kept and worst <= DIFFERENCE_U_MAX
        shown = [f"{cost.each_us:,.0f} us" for cost in costs] + ["-"] * (3 - len(costs))
        table.add_row(
            str(days),
            f"{len(given):,}",
            f"{len(instants):,}",
            f"{ours.seconds * 1e3:,.1f} ms",
            f"{ours.each_us:.2f} us",
            *shown,
            ratio,
            f"{worst:.0e} U",
        )
    console.print(table)
    return kept


def fleet(console: Console, pumps: int) -> bool:
    """Measure the insulin on board of many pumps now; say whether the limits are kept.

    Whoever watches pumps keeps a sum running for each: the doses of the last 5 min come in, and
    the sum is asked. That is the way held against the limit. A record read anew cannot be so
    fast, for to read it and compute nothing costs more than the limit allows.
    """
    records = [doses(1, seed=seed) for seed in range(RECORDS)]
    later = UtcMillis(START + DAY_MS)
    curve = curve_of(MODEL)
    running, news = _begun(records, curve, pumps, UtcMillis(later - STEP_MS))
    begin = time.perf_counter()
    kept_values = [_carried_on(pump, new, later) for pump, new in zip(running, news, strict=True)]
    kept_us = (time.perf_counter() - begin) / pumps * 1e6
    begin = time.perf_counter()
    fresh = [on_board_now(records[n % RECORDS], curve=curve, at=later) for n in range(pumps)]
    fresh_us = (time.perf_counter() - begin) / pumps * 1e6
    plain_us, plain = _each(lambda record: every_dose(record, later), records)
    read_us, _ = _each(lambda record: sum(units for _, units in record), records)
    rows = [("kept running, new doses taken in", kept_us), ("from the record", fresh_us)]
    rows += [("the record read, nothing computed", read_us), ("every dose", plain_us)]
    worst = max(abs(one - two) for one, two in zip(kept_values, fresh, strict=True))
    worst = max(worst, *(abs(one - two) for one, two in zip(plain, fresh, strict=False)))
    other = pyloopkit()
    if other is not None:
        for record in records[:SAMPLES]:
            other(record, later)  # The dates are made outside of the measurement.
        peer_us, found = _each(lambda record: other(record, later), records[:SAMPLES])
        worst = max(worst, *(abs(a - b) for a, b in zip(found, fresh, strict=False)))
        rows.append(("PyLoopKit, from the record", peer_us))
    _print_fleet(console, pumps, rows, is_compared=other is not None)
    console.print(f"greatest difference {worst:.0e} U")
    is_fast = other is None or rows[-1][1] >= RATIO_MIN * kept_us
    return worst <= DIFFERENCE_U_MAX and is_fast


def _begun(
    records: Sequence[Sequence[Pulse]], curve: Curve, pumps: int, until: UtcMillis
) -> tuple[list[SlidingSum], list[list[Pulse]]]:
    """Give a running sum for each pump up to an instant, and the doses that come after it."""
    running: list[SlidingSum] = []
    for number in range(pumps):
        running.append(SlidingSum(curve))
        for pulse in records[number % RECORDS]:
            if pulse[0] <= until:
                running[-1].give(pulse)
        running[-1].at(until)
    news = [[pulse for pulse in record if pulse[0] > until] for record in records]
    return running, [news[number % RECORDS] for number in range(pumps)]


def _carried_on(pump: SlidingSum, new: Sequence[Pulse], at: UtcMillis) -> float:
    for pulse in new:
        pump.give(pulse)
    return pump.at(at)


def _each(
    way: Callable[[Sequence[Pulse]], float], records: Sequence[Sequence[Pulse]]
) -> tuple[float, list[float]]:
    """Measure a way over some records: the cost of one [us], and what each gave."""
    begin = time.perf_counter()
    found = [way(record) for record in records]
    return (time.perf_counter() - begin) / len(records) * 1e6, found


def _print_fleet(
    console: Console, pumps: int, rows: Sequence[tuple[str, float]], *, is_compared: bool
) -> None:
    table = Table(title=f"insulin on board of {pumps:,} pumps at once, a day of doses each")
    for name in ("way", "all", "one pump", "times PyLoopKit"):
        table.add_column(name, justify="left" if name == "way" else "right")
    for name, each_us in rows:
        ratio = f"{rows[-1][1] / each_us:,.0f}" if is_compared else "-"
        table.add_row(name, f"{each_us * pumps / 1e3:,.0f} ms", f"{each_us:.2f} us", ratio)
    console.print(table)


def main() -> None:
    """Measure, print, and compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--days", type=int, nargs="+", default=[1, 7, 30])
    parser.add_argument("--pumps", type=int, default=10_000)
    chosen = parser.parse_args()
    console = Console(width=140)
    kept = histories(console, chosen.days)
    kept = fleet(console, chosen.pumps) and kept
    if pyloopkit() is None:
        console.print("PyLoopKit is not there to compare with; bench/README.md says how to get it")
    console.print(
        f"limits (series and sums kept running {RATIO_MIN} times PyLoopKit, "
        f"{DIFFERENCE_U_MAX:.0e} U): " + ("kept" if kept else "NOT KEPT")
    )


if __name__ == "__main__":
    main()
