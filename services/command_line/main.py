"""The entry point of `basalt`: parses, hands over to one command, turns its end into a code."""

import os
import re
import sys
from collections.abc import Sequence

from services.command_line.grammar.parser import make_parser
from services.command_line.grammar.verbs import VERBS
from services.command_line.output.exit_codes import DONE, INTERRUPTED, WRONG_INPUT, CommandFailed
from services.runtime.platform.errors import StoreFormatUnknown

_BELOW_ZERO = re.compile(r"-[.,]?[0-9]\S*", re.ASCII)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = make_parser(words)
    for word in filter(_BELOW_ZERO.fullmatch, words):
        # argparse takes it for an option that it does not know, and blames another word.
        parser.error(f"{word!r} is below zero, and nothing here can be")
    parsed = parser.parse_args(words)
    try:
        code: int = parsed.handler(parsed)
        sys.stdout.flush()
        return code
    except CommandFailed as error:
        print(f"basalt: {error}", file=sys.stderr)
        return error.code
    except StoreFormatUnknown as error:
        print(f"basalt: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print(f"basalt: stopped; {VERBS[parsed.command].stopped}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
