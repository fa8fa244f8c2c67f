"""What goes through a service in the throughput benchmark: events heard, or commands obeyed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from core.deciders.glucose.decider import GLUCOSE_DECIDER
from core.kernel.decider import Decider, Entry
from schemas.bolus.advice import CarbsRecorded
from schemas.glucose import GlucoseMeasured, RecordReading
from schemas.message import CommandEnvelope, Deadline, Event, Now
from schemas.units import Actor, CommandId, Grams, MgDl, PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.subjects import command_subject
from services.runtime.decider_host.event_writer import outgoing, seal
from services.runtime.journal.entries import RowMetadata
from services.runtime.platform.clock import SystemClock
from services.runtime.ports import BATCH_MESSAGES_MAX, FETCH_MESSAGES_MAX, Outgoing, StreamHead

PUMP = PumpId("bench")
INGEST = Speaker("glucose_ingest")
ADVISOR = Speaker("bolus_advisor")

Filler = Callable[[Any, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Workload:
    """A decider and what it is given, one event said for each message heard."""

    name: str
    decider: Decider[Any]
    user: str
    messages: Callable[[int], list[Outgoing]]


def _reading(number: int, *, count: int, now: Now) -> GlucoseMeasured:
    text = str(80 + number % 100)
    return GlucoseMeasured(
        measured_at=UtcMillis(now.therapy - (count - number) * 1000),
        glucose=MgDl(int(text)),
        source="sensor",
        unit="mg/dL",
        received=text,
        device="bench",
    )


def events(count: int) -> list[Outgoing]:
    """Write readings as glucose_ingest would say them, chained."""
    now, head, found = SystemClock().now(), StreamHead(0, ""), list[Outgoing]()
    when = RowMetadata(now.therapy, now.real, 1, 1, "", "0" * 32)
    for number in range(count):
        spoken = seal(
            _reading(number, count=count, now=now),
            speaker=INGEST,
            pump=PUMP,
            after=head,
            cause=f"c{number}",
            heard={},
            when=when,
        )
        head = spoken.head
        found.append(outgoing(spoken, speaker=INGEST, pump=PUMP, trace="0" * 32))
    return found


def commands(count: int) -> list[Outgoing]:
    """Write readings as a client would send them."""
    now = SystemClock().now()
    hour = 3_600_000
    expires = Deadline(therapy=UtcMillis(now.therapy + hour), real=UtcMillis(now.real + hour))
    subject = command_subject(pump=PUMP, service=INGEST, name="record_reading")
    found: list[Outgoing] = []
    for number in range(count):
        reading = _reading(number, count=count, now=now)
        asked = RecordReading(
            measured_at=reading.measured_at,
            source="sensor",
            unit="mg/dL",
            received=reading.received,
            device="bench",
        )
        envelope = CommandEnvelope(
            id=CommandId(f"c{number}"),
            actor=Actor("service:bench"),
            expires=expires,
            command=codec.encode_raw(asked),
        )
        found.append(Outgoing(subject, codec.encode(envelope), {"Basalt-Bench": "1"}))
    return found


class _Count(msgspec.Struct, frozen=True):
    heard: int = 0
    """[-] events so far."""


class _Echo(Decider[_Count]):
    """One event said for each heard, and nothing thought."""

    name = ADVISOR
    subscribes_to = (INGEST,)
    emits = (CarbsRecorded,)
    handles = ()

    def initial(self, pump: PumpId) -> _Count:
        """Begin to count."""
        return _Count()

    def decide(self, state: _Count, entry: Entry, now: Now) -> tuple[Event, ...]:
        """Say something of each reading."""
        if not isinstance(entry.body, GlucoseMeasured):
            return ()
        return (CarbsRecorded(grams=Grams(10), eaten_at=now.therapy, actor="bench"),)

    def evolve(self, state: _Count, entry: Entry) -> _Count:
        """Count."""
        return _Count(state.heard + 1)

    def wake_at(self, state: _Count) -> UtcMillis | None:
        """Never."""
        return None

    def view(self, state: _Count, now: Now) -> _Count:
        """Show the count."""
        return state


ECHO = _Echo()
"""[-] one event said for each heard, and nothing thought: what is left is the runtime."""

WORKLOADS = (
    Workload("the runtime alone: an event said for each heard", ECHO, "glucose_ingest", events),
    Workload("glucose_ingest: commands judged, answered", GLUCOSE_DECIDER, "console", commands),
)
"""[-] what is measured."""

BATCH = BATCH_MESSAGES_MAX
"""[-] messages in a batch that is published."""

FETCH = FETCH_MESSAGES_MAX
"""[-] messages in a transaction."""
