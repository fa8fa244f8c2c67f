"""What somebody does to a record who may write all of it and has not its key.

Every hash is made anew: the links of the lines, the chains of the speakers, the heads and ends
beside them. Only what was signed, and what others have, can tell.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from core.deciders.names import HISTORIAN
from schemas.message import parse_event_id
from schemas.units import HOUR_MS, CommandId, PumpId, Speaker
from schemas.wire import codec
from schemas.wire.subjects import parse_subject
from services.runtime.journal.entries import RowMetadata, event_name_in_topic, kept_name, split
from services.runtime.journal.hash_chain import append_link
from services.runtime.journal.memory_store import FakeStore
from services.runtime.ports import ChainTip, Commit, Row, StreamHead

Rows = Sequence[Row]

Tamper = Callable[[Rows, int], list[Row] | None]
"""[-] changes the lines of a record at one of them; None where the kind does not fit there."""


def remade(rows: Rows) -> FakeStore:
    """Store lines as a record that is whole in itself."""
    made, link, pump = list[Row](), "", rows[0].pump if rows else PumpId("")
    heads: dict[tuple[PumpId, Speaker], StreamHead] = {}
    commands: dict[tuple[PumpId, CommandId], int] = {}
    for position, row in enumerate(rows, start=1):
        head, data = split(row.state)
        if event_name_in_topic(row.topic) is not None:
            data = _next_event(data, heads, pump)
        elif ".command." in head.subject:
            service = parse_subject(head.subject).service
            name = codec.decode_command_envelope(data).id
            key = name if service == HISTORIAN else kept_name(service, name)
            commands[pump, CommandId(key)] = position
        bare = msgspec.structs.replace(head, link="")
        line, link = append_link(link, Row(pump, position, row.topic, b""), bare, data)
        made.append(line)
    store, ends = FakeStore(), {pump: ChainTip(len(made), link)}
    store.commit(Commit(rows=made, heads=heads, commands=commands, ends=ends if made else {}))
    return store


def _next_event(
    data: bytes, heads: dict[tuple[PumpId, Speaker], StreamHead], pump: PumpId
) -> bytes:
    """Give an event the next number of its speaker, after the one before."""
    envelope = codec.decode_envelope(data)
    speaker, _, version = parse_event_id(envelope.id)
    before = heads.get((pump, speaker), StreamHead(0, ""))
    if version != before.version + 1:
        name = f"{speaker}:{pump}:{before.version + 1}"
        data = data.replace(f'"id":"{envelope.id}"'.encode(), f'"id":"{name}"'.encode(), 1)
    if envelope.previous:
        data = data.replace(envelope.previous.encode(), before.sha256.encode(), 1)
    elif before.sha256:
        link = f'"previous":"{before.sha256}","event":'
        data = data.replace(b'"event":', link.encode(), 1)
    heads[pump, speaker] = StreamHead(before.version + 1, codec.sha256_hex(data))
    return data


def _with(row: Row, head: RowMetadata, data: bytes) -> Row:
    bare = msgspec.structs.replace(head, link="")
    return append_link("", row, bare, data)[0]


def with_words(row: Row, old: str, new: str) -> Row:
    """Replace words in what was heard or said."""
    head, data = split(row.state)
    return _with(row, head, data.replace(old.encode(), new.encode()))


def heard_later(row: Row, ms: int) -> Row:
    """Move the time at which the record got a line, and nothing else."""
    head, data = split(row.state)
    later = msgspec.structs.replace(head, therapy=head.therapy + ms, real=head.real + ms)
    return _with(row, later, data)


def moved(row: Row, ms: int) -> Row:
    """Move the time at which a line was got, and that which an event says of itself."""
    head, data = split(row.state)
    if event_name_in_topic(row.topic) is not None:
        envelope = codec.decode_envelope(data)
        for name, at in (("at", envelope.at), ("recorded_at", envelope.recorded_at)):
            data = data.replace(f'"{name}":{at}'.encode(), f'"{name}":{at + ms}'.encode(), 1)
    return heard_later(_with(row, head, data), ms)


def changed(rows: Rows, at: int) -> list[Row] | None:
    """Turn the last digit of a line into another: a dose, a reading, a number."""
    head, data = split(rows[at].state)
    text = data.decode()
    place = max(index for index, letter in enumerate(text) if letter.isdigit())
    other = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
    return [*rows[:at], _with(rows[at], head, other.encode()), *rows[at + 1 :]]


def cut_off(rows: Rows, at: int) -> list[Row] | None:
    """Cut off the line and all that follow."""
    return list(rows[:at])


def cut_out(rows: Rows, at: int) -> list[Row] | None:
    """Cut one line out; events behind it are numbered anew."""
    return [*rows[:at], *rows[at + 1 :]]


def doubled(rows: Rows, at: int) -> list[Row] | None:
    """Put a line in once more, an event under the next number.

    What is added behind the last line stands open: it could be true.
    """
    if at + 1 == len(rows):
        return None
    return [*rows[: at + 1], *rows[at:]]


def swapped(rows: Rows, at: int) -> list[Row] | None:
    """Let two lines change places."""
    if at + 1 == len(rows):
        return None
    return [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]]


def by_another(rows: Rows, at: int) -> list[Row] | None:
    """Let somebody else have given the command, or asked for what the event tells."""
    if b'"actor":"person:test"' not in rows[at].state:
        return None
    return [*rows[:at], with_words(rows[at], "person:test", "person:nobody"), *rows[at + 1 :]]


def an_hour_later(rows: Rows, at: int) -> list[Row] | None:
    """Move all times from this line on."""
    return [*rows[:at], *(moved(row, HOUR_MS) for row in rows[at:])]


TAMPERINGS: Final = (changed, cut_off, cut_out, doubled, swapped, by_another, an_hour_later)
"""[-] each gives the lines after it, or None where this line is not of the kind."""


def is_command(row: Row) -> bool:
    """Say whether a line holds a command."""
    return ".command." in split(row.state)[0].subject
