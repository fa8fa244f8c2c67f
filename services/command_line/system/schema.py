"""Write JSON Schema and AsyncAPI of every message, or check the files there."""

import argparse
import sys
from pathlib import Path
from typing import Final

from services.command_line.output.exit_codes import DONE, REFUSED, wrong_input
from services.command_line.system.schema_export.documents import documents

EXAMPLE: Final = """
basalt schema --check
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where the documents are, and whether they are only looked at."""
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if outdated")
    parser.add_argument(
        "--out", type=Path, default=Path("schemas/generated"), metavar="DIR", help="%(default)s"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the documents of the vocabulary, or compare those there with what they should be."""
    outdated = 0
    for name, data in documents().items():
        path = arguments.out / name
        try:
            if arguments.check:
                is_current = path.is_file() and path.read_bytes() == data
                outdated += not is_current
                state = "current" if is_current else "outdated" if path.exists() else "missing"
                print(f"{path}: {state}")
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            print(f"{path}: {len(data)} bytes")
        except BrokenPipeError:
            raise
        except OSError as error:
            raise wrong_input(f"{path}: {error.strerror or error}") from error
    if outdated:
        print("basalt: not current; write them with 'basalt schema'", file=sys.stderr)
    return REFUSED if outdated else DONE
