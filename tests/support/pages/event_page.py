"""Writes docs/events.md: every event and command, its publisher, its consumers and its fields."""

import inspect
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from core.deciders.registry import DECIDERS
from core.kernel.shared_decisions import COMMON_COMMANDS, COMMON_EVENTS
from schemas.message import Command, Event, tag_of
from schemas.wire.upcasts import UPCASTS, newest_tag
from services.command_line.system.schema_export.fields import schemas_of
from support.repository import ROOT

PAGE: Final = ROOT / "docs/events.md"

HEAD = """# Events and commands

Every message on the wire, by the service that publishes an event or handles a command. Amounts are
whole milliunits (1 U = 1,000 mU), glucose is whole mg/dL, instants are whole milliseconds UTC. The
JSON Schema of each message stands in `schemas/generated/messages.schema.json`.
Written by `make pages` from the structs in `schemas`; a test holds it equal.
"""

Kind = type[Event] | type[Command]


def page() -> str:
    """Write the document."""
    parts = [
        HEAD,
        "## All services\n",
        "Each service publishes these events and handles these commands.\n",
    ]
    parts += ["### Events\n", *(_message(kind) for kind in sorted(COMMON_EVENTS, key=tag_of))]
    parts += ["### Commands\n", *(_message(kind) for kind in sorted(COMMON_COMMANDS, key=tag_of))]
    for name, decider in DECIDERS.items():
        hearers = [other for other, one in DECIDERS.items() if name in one.subscribes_to]
        parts.append(f"## {name}\n")
        parts.append(f"Its events are consumed by {', '.join(f'`{one}`' for one in hearers)}.\n")
        events = set(decider.emits) - set(COMMON_EVENTS)
        parts += ["### Events\n", *(_message(kind) for kind in sorted(events, key=tag_of))]
        commands = set(decider.handles) - set(COMMON_COMMANDS)
        if commands:
            parts += ["### Commands\n", *(_message(kind) for kind in sorted(commands, key=tag_of))]
    return "\n".join(parts).rstrip("\n") + "\n"


def _message(kind: Kind) -> str:
    tag = tag_of(kind)
    older = [f"`{old}`" for old in UPCASTS if newest_tag(old) == tag]
    lines = [f"#### {tag}\n", f"{inspect.cleandoc(kind.__doc__ or '')}\n"]
    if older:
        lines.append(f"Read from older records as {', '.join(older)} as well.\n")
    rows = list(_fields(kind))
    if rows:
        lines += ["| field | type | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _fields(kind: type[msgspec.Struct]) -> Iterator[str]:
    schema = schemas_of((kind,), template="{name}")[kind.__name__]
    for name, field in schema["properties"].items():
        if name != "type":
            text = str(field.get("description", "")).replace("|", "\\|")
            yield f"| `{name}` | {_type(field)} | {text} |"


def _type(field: dict[str, Any]) -> str:
    """Give the JSON type of a field, or the struct that it holds."""
    found: list[str] = []
    for one in field.get("anyOf", field.get("allOf", [field])):
        if "$ref" in one:
            found.append(str(one["$ref"]).rpartition("/")[2])
        elif "enum" in one:
            found.append(" or ".join(f"`{value}`" for value in one["enum"]))
        elif one.get("type") == "array":
            found.append(f"list of {_type(one.get('items', {}))}")
        elif one.get("type") != "null":
            found.append(str(one.get("type", "object")))
    return " or ".join(found)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {sum(map(str.__len__, page().splitlines()))} characters")
