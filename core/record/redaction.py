"""Events for sharing: instants shifted, names and free text replaced, amounts and reasons kept.

The same name always becomes the same other one, so that the story can still be followed.
"""

from functools import cache
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from core.record.provenance import is_event_id
from schemas.bolus.advice import AdviceTerm
from schemas.message import Event, WholeEnvelope, event_id, parse_event_id
from schemas.record import CommandRefused
from schemas.units import EventId, Milliseconds, PumpId, Speaker, UtcMillis

KEPT: Final = frozenset(
    {
        "alarm",
        "fault",
        "field",
        "process",
        "pump_model",
        "received",
        "release",
        "root",
        "rules",
        "sha256",
        "speaker",
        "tzdata",
        "zone",
    }
)
"""[-] fields of text that name no person, place or thing; the zone says where schedules are."""

KEPT_OF: Final = frozenset({(AdviceTerm, "name"), (CommandRefused, "name")})
"""[-] the same, where a field of that name says who or what elsewhere."""

_REPORT: Final = "report:"
"""[-] how the name of a report begins, which is a line of a journal."""


class Redaction:
    """One way to redact; it remembers what it called whom."""

    def __init__(self, *, pump: PumpId, alias: PumpId, shift: Milliseconds) -> None:
        """Decide names and time.

        Args:
            pump: whose record.
            alias: what it is called instead.
            shift: [ms] added to every instant; whole days keep the time of day.
        """
        self._pump = pump
        self._alias = alias
        self._shift = shift
        self._names: dict[str, str] = {}

    def event(self, whole: WholeEnvelope) -> WholeEnvelope:
        """Redact one event with its outside; what it was chained by stays."""
        event: Event = self._struct(whole.event)
        return msgspec.structs.replace(
            whole,
            id=EventId(self._text(whole.id, "id")),
            at=UtcMillis(whole.at + self._shift),
            recorded_at=UtcMillis(whole.recorded_at + self._shift),
            cause=self._text(whole.cause, "cause"),
            event=event,
        )

    def _struct(self, value: Any) -> Any:
        kind: Any = type(value)
        hints = _hints(kind)
        changed = {
            field: self._value(getattr(value, field), hints[field], field)
            for field in value.__struct_fields__
            if (kind, field) not in KEPT_OF
        }
        return msgspec.structs.replace(value, **changed)

    def _value(self, value: Any, hint: Any, field: str) -> Any:
        kinds = _kinds(hint)
        match value:
            case bool() | None | float():
                return value
            case int():
                is_instant = UtcMillis in kinds and value > 0
                return value + self._shift if is_instant else value
            case str():
                is_word = any(get_origin(kind) is Literal or kind is Speaker for kind in kinds)
                return value if is_word else self._text(value, field)
            case msgspec.Struct():
                return self._struct(value)
            case tuple():
                items = next(get_args(kind) for kind in kinds if get_origin(kind) is tuple)
                return tuple(
                    self._value(one, items[0] if items[-1] is ... else items[number], field)
                    for number, one in enumerate(value)
                )
            case _:
                raise TypeError(f"no redaction for {field} of {type(value).__name__}")

    def _text(self, text: str, field: str) -> str:
        if not text or field in KEPT or text.startswith(_REPORT):
            return text
        if text == self._pump:
            return self._alias
        if is_event_id(text):
            speaker, pump, version = parse_event_id(text)
            known = self._alias if pump == self._pump else PumpId(self._text(pump, "pump"))
            return event_id(speaker=speaker, pump=known, version=version)
        if text not in self._names:
            kind, colon, _ = text.partition(":")
            word = f"{kind}:" if colon and kind.isalpha() else f"{field}-"
            self._names[text] = f"{word}{len(self._names) + 1}"
        return self._names[text]


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _kinds(hint: Any) -> tuple[Any, ...]:
    """Give the members of a union, or what it is."""
    if get_origin(hint) in (Union, UnionType):
        return get_args(hint)
    return (hint,)
