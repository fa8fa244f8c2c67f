"""What a pump does around its machine: memory before answer, time before command, epoch first.

The virtual pump's process and the in-process pump of the tests both run this, so they cannot
differ.
"""

import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from core.dosing.order_protocol.authentication import LineFlaw
from core.kernel.errors import InvariantError
from core.models.pulses import Parts
from core.pump import machine, order_intake, physics, suspension
from core.pump.basal_maximum import limit_basal
from core.pump.clock_setting import set_clock
from core.pump.memory import PumpFaultName, PumpMemory, PumpRefusal, PumpStep
from core.pump.order_intake import PumpSession
from core.pump.physics import PumpPhysics
from core.pump.supervision import is_more_than, is_too_much, most_at_once
from schemas.delivery.device import PULSE_MU, PumpReading, PumpStatus
from schemas.message import Now
from schemas.units import DoseId, Milliseconds, MilliUnits, PumpId, UtcMillis
from services.runtime.platform.errors import PumpPowerLost
from services.runtime.platform.failpoints import failpoint
from services.runtime.pump_link.protocol import (
    Answered,
    AnyAnswer,
    AnyRequest,
    Claim,
    ClearFault,
    Fill,
    LimitBasal,
    LoadPlan,
    Prime,
    Read,
    ReadAnswered,
    Refused,
    Resume,
    StartBolus,
    StopBolus,
    Superseded,
    Suspend,
)
from services.virtual_pump.fault_script import PumpScript
from services.virtual_pump.line import PumpLine
from services.virtual_pump.state_store import PumpStore

AnyOrder = (
    StartBolus | StopBolus | LoadPlan | LimitBasal | Suspend | Resume | Fill | Prime | ClearFault
)
"""[-] the requests that only the controller may send."""


def obey(
    order: AnyOrder,
    memory: PumpMemory,
    *,
    session: PumpSession,
    executed: Callable[[DoseId], bool],
    now: UtcMillis,
    world: PumpPhysics,
) -> PumpStep | PumpRefusal:
    """Work out what follows from an order; nothing is kept here.

    Args:
        order: it came from the controller that drives the pump.
        memory: the registers at `now`.
        session: what a bolus order is held against.
        executed: says whether the history has a dose.
        now: [ms] the pump's clock.
        world: what is in the motor's way.
    """
    match order:
        case StartBolus(signed=signed):
            return order_intake.start_signed(
                memory,
                signed=signed,
                session=session,
                executed=executed(signed.order.dose),
                now=now,
                world=world,
            )
        case StopBolus(dose=dose):
            return machine.stop_bolus(memory, dose=dose, executed=executed(dose), now=now)
        case LoadPlan(plan=plan):
            return machine.load_plan(memory, plan=plan, now=now)
        case LimitBasal(rate=rate):
            return limit_basal(memory, rate=rate, now=now)
        case Suspend(until=until):
            return suspension.suspend(memory, now=now, until=until)
        case Resume():
            return suspension.resume(memory, now=now)
        case Fill(amount=amount):
            return machine.fill(memory, amount=amount, now=now)
        case Prime(amount=amount, what=what):
            return physics.prime(memory, amount=amount, what=what, now=now, world=world)
        case ClearFault():
            return physics.clear(memory, now=now)


def most_of(order: AnyOrder) -> MilliUnits:
    """Give the most that an order may move in its instant [mU] (R83)."""
    match order:
        case StartBolus(signed=signed):
            return most_at_once(signed.order)
        case Prime(amount=amount):
            return amount
        case _:
            return MilliUnits(0)


BATTERY_LOW_PERCENT = 20
"""[%] at and below it the battery is low; the rest lasts for hours (R51)."""

CHALLENGE_BYTES = 16
"""[B] drawn by lot for each session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpIdentity:
    """What is set at the pump itself: who it is, and whose orders it takes."""

    pump: PumpId
    trusted: Sequence[str] = ()
    """[-] public keys (hex)."""
    key: bytes | None = None
    """[-] shared with its controller when it was paired; without one it is read at most."""


class PumpHost:
    """One pump that is on: a machine, its memory, and nobody who drives it but the last claimer."""

    def __init__(
        self,
        store: PumpStore,
        *,
        identity: PumpIdentity,
        now: Now,
        fill: MilliUnits | None = None,
        script: PumpScript | None = None,
    ) -> None:
        """Power the pump on: its self-test comes before any stroke (R78).

        Args:
            store: its memory.
            identity: who it is, and whose orders it takes.
            now: [ms] the pump's clock; its real time is monotonic.
            fill: [mU] 1 to 300000, reservoir of a pump that has never been on; None for none.
            script: the faults that it will have; None for an honest pump.
        """
        self._store = store
        self._script = script or PumpScript()
        self._identity = identity
        found = store.load()
        started_at = UtcMillis(now.therapy + self._script.clock_ahead(found))
        step = machine.power_on(found, now=started_at, fill=fill)
        keys = identity.trusted
        trusted = order_intake.trust(step.memory, keys=keys, now=step.memory.on_at)
        failpoint("power_on_before")
        store.save(trusted.memory, records=(*step.records, *trusted.records))
        failpoint("power_on_after")
        self._memory: PumpMemory = trusted.memory
        self._hold(trusted.memory)
        self._begin_session(now)
        self.self_test(now=now.therapy)

    @property
    def memory(self) -> PumpMemory:
        """The registers as they are now."""
        return self._memory

    def power_on(self, *, now: Now) -> None:
        """Begin anew after a time in which the process did not run; it is not made up.

        The registers are looked at before they are used, and the self-test comes before any stroke.
        """
        own = self._own(now.therapy)
        memory = self._checked(own)
        self._keep(machine.power_on(memory, now=own, fill=None))
        self._begin_session(now)
        self.self_test(now=now.therapy)

    def run_until(self, *, now: UtcMillis, save: bool = False) -> None:
        """Deliver what is due up to `now` [ms]; saved if anything moved or `save` is set."""
        now = self._own(now)
        before = self._checked(now)
        step = machine.run_until(before, now=now, world=self._script.world())
        if is_too_much(before, step.memory, now=now):
            step = physics.trip(before, fault="over_infusion", now=self._later(now))
        if step.records or save:
            self._keep(step)
        else:
            self._hold(step.memory)
        self._meet(before, now)

    def self_test(self, *, now: UtcMillis) -> None:
        """Test memory, balance and mechanism; what is found stops the motor until it is cleared.

        At each start before any stroke, and every 30 s after it (R78, R79, R80).
        """
        now = self._own(now)
        memory = self._checked(now)
        fault: PumpFaultName | None = None
        if self._script.fails_self_test:
            fault = "self_test_failed"
        elif not physics.is_balanced(memory) or self._store.load() is None:
            fault = "memory_broken"
        if fault is not None and memory.fault is None:
            self._keep(physics.trip(memory, fault=fault, now=self._later(now)))

    def _meet(self, before: PumpMemory, now: UtcMillis) -> None:
        """Let happen what the script says of the strokes just made."""
        for one in self._script.crossed(before, self._memory):
            at = self._later(now)
            match one.fault:
                case "power_lost" | "watchdog":
                    raise PumpPowerLost
                case "motor_unasked":
                    strokes = one.amount // PULSE_MU
                    world = self._script.world()
                    self._keep(
                        physics.run_unasked(self._memory, strokes=strokes, now=at, world=world)
                    )
                case "air_in_line" | "overheated" | "reservoir_missing" | "battery_depleted":
                    self._keep(physics.trip(self._memory, fault=one.fault, now=at))
                case "clock_set":
                    self._keep(set_clock(self._memory, by=Milliseconds(one.ahead_ms)))
                case "odometer_back":
                    lower = MilliUnits(max(0, self._memory.odometer - one.amount))
                    changed = msgspec.structs.replace(self._memory, odometer=lower)
                    self._keep(PumpStep(memory=changed))
                case "memory_flipped":
                    # The registers change and nobody has written them.
                    owed = Parts(self._memory.owed ^ 1)
                    self._memory = msgspec.structs.replace(self._memory, owed=owed)
                case other:
                    raise InvariantError(f"no fault of a pump in motion is called {other!r}")

    def _later(self, now: UtcMillis) -> UtcMillis:
        return UtcMillis(max(now, self._memory.on_at))

    def _checked(self, now: UtcMillis) -> PumpMemory:
        """Give the registers if they are what was last held, else those of the store (R46)."""
        if zlib.crc32(msgspec.json.encode(self._memory)) == self._checksum:
            return self._memory
        kept = self._store.load()
        if kept is None:
            raise PumpPowerLost
        self._hold(kept)
        self._keep(physics.trip(kept, fault="memory_broken", now=self._later(now)))
        return self._memory

    def _hold(self, memory: PumpMemory) -> None:
        self._memory = memory
        self._checksum = zlib.crc32(msgspec.json.encode(memory))

    def next_pulse_at(self) -> UtcMillis | None:
        """Find the instant [ms] at which the pump moves next, None if there is none within 24 h.

        By the clock that all share, as every instant that comes in here or goes out; the pump's own
        may be another.
        """
        due_at = machine.next_pulse_at(self._memory)
        return None if due_at is None else UtcMillis(due_at - self._ahead)

    def answer(self, request: AnyRequest, *, now: Now) -> AnyAnswer:
        """Bring the pump to `now`, do what is asked if it may be done, and keep it."""
        self.run_until(now=now.therapy)
        if isinstance(request, Read):
            history = self._store.history(after=request.after)
            return ReadAnswered(reading=PumpReading(status=self._status(now), history=history))
        if isinstance(request, Claim):
            failpoint("claimed_before")
            self._keep(machine.claim(self._memory, by=request.by))
            failpoint("claimed_after")
            self._begin_session(now)
            return Answered(status=self._status(now))
        if request.epoch < self._memory.epoch:
            return Superseded(epoch=self._memory.epoch)
        if request.epoch > self._memory.epoch:
            return Refused(reason="epoch_unknown")
        is_dose = isinstance(request, StartBolus)
        failpoint("dose_obeyed_before" if is_dose else "obeyed_before")
        step = self._obey(request, now=now)
        if isinstance(step, PumpRefusal):
            if step.noted is not None:
                self._keep(step.noted)
            return Refused(reason=step.reason)
        before = self._memory
        if is_more_than(most_of(request), before, step.memory):
            at = self._at(now)
            self._keep(physics.trip(before, fault="over_infusion", now=at))
            return Refused(reason="fault")
        self._keep(step)
        failpoint("dose_obeyed_after" if is_dose else "obeyed_after")
        self._meet(before, self._own(now.therapy))
        return Answered(status=self._status(now))

    def line(self, *, reads_openly: bool) -> PumpLine:
        """Open a line to this pump, with nothing proven on it."""
        identity = self._identity
        return PumpLine(pump=identity.pump, key=identity.key, reads_openly=reads_openly)

    def refuse_frame(self, flaw: LineFlaw, act: str, *, now: Now) -> Refused:
        """Refuse a frame that does not prove who sent it; what it was is remembered.

        Written down as refused orders are: some for each reason in an hour. The rest is counted,
        and the count is kept with the next step, so that a flood does not hold up the motor.
        """
        refusal = order_intake.refuse(self._memory, dose=DoseId(act), flaw=flaw, now=self._at(now))
        if refusal.noted is not None and refusal.noted.records:
            self._keep(refusal.noted)
        elif refusal.noted is not None:
            self._hold(refusal.noted.memory)
        return Refused(reason=refusal.reason)

    def _obey(self, order: AnyOrder, *, now: Now) -> PumpStep | PumpRefusal:
        """Work out what follows from an order of the controller."""
        if isinstance(order, ClearFault):
            self._script.cleared(self._memory)
        return obey(
            order,
            self._memory,
            session=self._session(now),
            executed=self._executed,
            now=self._at(now),
            world=self._script.world(),
        )

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
        return self._later(self._own(now.therapy))

    @property
    def _ahead(self) -> Milliseconds:
        return self._script.clock_ahead(self._memory)

    def _own(self, shared: UtcMillis) -> UtcMillis:
        """Give what the pump's clock says at an instant [ms] of the one that all others share."""
        return UtcMillis(shared + self._ahead)

    def _status(self, now: Now) -> PumpStatus:
        status = machine.status(self._memory, now=self._at(now))
        session = self._session(now)
        battery = self._script.battery_percent(self._memory)
        low = ("battery_low",) if battery <= BATTERY_LOW_PERCENT else ()
        return msgspec.structs.replace(
            status,
            challenge=session.challenge,
            uptime=session.uptime,
            battery_percent=battery,
            alarms=tuple(sorted((*status.alarms, *low))),
        )

    def _keep(self, step: PumpStep) -> None:
        """Make a step durable; only then it has happened."""
        failpoint("save_before")
        self._store.save(step.memory, records=step.records)
        failpoint("save_after")
        self._hold(step.memory)
