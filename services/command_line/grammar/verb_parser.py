"""What the parsers of all verbs share: one-line errors, common options, help 80 columns wide."""

import argparse
import inspect
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any, Final, NoReturn

from services.command_line.grammar import value_types
from services.command_line.grammar.verbs import VerbModule
from services.command_line.output.exit_codes import WRONG_INPUT, CommandFailed

DATA_VARIABLE: Final = "BASALT_DATA"
"""[-] environment variable that names the data folder."""

HELP_COLUMNS_MAX: Final = 80
"""[characters] of a line of help."""


class HelpLines(argparse.RawDescriptionHelpFormatter):
    """Help in lines that a narrow terminal shows whole."""

    def __init__(self, prog: str) -> None:
        """Be as wide as the terminal, but no wider than 80 columns."""
        super().__init__(prog, width=help_width())


def help_width() -> int:
    """Give the characters of a line of help."""
    return min(HELP_COLUMNS_MAX, shutil.get_terminal_size().columns) - 2


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
        print(f"basalt: {message}; see '{self.prog} --help'", file=sys.stderr)
        sys.exit(WRONG_INPUT)


class _Help(argparse.Action):
    """Shows the help of a verb, or the longer help on what was typed with it.

    A verb that has such help sets `help_on` among its defaults: from what was typed to the text,
    None for the help of the verb.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Print it and end."""
        help_on = parser.get_default("help_on")
        try:
            longer = help_on(namespace) if help_on else None
        except CommandFailed as error:
            parser.error(str(error))
        print(longer or parser.format_help().rstrip())
        parser.exit()


def fill_parser(parser: argparse.ArgumentParser, module: VerbModule) -> None:
    """Give a verb's parser all that it has: arguments, common options, help and handler."""
    parser.add_argument(
        "-h", "--help", action=_Help, nargs=0, default=argparse.SUPPRESS, help="show this and stop"
    )
    module.add_arguments(parser)
    add_shared(parser)
    parts = inspect.cleandoc(getattr(module, "__doc__", None) or "").split("\n\n")
    width = help_width()
    parser.description = "\n\n".join(textwrap.fill(" ".join(one.split()), width) for one in parts)
    example = textwrap.indent(module.EXAMPLE.strip(), "  ")
    parser.epilog = "\n\n".join(filter(None, (f"example:\n{example}", parser.epilog)))
    parser.set_defaults(handler=module.run)


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
