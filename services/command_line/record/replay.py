"""Fold the record of a pump and print its state, whether the system runs or not."""

import argparse
from typing import Any, Final

from core.deciders.basal.state import BasalView
from core.deciders.bolus.view import BolusView
from core.deciders.delivery.view import DeliveryView
from core.deciders.glucose.state import GlucoseView
from core.deciders.record.decider import RecordView
from core.deciders.registry import DECIDERS
from core.dosing.insulin_account.last_bolus import LastDose
from core.formats.amounts import print_rate, print_units
from schemas.units import MilliUnits, MilliUnitsPerHour
from schemas.wire import codec
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_store
from services.command_line.journals import journal, known_service
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import DONE
from services.command_line.output.options import choices
from services.command_line.output.tables import print_table
from services.command_line.record.which_record import record_file, recorded_pump, snapshots_of
from services.runtime.replay.replay import known_by, replay
from services.runtime.store_formats.folders import known_folder

EXAMPLE: Final = """
basalt replay --pump p1 --at 2026-03-01T07:30:00Z
basalt replay --known-by bolus_advisor --at 2026-03-01T07:30:00Z
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the instant, whose knowledge, and which record."""
    parser.add_argument(
        "--at", type=value_types.instant, metavar="TIME", help="state then; the newest"
    )
    parser.add_argument(
        "--known-by",
        metavar="SERVICE",
        help="not what happened until then but what this service knew of it, by its own journal",
    )
    add_store(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fold a pump's record and print its state."""
    chosen = choices(arguments)
    folder = known_folder(chosen.data)
    place = record_file(arguments.store, folder)
    with journal(place) as store:
        pump = recorded_pump(chosen, folder, store)
        known = arguments.known_by and known_service(arguments.known_by)
        views: dict[str, Any] = {}
        if known is None:
            with snapshots_of(folder) as kept:
                views.update(replay(store, pump=pump, at=arguments.at, snapshots=kept))
    if known is not None:
        decider = DECIDERS[known]
        with journal(place.of(known)) as own:
            views[known] = known_by(decider, own, pump=pump, at=arguments.at)
    if chosen.json:
        print(codec.encode(views).decode())
        return DONE
    when = "by its newest event" if arguments.at is None else f"at {moment(arguments.at)}"
    whose = "" if known is None else f", as {known} knew it"
    print_table(("", ""), _rows(views), title=f"pump {pump} {when}{whose}")
    return DONE


def _rows(views: dict[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for view in views.values():
        match view:
            case GlucoseView():
                rows.append(("glucose", _glucose(view)))
            case BasalView():
                rows.extend(_basal(view))
            case BolusView():
                rows.extend(_bolus(view))
            case DeliveryView():
                rows.extend(_delivery(view))
            case RecordView():
                rows.append(("record", f"{view.events} events, root {view.root[:16]}"))
    active = [(name, alarm) for name, view in views.items() for alarm in view.alarms]
    for name, alarm in sorted(active, key=lambda one: one[1].raised_at):
        rows.append(("alarm", f"{alarm.alarm} ({alarm.priority}, {name}): {alarm.text}"))
    if not active:
        rows.append(("alarms", "none"))
    return rows


def _glucose(view: GlucoseView) -> str:
    if view.measured_at is None:
        return "none"
    value = f"{view.glucose} mg/dL" if view.glucose is not None else str(view.mark).upper()
    return f"{value}, {moment(view.measured_at)}; {view.readings} taken, {view.rejected} rejected"


def _basal(view: BasalView) -> list[tuple[str, str]]:
    profile = f"{view.profile}, {view.zone}" if view.profile else "none"
    rows = [("profile", profile), ("planned rate", _rate(view.rate))]
    if view.temporary and view.temporary_ends_at:
        rows.append(("temporary", f"{view.temporary} until {moment(view.temporary_ends_at)}"))
    return rows


def _bolus(view: BolusView) -> list[tuple[str, str]]:
    least, most = view.insulin_on_board_least, view.insulin_on_board_most
    on_board = _units(most) if least == most else f"{_units(least)} to {_units(most)}"
    return [
        ("insulin on board", on_board if most is not None else "unknown without settings"),
        ("carbohydrate", f"{view.carbs_total} g in all"),
        ("forecast", _forecast(view)),
    ]


def _forecast(view: BolusView) -> str:
    ahead = view.forecast
    if ahead is None:
        return "none"
    lowest = f"{ahead.lowest.glucose} mg/dL at {moment(ahead.lowest.at)}"
    doubt = "" if ahead.is_whole else "; some insulin may not be on record"
    return (
        f"from {moment(ahead.measured_at)}: lowest {lowest}, {ahead.eventual} mg/dL in the end, "
        f"{ahead.carbs_on_board} g on board{doubt}"
    )


def _delivery(view: DeliveryView) -> list[tuple[str, str]]:
    rate = "0 U/h, suspended" if view.suspended else _rate(view.rate)
    return [
        ("basal rate", rate),
        ("reservoir", "unknown" if view.reservoir is None else _units(view.reservoir)),
        ("basal given", f"{_units(view.basal_total)} in all"),
        ("boluses given", f"{_units(view.bolus_total)} in all"),
        ("odometer", _units(view.odometer)),
        ("last dose", _dose(view.last_dose)),
        ("last extended", _dose(view.last_extended)),
        ("unknown doses", str(view.unknown_doses)),
        ("times off", str(view.gaps)),
    ]


def _dose(last: LastDose | None) -> str:
    if last is None:
        return "none"
    part = f"{_units(last.delivered)} of {_units(last.requested)}"
    return f"{last.dose}: {part}, {last.state}, {moment(last.at)}"


def _rate(rate: MilliUnitsPerHour | None) -> str:
    return "none" if rate is None else f"{print_rate(rate)} U/h"


def _units(amount: MilliUnits | None) -> str:
    return "unknown" if amount is None else f"{print_units(MilliUnits(max(0, amount)))} U"
