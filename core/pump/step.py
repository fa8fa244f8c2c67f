"""A step of the pump while it is being worked out: registers that change, records that add up."""

from typing import Final, Literal

import msgspec

from core.pump.memory import BolusInMotion, PumpMemory, PumpStep
from schemas.delivery.device import PULSE_MU, PumpRecord, RecordKind
from schemas.units import DoseId, MilliUnits, UtcMillis

BolusEnd = Literal[
    "delivered", "stopped", "suspended", "reservoir_empty", "power_lost", "occlusion", "fault"
]
"""[-] how a bolus ended."""

Slot = Literal["extended", "bolus"]
"""[-] what can run at the same time: one of each."""

SLOTS: Final[tuple[Slot, ...]] = ("extended", "bolus")
"""[-] in order of precedence."""

NO_INSULIN = MilliUnits(0)
"""[mU] the amount of a record in which no insulin is meant."""


class PumpDraft:
    """Registers and history of one step; lives inside one pure function and leaves as a step."""

    def __init__(self, memory: PumpMemory) -> None:
        """Begin with the registers as they are."""
        self.memory = memory
        self.records: list[PumpRecord] = []

    def step(self) -> PumpStep:
        """Hand out what was worked out."""
        return PumpStep(memory=self.memory, records=tuple(self.records))

    def change(self, **registers: object) -> None:
        """Set registers by their names."""
        self.memory = msgspec.structs.replace(self.memory, **registers)

    def write(
        self,
        *,
        kind: RecordKind,
        starts_at: UtcMillis,
        ends_at: UtcMillis,
        amount: MilliUnits = NO_INSULIN,
        dose: DoseId | None = None,
        detail: str = "",
        digest: str = "",
    ) -> None:
        """Add one record with the next number, as `schemas.delivery.device.PumpRecord` has them."""
        sequence = self.memory.sequence + 1
        self.change(sequence=sequence)
        self.records.append(
            PumpRecord(
                sequence=sequence,
                kind=kind,
                starts_at=starts_at,
                ends_at=ends_at,
                amount=amount,
                odometer=self.memory.odometer,
                dose=dose,
                digest=digest,
                detail=detail,
            )
        )

    def move_basal(self, instants: list[UtcMillis]) -> None:
        """Count basal pulses at sorted instants [ms]; one record from the last basal pulse on."""
        if not instants:
            return
        amount = self._move(len(instants))
        since = self.memory.basal_at
        plan = self.memory.plan.plan if self.memory.plan else ""
        self.write(kind="basal", starts_at=since, ends_at=instants[-1], amount=amount, detail=plan)
        self.change(basal_at=instants[-1])

    def move_bolus(self, instants: list[UtcMillis], *, slot: Slot = "bolus") -> None:
        """Count pulses of a running bolus at sorted instants [ms]; one record, first to last."""
        bolus = self.running(slot)
        if bolus is None or not instants:
            return
        amount = self._move(len(instants))
        self.write(
            kind="bolus",
            starts_at=instants[0],
            ends_at=instants[-1],
            amount=amount,
            dose=bolus.dose,
        )
        delivered = MilliUnits(bolus.delivered + amount)
        self.change(**{slot: msgspec.structs.replace(bolus, delivered=delivered)})
        if delivered == bolus.requested:
            self.end_bolus(at=instants[-1], how="delivered", slot=slot)

    def end_all(self, *, at: UtcMillis, how: BolusEnd) -> None:
        """End every bolus that runs, the extended one first."""
        for slot in SLOTS:
            self.end_bolus(at=at, how=how, slot=slot)

    def end_bolus(self, *, at: UtcMillis, how: BolusEnd, slot: Slot = "bolus") -> None:
        """End a running bolus, if there is one, at an instant [ms] with what it delivered."""
        bolus = self.running(slot)
        if bolus is None:
            return
        self.write(
            kind="bolus_ended",
            starts_at=bolus.started_at,
            ends_at=at,
            amount=bolus.delivered,
            dose=bolus.dose,
            detail=how,
        )
        self.change(**{slot: None})

    def running(self, slot: Slot) -> BolusInMotion | None:
        """Give the bolus that runs in a slot."""
        return self.memory.bolus if slot == "bolus" else self.memory.extended

    def fill(self, *, amount: MilliUnits, now: UtcMillis) -> None:
        """Take a new reservoir of `amount` [mU] at an instant [ms]; the odometer stays."""
        self.write(kind="filled", starts_at=now, ends_at=now, amount=amount)
        self.change(reservoir=amount, filled=amount, filled_at=self.memory.odometer)

    def move_plain(self, pulses: int, *, kind: RecordKind, at: UtcMillis, detail: str = "") -> None:
        """Count pulses that are neither basal nor of a bolus, at an instant [ms]; one record."""
        if pulses:
            amount = self._move(pulses)
            self.write(kind=kind, starts_at=at, ends_at=at, amount=amount, detail=detail)

    def _move(self, pulses: int) -> MilliUnits:
        """Take whole pulses out of the reservoir and onto the odometer."""
        amount = MilliUnits(pulses * PULSE_MU)
        self.change(
            odometer=MilliUnits(self.memory.odometer + amount),
            reservoir=MilliUnits((self.memory.reservoir or 0) - amount),
        )
        return amount
