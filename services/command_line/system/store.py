"""Copy journals from files into PostgreSQL or back, and verify every line.

A copy that was broken off goes on where it was; refused while a system runs on either.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from core.deciders.registry import DECIDERS
from schemas.units import Speaker
from services.command_line.grammar.common_options import DATABASE
from services.command_line.journals import known_service
from services.command_line.output.exit_codes import (
    DONE,
    REFUSED,
    UNKNOWN,
    CommandFailed,
    wrong_input,
)
from services.command_line.output.options import choices
from services.command_line.output.progress import clear, show
from services.command_line.output.tables import print_table
from services.command_line.session import print_json
from services.runtime.journal.open_store import (
    SQLITE_PREFIX,
    is_postgres,
    sqlite_path,
    store_to_read,
    store_to_write,
    without_password,
)
from services.runtime.journal.store_copy import Copied, copy_journal
from services.runtime.platform.errors import (
    CopyRefused,
    SecondWriter,
    StoreBroken,
    StoreMissing,
    StoreUnreachable,
    StoreUnwritable,
    StoreUrlWrong,
)
from services.runtime.ports import Store

EXAMPLE: Final = """
basalt store copy sqlite:data postgresql://basalt@localhost/basalt
basalt store copy postgresql://basalt@localhost/basalt sqlite:data \\
  --service actuator
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add from where, to where, and whose journals."""
    parser.add_argument("what", choices=("copy",), help="what is done")
    parser.add_argument("source", metavar="FROM", help=f"sqlite:FOLDER or {DATABASE}")
    parser.add_argument("target", metavar="TO", help="the same; must be empty, or this very copy")
    parser.add_argument("--service", metavar="NAME", help="the journal of one service; all")


def run(arguments: argparse.Namespace) -> int:
    """Copy the journals of one service or of all, and verify them."""
    wanted = DECIDERS if arguments.service is None else [known_service(arguments.service)]
    done: dict[Speaker, Copied] = {}
    with _told_plainly(), ExitStack() as stack:
        pairs: dict[Speaker, tuple[Store, Store]] = {}
        # All are held before the first is copied: no system begins to run in between.
        for service in wanted:
            if _is_there(arguments.source, service):
                source = store_to_write(_url(arguments.source, service), service=service)
                target = store_to_write(_url(arguments.target, service), service=service)
                pairs[service] = (stack.enter_context(source), stack.enter_context(target))
        if not pairs:
            raise CommandFailed(f"{_shown(arguments.source)} has no journal", REFUSED)
        for service, (source_of, target_of) in pairs.items():
            with _teller(service, source_of) as told:
                done[service] = copy_journal(source_of, target_of, told=told)
    if choices(arguments).json:
        print_json(done)
        return DONE
    rows = [
        (service, str(one.lines), str(one.copied), str(one.pumps)) for service, one in done.items()
    ]
    print_table(("journal", "lines verified", "copied now", "pumps"), rows)
    return DONE


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except StoreUrlWrong as error:
        raise wrong_input(str(error)) from error
    except (CopyRefused, StoreBroken, SecondWriter) as error:
        raise CommandFailed(str(error), REFUSED) from error
    except (StoreUnreachable, StoreUnwritable) as error:
        raise CommandFailed(str(error), UNKNOWN) from error


def _url(place: str, service: str) -> str:
    """Name the store of a service: a file in a folder, or the database."""
    if is_postgres(place):
        return without_password(place)
    folder = sqlite_path(place)
    if not folder.is_dir():
        raise StoreUrlWrong(f"{folder} is no folder; say sqlite:FOLDER, such as sqlite:data")
    # A data folder has its journals in a folder of their own.
    inside = folder / "journals"
    return f"{SQLITE_PREFIX}{(inside if inside.is_dir() else folder) / f'{service}.db'}"


def _shown(place: str) -> str:
    return without_password(place) if is_postgres(place) else str(Path(sqlite_path(place)))


def _is_there(place: str, service: str) -> bool:
    try:
        with closing(store_to_read(_url(place, service), service=service)):
            return True
    except StoreMissing:
        return False


@contextmanager
def _teller(service: str, source: Store) -> Iterator[Callable[[int], None]]:
    """Show how far a journal was copied, then verified, where somebody looks."""
    if not sys.stderr.isatty():
        yield _tell_nobody
        return
    total = sum(end.position for end in source.ends().values())
    yield partial(show, service, total=total, screen=sys.stderr)
    clear(sys.stderr)


def _tell_nobody(lines: int) -> None:
    del lines
