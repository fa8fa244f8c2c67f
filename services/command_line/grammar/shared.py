"""What all commands of the grammar share: one-line errors, common options, an example each."""

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn

from services.command_line.grammar import value_types
from services.command_line.output.exit_codes import WRONG_INPUT

DATA_VARIABLE = "BASALT_DATA"
"""[-] environment variable that names the data folder."""


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one clear line."""

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]  # overloads in one
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        """Take switches anywhere: argparse would hold a word that may be left out for left out."""
        if args is None or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        switches = {name for one in self._actions if one.nargs == 0 for name in one.option_strings}
        last = [word for word in args if word in switches]
        return super().parse_known_args([w for w in args if w not in switches] + last, namespace)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where help is."""
        if message.startswith("argument COMMAND: invalid choice"):
            message = f"no such command: {message.split()[4]}"
        print(f"basalt: {message}; see '{self.prog} --help'", file=sys.stderr)
        sys.exit(WRONG_INPUT)


Commands = Any
"""[-] what argparse's add_subparsers gives; its class is private to argparse."""


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command takes, before or after its name.

    Their defaults stand at the top alone, or the command's would hide what was said before it.
    """
    group = parser.add_argument_group("for every command")
    group.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help=f"data folder of the system; ./data, or ${DATA_VARIABLE}",
    )
    group.add_argument(
        "--pump",
        type=value_types.pump,
        metavar="ID",
        default=argparse.SUPPRESS,
        help="which pump; the one that the system was started with",
    )
    group.add_argument(
        "--actor",
        type=value_types.actor,
        default=argparse.SUPPRESS,
        metavar="WHO",
        help="who asks, for the record; person:$USER",
    )
    group.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print the answer as JSON"
    )


def add_command(
    commands: Commands, name: str, handler: str, *, text: str, example: str
) -> argparse.ArgumentParser:
    """Add a command.

    Args:
        commands: where to.
        name: of the command.
        handler: 'module:function' of this package, imported when the command is run.
        text: what it does, in a clause that begins with a small letter.
        example: lines to copy.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(handler=handler)
    add_shared(parser)
    return parser
