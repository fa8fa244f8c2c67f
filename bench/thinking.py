"""What an advice and each reading think about, beside the plain way: forecast and caps."""

import math
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from core.dosing.limits import caps_sliding, caps_sweep
from core.dosing.limits.caps_shapes import Asked, Flow, WindowCap
from core.models.glucose_forecast import insulin_effect
from core.models.insulin.history import Part
from core.models.insulin.models import exponential_curve
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, UtcMillis

NOW = 1_793_491_200_000
"""[ms] an instant."""

TIMES = 50
"""[-] runs, of which the least CPU time counts."""

EFFECT_TIMES_MIN = 10
"""[1] by which the forecast must be quicker than each part at each instant."""

CURVE = exponential_curve(duration_min=360, peak_min=75, delay_min=10)


def parts() -> list[Part]:
    """Give six hours of basal by ten minutes, and four boluses."""
    step = 10 * MINUTE_MS
    basal = [(NOW - 6 * HOUR_MS + n * step, step, 0.02 * (n % 5 - 2)) for n in range(36)]
    boluses = [(NOW - n * HOUR_MS, 40_000, 3.0) for n in range(4)]
    return [
        Part(
            kind="basal",
            start=UtcMillis(start),
            end=UtcMillis(start + length),
            units=units,
            least=units,
            most=units,
            curve=CURVE,
        )
        for start, length, units in (*basal, *boluses)
    ]


def one_by_one(given: Sequence[Part], instants: Sequence[UtcMillis]) -> list[float]:
    """Add up each part at each instant, as the formula is written."""

    def acted(part: Part, at: UtcMillis) -> float:
        newest, oldest = (at - part.end) / MINUTE_MS, (at - part.start) / MINUTE_MS
        return part.units * (1 - part.curve.mean_fraction(newest, oldest))

    return [-50.0 * math.fsum(acted(part, at) for part in given) for at in instants]


def asked() -> Asked:
    """Give a bolus of now, a day of basal and eight boluses before it, and three caps."""
    step = 10 * MINUTE_MS
    flows = [(NOW - 25 * HOUR_MS + n * step, step, 150, True) for n in range(150)]
    flows += [(NOW - (3 * n + 1) * HOUR_MS, 40_000, 3_000, False) for n in range(8)]
    flows.append((NOW, 48 * HOUR_MS, 43_000, True))
    caps = (("hour", 10_000, HOUR_MS, False), ("4 h", 20_000, 4 * HOUR_MS, True))
    return Asked(
        starts_at=UtcMillis(NOW),
        ends_at=UtcMillis(NOW + 1),
        flows=tuple(
            Flow(
                starts_at=UtcMillis(at),
                ends_at=UtcMillis(at + length),
                amount=MilliUnits(amount),
                is_basal=is_basal,
            )
            for at, length, amount, is_basal in flows
        ),
        windows=tuple(
            WindowCap(
                name=name,
                most=MilliUnits(most),
                length=Milliseconds(length),
                counts_basal=counts_basal,
            )
            for name, most, length, counts_basal in (*caps, ("day", 80_000, 24 * HOUR_MS, True))
        ),
    )


def micros(act: Callable[[], object]) -> float:
    """Give the least CPU time of a run [us]."""
    least = math.inf
    for _ in range(TIMES):
        begin = time.process_time_ns()
        act()
        least = min(least, (time.process_time_ns() - begin) / 1_000)
    return least


def main() -> None:
    """Print the table."""
    given, instants = parts(), [UtcMillis(NOW + n * 5 * MINUTE_MS) for n in range(76)]
    dose = asked()
    quick = micros(lambda: insulin_effect(given, instants, isf=50.0))
    plain = micros(lambda: one_by_one(given, instants))
    sliding, sweep = (
        micros(lambda: caps_sliding.rooms(dose)),
        micros(lambda: caps_sweep.rooms(dose)),
    )
    table = Table("what", "us", "beside", title="thinking, least CPU time of a run")
    told = f"{plain / quick:.0f} times as quick; at least {EFFECT_TIMES_MIN}"
    table.add_row("forecast: 40 parts at 76 instants", f"{quick:,.0f}", told)
    table.add_row("each part at each instant", f"{plain:,.0f}", "")
    table.add_row("caps: 159 flows, three windows", f"{sliding:,.0f}", f"{sweep / sliding:.1f}")
    table.add_row("the second implementation", f"{sweep:,.0f}", "it stays plain")
    Console().print(table)


if __name__ == "__main__":
    main()
