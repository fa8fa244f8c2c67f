"""What came of a command: told at once, and told again from the journal's own lines."""

from collections.abc import Sequence

import msgspec

from schemas.message import Event, Outcome, Refusal, Report, parse_event_id
from schemas.record import CommandRefused
from schemas.units import CommandId, EventId
from schemas.wire import codec
from services.runtime.journal.entries import IMPORTED, read_row
from services.runtime.ports import Row

REPORT = "report:"
"""[-] how the cause of an event begins that followed from a report of the process itself."""

Said = list[tuple[EventId, Event, msgspec.Raw]]
"""[-] what one entry led to: id, event and its bytes, in order."""


def outcome_of(command: CommandId, said: Said, *, instead: Report | None) -> bytes:
    """Write an outcome.

    Args:
        command: the command that was heard.
        said: what was said because of it.
        instead: the report that was heard in its place, which is always a refusal.
    """
    refusals = [event for _, event, _ in said if isinstance(event, Refusal)]
    why = refusals[0] if refusals else instead
    outcome = Outcome(
        command=command,
        accepted=why is None,
        reason=str(getattr(why, "reason", "")),
        events=tuple([name for name, _, _ in said]),
        said=tuple([raw for _, _, raw in said]),
    )
    return codec.encode(outcome)


def outcome_again(command: CommandId, rows: Sequence[Row]) -> bytes:
    """Write the same bytes from what is stored.

    Args:
        command: that was heard.
        rows: the line at which it was heard, or of the first event of its decision where that
            was taken over from elsewhere; then those after it, to the end of its decision at least.
    """
    heard = read_row(rows[0])
    if not heard.is_input:
        return outcome_of(command, _taken_over(rows), instead=None)
    body = heard.entry.body
    said: Said = []
    for row in rows[1:]:
        read = read_row(row)
        if read.head.entry != rows[0].position or not isinstance(read.entry.body, Event):
            break
        envelope = codec.decode_envelope(read.data)
        said.append((envelope.id, read.entry.body, envelope.event))
    return outcome_of(command, said, instead=body if isinstance(body, Report) else None)


def _taken_over(rows: Sequence[Row]) -> Said:
    said: Said = []
    cause = ""
    for row in rows:
        if row.topic.startswith(IMPORTED):
            continue
        read = read_row(row)
        if not isinstance(read.entry.body, Event):
            break
        envelope = codec.decode_envelope(read.data)
        if said and envelope.cause != cause:
            break
        cause = envelope.cause
        said.append((envelope.id, read.entry.body, envelope.event))
    return said


def command_answered(body: object, data: bytes) -> CommandId | None:
    """Name the command that an event answers to, by the cause in its stored bytes.

    Args:
        body: the event.
        data: its envelope.
    """
    if isinstance(body, CommandRefused):
        return CommandId(body.command)
    cause = codec.decode_envelope(data).cause
    if cause.startswith(REPORT):
        return None
    try:
        parse_event_id(cause)
    except ValueError:
        return CommandId(cause)
    return None
