"""Help on one kind of calculation: the fields of its scenario with their units, and an example."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any, Final

from core.calc.calculation import Kind
from services.command_line.grammar.verb_parser import help_width
from services.command_line.system.schema_export.fields import whole_schema

NAME_COLUMNS_MAX: Final = 24
"""[characters] of a field's name; a longer one has a line of its own."""

_NOTHING: Final = ("null", "[]", "{}")
"""[-] defaults that mean that nothing is given."""

_FIXED: Final = "\N{NO-BREAK SPACE}"
"""[-] in place of a space at which no line is broken."""

Json = dict[str, Any]


def help_on_kind(kind: Kind[Any]) -> str:
    """Write what a kind computes, what it is asked, and a scenario to start from."""
    width = help_width()
    schema = whole_schema(kind.scenario)
    lines = [
        *textwrap.wrap(f"usage: basalt calc {kind.name} [FILE] [--lines]", width),
        "",
        *textwrap.wrap(f"{kind.text[0].upper()}{kind.text[1:]}.", width),
    ]
    for name, title in _structs(schema):
        described = schema["$defs"][name]
        lines += ["", f"{title}:", *textwrap.wrap(described["description"], width)]
        lines += [line for field in _fields(described) for line in _written(*field, width=width)]
    lines += ["", "example:", *_example(kind, width=width), ""]
    lines += textwrap.wrap(
        f"'basalt calc {kind.name} --schema' has the same for programs, with the result.", width
    )
    return "\n".join(lines)


def _structs(schema: Json) -> Iterator[tuple[str, str]]:
    """Name the scenario and all structs below it, each once, and the field that holds it."""
    waiting = [(_name(schema["$ref"]), "scenario")]
    seen = set[str]()
    while waiting:
        name, title = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        yield name, title
        for field, one in schema["$defs"][name]["properties"].items():
            refs = dict.fromkeys(_refs(one))
            many = len(refs) > 1
            waiting += [
                (ref, f"{field}, {_variant(schema, ref)}" if many else field) for ref in refs
            ]


def _variant(schema: Json, name: str) -> str:
    """Name one of several structs that a field can hold: by its tag, else by its class."""
    tags = [one["enum"] for one in schema["$defs"][name]["properties"].values() if "enum" in one]
    alone = [tag[0] for tag in tags if len(tag) == 1]
    return str(alone[0]) if alone else name


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield _name(value["$ref"])
        for key, one in value.items():
            if key != "discriminator":
                yield from _refs(one)
    elif isinstance(value, list):
        for one in value:
            yield from _refs(one)


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def _fields(described: Json) -> Iterator[tuple[str, str]]:
    """Give each field with its words, what it may be, and what it is where it is left out."""
    required = described.get("required", [])
    for name, field in described["properties"].items():
        text = field.get("description", "").removeprefix("[-] ")
        allowed = list(_allowed(field))
        said = (
            f"One of {', '.join(allowed)}." if len(allowed) > 1 else f"Always {', '.join(allowed)}."
        )
        parts = [text, said if allowed else ""]
        default = json.dumps(field.get("default"))
        if name in required:
            parts.append("Required.")
        elif default not in _NOTHING:
            parts.append(f"Default {default}.")
        yield name, " ".join(filter(None, parts))


def _allowed(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (str(one) for one in value.get("enum", ()))
        for one in value.get("anyOf", ()):
            yield from _allowed(one)


def _written(name: str, text: str, *, width: int) -> list[str]:
    indent = " " * (NAME_COLUMNS_MAX + 4)
    first = f"  {name:<{NAME_COLUMNS_MAX}}  "
    if len(name) > NAME_COLUMNS_MAX:
        return [
            f"  {name}",
            *textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent),
        ]
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=indent)


def _example(kind: Kind[Any], *, width: int) -> Iterator[str]:
    """Break the long lines of the example after a comma, where JSON may have a space."""
    for line in kind.example.strip().splitlines():
        indent = " " * (2 + len(line) - len(line.lstrip()))
        broken = textwrap.wrap(
            line.strip().replace('": ', f'":{_FIXED}'),
            width,
            initial_indent=indent,
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (part.replace(_FIXED, " ") for part in broken)
