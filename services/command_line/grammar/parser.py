"""The parser of `basalt`: verbs in groups, and the arguments of those that were typed."""

import argparse
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from services.command_line.grammar.verb_parser import (
    DATA_VARIABLE,
    HelpLines,
    OneLineParser,
    add_shared,
    fill_parser,
)
from services.command_line.grammar.verbs import GROUPS, VERBS

EXITS: Final = """exit codes:
  0  done
  1  refused, or a check found a difference; the reason is said in words
  2  the command line or a file is wrong; nothing was sent
  3  the system is not reachable, or it is not known what came of it: look
     before asking again

Instants are ISO 8601 with Z or an offset and mean therapy time, which
'basalt status' shows. For research and integration; not a medical device."""

_UNKNOWN: Final = "argument COMMAND: invalid choice"


class _TopParser(OneLineParser):
    """The parser of the word that is the verb."""

    def error(self, message: str) -> NoReturn:
        """Name the verb that is nearest to one that is none."""
        if message.startswith(_UNKNOWN):
            word = message.split()[4]
            message = f"no such command: {word}{_nearest(word)}"
        super().error(message)


class _Version(argparse.Action):
    """Print the version and end, before any command is asked for; looked up only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, **words: Any) -> None:
        """Take no value."""
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **words)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it."""
        from services.runtime.platform.release import in_words

        print(in_words())
        parser.exit()


def make_parser(typed: Collection[str] | None = None) -> argparse.ArgumentParser:
    """Make the parser; what does a verb stands in `handler`.

    Args:
        typed: the words of the command line, among them the verb: no other verb is imported. None
            for the parser of every verb.
    """
    parser = _TopParser(
        prog="basalt",
        usage="basalt [--data DIR] [--pump ID] [--actor WHO] [--json] COMMAND ...",
        description=f"Runs and speaks to the dosing software of an insulin pump.\n\n{_groups()}",
        epilog=EXITS,
        formatter_class=HelpLines,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, help="print the version")
    user = os.environ.get("USER", "somebody")
    parser.set_defaults(
        data=Path(os.environ.get(DATA_VARIABLE, "data")),
        pump=None,
        actor=f"person:{user}",
        json=False,
    )
    commands = parser.add_subparsers(
        title="command",
        metavar="COMMAND",
        required=True,
        dest="command",
        prog="basalt",
        parser_class=OneLineParser,
        help="one of those above; 'basalt COMMAND --help' says what it takes",
    )
    for verb in VERBS.values():
        if typed is None or verb.name in typed:
            # Completion looks for the line here; in the help it stands in its group.
            line: dict[str, Any] = {"help": verb.summary} if typed is None else {}
            one = commands.add_parser(
                verb.name, formatter_class=HelpLines, allow_abbrev=False, add_help=False, **line
            )
            fill_parser(one, verb.load())
    add_shared(parser)
    return parser


def _groups() -> str:
    """List every verb with its line, in its group."""
    width = max(map(len, VERBS))
    return "\n\n".join(
        "\n".join(
            [
                f"{group}: {text}",
                *(f"  {v.name:<{width}}  {v.summary}" for v in VERBS.values() if v.group == group),
            ]
        )
        for group, text in GROUPS.items()
    )


def _nearest(quoted: str) -> str:
    """Name the verb that was probably meant; nothing where none is near."""
    import difflib

    near = difflib.get_close_matches(quoted.strip("'"), VERBS, n=1)
    return f", the nearest is '{near[0]}'" if near else ""
