"""The vocabulary as documents: JSON Schema of every message, AsyncAPI 3 of every subject.

Both are made from the structs and the deciders alone, byte for byte the same each time.
"""

import json
from typing import Any, Final

import msgspec

from core.deciders.registry import DECIDERS
from schemas.message import (
    Command,
    CommandEnvelope,
    Envelope,
    Event,
    Outcome,
    name_of,
    tag_of,
)
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from schemas.wire.headers import SHA256_HEADER, TRACE_HEADER
from schemas.wire.subjects import REPLY_HEADER, command_subject, event_subject
from services.command_line.system.schema_export.examples import (
    command_example,
    event_example,
    example,
)
from services.command_line.system.schema_export.fields import schemas_of
from services.runtime.platform.release import version

MESSAGES_FILE: Final = "messages.schema.json"
"""[-] JSON Schema 2020-12 of every message and envelope."""

ASYNCAPI_FILE: Final = "asyncapi.json"
"""[-] AsyncAPI 3.0.0 of what each service says, hears and obeys."""

ENVELOPES: Final[tuple[type[msgspec.Struct], ...]] = (Envelope, CommandEnvelope, Outcome)
"""[-] the outsides in which messages travel."""

ANY_PUMP: Final = PumpId("{pump}")
"""[-] a parameter in place of the pump's id."""

Json = dict[str, Any]


def documents() -> dict[str, bytes]:
    """Give the bytes of each document by the name of its file."""
    made = {MESSAGES_FILE: _messages(), ASYNCAPI_FILE: _asyncapi()}
    return {
        name: (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
        for name, content in made.items()
    }


def _messages() -> Json:
    messages = (*codec.EVENT_KINDS, *codec.COMMAND_KINDS, *codec.REPORT_KINDS)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Basalt's vocabulary",
        "description": "Every event, command and report by its tag, and the envelopes that carry "
        "them. The unit of a field stands first in its description. Not a medical device.",
        "oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in messages],
        "$defs": schemas_of((*messages, *ENVELOPES), template="#/$defs/{name}"),
    }


def _asyncapi() -> Json:
    wire = (*codec.EVENT_KINDS, *codec.COMMAND_KINDS)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Basalt",
            "version": version(),
            "description": "What each service of an insulin pump's dosing software says, hears "
            "and obeys over NATS JetStream. For research; not a medical device.",
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {
            "schemas": {
                **schemas_of((*wire, *ENVELOPES), template="#/components/schemas/{name}"),
                "EventHeaders": _headers(_EVENT_HEADERS),
                "CommandHeaders": _headers(_COMMAND_HEADERS),
            },
            "messages": {tag_of(kind): _message(kind) for kind in wire}
            | {"outcome": _outcome_message()},
            "parameters": {"pump": {"description": "1 to 32 of a-z, 0-9, '-' and '_'."}},
        },
    }


def _channels() -> Json:
    found: Json = {}
    for name, decider in DECIDERS.items():
        for kind in decider.emits:
            address = event_subject(pump=ANY_PUMP, speaker=name, name=name_of(kind))
            found[_event_channel(name, kind)] = _channel(address, kind)
        for command in decider.handles:
            address = command_subject(pump=ANY_PUMP, service=name, name=name_of(command))
            found[_command_channel(name, command)] = _channel(address, command)
    found["reply"] = {
        "address": None,
        "description": "The inbox that the command's header names: basalt_reply.CLIENT.TOKEN.",
        "messages": {"outcome": {"$ref": "#/components/messages/outcome"}},
    }
    return found


def _channel(address: str, kind: type[msgspec.Struct]) -> Json:
    tag = tag_of(kind)
    return {
        "address": address,
        "messages": {tag: {"$ref": f"#/components/messages/{tag}"}},
        "parameters": {"pump": {"$ref": "#/components/parameters/pump"}},
    }


def _event_channel(speaker: Speaker, kind: type[msgspec.Struct]) -> str:
    return f"{speaker}.event.{name_of(kind)}"


def _command_channel(service: Speaker, kind: type[msgspec.Struct]) -> str:
    return f"{service}.command.{name_of(kind)}"


def _operations() -> Json:
    found: Json = {}
    for name, decider in DECIDERS.items():
        for kind in decider.emits:
            channel = _event_channel(name, kind)
            found[f"{name}.says.{name_of(kind)}"] = _operation("send", channel, kind)
        for heard in decider.subscribes_to:
            for kind in DECIDERS[heard].emits:
                operation = _operation("receive", _event_channel(heard, kind), kind)
                found[f"{name}.hears.{heard}.{name_of(kind)}"] = operation
        for command in decider.handles:
            operation = _operation("receive", _command_channel(name, command), command)
            found[f"{name}.obeys.{name_of(command)}"] = {**operation, "reply": _REPLY}
    return found


def _operation(action: str, channel: str, kind: type[msgspec.Struct]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{tag_of(kind)}"}],
    }


_REPLY: Final[Json] = {
    "address": {"location": f"$message.header#/{REPLY_HEADER}"},
    "channel": {"$ref": "#/channels/reply"},
    "messages": [{"$ref": "#/channels/reply/messages/outcome"}],
}


def _message(kind: type[msgspec.Struct]) -> Json:
    tag, body = tag_of(kind), example(kind)
    if isinstance(body, Event):
        outside, inside, headers = "Envelope", "event", "EventHeaders"
        payload = event_example(body, name=f"{_a_speaker(kind)}:p1:43")
    elif isinstance(body, Command):
        outside, inside, headers = "CommandEnvelope", "command", "CommandHeaders"
        payload = command_example(body)
    else:
        raise TypeError(f"{tag} is neither an event nor a command")
    inner = {"type": "object", "properties": {inside: _ref(kind.__name__)}}
    return {
        "name": tag,
        "summary": (kind.__doc__ or "").split("\n")[0],
        "contentType": "application/json",
        "headers": _ref(headers),
        "payload": {"allOf": [_ref(outside), inner]},
        "examples": [{"payload": payload}],
    }


def _a_speaker(kind: type[msgspec.Struct]) -> Speaker:
    """Name the first service that says an event."""
    return next(name for name, decider in DECIDERS.items() if kind in decider.emits)


def _outcome_message() -> Json:
    said: Json = {"command": "9f2c4e10a7b3d5568c01e2f4", "accepted": False, "reason": "suspended"}
    return {
        "name": "outcome",
        "summary": (Outcome.__doc__ or "").split("\n")[0],
        "contentType": "application/json",
        "payload": _ref("Outcome"),
        "examples": [{"payload": said}],
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _headers(fields: dict[str, str]) -> Json:
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": text} for name, text in fields.items()
        },
        "required": list(fields),
    }


_EVENT_HEADERS: Final = {
    "ce-specversion": "CloudEvents version, 1.0.",
    "ce-id": "The event's id: speaker:pump:version.",
    "ce-source": "/basalt/SPEAKER/PUMP.",
    "ce-type": "The event's tag.",
    "ce-time": "Therapy time of the decision, RFC 3339 in UTC.",
    "content-type": "application/json.",
    TRACE_HEADER: "W3C trace context.",
    SHA256_HEADER: "Hash (hex) of the payload as it was sent.",
}

_COMMAND_HEADERS: Final = {
    "Nats-Msg-Id": "SERVICE:PUMP:COMMAND, so that the broker stores a command once.",
    "content-type": "application/json.",
    REPLY_HEADER: "The reply inbox: basalt_reply.CLIENT.TOKEN.",
    TRACE_HEADER: "W3C trace context.",
    SHA256_HEADER: "Hash (hex) of the payload as it was sent; what does not fit is not obeyed.",
}
