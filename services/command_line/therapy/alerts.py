"""The thresholds by which a person is alerted: shown, or changed one by one."""

import argparse
import json
from typing import Any

from schemas.glucose import GlucoseAlertsSet, SetGlucoseAlerts
from schemas.units import HOUR_MS, MINUTE_MS, Speaker
from services.command_line.journals import all_of, journal, kept_journal, running_pump
from services.command_line.output.exit_codes import DONE
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session
from services.runtime.platform.data_folder import DataFolder

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
        return await session.perform(wanted, to=Speaker("glucose_ingest"))

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
