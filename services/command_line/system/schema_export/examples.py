"""One example of every message, made from the types of its fields; the same bytes every time."""

import types
import typing
from typing import Any, Final, Literal, get_args, get_origin

import msgspec

from schemas import units
from schemas.basal.profiles import SetTemporaryRate, TemporaryRateStarted
from schemas.message import Command, CommandEnvelope, Deadline, Envelope, Event
from schemas.wire import codec

INSTANT: Final = units.UtcMillis(1_772_350_200_000)
"""[ms] 2026-03-01T07:30:00Z."""

_OF_QUANTITY: Final[dict[object, object]] = {
    units.MilliUnits: 1_250,
    units.MilliUnitsPerHour: 800,
    units.MgDl: 123,
    units.MicrogramsPerDlPerUnit: 40_000,
    units.MilligramsPerUnit: 10_000,
    units.Grams: 45,
    units.UtcMillis: INSTANT,
    units.Milliseconds: 3_600_000,
    units.PumpId: "p1",
    units.Speaker: "actuator",
    units.Actor: "person:anna",
    units.EventId: "bolus_advisor:p1:41",
    units.CommandId: "9f2c4e10a7b3d5568c01e2f4",
    units.DoseId: "bolus_advisor:p1:42",
}

_OF_NAME: Final[dict[str, object]] = {
    "actor": "person:anna",
    "advice": "bolus_advisor:p1:41",
    "alarm": "glucose_low",
    "cause": "glucose_ingest:p1:40",
    "command": "9f2c4e10a7b3d5568c01e2f4",
    "detail": "in words",
    "device": "meter 7",
    "field": "single",
    "first_bytes": "not a message",
    "name": "weekday",
    "offset_s": 3_600,
    "plan": "basal_scheduler:p1:3",
    "reason": "in words",
    "received": "123",
    "release": "0.3.0",
    "root": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "speaker": "actuator",
    "speed": 30,
    "start_minute": 0,
    "subject": "basalt.p1.event.actuator.bolus_delivered",
    "text": "Glucose is below 70 mg/dL.",
    "tzdata": "2026.6",
    "zone": "Europe/Berlin",
}

_GIVEN: Final[dict[tuple[type[msgspec.Struct], str], object]] = {
    (SetTemporaryRate, "percent"): 80,
    (TemporaryRateStarted, "percent"): 80,
}
"""[-] fields that have a default and without which the message says nothing."""


def example(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Make a message whose fields are plausible each by itself; defaults stay."""
    hints = typing.get_type_hints(kind)
    values = {
        field.name: _GIVEN.get((kind, field.name), _value(hints[field.name], field.name))
        for field in msgspec.structs.fields(kind)
        if field.required or (kind, field.name) in _GIVEN
    }
    return msgspec.convert(values, kind)


def event_example(event: Event, *, name: str) -> dict[str, Any]:
    """Put an event into an envelope, as JSON's own types."""
    envelope = Envelope(
        id=units.EventId(name),
        at=INSTANT,
        recorded_at=INSTANT,
        cause="report:7",
        event=codec.encode_raw(event),
    )
    return _builtins(envelope)


def command_example(command: Command) -> dict[str, Any]:
    """Put a command into an envelope, as JSON's own types."""
    envelope = CommandEnvelope(
        id=units.CommandId("9f2c4e10a7b3d5568c01e2f4"),
        actor=units.Actor("person:anna"),
        expires=Deadline(therapy=INSTANT, real=INSTANT),
        command=codec.encode_raw(command),
    )
    return _builtins(envelope)


def _builtins(envelope: msgspec.Struct) -> dict[str, Any]:
    return msgspec.json.decode(codec.encode(envelope), type=dict[str, Any])


def _value(hint: Any, name: str) -> object:
    if hint in _OF_QUANTITY:
        return _OF_QUANTITY[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return arguments[0]
    if origin is tuple:
        return [_value(arguments[0], name)]
    if origin in (types.UnionType, typing.Union):
        return _value(arguments[0], name)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return msgspec.to_builtins(example(hint))
    if name in _OF_NAME:
        return _OF_NAME[name]
    plain: dict[object, object] = {int: 7, str: "text", bool: False}
    return plain[hint]
