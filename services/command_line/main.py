"""The entry point of `basalt`: parses, hands over to one command, turns its end into a code."""

import importlib
import os
import re
import sys
from collections.abc import Sequence

from services.command_line.grammar.parser import Handler, make_parser
from services.command_line.output.exit_codes import DONE, INTERRUPTED, CommandFailed

_MAYBE_OBEYED = "what was sent before may have been obeyed"
_BELOW_ZERO = re.compile(r"-[.,]?[0-9]\S*", re.ASCII)
_NOTHING = {
    "up": "nothing was started",
    "calc": "nothing was sent",
    **dict.fromkeys(
        ("verify", "replay", "explain", "history", "whatif", "prove"), "nothing was changed"
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    parser = make_parser()
    words = sys.argv[1:] if arguments is None else arguments
    for word in filter(_BELOW_ZERO.fullmatch, words):
        # argparse takes it for an option that it does not know, and blames another word.
        parser.error(f"{word!r} is below zero, and nothing here can be")
    parsed = parser.parse_args(words)
    try:
        code = _handler(parsed.handler)(parsed)
        sys.stdout.flush()
        return code
    except CommandFailed as error:
        print(f"basalt: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        sent = _NOTHING.get(parsed.command, _MAYBE_OBEYED)
        print(f"basalt: stopped; {sent}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _handler(name: str) -> Handler:
    """Import a command only when it is run; `name` is 'module:function' of this package."""
    module, _, function = name.partition(":")
    found: Handler = getattr(importlib.import_module(f"services.command_line.{module}"), function)
    return found
