"""What Basalt says of itself: its version, and its vocabulary as documents."""

import argparse
import sys

from services.command_line.output.exit_codes import DONE, REFUSED, wrong_input
from services.command_line.output.options import choices
from services.command_line.system.schema_export.documents import documents
from services.runtime.platform.release import version


def print_version(arguments: argparse.Namespace) -> int:
    """Print the version."""
    if choices(arguments).json:
        print(f'{{"basalt": "{version()}"}}')
    else:
        print(f"basalt {version()}; not a medical device")
    return DONE


def schema(arguments: argparse.Namespace) -> int:
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
