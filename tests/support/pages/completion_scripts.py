"""The completion scripts of the command line, made from its parser by shtab."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shtab

from services.command_line.grammar.parser import make_parser
from services.command_line.system.completion import SHELLS, script_of
from support.repository import ROOT


def script(shell: str) -> str:
    """Make the script of a shell."""
    parser = make_parser()
    for action in _actions(parser):
        if action.metavar in ("DIR", "FOLDER"):
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]  # shtab's own mark
        elif action.type is Path or "FILE" in str(action.metavar or ""):
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # shtab's own mark
    text: str = shtab.complete(parser, shell=shell)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        choices: Any = action.choices
        if isinstance(choices, dict):
            for inner in choices.values():
                yield from _actions(inner)


if __name__ == "__main__":
    for name in SHELLS:
        script_of(name).parent.mkdir(exist_ok=True)
        script_of(name).write_text(script(name), encoding="utf-8")
        print(f"{script_of(name).relative_to(ROOT)}: {len(script(name))} characters")
