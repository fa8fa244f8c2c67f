"""How far real pumps stray from what they count, and what each pulse physically gave (R22 to R24).

The pump counts pulses; an error model says how far the insulin of each strays from its size. All is
drawn from the seed, the pulse's number and its purpose, so that the same pulses give the same
insulin, however often the pump lost power between them.

Sources: hourly spread at 0.1 and 1 U/h after Freckmann et al. (R24); relative errors of the 670G
and the t:slim after the device files of LoopInsighT1; Omnipod 5 after its user guide.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist, median
from typing import Final, Literal

import msgspec

from core.models.pulse_scheduler import Pulse
from schemas.delivery.device import PULSE_MU, PumpRecord
from schemas.units import HOUR_MS, DoseId, MicroUnits, MilliUnits, UtcMillis

_NORMAL = NormalDist()

BANDS_PERCENT: Final = (25, 75, 95, 105, 125, 175, 250)
"""[% of commanded] edges of the bands in which boluses are counted; source: R22."""

CHECKPOINTS_H: Final = (1, 6, 12)
"""[h] from the start, without warm-up, at which basal is totalled; source: R23."""


BOLUS_STROKE_PART: Final = 0.1
"""[1] of a basal stroke's error that a stroke of a bolus has: the drive does not rest between."""


class ErrorModel(msgspec.Struct, frozen=True, kw_only=True):
    """How the insulin of a stroke differs from its size; all are standard deviations [1]."""

    name: str
    """[-] as scenarios call it."""
    stroke: float
    """[1] of each stroke of basal, independently."""
    hour: float
    """[1] of each hour of basal, the same for all its strokes."""
    device: float
    """[1] of each pump, the same for ever."""
    bolus: float
    """[1] of each bolus, the same for all its strokes."""


ERROR_MODELS: Final = {
    model.name: model
    for model in (
        ErrorModel(name="ideal", stroke=0.0, hour=0.0, device=0.0, bolus=0.0),
        ErrorModel(name="freckmann", stroke=0.287, hour=0.0767, device=0.0, bolus=0.02),
        ErrorModel(name="medtronic_670g", stroke=0.0, hour=0.0, device=0.0374, bolus=0.0094),
        ErrorModel(name="tandem_tslim", stroke=0.0, hour=0.0, device=0.0295, bolus=0.0094),
        ErrorModel(name="omnipod_5", stroke=0.25, hour=0.03, device=0.03, bolus=0.02),
    )
}
"""[-] by name."""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Basal delivered from the start to an instant, over many pumps."""

    hours: int
    """[h] from the start."""
    programmed: MilliUnits
    """[mU] asked, in whole strokes."""
    typical: float
    """[U] the median."""
    lowest: float
    """[U] of all pumps."""
    highest: float
    """[U] of all pumps."""


def draws(seed: str) -> Iterator[float]:
    """Give standard normal numbers for ever; the same seed gives the same on every machine."""
    number = 0
    while True:
        digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        for first in range(0, 32, 8):
            whole = int.from_bytes(digest[first : first + 8], "big")
            yield _NORMAL.inv_cdf((whole + 0.5) / 2**64)
        number += 1


def basal_totals(
    strokes: Sequence[Pulse],
    *,
    pulse: MilliUnits,
    starts_at: UtcMillis,
    model: ErrorModel,
    seed: int,
    pumps: int,
) -> tuple[Totals, ...]:
    """Total the basal of many pumps at 1, 6 and 12 h from the start (R23)."""
    last = starts_at + CHECKPOINTS_H[-1] * HOUR_MS
    basal = [stroke.at for stroke in strokes if stroke.kind == "basal" and stroke.at <= last]
    runs = [
        _run(basal, pulse, starts_at, model, draws(f"basal:{seed}:{pump}")) for pump in range(pumps)
    ]
    found: list[Totals] = []
    for index, hours in enumerate(CHECKPOINTS_H):
        until = starts_at + hours * HOUR_MS
        count = sum(1 for at in basal if at <= until)
        amounts = [run[index] for run in runs]
        found.append(
            Totals(
                hours=hours,
                programmed=MilliUnits(count * pulse),
                typical=round(median(amounts), 9),
                lowest=round(min(amounts), 9),
                highest=round(max(amounts), 9),
            )
        )
    return tuple(found)


def bolus_bands(
    amount: MilliUnits, *, pulse: MilliUnits, model: ErrorModel, seed: int, boluses: int
) -> tuple[int, ...]:
    """Count boluses by delivered part of commanded: below 25 %, 25 to 75 %, ... above 250 % (R22).

    Returns:
        Eight counts, from the lowest band to the highest; a value on an edge is in the upper band.
    """
    counts = [0] * (len(BANDS_PERCENT) + 1)
    strokes = amount // pulse
    for number in range(boluses):
        normal = draws(f"bolus:{seed}:{number}")
        gain = 1 + model.device * next(normal) + model.bolus * next(normal)
        noise = math.fsum(next(normal) for _ in range(strokes)) * model.stroke * BOLUS_STROKE_PART
        percent = 100 * max(0.0, gain * strokes + noise) * pulse / amount
        counts[sum(1 for edge in BANDS_PERCENT if percent >= edge)] += 1
    return tuple(counts)


def _run(
    basal: Sequence[UtcMillis],
    pulse: MilliUnits,
    starts_at: UtcMillis,
    model: ErrorModel,
    normal: Iterator[float],
) -> list[float]:
    """Deliver once; give the totals [U] at the checkpoints."""
    device = model.device * next(normal)
    hours: dict[int, float] = {}
    totals = [0.0] * len(CHECKPOINTS_H)
    for at in basal:
        hour = (at - starts_at - 1) // HOUR_MS
        if hour not in hours:
            hours[hour] = model.hour * next(normal)
        part = max(0.0, 1 + device + hours[hour] + model.stroke * next(normal))
        for index, limit in enumerate(CHECKPOINTS_H):
            if hour < limit:
                totals[index] += part * pulse / 1000
    return totals


MICRO: Final = 1_000
"""[uU/mU] micro-units in a milliunit."""

StrokeKind = Literal["basal", "bolus", "primed", "unasked"]


class PhysicalPulse(msgspec.Struct, frozen=True, kw_only=True):
    """One stroke as the world saw it."""

    number: int
    """[-] 1, 2, 3, ... of all strokes ever made; never goes back."""
    at: UtcMillis
    """[ms] by the pump's clock, to the part of the record that it stands in."""
    kind: StrokeKind
    """[-] what it was made for."""
    dose: DoseId | None = None
    """[-] of a bolus."""
    given: MicroUnits
    """[uU] 0 or more; the encoder counted 50 mU."""


def pulses_in(
    records: Sequence[PumpRecord], *, after: int, model: ErrorModel, seed: int
) -> Iterator[PhysicalPulse]:
    """Give every stroke of new history, in order.

    Args:
        records: the pump's, sorted by number.
        after: [-] strokes made before them.
        model: how far a stroke strays.
        seed: of all that is drawn.
    """
    number = after
    for record in records:
        if record.kind not in ("basal", "bolus", "primed", "unasked"):
            continue
        count = record.amount // PULSE_MU
        span = record.ends_at - record.starts_at
        for index in range(count):
            number += 1
            at = UtcMillis(record.starts_at + span * (index + 1) // count)
            given = _given(record, number=number, at=at, model=model, seed=seed)
            yield PhysicalPulse(
                number=number, at=at, kind=record.kind, dose=record.dose, given=given
            )


def _given(
    record: PumpRecord, *, number: int, at: UtcMillis, model: ErrorModel, seed: int
) -> MicroUnits:
    """Draw what a stroke gives [uU], to the nearest; less than nothing is nothing."""
    part = (
        1
        + model.device * _drawn(seed, "device")
        + _of_pulse(record, model) * _drawn(seed, f"stroke:{number}")
    )
    if record.kind == "basal":
        part += model.hour * _drawn(seed, f"hour:{at // HOUR_MS}")
    elif record.kind == "bolus":
        part += model.bolus * _drawn(seed, f"bolus:{record.dose}")
    return MicroUnits(round(max(0.0, part) * PULSE_MU * MICRO))


def _of_pulse(record: PumpRecord, model: ErrorModel) -> float:
    """Give the deviation of a single stroke [1]; only basal lets the drive rest before each."""
    return model.stroke if record.kind == "basal" else model.stroke * BOLUS_STROKE_PART


def _drawn(seed: int, what: str) -> float:
    return next(draws(f"physical:{seed}:{what}"))
