"""A person's profile, settings and limits: set from files, shown as files.

The thresholds by which a person is alerted: shown, or changed one by one.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from schemas.basal.profiles import BasalPlanMade, BasalProfileSet, SetBasalWeek, SetBasalZone
from schemas.bolus.settings import BolusSettingsSet
from schemas.delivery.delivery import DeliveryLimitsSet, Lockout, SetDeliveryLimits
from schemas.glucose import GlucoseAlertsSet, SetGlucoseAlerts
from schemas.message import Command, Event
from schemas.units import HOUR_MS, MINUTE_MS, EventId, MilliUnitsPerHour, Speaker
from services.command_line.files.profile_files import (
    LOCKOUTS,
    VIRTUAL,
    limits_as_file,
    profile_as_file,
    read_limits,
    read_profile,
)
from services.command_line.files.settings_files import read_settings, settings_as_file
from services.command_line.journals import all_of, journal, kept_journal, running_pump
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import ZoneError
from services.runtime.platform.zones import local_resolver

SHOW = "show"


def profile(arguments: argparse.Namespace) -> int:
    """Set or show the basal profile."""
    if arguments.file == SHOW:
        return _show(arguments, "basal_scheduler", (BasalProfileSet, BasalPlanMade), _profile)
    asked = read_profile(
        Path(arguments.file), activate=not arguments.keep, because=arguments.because
    )
    must_be_zone(asked.zone, said_in=arguments.file)
    return _set(arguments, asked, Speaker("basal_scheduler"))


def week(arguments: argparse.Namespace) -> int:
    """Give each day of the week its profile."""
    command = SetBasalWeek(days=tuple(arguments.days), because=arguments.because)
    return _set(arguments, command, Speaker("basal_scheduler"))


def zone(arguments: argparse.Namespace) -> int:
    """Let profiles run by the clock of another zone."""
    must_be_zone(arguments.zone, said_in="zone")
    return _set(
        arguments,
        SetBasalZone(zone=arguments.zone, because=arguments.because),
        Speaker("basal_scheduler"),
    )


def must_be_zone(name: str, *, said_in: str) -> None:
    """Refuse what is no time zone.

    Raises:
        CommandFailed: there is none of that name.
    """
    try:
        local_resolver(name)
    except ZoneError as error:
        raise wrong_input(f"{said_in}: {error}; nothing was sent") from error


def settings(arguments: argparse.Namespace) -> int:
    """Set or show the settings of the bolus advisor."""
    if arguments.file == SHOW:
        return _show(arguments, "bolus_advisor", (BolusSettingsSet,), _settings)
    asked = read_settings(Path(arguments.file), because=arguments.because)
    must_be_zone(asked.zone, said_in=arguments.file)
    return _set(arguments, asked, Speaker("bolus_advisor"))


def limits(arguments: argparse.Namespace) -> int:
    """Set or show the hard limits of delivery."""
    given = (arguments.single, arguments.hourly, arguments.daily, arguments.basal)
    options = (
        *given,
        arguments.four_hours,
        arguments.soft,
        arguments.calendar_day,
        arguments.on_board,
        *(getattr(arguments, f"lockout_{who}") for who in LOCKOUTS),
        arguments.pump_model,
    )
    has_options = any(one is not None for one in options)
    if arguments.file is not None and has_options:
        raise wrong_input("either a file, or show, or all four limits; see 'basalt limits --help'")
    if arguments.file == SHOW or not (arguments.file or has_options):
        return _show(arguments, "actuator", (DeliveryLimitsSet,), _limits)
    if arguments.file is not None:
        asked = read_limits(Path(arguments.file), because=arguments.because)
        return _set(arguments, asked, Speaker("actuator"))
    if any(one is None for one in given):
        raise wrong_input("all four of --single, --hourly, --daily and --basal: none has a default")
    command = SetDeliveryLimits(
        single=arguments.single,
        hourly=arguments.hourly,
        daily=arguments.daily,
        basal=MilliUnitsPerHour(arguments.basal),
        four_hours=arguments.four_hours,
        soft=arguments.soft,
        calendar_day=arguments.calendar_day,
        on_board=arguments.on_board,
        lockout=_lockout(arguments),
        pump_model=arguments.pump_model or VIRTUAL,
        because=arguments.because,
    )
    return _set(arguments, command, Speaker("actuator"))


def _lockout(arguments: argparse.Namespace) -> Lockout:
    given = {who: getattr(arguments, f"lockout_{who}") for who in LOCKOUTS}
    return Lockout(**{who: wait for who, wait in given.items() if wait is not None})


def _set(arguments: argparse.Namespace, command: Command, to: Speaker) -> int:
    async def work(session: Session) -> int:
        return await session.handle(command, to=to)

    return run_session(choices(arguments), work)


def _show(
    arguments: argparse.Namespace,
    service: str,
    kinds: tuple[type[Event], ...],
    shown: Callable[[list[tuple[EventId, Event]]], dict[str, Any] | None],
) -> int:
    """Print what is in force, out of the service's own journal."""
    chosen = choices(arguments)
    folder = DataFolder(chosen.data)
    with journal(kept_journal(folder, service)) as store:
        found = shown(list(all_of(store, pump=chosen.pump or running_pump(folder), kinds=kinds)))
    if found is None:
        raise CommandFailed("none is in force", REFUSED)
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return DONE


def _profile(found: list[tuple[EventId, Event]]) -> dict[str, Any] | None:
    """Show the profile that the newest plan was made of: that one is in force."""
    plans = [event.profile for _, event in found if isinstance(event, BasalPlanMade)]
    for name, event in found:
        if plans and name == plans[-1] and isinstance(event, BasalProfileSet):
            return profile_as_file(event)
    return None


def _settings(found: list[tuple[EventId, Event]]) -> dict[str, Any] | None:
    event = found[-1][1] if found else None
    return settings_as_file(event) if isinstance(event, BolusSettingsSet) else None


def _limits(found: list[tuple[EventId, Event]]) -> dict[str, Any] | None:
    event = found[-1][1] if found else None
    return limits_as_file(event) if isinstance(event, DeliveryLimitsSet) else None


FIELDS = tuple(field for field in SetGlucoseAlerts.__struct_fields__ if field != "because")
"""[-] what can be set, by the names of the command and of the options."""


def alerts(arguments: argparse.Namespace) -> int:
    """Show the thresholds in force, or change those that were named and keep the others."""
    given = {name: value for name in FIELDS if (value := getattr(arguments, name)) is not None}
    wanted = SetGlucoseAlerts(**{**_in_force(arguments), **given}, because=arguments.because)
    if not given:
        print(json.dumps(_as_options(wanted), indent=2))
        return DONE

    async def work(session: Session) -> int:
        return await session.handle(wanted, to=Speaker("glucose_ingest"))

    return run_session(choices(arguments), work)


def _in_force(arguments: argparse.Namespace) -> dict[str, Any]:
    chosen = choices(arguments)
    folder = DataFolder(chosen.data)
    with journal(kept_journal(folder, "glucose_ingest")) as store:
        pump = chosen.pump or running_pump(folder)
        found = list(all_of(store, pump=pump, kinds=(GlucoseAlertsSet,)))
    if not found:
        return {}
    return {name: getattr(found[-1][1], name) for name in FIELDS}


def _as_options(alerts: SetGlucoseAlerts) -> dict[str, Any]:
    return {
        "urgent_low_mg_dl": alerts.urgent_low,
        "low_mg_dl": alerts.low,
        "high_mg_dl": alerts.high,
        "fast_mg_dl_per_min": alerts.fast / 1000,
        "missing_min": alerts.missing // MINUTE_MS,
        "measurements_a_day": alerts.measurements_a_day,
        "set_due_h": alerts.set_due // HOUR_MS,
        "set_overdue_h": alerts.set_overdue // HOUR_MS,
    }
