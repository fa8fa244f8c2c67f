"""What a service's own journal can say of a record: its own events, and the commands it heard."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from core.record.provenance import is_event_id
from schemas.message import parse_event_id, tag_of
from schemas.record import CommandExpired, Malformed
from schemas.units import Speaker
from schemas.wire import codec
from services.runtime.journal.entries import (
    INPUT,
    RowMetadata,
    is_event,
    split,
    tag_in_topic,
)
from services.runtime.journal.event_ids import event_id_in, is_event_of
from services.runtime.ports import Row, WitnessLine

_MALFORMED: Final = tag_of(Malformed)

_WITH_A_COMMAND: Final = frozenset({tag_of(CommandExpired), _MALFORMED})
"""[-] reports with the bytes of a message beside them."""


class Sent(msgspec.Struct):
    """What is read of a command."""

    id: str
    actor: str = ""


_sent: Final = msgspec.json.Decoder(Sent)


def command_in(row: Row, head: RowMetadata, data: bytes) -> Sent | None:
    """Read the command that a line holds, obeyed or not; None where it holds none."""
    if ".command." in head.subject:
        return _sent.decode(data)
    if row.topic.startswith(INPUT) and tag_in_topic(row.topic) in _WITH_A_COMMAND:
        try:
            found = _sent.decode(data.partition(b"\n")[2])
        except codec.DECODE_ERRORS:
            return None  # what was set aside was no command
        return None if is_event_id(found.id) else found
    return None


def witness_in(row: Row, *, service: Speaker) -> WitnessLine | None:
    """Read a line of a service's journal; None where it holds no own event and no command.

    Raises:
        One of codec.DECODE_ERRORS: the line was altered.
    """
    head, data = split(row.state)
    if is_event(head):
        if not is_event_of(head.subject, service):
            return None
        return WitnessLine(
            codec.sha256_hex(data),
            head.therapy,
            head.real,
            head.speed,
            version=parse_event_id(event_id_in(data))[2],
            is_adopted=not head.entry,
        )
    found = command_in(row, head, data)
    if found is None:
        return None
    if not head.subject:  # its bytes stand beside the report that took its place
        data = data.partition(b"\n")[2]
    return WitnessLine(
        codec.sha256_hex(data),
        head.therapy,
        head.real,
        head.speed,
        command=found.id,
        is_malformed=tag_in_topic(row.topic) == _MALFORMED,
    )


def witnesses(rows: Iterable[Row], *, service: Speaker, after: int) -> Iterator[WitnessLine]:
    """Stream what a service's journal says, down to the own event of a number, that included.

    Args:
        rows: of one pump, newest first.
        service: whose journal it is.
        after: [-] number of an own event.
    """
    for row in rows:
        try:
            line = witness_in(row, service=service)
        except codec.DECODE_ERRORS:
            continue  # that journal is checked by 'verify decisions'
        if line is None:
            continue
        yield line
        if line.version and line.version <= after:
            return
