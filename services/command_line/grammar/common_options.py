"""Options that several verbs have, each spelled and explained in one place."""

import argparse
from pathlib import Path
from typing import Final

from schemas.setting_checks import SecondWord
from services.command_line.grammar import value_types

DATABASE: Final = "postgresql://USER@HOST:PORT/DATABASE"
"""[-] what the URL of a database looks like."""


def add_because(
    parser: argparse.ArgumentParser, *, text: str = "kept with the change", default: str = ""
) -> None:
    """Add the person's reason, in words."""
    parser.add_argument("--because", default=default, metavar="TEXT", help=text)


def add_second_word(
    parser: argparse.ArgumentParser, *reasons: SecondWord, help_text: str = "by its name"
) -> None:
    """Add what is said a second time, each reason by its name: no word confirms what it is not."""
    parser.add_argument(
        "--confirm",
        action="append",
        default=[],
        choices=reasons,
        metavar="REASON",
        help=f"what a refusal asked to be said a second time, {help_text}",
    )


def add_spread(parser: argparse.ArgumentParser) -> None:
    """Add how a bolus is spread."""
    parser.add_argument(
        "--over",
        type=value_types.some_time,
        default=0,
        metavar="TIME",
        help="spread it: 30m to 8h by most",
    )
    parser.add_argument(
        "--now",
        type=value_types.percent,
        default=0,
        metavar="PERCENT",
        help="at once, such as 40%%",
    )


def add_order(parser: argparse.ArgumentParser) -> None:
    """Add how an order is given: followed or not, confirmed or not."""
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the pump to begin")
    parser.add_argument(
        "--confirm", action="store_true", help="say it a second time, where that is asked for"
    )


def add_period(
    parser: argparse.ArgumentParser, *, since: str, until: str, must_begin: bool = False
) -> None:
    """Add --from and --to, each with its own words."""
    for option, dest, text in (("--from", "since", since), ("--to", "until", until)):
        parser.add_argument(
            option,
            dest=dest,
            type=value_types.instant,
            metavar="TIME",
            required=must_begin and dest == "since",
            help=text,
        )


def add_store(parser: argparse.ArgumentParser) -> None:
    """Let another record be read than that of the data folder."""
    parser.add_argument(
        "--store",
        metavar="URL",
        help=f"journal of a historian elsewhere: sqlite:FILE or {DATABASE}; a password in "
        "PGPASSWORD or in a service file is not shown by 'ps'",
    )


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add what a record is held against."""
    add_store(parser)
    parser.add_argument(
        "--checkpoints", type=Path, metavar="FOLDER", help="where they are; DATA/checkpoints"
    )
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="public key of the record; DATA/keys/record.pub"
    )
