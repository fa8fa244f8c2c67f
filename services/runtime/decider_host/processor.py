"""One decider over its journal: hear, decide, store in one transaction; synchronous."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.kernel.decider import Decider, Effect, Entry
from core.kernel.errors import InvariantError
from schemas.message import EVENTS_PER_DECISION_MAX, Event, Now, Report, tag_of
from schemas.record import HistoryLost, Tick
from schemas.units import EventId, PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.headers import TRACE_HEADER, trace_id_of
from services.runtime.decider_host.command_outcomes import Said, command_answered, outcome_of
from services.runtime.decider_host.event_writer import outgoing, read_back, seal
from services.runtime.decider_host.inbox import InboxPolicy, accept, malformed, pump_of
from services.runtime.decider_host.inbox_results import (
    Accepted,
    Duplicate,
    Gap,
    Ignored,
    Observed,
    Quarantined,
)
from services.runtime.decider_host.state_snapshot import StateFile
from services.runtime.decider_host.unit_of_work import PumpStream, UnitOfWork
from services.runtime.journal.entries import IMPORTED, INPUT, RowMetadata, metadata_at
from services.runtime.ports import Arrived, Outgoing, Store, StreamHead

TICKS_PER_STEP_MAX = 100
"""[-] ticks given to one pump in one step; more means that the decider never comes to rest."""

StateT = TypeVar("StateT")


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that the process itself brings to the decider of one pump."""

    pump: PumpId
    report: Report


Input = Arrived | Reported


@dataclass(slots=True)
class ProcessingResult:
    """What one step stored, and what must follow from it in the world."""

    decisions: list[list[Outgoing]] = field(default_factory=list)
    effects: list[tuple[PumpId, Effect]] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    missing: Gap | None = None
    unread: Sequence[Input] = ()


class DeciderProcessor(Generic[StateT]):
    """Runs one decider for all its pumps."""

    def __init__(
        self, *, decider: Decider[StateT], store: Store, snapshot: StateFile | None = None
    ) -> None:
        """Fold the journal, from a snapshot of it on where there is one that fits."""
        self.decider = decider
        self.unit_of_work: UnitOfWork[StateT] = UnitOfWork(
            decider=decider, store=store, snapshot=snapshot
        )
        self._says = frozenset(decider.emits)
        handles = frozenset(tag_of(kind) for kind in decider.handles)
        self._policy = InboxPolicy(
            decider.name,
            decider.subscribes_to,
            handles,
            self.unit_of_work.outcome,
            keeps=frozenset(decider.subscribes_to if decider.keeps_commands else ()),
            is_answered=self.unit_of_work.is_answered,
        )

    def handle(self, inputs: Sequence[Input], *, now: Now) -> ProcessingResult:
        """Hear inputs in order, decide, and store everything in one transaction.

        Stops before the first event whose predecessors are missing: `missing` names them and
        `unread` is the rest, that event first.

        Raises:
            InvariantError: the decider broke its contract; nothing of this step is stored.
            SecondWriter: another process writes the same journal; nothing is stored.
            RestoredFromOldCopy: others heard events of this service that its journal lacks.
        """
        now, step = self.unit_of_work.not_before(now), ProcessingResult()
        touched: dict[PumpId, None] = {}
        heard_up_to = 0
        for index, given in enumerate(inputs):
            if isinstance(given, Reported):
                pump_stream = self.unit_of_work.pump_stream(given.pump)
                self._report(pump_stream, given.report, data=b"", now=now, step=step)
                touched[given.pump] = None
                continue
            missing = self._hear(given, now, step)
            if missing is not None:
                step.missing, step.unread = missing, inputs[index:]
                break
            heard_up_to = max(heard_up_to, given.sequence)
            touched[pump_of(given)] = None
        self.unit_of_work.put_sequence(heard_up_to)
        for pump in touched:
            self._settle(self.unit_of_work.pump_stream(pump), now, step)
        self.unit_of_work.commit()
        return step

    def wake(self, *, now: Now) -> ProcessingResult:
        """Give a Tick to every pump whose time has come, and store what follows."""
        now, step = self.unit_of_work.not_before(now), ProcessingResult()
        for pump in list(self.unit_of_work.pump_streams):
            self._settle(self.unit_of_work.pump_stream(pump), now, step)
        self.unit_of_work.commit()
        return step

    def wake_at(self) -> UtcMillis | None:
        """Give the next instant of therapy time at which some pump wants a Tick."""
        states = [pump_stream.state for pump_stream in self.unit_of_work.pump_streams.values()]
        wakes = [self.decider.wake_at(state) for state in states]
        return min((at for at in wakes if at is not None), default=None)

    def take(self, pump: PumpId, events: Sequence[bytes], *, now: Now, position: int = 0) -> None:
        """Fold old events without deciding: others' for a service new to an old pump, own ones
        that a restore from an old copy has lost.

        The commands that the own ones answer to are known from then on, and not obeyed anew.
        """
        for data in events:
            sealed = read_back(data)
            own = sealed.entry.speaker == self.decider.name
            trace = trace_id_of(None, cause=sealed.entry.id)
            head = metadata_at(now, trace=trace, subject=sealed.subject)
            topic = ("" if own else IMPORTED) + tag_of(type(sealed.entry.body))
            pump_stream = self.unit_of_work.pump_stream(pump)
            at = self.unit_of_work.put_row(
                pump_stream, topic, head=head, data=data, entry=sealed.entry
            )
            self.unit_of_work.put_head(pump_stream, Speaker(str(sealed.entry.speaker)), sealed.head)
            command = command_answered(sealed.entry.body, data) if own else None
            if command is not None and not self.unit_of_work.is_answered(pump, command):
                self.unit_of_work.put_command(pump_stream, command, at)
        self.unit_of_work.put_sequence(position)
        self.unit_of_work.commit()

    def _hear(self, arrived: Arrived, now: Now, step: ProcessingResult) -> Gap | None:
        pump_stream = self.unit_of_work.pump_stream(pump_of(arrived))
        heard = accept(
            arrived,
            policy=self._policy,
            heads=pump_stream.heads,
            blocked_producers=pump_stream.forked,
            now=now,
            given_up=pump_stream.given_up,
        )
        match heard:
            case Accepted():
                self._enter(pump_stream, heard, arrived, now, step)
            case Gap():
                return heard
            case Duplicate(outcome, reply):
                if reply:
                    step.answers.append((reply, outcome))
            case Quarantined():
                self._instead(heard, now, step)
            case Observed():
                self._keep(pump_stream, heard, arrived, now)
            case Ignored():
                pass
        return None

    def _enter(
        self,
        pump_stream: PumpStream[StateT],
        heard: Accepted,
        arrived: Arrived,
        now: Now,
        step: ProcessingResult,
    ) -> None:
        entry = heard.entry
        try:
            events = self._decide(pump_stream, entry, now)
            evolved = self.decider.evolve(pump_stream.state, entry)
        except Exception as error:  # noqa: BLE001  # one poison message must not stop a pump
            reason = f"deciding raised {type(error).__name__}: {error}"
            instead = malformed(
                arrived,
                heard.pump,
                reason,
                head=heard.head,
                command=heard.command,
                reply=heard.reply,
            )
            self._instead(instead, now, step)
            return
        trace = trace_id_of(arrived.headers.get(TRACE_HEADER), cause=entry.id)
        head = metadata_at(now, trace=trace, subject=heard.subject, sequence=arrived.sequence)
        topic = INPUT + tag_of(type(entry.body))
        at = self.unit_of_work.put_row(
            pump_stream, topic, head=head, data=heard.data, entry=entry, evolved=evolved
        )
        if heard.head is not None:
            self.unit_of_work.put_head(pump_stream, *heard.head)
        said = self._say(pump_stream, entry.id, events, when=head, position=at, step=step)
        self._answer(pump_stream, heard, said, position=at, step=step)

    def _keep(
        self, pump_stream: PumpStream[StateT], heard: Observed, arrived: Arrived, now: Now
    ) -> None:
        trace = trace_id_of(arrived.headers.get(TRACE_HEADER), cause=heard.entry.id)
        head = metadata_at(now, trace=trace, subject=heard.subject, sequence=arrived.sequence)
        topic = IMPORTED + tag_of(type(heard.entry.body))
        at = self.unit_of_work.put_row(
            pump_stream, topic, head=head, data=heard.data, entry=heard.entry
        )
        self.unit_of_work.put_command(pump_stream, heard.command, at)

    def _instead(self, instead: Quarantined, now: Now, step: ProcessingResult) -> None:
        pump_stream = self.unit_of_work.pump_stream(instead.pump)
        if instead.head is not None:
            self.unit_of_work.put_head(pump_stream, *instead.head)
        at = pump_stream.position + 1
        said = self._report(pump_stream, instead.report, data=instead.data, now=now, step=step)
        self._answer(pump_stream, instead, said, position=at, step=step)

    def _report(
        self,
        pump_stream: PumpStream[StateT],
        report: Report,
        *,
        data: bytes,
        now: Now,
        step: ProcessingResult,
    ) -> Said:
        name = f"report:{pump_stream.position + 1}"
        entry = Entry(id=name, at=now.therapy, body=report)
        events = self._decide(pump_stream, entry, now)
        trace = trace_id_of(None, cause=f"{self.decider.name}:{pump_stream.pump}:{name}")
        head = metadata_at(now, trace=trace)
        body = codec.encode(report) + (b"\n" + data if data else b"")
        topic = INPUT + tag_of(type(report))
        at = self.unit_of_work.put_row(pump_stream, topic, head=head, data=body, entry=entry)
        if isinstance(report, HistoryLost):
            self.unit_of_work.put_head(
                pump_stream, Speaker(report.speaker), StreamHead(report.last, "")
            )
        return self._say(pump_stream, name, events, when=head, position=at, step=step)

    def _decide(self, pump_stream: PumpStream[StateT], entry: Entry, now: Now) -> tuple[Event, ...]:
        events = self.decider.decide(pump_stream.state, entry, now)
        if len(events) > EVENTS_PER_DECISION_MAX:
            raise InvariantError(f"{len(events)} events in one decision")
        for event in events:
            if type(event) not in self._says:
                raise InvariantError(f"{self.decider.name} may not say {type(event).__name__}")
        if entry.actor is not None and not events:
            raise InvariantError(f"nothing was said to {type(entry.body).__name__}")
        return events

    def _settle(self, pump_stream: PumpStream[StateT], now: Now, step: ProcessingResult) -> None:
        for _ in range(TICKS_PER_STEP_MAX):
            at = self.decider.wake_at(pump_stream.state)
            if at is None or at > now.therapy:
                return
            said = self._report(pump_stream, Tick(), data=b"", now=now, step=step)
            after = self.decider.wake_at(pump_stream.state)
            if not said and after is not None and after <= now.therapy:
                raise InvariantError(f"a Tick at {now.therapy} moved nothing")
        raise InvariantError(f"more than {TICKS_PER_STEP_MAX} ticks at {now.therapy}")

    def _say(
        self,
        pump_stream: PumpStream[StateT],
        cause: str,
        events: Sequence[Event],
        *,
        when: RowMetadata,
        position: int,
        step: ProcessingResult,
    ) -> Said:
        said: Said = []
        decision: list[Outgoing] = []
        speaker, pump = self.decider.name, pump_stream.pump
        for event in events:
            sealed = seal(
                event,
                speaker=speaker,
                pump=pump,
                after=pump_stream.heads.get(speaker),
                cause=cause,
                heard=pump_stream.heard,
                when=when,
            )
            head = RowMetadata(
                when.therapy, when.real, when.speed, position, sealed.subject, when.trace
            )
            topic = tag_of(type(event))
            self.unit_of_work.put_row(
                pump_stream, topic, head=head, data=sealed.data, entry=sealed.entry
            )
            self.unit_of_work.put_head(pump_stream, speaker, sealed.head)
            said.append((EventId(sealed.entry.id), event, sealed.raw))
            decision.append(outgoing(sealed, speaker=speaker, pump=pump, trace=when.trace))
            for effect in self.decider.effects(sealed.entry):
                step.effects.append((pump, effect))
        if decision:
            step.decisions.append(decision)
        return said

    def _answer(
        self,
        pump_stream: PumpStream[StateT],
        to: Accepted | Quarantined,
        said: Said,
        *,
        position: int,
        step: ProcessingResult,
    ) -> None:
        if to.command is None:
            return
        self.unit_of_work.put_command(pump_stream, to.command, position)
        if to.reply:
            report = to.report if isinstance(to, Quarantined) else None
            step.answers.append((to.reply, outcome_of(to.command, said, instead=report)))
