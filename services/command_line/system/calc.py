"""Compute what a scenario asks for, from JSON to JSON; needs no running system."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from core.calc.calculation import Kind, Result, Scenario
from core.calc.registry import KINDS
from core.kernel.errors import ScenarioError
from schemas.basal.profiles import ZoneTransition
from schemas.units import UtcMillis
from services.command_line.output.exit_codes import DONE, wrong_input
from services.command_line.output.options import choices
from services.command_line.system.calc_help import help_on_kind
from services.command_line.system.scenario_json import SCENARIO_BYTES_MAX, answer
from services.command_line.system.schema_export.fields import whole_schema
from services.runtime.platform import zones
from services.runtime.platform.errors import ZoneError

EXAMPLE: Final = """
basalt calc iob --example | basalt calc iob
basalt calc iob scenario.json
basalt calc bolus scenario.json --rules all
basalt calc iob --lines < scenarios.jsonl > results.jsonl
"""

CHUNK_BYTES = 1024 * 1024
"""[bytes] read at once; less comes back as soon as a pipe has less, so that answers flow."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the kind, its scenario, and what else can be asked of a kind."""
    parser.set_defaults(help_on=_help_on)
    parser.add_argument(
        "kind",
        nargs="?",
        metavar="KIND",
        help="which calculation; --list names them, KIND --help explains one",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", default="-", help="-, standard input")
    parser.add_argument(
        "--rules",
        metavar="NAME",
        help="bolus only: by this rule set, or all; not the scenario's",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="name the kinds")
    what.add_argument("--example", action="store_true", help="print a scenario to start from")
    what.add_argument("--schema", action="store_true", help="print JSON Schema of both sides")
    what.add_argument(
        "--lines",
        action="store_true",
        help="one scenario a line in, one result a line out; stops at the first wrong line",
    )


def run(arguments: argparse.Namespace) -> int:
    """Answer one scenario, or one a line, or say what can be asked."""
    if arguments.list:
        return _list(as_json=choices(arguments).json)
    kind = _ruled(_kind(arguments.kind), arguments.rules)
    if arguments.example:
        print(kind.example.strip())
    elif arguments.schema:
        sides = {"scenario": kind.scenario, "result": kind.result}
        print(json.dumps({side: whole_schema(one) for side, one in sides.items()}, indent=2))
    else:
        with _opened(arguments.file, kind=kind) as source:
            (_answer_lines if arguments.lines else _answer_one)(kind, source)
    return DONE


def _help_on(arguments: argparse.Namespace) -> str | None:
    """Write the help on the kind that was typed, if one was."""
    return None if arguments.kind is None else help_on_kind(_kind(arguments.kind))


def _list(*, as_json: bool) -> int:
    if as_json:
        print(json.dumps({kind.name: kind.text for kind in KINDS.values()}))
        return DONE
    width = max(map(len, KINDS), default=0)
    for kind in KINDS.values():
        print(f"{kind.name:<{width}}  {kind.text}")
    return DONE


def _kind(name: str | None) -> Kind[Any]:
    known = ", ".join(KINDS)
    if name is None:
        raise wrong_input(f"which calculation? one of {known}")
    if name not in KINDS:
        raise wrong_input(f"no such calculation: {name}; one of {known}")
    return KINDS[name]


def _ruled(kind: Kind[Any], rules: str | None) -> Kind[Any]:
    """Let the command line choose the rule set, whatever the scenario says."""
    if rules is None:
        return kind
    if "rules" not in kind.scenario.__struct_fields__:
        raise wrong_input(f"--rules: {kind.name} knows no rules; only bolus does")

    def run(scenario: Scenario) -> Result:
        return kind.run(msgspec.structs.replace(scenario, rules=rules))

    return dataclasses.replace(kind, run=run)


def _opened(name: str, *, kind: Kind[Any]) -> AbstractContextManager[BufferedIOBase]:
    if name != "-":
        try:
            return Path(name).open("rb")
        except OSError as error:
            raise wrong_input(f"{name}: {error.strerror or error}") from error
    if sys.stdin is None:
        raise wrong_input("no scenario was given: standard input is closed")
    if sys.stdin.isatty():
        print(
            "basalt: waiting for a scenario in JSON, then Ctrl-D; "
            f"'basalt calc {kind.name} --example' shows one",
            file=sys.stderr,
        )
    return nullcontext(cast(BufferedIOBase, sys.stdin.buffer))


def _answer_one(kind: Kind[Any], source: BufferedIOBase) -> None:
    try:
        found = answer(kind, _read(source, SCENARIO_BYTES_MAX + 1), zones=_transitions)
    except ScenarioError as error:
        raise wrong_input(str(error)) from error
    print(msgspec.json.format(found, indent=2).decode())


def _answer_lines(kind: Kind[Any], source: BufferedIOBase) -> None:
    """Answer line by line; what was answered before a wrong line stays said."""
    out = sys.stdout.buffer
    number = 0
    try:
        for lines in _lines(source):
            for line in lines:
                number += 1
                out.write(answer(kind, line, zones=_transitions) + b"\n")
            out.flush()
    except ScenarioError as error:
        raise wrong_input(f"line {number}: {error}") from error
    finally:
        out.flush()


def _lines(source: BufferedIOBase) -> Iterator[list[bytes]]:
    """Give the whole lines that have come, as they come; a last one needs no end of line."""
    begun = b""
    while chunk := _read(source, CHUNK_BYTES):
        *lines, begun = (begun + chunk).split(b"\n")
        if len(begun) > SCENARIO_BYTES_MAX:
            lines.append(begun)
        yield lines
    if begun:
        yield [begun]


def _read(source: BufferedIOBase, most: int) -> bytes:
    try:
        return source.read1(most) if most == CHUNK_BYTES else source.read(most)
    except OSError as error:
        raise wrong_input(f"the scenario cannot be read: {error.strerror or error}") from error


def _transitions(zone: str, starts_at: UtcMillis, ends_at: UtcMillis) -> tuple[ZoneTransition, ...]:
    """Ask for a zone's transitions over any length of time; none for a zone that is not."""
    span = zones.SPAN_DAYS_MAX * 86_400_000
    found: list[ZoneTransition] = []
    try:
        while not found or starts_at < ends_at:
            until = UtcMillis(min(ends_at, starts_at + span))
            new = zones.transitions(zone, starts_at=starts_at, ends_at=until)
            # The first of each period repeats the offset that the period before ended with.
            found.extend(new[1:] if found and found[-1].offset_s == new[0].offset_s else new)
            starts_at = UtcMillis(max(until, starts_at + 1))
    except ZoneError:
        return ()
    return tuple(found)
