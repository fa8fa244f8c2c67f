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
from services.runtime.decider_host.event_writer import outgoing, read_back, say
from services.runtime.decider_host.inbox import Listener, hear, malformed, pump_of
from services.runtime.decider_host.inbox_results import (
    Dropped,
    Heard,
    Instead,
    Missing,
    Overheard,
    Repeated,
)
from services.runtime.decider_host.ledger import Books, Ledger
from services.runtime.journal.entries import ADOPTED, HEARD, EntryHead, head_at
from services.runtime.ports import Arrived, Head, Outgoing, Store

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
class Step:
    """What one step stored, and what must follow from it in the world."""

    decisions: list[list[Outgoing]] = field(default_factory=list)
    effects: list[tuple[PumpId, Effect]] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    missing: Missing | None = None
    unread: Sequence[Input] = ()


class Machine(Generic[StateT]):
    """Runs one decider for all its pumps."""

    def __init__(self, *, decider: Decider[StateT], store: Store) -> None:
        """Fold the journal."""
        self.decider = decider
        self.books: Books[StateT] = Books(decider=decider, store=store)
        self._says = frozenset(decider.says)
        obeys = frozenset(tag_of(kind) for kind in decider.obeys)
        self._listener = Listener(
            decider.name,
            decider.hears,
            obeys,
            self.books.outcome,
            keeps=frozenset(decider.hears if decider.keeps_commands else ()),
            is_answered=self.books.is_answered,
        )

    def handle(self, inputs: Sequence[Input], *, now: Now) -> Step:
        """Hear inputs in order, decide, and store everything in one transaction.

        Stops before the first event whose predecessors are missing: `missing` names them and
        `unread` is the rest, that event first.

        Raises:
            InvariantError: the decider broke its contract; nothing of this step is stored.
            SecondWriter: another process writes the same journal; nothing is stored.
            RestoredFromOldCopy: others heard events of this service that its journal lacks.
        """
        now, step = self.books.not_before(now), Step()
        touched: dict[PumpId, None] = {}
        heard_up_to = 0
        for index, given in enumerate(inputs):
            if isinstance(given, Reported):
                ledger = self.books.ledger(given.pump)
                self._report(ledger, given.report, data=b"", now=now, step=step)
                touched[given.pump] = None
                continue
            missing = self._hear(given, now, step)
            if missing is not None:
                step.missing, step.unread = missing, inputs[index:]
                break
            heard_up_to = max(heard_up_to, given.sequence)
            touched[pump_of(given)] = None
        self.books.put_sequence(heard_up_to)
        for pump in touched:
            self._settle(self.books.ledger(pump), now, step)
        self.books.commit()
        return step

    def wake(self, *, now: Now) -> Step:
        """Give a Tick to every pump whose time has come, and store what follows."""
        now, step = self.books.not_before(now), Step()
        for pump in list(self.books.ledgers):
            self._settle(self.books.ledger(pump), now, step)
        self.books.commit()
        return step

    def wake_at(self) -> UtcMillis | None:
        """Give the next instant of therapy time at which some pump wants a Tick."""
        states = [ledger.state for ledger in self.books.ledgers.values()]
        wakes = [self.decider.wake_at(state) for state in states]
        return min((at for at in wakes if at is not None), default=None)

    def take(self, pump: PumpId, events: Sequence[bytes], *, now: Now, position: int = 0) -> None:
        """Fold old events without deciding: others' for a service new to an old pump, own ones
        that a restore from an old copy has lost.

        The commands that the own ones answer to are known from then on, and not obeyed anew.
        """
        for data in events:
            spoken = read_back(data)
            own = spoken.entry.speaker == self.decider.name
            trace = trace_id_of(None, cause=spoken.entry.id)
            head = head_at(now, trace=trace, subject=spoken.subject)
            topic = ("" if own else ADOPTED) + tag_of(type(spoken.entry.body))
            ledger = self.books.ledger(pump)
            at = self.books.put_row(ledger, topic, head=head, data=data, entry=spoken.entry)
            self.books.put_head(ledger, Speaker(str(spoken.entry.speaker)), spoken.head)
            command = command_answered(spoken.entry.body, data) if own else None
            if command is not None and not self.books.is_answered(pump, command):
                self.books.put_command(ledger, command, at)
        self.books.put_sequence(position)
        self.books.commit()

    def _hear(self, arrived: Arrived, now: Now, step: Step) -> Missing | None:
        ledger = self.books.ledger(pump_of(arrived))
        heard = hear(
            arrived,
            listener=self._listener,
            heads=ledger.heads,
            deaf_to=ledger.forked,
            now=now,
            given_up=ledger.given_up,
        )
        match heard:
            case Heard():
                self._enter(ledger, heard, arrived, now, step)
            case Missing():
                return heard
            case Repeated(outcome, reply):
                if reply:
                    step.answers.append((reply, outcome))
            case Instead():
                self._instead(heard, now, step)
            case Overheard():
                self._keep(ledger, heard, arrived, now)
            case Dropped():
                pass
        return None

    def _enter(
        self, ledger: Ledger[StateT], heard: Heard, arrived: Arrived, now: Now, step: Step
    ) -> None:
        entry = heard.entry
        try:
            events = self._decide(ledger, entry, now)
            evolved = self.decider.evolve(ledger.state, entry)
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
        head = head_at(now, trace=trace, subject=heard.subject, sequence=arrived.sequence)
        topic = HEARD + tag_of(type(entry.body))
        at = self.books.put_row(
            ledger, topic, head=head, data=heard.data, entry=entry, evolved=evolved
        )
        if heard.head is not None:
            self.books.put_head(ledger, *heard.head)
        said = self._say(ledger, entry.id, events, when=head, position=at, step=step)
        self._answer(ledger, heard, said, position=at, step=step)

    def _keep(self, ledger: Ledger[StateT], heard: Overheard, arrived: Arrived, now: Now) -> None:
        trace = trace_id_of(arrived.headers.get(TRACE_HEADER), cause=heard.entry.id)
        head = head_at(now, trace=trace, subject=heard.subject, sequence=arrived.sequence)
        topic = ADOPTED + tag_of(type(heard.entry.body))
        at = self.books.put_row(ledger, topic, head=head, data=heard.data, entry=heard.entry)
        self.books.put_command(ledger, heard.command, at)

    def _instead(self, instead: Instead, now: Now, step: Step) -> None:
        ledger = self.books.ledger(instead.pump)
        if instead.head is not None:
            self.books.put_head(ledger, *instead.head)
        at = ledger.position + 1
        said = self._report(ledger, instead.report, data=instead.data, now=now, step=step)
        self._answer(ledger, instead, said, position=at, step=step)

    def _report(
        self, ledger: Ledger[StateT], report: Report, *, data: bytes, now: Now, step: Step
    ) -> Said:
        name = f"report:{ledger.position + 1}"
        entry = Entry(id=name, at=now.therapy, body=report)
        events = self._decide(ledger, entry, now)
        trace = trace_id_of(None, cause=f"{self.decider.name}:{ledger.pump}:{name}")
        head = head_at(now, trace=trace)
        body = codec.encode(report) + (b"\n" + data if data else b"")
        topic = HEARD + tag_of(type(report))
        at = self.books.put_row(ledger, topic, head=head, data=body, entry=entry)
        if isinstance(report, HistoryLost):
            self.books.put_head(ledger, Speaker(report.speaker), Head(report.last, ""))
        return self._say(ledger, name, events, when=head, position=at, step=step)

    def _decide(self, ledger: Ledger[StateT], entry: Entry, now: Now) -> tuple[Event, ...]:
        events = self.decider.decide(ledger.state, entry, now)
        if len(events) > EVENTS_PER_DECISION_MAX:
            raise InvariantError(f"{len(events)} events in one decision")
        for event in events:
            if type(event) not in self._says:
                raise InvariantError(f"{self.decider.name} may not say {type(event).__name__}")
        if entry.actor is not None and not events:
            raise InvariantError(f"nothing was said to {type(entry.body).__name__}")
        return events

    def _settle(self, ledger: Ledger[StateT], now: Now, step: Step) -> None:
        for _ in range(TICKS_PER_STEP_MAX):
            at = self.decider.wake_at(ledger.state)
            if at is None or at > now.therapy:
                return
            said = self._report(ledger, Tick(), data=b"", now=now, step=step)
            after = self.decider.wake_at(ledger.state)
            if not said and after is not None and after <= now.therapy:
                raise InvariantError(f"a Tick at {now.therapy} moved nothing")
        raise InvariantError(f"more than {TICKS_PER_STEP_MAX} ticks at {now.therapy}")

    def _say(
        self,
        ledger: Ledger[StateT],
        cause: str,
        events: Sequence[Event],
        *,
        when: EntryHead,
        position: int,
        step: Step,
    ) -> Said:
        said: Said = []
        decision: list[Outgoing] = []
        speaker, pump = self.decider.name, ledger.pump
        for event in events:
            spoken = say(
                event,
                speaker=speaker,
                pump=pump,
                after=ledger.heads.get(speaker),
                cause=cause,
                heard=ledger.heard,
                when=when,
            )
            head = EntryHead(
                when.therapy, when.real, when.speed, position, spoken.subject, when.trace
            )
            topic = tag_of(type(event))
            self.books.put_row(ledger, topic, head=head, data=spoken.data, entry=spoken.entry)
            self.books.put_head(ledger, speaker, spoken.head)
            said.append((EventId(spoken.entry.id), event, spoken.raw))
            decision.append(outgoing(spoken, speaker=speaker, pump=pump, trace=when.trace))
            for effect in self.decider.effects(spoken.entry):
                step.effects.append((pump, effect))
        if decision:
            step.decisions.append(decision)
        return said

    def _answer(
        self, ledger: Ledger[StateT], to: Heard | Instead, said: Said, *, position: int, step: Step
    ) -> None:
        if to.command is None:
            return
        self.books.put_command(ledger, to.command, position)
        if to.reply:
            report = to.report if isinstance(to, Instead) else None
            step.answers.append((to.reply, outcome_of(to.command, said, instead=report)))
