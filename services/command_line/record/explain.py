"""Print what an event came from: readings, settings, limits, people and services."""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Final

from rich.text import Text
from rich.tree import Tree

from core.record.provenance import Origin, explain, is_event_id
from schemas.message import parse_event_id
from schemas.units import EventId, PumpId, Speaker
from schemas.wire import codec
from schemas.wire.upcasts import newest_name
from services.command_line.grammar.common_options import add_store
from services.command_line.journals import Place, journal
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed
from services.command_line.output.options import choices
from services.command_line.output.tables import console
from services.command_line.record.event_text import in_words
from services.command_line.record.which_record import record_file, recorded_pump
from services.runtime.journal.open_store import store_to_read
from services.runtime.platform.errors import StoreMissing
from services.runtime.ports import Store
from services.runtime.replay.lookup import Lookup
from services.runtime.store_formats.folders import known_folder

EXAMPLE: Final = """
basalt explain bolus_advised
basalt explain actuator:demo:7 --json
"""

_MISSING: Final = {
    "not_recorded": "not in this record",
    "shown_before": "shown above",
    "left_out": "left out, the tree is full",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the event, and which record."""
    parser.add_argument("event", metavar="EVENT", help="its id, or a kind for the newest of it")
    add_store(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the tree behind an event, or the newest of a kind."""
    chosen = choices(arguments)
    folder = known_folder(chosen.data)
    place = record_file(arguments.store, folder)
    asked: str = arguments.event
    with journal(place) as record, ExitStack() as opened:
        named = parse_event_id(asked)[1] if is_event_id(asked) else None
        pump = named or recorded_pump(chosen, folder, record)
        lookup = Lookup(record, pump=pump, journals=_Journals(place, opened).of)
        tree = explain(_name(asked, lookup, pump), lookup.find)
    if tree.known is None:
        raise CommandFailed(f"the record has no event {asked!r}", REFUSED)
    if chosen.json:
        print(codec.encode(_plain(tree)).decode())
    else:
        console().print(_drawn(tree))
    return DONE


def _name(asked: str, lookup: Lookup, pump: PumpId) -> EventId:
    if is_event_id(asked):
        return EventId(asked)
    name = lookup.newest(newest_name(asked))
    if name is None:
        raise CommandFailed(
            f"pump {pump} has no event of the kind {asked!r}; say an id such as actuator:{pump}:7 "
            "or a kind such as bolus_advised",
            REFUSED,
        )
    return name


class _Journals:
    """The journals beside the record, opened when a cause stands in one of them."""

    def __init__(self, record: Place, opened: ExitStack) -> None:
        self._record = record
        self._opened = opened
        self._known: dict[Speaker, Store | None] = {}

    def of(self, speaker: Speaker) -> Store | None:
        """Give a service's own journal; None where it is not kept here."""
        if speaker not in self._known:
            self._known[speaker] = self._open(self._record.of(speaker))
        return self._known[speaker]

    def _open(self, place: Place) -> Store | None:
        if not place.is_there():
            return None
        with suppress(StoreMissing):
            store = store_to_read(place.url, service=place.service)
            return self._opened.enter_context(closing(store))
        return None


def _drawn(origin: Origin) -> Tree:
    tree = Tree(Text("\n".join(_lines(origin))))
    for one in origin.origins:
        tree.children.append(_drawn(one))
    return tree


def _lines(origin: Origin) -> Iterator[str]:
    """Write what stands at a branch: in words, then its name, time and speaker."""
    role = f"{origin.role.replace('_', ' ')}: " if origin.role else ""
    known = origin.known
    if known is None:
        yield f"{role}{origin.name}, {_MISSING[str(origin.missing)]}"
        return
    yield f"{role}{in_words(known)}"
    after = f", {origin.latency} ms before" if origin.latency else ""
    yield f"  {known.name}, {moment(known.at)}, {known.by}{after}"


def _plain(origin: Origin) -> dict[str, object]:
    known = origin.known
    return {
        "role": origin.role,
        "name": origin.name,
        "missing": origin.missing,
        "latency_ms": origin.latency,
        "at": known and known.at,
        "recorded_at": known and known.recorded_at,
        "by": known and known.by,
        "body": known and known.body,
        "origins": [_plain(one) for one in origin.origins],
    }
