"""List what was said of a pump, what somebody changed, what is not known, or add up days.

Glucose is added up as well.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from core.record.glucose_metrics import GlucoseMetrics, metrics
from core.record.provenance import Known
from schemas.message import name_of, tag_of
from schemas.units import PumpId, UtcMillis
from schemas.wire import codec
from schemas.wire.upcasts import newest_name
from services.command_line.grammar.common_options import add_period, add_store
from services.command_line.journals import journal
from services.command_line.output.exit_codes import DONE, wrong_input
from services.command_line.output.options import choices
from services.command_line.record.event_text import in_words
from services.command_line.record.history_formats import Row, give, instant, is_streamed
from services.command_line.record.settings_changes import Changes
from services.command_line.record.which_record import record_file, recorded_pump
from services.runtime.platform.errors import ZoneError
from services.runtime.platform.zones import local_time
from services.runtime.ports import Store
from services.runtime.replay.lookup import events_of
from services.runtime.replay.questions import day_totals, is_in, readings_by_part
from services.runtime.store_formats.folders import known_folder

EXAMPLE: Final = """
basalt history events --kind bolus_ordered --from 2026-03-01T00:00:00Z
basalt history changes
basalt history days --zone Europe/Berlin --format csv
basalt history glucose
basalt history events --format parquet --output events.parquet
"""

UTC: Final = "UTC"
"""[-] whose days are counted where none is said."""

NIGHT_HOURS: Final = range(6)
"""[h] of the wall clock that are night; source: consensus report, 00:00 to 06:00."""

CHANGES: Final = frozenset(
    {
        "basal_profile_set",
        "basal_week_set",
        "basal_zone_set",
        "bolus_settings_set",
        "bolus_preset_set",
        "delivery_limits_set",
        "glucose_alerts_set",
        "reading_voided",
        "dose_corrected",
        "carbs_corrected",
    }
)
"""[-] kinds that say what somebody changed."""

GAPS: Final = frozenset(
    {
        "delivery_gap",
        "basal_missed",
        "bolus_unknown",
        "history_missing",
        "message_quarantined",
        "pump_doubted",
        "pump_lost",
        "speaker_forked",
    }
)
"""[-] kinds that say what is not known or was not given."""

_KINDS: Final = frozenset(name_of(kind) for kind in codec.EVENT_KINDS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the question, what narrows it down, and the form of the answer."""
    parser.add_argument(
        "what",
        choices=("events", "changes", "gaps", "days", "glucose"),
        help="the question; events is all of them",
    )
    parser.add_argument(
        "--kind", action="append", default=[], metavar="KIND", help="only this, alarm_raised"
    )
    add_period(parser, since="from then", until="before then")
    parser.add_argument("--by", dest="actor_is", metavar="WHO", help="only what this actor did")
    parser.add_argument("--cause", metavar="ID", help="only what this command or event led to")
    parser.add_argument("--after", metavar="EVENT", help="go on behind this one")
    parser.add_argument("--limit", type=int, metavar="N", help="so many at most")
    parser.add_argument("--zone", metavar="ZONE", help="of days: Europe/Berlin; UTC")
    parser.add_argument(
        "--format",
        choices=("table", "csv", "jsonl", "parquet"),
        default="table",
        help="%(default)s; parquet needs --output and the extra 'parquet'",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="into a file, whole or not at all"
    )
    add_store(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer one question about the record."""
    _assert_of_use(arguments)
    chosen = choices(arguments)
    folder = known_folder(chosen.data)
    form = "jsonl" if chosen.json else arguments.format
    shows = not is_streamed(form, output=arguments.output)
    with journal(record_file(arguments.store, folder), shows=shows) as store:
        pump = recorded_pump(chosen, folder, store)
        try:
            rows = _ANSWERS[arguments.what](store, pump, arguments)
            give(rows, form=form, what=arguments.what, output=arguments.output)
        except ZoneError as error:
            raise wrong_input(str(error)) from error
    return DONE


def _assert_of_use(arguments: argparse.Namespace) -> None:
    """Refuse an option that the question does not have: it would seem to have been heard."""
    for option, (field, of) in _OPTIONS_OF.items():
        if getattr(arguments, field) and arguments.what not in of:
            raise wrong_input(f"{option} is for 'history {of[0]}', not for '{arguments.what}'")


def _events(store: Store, pump: PumpId, arguments: argparse.Namespace) -> Iterator[Row]:
    """Give events one by one, as they were heard."""
    kinds = frozenset(newest_name(kind) for kind in arguments.kind)
    wanted = {"changes": CHANGES, "gaps": GAPS}.get(arguments.what, kinds)
    if unknown := wanted - _KINDS:
        raise wrong_input(f"no event is of the kind {min(unknown)!r}; see 'basalt schema'")
    passed = arguments.after is None
    count = 0
    changes = Changes() if arguments.what == "changes" else None
    for known in events_of(store, pump=pump, kinds=wanted):
        changed = changes.of(known) if changes else ""
        if not passed:
            passed = known.name == arguments.after
            continue
        if not _is_wanted(known, arguments):
            continue
        yield {
            "at": instant(known.at),
            "event": known.name,
            "kind": tag_of(type(known.body)),
            "cause": known.cause,
            "actor": getattr(known.body, "actor", None),
            "text": f"{in_words(known)}: {changed}" if changed else in_words(known),
            "because": getattr(known.body, "because", None) or None,
        }
        count += 1
        if count == arguments.limit:
            return
    if not passed:
        raise wrong_input(f"the record has no event {arguments.after!r} of these to go on after")


def _is_wanted(known: Known, arguments: argparse.Namespace) -> bool:
    if arguments.actor_is is not None and getattr(known.body, "actor", None) != arguments.actor_is:
        return False
    if arguments.cause is not None and known.cause != arguments.cause:
        return False
    return is_in(known.at, (arguments.since, arguments.until))


def _days(store: Store, pump: PumpId, arguments: argparse.Namespace) -> Iterator[Row]:
    """Add up each day of the wall clock."""
    book = day_totals(
        store,
        pump=pump,
        day_of=partial(_day_of, zone=arguments.zone or UTC),
        period=(arguments.since, arguments.until),
    )
    for day, totals in sorted(book.days.items()):
        insulin = ("basal", "bolus", "unknown", "pen", "primed")
        plain = msgspec.structs.asdict(totals)
        yield {
            "day": day,
            **{f"{name}_u": plain.pop(name) / 1_000 for name in insulin},
            **plain,
        }


def _glucose(store: Store, pump: PumpId, arguments: argparse.Namespace) -> Iterator[Row]:
    """Reduce glucose to numbers: each day, its night, and all of it; what was voided left out."""
    found = readings_by_part(
        store,
        pump=pump,
        parts_of=partial(_parts_of, zone=arguments.zone or UTC),
        period=(arguments.since, arguments.until),
    )
    for part, readings in found.items():
        numbers = metrics(readings.values, lows=readings.lows, highs=readings.highs)
        yield {"time": part, **_rounded(numbers)}


def _parts_of(at: UtcMillis, *, zone: str) -> Sequence[str]:
    day = _day_of(at, zone=zone)
    part = "night" if local_time(at, zone=zone).hour in NIGHT_HOURS else "day"
    return (day, f"{day} {part}", "all", f"all {part}")


def _rounded(found: GlucoseMetrics) -> Row:
    plain = msgspec.structs.asdict(found)
    return {name: round(one, 2) if isinstance(one, float) else one for name, one in plain.items()}


def _day_of(at: UtcMillis, *, zone: str) -> str:
    return local_time(at, zone=zone).date().isoformat()


_LISTS: Final = ("events", "changes", "gaps")

_OPTIONS_OF: Final = {
    "--kind": ("kind", ("events",)),
    "--by": ("actor_is", _LISTS),
    "--cause": ("cause", _LISTS),
    "--after": ("after", _LISTS),
    "--limit": ("limit", _LISTS),
    "--zone": ("zone", ("days", "glucose")),
}
"""[-] options with the questions that have them."""

_ANSWERS: Final[dict[str, Callable[[Store, PumpId, argparse.Namespace], Iterator[Row]]]] = {
    "events": _events,
    "changes": _events,
    "gaps": _events,
    "days": _days,
    "glucose": _glucose,
}
