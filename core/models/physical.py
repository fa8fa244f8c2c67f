"""What a stroke of the motor physically gave, which no encoder can count (R22 to R24).

The pump counts strokes; a model of `core/models/pump_accuracy.py` says how far the insulin of each
strays from its size. All is drawn from the seed, the stroke's number and what it was made for, so
that the same strokes give the same insulin, however often the pump lost power between them.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from core.models.pump_accuracy import BOLUS_STROKE_PART, ErrorModel, draws
from schemas.delivery.device import PULSE_MU, PumpRecord
from schemas.units import HOUR_MS, DoseId, MicroUnits, UtcMillis

MICRO: Final = 1_000
"""[uU/mU] micro-units in a milliunit."""

StrokeKind = Literal["basal", "bolus", "primed", "unasked"]


class PhysicalStroke(msgspec.Struct, frozen=True, kw_only=True):
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


def strokes_in(
    records: Sequence[PumpRecord], *, after: int, model: ErrorModel, seed: int
) -> Iterator[PhysicalStroke]:
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
            yield PhysicalStroke(
                number=number, at=at, kind=record.kind, dose=record.dose, given=given
            )


def _given(
    record: PumpRecord, *, number: int, at: UtcMillis, model: ErrorModel, seed: int
) -> MicroUnits:
    """Draw what a stroke gives [uU], to the nearest; less than nothing is nothing."""
    part = (
        1
        + model.device * _drawn(seed, "device")
        + _of_stroke(record, model) * _drawn(seed, f"stroke:{number}")
    )
    if record.kind == "basal":
        part += model.hour * _drawn(seed, f"hour:{at // HOUR_MS}")
    elif record.kind == "bolus":
        part += model.bolus * _drawn(seed, f"bolus:{record.dose}")
    return MicroUnits(round(max(0.0, part) * PULSE_MU * MICRO))


def _of_stroke(record: PumpRecord, model: ErrorModel) -> float:
    """Give the deviation of a single stroke [1]; only basal lets the drive rest before each."""
    return model.stroke if record.kind == "basal" else model.stroke * BOLUS_STROKE_PART


def _drawn(seed: int, what: str) -> float:
    return next(draws(f"physical:{seed}:{what}"))
