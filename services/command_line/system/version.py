"""Print the version."""

import argparse
from typing import Final

from services.command_line.output.exit_codes import DONE
from services.command_line.output.options import choices
from services.runtime.platform.release import in_words, version

EXAMPLE: Final = """
basalt version
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    """Print the version."""
    if choices(arguments).json:
        print(f'{{"basalt": "{version()}"}}')
    else:
        print(in_words())
    return DONE
