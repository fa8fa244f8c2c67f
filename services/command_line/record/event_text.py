"""What is on record as lines for a person: a sentence where there is one, else what it says."""

from typing import Final

import msgspec

from core.record.provenance import Known
from schemas.message import Command, Event, Report, name_of
from services.command_line.output.event_messages import tell

LONG_TEXT: Final = 24
"""[characters] of a value, keys and signatures above all; --json shows it whole."""


def in_words(known: Known) -> str:
    """Write what was said or heard."""
    match known.body:
        case Event() as event:
            return tell(event) or _named(event)
        case Command() | Report() as asked:
            return _named(asked)


def _named(message: Event | Command | Report) -> str:
    """Write a message that has no sentence of its own: its name and what it says."""
    said = msgspec.to_builtins(message)
    fields = [f"{field}={_short(value)}" for field, value in said.items() if field != "type"]
    kind = name_of(type(message)).replace("_", " ")
    return f"{kind} ({', '.join(fields)})" if fields else kind


def _short(value: object) -> str:
    """Write a value; of what is nested how much there is, which --json shows whole."""
    match value:
        case dict() | list() | tuple():
            return f"[{len(value)}]"
        case str() if len(value) > LONG_TEXT:
            return f"{value[:LONG_TEXT]}..."
        case _:
            return str(value)
