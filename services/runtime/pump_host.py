"""What a pump does around its machine: memory before answer, time before command, epoch before all.

The virtual pump's process and the fake pump of the tests both run this, so they cannot differ.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from core import pump_machine, pump_orders
from core.pump_memory import PumpMemory, PumpRefusal, PumpStep
from core.pump_orders import PumpSession
from schemas.device import HISTORY_PAGE_RECORDS_MAX, PumpReading, PumpRecord, PumpStatus
from schemas.message import Now
from schemas.units import DoseId, Milliseconds, MilliUnits, PumpId, UtcMillis
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


CHALLENGE_BYTES = 16
"""[B] drawn by lot for each session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpIdentity:
    """What is set at the pump itself: who it is, and whose orders it takes."""

    pump: PumpId
    trusted: Sequence[str] = ()
    """[-] public keys (hex)."""


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

    def executed(self, dose: DoseId, *, after: int) -> bool:
        """Tell whether the history numbered after `after` has this dose, however old."""
        ...


class FakePumpStore:
    """A memory that survives as long as the object does."""

    def __init__(self) -> None:
        """Begin as a pump that has never been on."""
        self._memory: PumpMemory | None = None
        self._records: list[PumpRecord] = []
        self._doses: dict[DoseId, int] = {}

    def load(self) -> PumpMemory | None:
        """Read the registers, None for a pump that has never been on."""
        return self._memory

    def save(self, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
        """Keep registers and new history together."""
        self._memory = memory
        self._records.extend(records)
        self._doses.update((one.dose, one.sequence) for one in records if one.dose is not None)

    def history(self, *, after: int) -> tuple[PumpRecord, ...]:
        """Read one page of records numbered after `after`, sorted by number."""
        first = max(after, 0)
        return tuple(self._records[first : first + HISTORY_PAGE_RECORDS_MAX])

    def executed(self, dose: DoseId, *, after: int) -> bool:
        """Tell whether the history numbered after `after` has this dose, however old."""
        return self._doses.get(dose, 0) > after


class PumpHost:
    """One pump that is on: a machine, its memory, and nobody who drives it but the last claimer."""

    def __init__(
        self,
        store: PumpStore,
        *,
        identity: PumpIdentity,
        now: Now,
        fill: MilliUnits | None = None,
    ) -> None:
        """Power the pump on.

        Args:
            store: its memory.
            identity: who it is, and whose orders it takes.
            now: [ms] the pump's clock; its real time is monotonic.
            fill: [mU] 1 to 300000, reservoir of a pump that has never been on; None for none.
        """
        self._store = store
        self._identity = identity
        step = pump_machine.power_on(store.load(), now=now.therapy, fill=fill)
        keys = identity.trusted
        trusted = pump_orders.trust(step.memory, keys=keys, now=step.memory.on_at)
        store.save(trusted.memory, records=(*step.records, *trusted.records))
        self._memory = trusted.memory
        self._begin_session(now)

    @property
    def memory(self) -> PumpMemory:
        """The registers as they are now."""
        return self._memory

    def power_on(self, *, now: Now) -> None:
        """Begin anew after a time in which the process did not run; it is not made up."""
        self._keep(pump_machine.power_on(self._memory, now=now.therapy, fill=None))
        self._begin_session(now)

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

    def answer(self, request: AnyRequest, *, now: Now) -> AnyAnswer:
        """Bring the pump to `now`, do what is asked if it may be done, and keep it."""
        self.run_until(now=now.therapy)
        if isinstance(request, Read):
            history = self._store.history(after=request.after)
            return ReadAnswered(reading=PumpReading(status=self._status(now), history=history))
        if isinstance(request, Claim):
            self._keep(pump_machine.claim(self._memory))
            self._begin_session(now)
            return Answered(status=self._status(now))
        if request.epoch < self._memory.epoch:
            return Superseded(epoch=self._memory.epoch)
        if request.epoch > self._memory.epoch:
            return Refused(reason="epoch_unknown")
        step = self._obey(request, now=now)
        if isinstance(step, PumpRefusal):
            return Refused(reason=step.reason)
        self._keep(step)
        return Answered(status=self._status(now))

    def _obey(self, order: AnyOrder, *, now: Now) -> PumpStep | PumpRefusal:
        """Work out what follows from an order of the controller."""
        memory, at = self._memory, self._at(now)
        match order:
            case StartBolus(signed=signed):
                return pump_orders.start_signed(
                    memory,
                    signed=signed,
                    session=self._session(now),
                    executed=self._executed(signed.order.dose),
                    now=at,
                )
            case StopBolus(dose=dose):
                return pump_machine.stop_bolus(
                    memory, dose=dose, executed=self._executed(dose), now=at
                )
            case LoadPlan(plan=plan):
                return pump_machine.load_plan(memory, plan=plan, now=at)
            case Suspend():
                return pump_machine.suspend(memory, now=at)
            case Resume():
                return pump_machine.resume(memory, now=at)
            case Fill(amount=amount):
                return pump_machine.fill(memory, amount=amount, now=at)

    def _executed(self, dose: DoseId) -> bool:
        return self._store.executed(dose, after=self._memory.trusted_since)

    def _begin_session(self, now: Now) -> None:
        """Draw a new challenge: what was signed for the session before is worth nothing now."""
        self._challenge = secrets.token_hex(CHALLENGE_BYTES)
        self._challenged_real = now.real

    def _session(self, now: Now) -> PumpSession:
        uptime = Milliseconds(max(0, now.real - self._challenged_real))
        return PumpSession(pump=self._identity.pump, challenge=self._challenge, uptime=uptime)

    def _at(self, now: Now) -> UtcMillis:
        return UtcMillis(max(now.therapy, self._memory.on_at))

    def _status(self, now: Now) -> PumpStatus:
        status = pump_machine.status(self._memory, now=self._at(now))
        session = self._session(now)
        return msgspec.structs.replace(status, challenge=session.challenge, uptime=session.uptime)

    def _keep(self, step: PumpStep) -> None:
        """Make a step durable; only then it has happened."""
        self._store.save(step.memory, records=step.records)
        self._memory = step.memory
