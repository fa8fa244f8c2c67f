"""What a pump does around its machine: memory before answer, time before command, epoch before all.

The virtual pump's process and the fake pump of the tests both run this, so they cannot differ.
"""

from collections.abc import Sequence
from typing import Protocol

from core import pump_machine
from core.pump_memory import PumpMemory, PumpRefusal, PumpStep
from schemas.device import HISTORY_PAGE_RECORDS_MAX, PumpReading, PumpRecord
from schemas.units import DoseId, MilliUnits, UtcMillis
from services.runtime.pump_wire import (
    Answered,
    AnyAnswer,
    AnyRequest,
    Claim,
    Fill,
    LoadPlan,
    Read,
    ReadAnswered,
    Refused,
    Resume,
    StartBolus,
    StopBolus,
    Superseded,
    Suspend,
)

AnyOrder = StartBolus | StopBolus | LoadPlan | Suspend | Resume | Fill
"""[-] the requests that only the controller may send."""


class PumpStore(Protocol):
    """The pump's non-volatile memory."""

    def load(self) -> PumpMemory | None:
        """Read the registers, None for a pump that has never been on."""
        ...

    def save(self, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
        """Keep registers and new history together, durable before it returns."""
        ...

    def history(self, *, after: int) -> tuple[PumpRecord, ...]:
        """Read one page of records numbered after `after`, sorted by number."""
        ...

    def executed(self, dose: DoseId) -> bool:
        """Tell whether the history has this dose, however old."""
        ...


class FakePumpStore:
    """A memory that survives as long as the object does."""

    def __init__(self) -> None:
        """Begin as a pump that has never been on."""
        self._memory: PumpMemory | None = None
        self._records: list[PumpRecord] = []
        self._doses: set[DoseId] = set()

    def load(self) -> PumpMemory | None:
        """Read the registers, None for a pump that has never been on."""
        return self._memory

    def save(self, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
        """Keep registers and new history together."""
        self._memory = memory
        self._records.extend(records)
        self._doses.update(record.dose for record in records if record.dose is not None)

    def history(self, *, after: int) -> tuple[PumpRecord, ...]:
        """Read one page of records numbered after `after`, sorted by number."""
        first = max(after, 0)
        return tuple(self._records[first : first + HISTORY_PAGE_RECORDS_MAX])

    def executed(self, dose: DoseId) -> bool:
        """Tell whether the history has this dose, however old."""
        return dose in self._doses


class PumpHost:
    """One pump that is on: a machine, its memory, and nobody who drives it but the last claimer."""

    def __init__(self, store: PumpStore, *, now: UtcMillis, fill: MilliUnits | None = None) -> None:
        """Power the pump on.

        Args:
            store: its memory.
            now: [ms] the pump's clock.
            fill: [mU] 1 to 300000, reservoir of a pump that has never been on; None for none.
        """
        self._store = store
        step = pump_machine.power_on(store.load(), now=now, fill=fill)
        store.save(step.memory, records=step.records)
        self._memory = step.memory

    @property
    def memory(self) -> PumpMemory:
        """The registers as they are now."""
        return self._memory

    def power_on(self, *, now: UtcMillis) -> None:
        """Begin anew after a time [ms] in which the process did not run; it is not made up."""
        self._keep(pump_machine.power_on(self._memory, now=now, fill=None))

    def run_until(self, *, now: UtcMillis, save: bool = False) -> None:
        """Deliver what is due up to `now` [ms]; saved if anything moved or `save` is set."""
        step = pump_machine.run_until(self._memory, now=now)
        if step.records or save:
            self._keep(step)
        else:
            self._memory = step.memory

    def next_pulse_at(self) -> UtcMillis | None:
        """Find the instant [ms] of the next pulse within 24 h, None if there is none."""
        return pump_machine.next_pulse_at(self._memory)

    def answer(self, request: AnyRequest, *, now: UtcMillis) -> AnyAnswer:
        """Bring the pump to `now` [ms], do what is asked if it may be done, and keep it."""
        self.run_until(now=now)
        now = UtcMillis(max(now, self._memory.on_at))
        if isinstance(request, Read):
            status = pump_machine.status(self._memory, now=now)
            history = self._store.history(after=request.after)
            return ReadAnswered(reading=PumpReading(status=status, history=history))
        if isinstance(request, Claim):
            self._keep(pump_machine.claim(self._memory))
            return Answered(status=pump_machine.status(self._memory, now=now))
        if request.epoch < self._memory.epoch:
            return Superseded(epoch=self._memory.epoch)
        if request.epoch > self._memory.epoch:
            return Refused(reason="epoch_unknown")
        step = self._obey(request, now=now)
        if isinstance(step, PumpRefusal):
            return Refused(reason=step.reason)
        self._keep(step)
        return Answered(status=pump_machine.status(self._memory, now=now))

    def _obey(self, order: AnyOrder, *, now: UtcMillis) -> PumpStep | PumpRefusal:
        """Work out what follows from an order of the controller."""
        memory = self._memory
        match order:
            case StartBolus(dose=dose, amount=amount, duration=duration):
                return pump_machine.start_bolus(
                    memory,
                    dose=dose,
                    amount=amount,
                    duration=duration,
                    executed=self._store.executed(dose),
                    now=now,
                )
            case StopBolus(dose=dose):
                return pump_machine.stop_bolus(
                    memory, dose=dose, executed=self._store.executed(dose), now=now
                )
            case LoadPlan(plan=plan):
                return pump_machine.load_plan(memory, plan=plan, now=now)
            case Suspend():
                return pump_machine.suspend(memory, now=now)
            case Resume():
                return pump_machine.resume(memory, now=now)
            case Fill(amount=amount):
                return pump_machine.fill(memory, amount=amount, now=now)

    def _keep(self, step: PumpStep) -> None:
        """Make a step durable; only then it has happened."""
        self._store.save(step.memory, records=step.records)
        self._memory = step.memory
