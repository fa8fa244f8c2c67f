"""Bytes to messages and back: JSON that a person can read, one encoder for everything."""

import hashlib
from functools import reduce
from operator import or_
from types import ModuleType
from typing import Any, TypeVar

import msgspec

from schemas import alarms, corrections, glucose, record
from schemas import glucose as forecast
from schemas.basal import plans
from schemas.basal import profiles as basal
from schemas.bolus import advice as bolus
from schemas.bolus import orders
from schemas.bolus import settings as therapy
from schemas.delivery import clock_check, delivery, device, mechanism, pump
from schemas.delivery import unresolved_doses as doubt
from schemas.message import (
    Command,
    CommandEnvelope,
    Envelope,
    Event,
    Report,
    WholeEnvelope,
    tag_of,
)
from schemas.wire.upcasts import UPCASTS, UPCASTS_MAX, Upcast

_ROOMS: tuple[ModuleType, ...] = (
    glucose,
    basal,
    therapy,
    bolus,
    orders,
    corrections,
    delivery,
    doubt,
    clock_check,
    mechanism,
    plans,
    pump,
    forecast,
    record,
    alarms,
    device,
)


def _kinds(base: type[msgspec.Struct]) -> tuple[type[msgspec.Struct], ...]:
    found = {
        tag_of(kind): kind
        for room in _ROOMS
        for kind in vars(room).values()
        if isinstance(kind, type) and issubclass(kind, base) and kind.__module__ == room.__name__
    }
    return tuple(found[tag] for tag in sorted(found))


def _one_of(kinds: tuple[type[msgspec.Struct], ...]) -> Any:
    """Make the union type of message classes, known at run time only."""
    return reduce(or_, kinds)


EVENT_KINDS = _kinds(Event)
"""[-] every event that can be said, sorted by tag."""

COMMAND_KINDS = _kinds(Command)
"""[-] every command, sorted by tag."""

REPORT_KINDS = _kinds(Report)
"""[-] everything a process brings to its own decider, sorted by tag."""

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
"""[-] what decoding foreign bytes can raise; msgspec.ValidationError is among them."""

_encoder = msgspec.json.Encoder(order="deterministic")
_envelopes = msgspec.json.Decoder(Envelope)
_command_envelopes = msgspec.json.Decoder(CommandEnvelope)
_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(_one_of(EVENT_KINDS))
_whole: Any = msgspec.defstruct(
    "WholeEnvelope",
    [("event", _one_of(EVENT_KINDS))],
    bases=(WholeEnvelope,),
    frozen=True,
    kw_only=True,
)
_whole_envelopes: msgspec.json.Decoder[WholeEnvelope] = msgspec.json.Decoder(_whole)
_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(_one_of(COMMAND_KINDS))
_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(_one_of(REPORT_KINDS))
_any: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])


MessageT = TypeVar("MessageT", Event, Command)


class _Tagged(msgspec.Struct):
    type: str = ""
    """[-] the tag; empty where there is none."""


_tagged = msgspec.json.Decoder(_Tagged)


def encode(message: object) -> bytes:
    """Write a struct as JSON; equal structs give equal bytes, for ever."""
    return _encoder.encode(message)


def encode_raw(message: Event | Command | Report) -> msgspec.Raw:
    """Write a struct as JSON that is put into an envelope as it stands."""
    return msgspec.Raw(_encoder.encode(message))


def sha256_hex(data: bytes) -> str:
    """Hash stored bytes; never hash a re-encoding."""
    return hashlib.sha256(data).hexdigest()


def tag_in(data: bytes | msgspec.Raw) -> str:
    """Read only the tag; empty where there is none.

    Raises:
        One of DECODE_ERRORS: these are not the bytes of a JSON object.
    """
    return _tagged.decode(data).type


def decode_envelope(data: bytes) -> Envelope:
    """Read the outside of an event; the event stays bytes.

    Raises:
        One of DECODE_ERRORS.
    """
    return _envelopes.decode(data)


def decode_whole(data: bytes) -> WholeEnvelope:
    """Read an event with its outside in one pass, brought to its newest version.

    Raises:
        One of DECODE_ERRORS: unknown tag, wrong type, out of range.
    """
    try:
        return _whole_envelopes.decode(data)
    except msgspec.ValidationError:
        outside = decode_envelope(data)
        return WholeEnvelope(
            id=outside.id,
            at=outside.at,
            recorded_at=outside.recorded_at,
            cause=outside.cause,
            previous=outside.previous,
            versions_seen=outside.versions_seen,
            event=decode_event(outside.event),
        )


def decode_command_envelope(data: bytes) -> CommandEnvelope:
    """Read the outside of a command; the command stays bytes.

    Raises:
        One of DECODE_ERRORS.
    """
    return _command_envelopes.decode(data)


def decode_event(data: bytes | msgspec.Raw) -> Event:
    """Read an event, brought to its newest version where its tag is an older one.

    Raises:
        One of DECODE_ERRORS: unknown tag, wrong type, out of range.
    """
    return _newest(_events, data)


def decode_command(data: bytes | msgspec.Raw) -> Command:
    """Read a command, brought to its newest version where its tag is an older one.

    Raises:
        One of DECODE_ERRORS.
    """
    return _newest(_commands, data)


def decode_report(data: bytes) -> Report:
    """Read a report of a journal.

    Raises:
        One of DECODE_ERRORS.
    """
    return _reports.decode(data)


def _newest(decoder: msgspec.json.Decoder[MessageT], data: bytes | msgspec.Raw) -> MessageT:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        newer = upcast(data)
        if newer is None:
            raise
        return decoder.decode(_encoder.encode(newer))


def upcast(
    data: bytes | msgspec.Raw, *, steps: dict[str, Upcast] | None = None
) -> dict[str, Any] | None:
    """Bring an old message to its newest version, step by step; None where its tag is not old."""
    known = UPCASTS if steps is None else steps
    if tag_in(data) not in known:
        return None
    fields = _any.decode(data)
    for _ in range(UPCASTS_MAX):
        step = known.get(str(fields["type"]))
        if step is None:
            return fields
        fields = {**step.fields(fields), "type": step.newer}
    raise ValueError(f"more than {UPCASTS_MAX} upcasts for {fields['type']!r}")
