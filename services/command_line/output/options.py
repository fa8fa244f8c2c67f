"""What every command is given beside its own arguments."""

import argparse
from pathlib import Path
from typing import Protocol, cast

from schemas.units import PumpId


class Choices(Protocol):
    """The options that all commands share, as argparse leaves them."""

    data: Path
    pump: PumpId | None
    actor: str
    json: bool


def choices(arguments: argparse.Namespace) -> Choices:
    """See the shared options in what argparse has parsed."""
    return cast(Choices, arguments)
