"""Following an order until the pump begins, so that 'ordered' is not taken for 'given'."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from schemas.delivery import BolusRefused
from schemas.units import DoseId, MilliUnits, Speaker
from services.command_line.exits import DONE, REFUSED, UNKNOWN
from services.command_line.journals import all_of, journal
from services.command_line.session import Session
from services.command_line.words import refused, signed_units
from services.runtime.data_folder import DataFolder

FOLLOW_S = 7.0
"""[s] that an order is followed: its 5 s of real life, and the way to the pump and back."""

LOOK_S = 0.1
"""[s] between two looks."""

LOOKS_MAX = round(FOLLOW_S / LOOK_S)
"""[-] at the actuator."""

ACTUATOR = Speaker("actuator")


async def until(session: Session, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """Look at the actuator until something holds; None if it does not in time."""

    for _ in range(LOOKS_MAX):
        view = await session.view(ACTUATOR)
        if holds(view):
            return view
        await asyncio.sleep(LOOK_S)
    return None


async def follow(session: Session, dose: DoseId) -> int:
    """Wait until the pump has counted a pulse of a dose; say what is known, give the exit code."""
    view = await until(session, lambda seen: _state_of(dose, seen) not in (None, "started"))
    if view is None:
        return _not_begun(session, dose)
    last = view["last_dose"]
    if last["state"] == "unknown":
        print(
            f"basalt: nobody knows what became of {dose}; it counts as given. Look with 'basalt "
            "status' and 'basalt alarms' before you ask again",
            file=sys.stderr,
        )
        return UNKNOWN
    if not session.as_json:
        given = signed_units(MilliUnits(last["delivered"]))
        asked = signed_units(MilliUnits(last["requested"]))
        print(f"the pump is giving it: {last['state']}, {given} of {asked} counted")
    return DONE


def _state_of(dose: DoseId, view: dict[str, Any]) -> str | None:
    """Give how far a dose is by the actuator's view, None while another one is the newest."""
    last = view.get("last_dose")
    return str(last["state"]) if last and last["dose"] == dose else None


def _not_begun(session: Session, dose: DoseId) -> int:
    """Find the actuator's refusal in its journal; without one nothing is known."""
    path = DataFolder(session.data).journal(ACTUATOR)
    if path.is_file():
        with journal(path) as store:
            for _, event in all_of(store, pump=session.pump, kinds=(BolusRefused,)):
                if isinstance(event, BolusRefused) and event.dose == dose:
                    print(f"refused by the actuator: {refused(event)}", file=sys.stderr)
                    return REFUSED
    print(
        f"basalt: the pump has counted no pulse of {dose} within {FOLLOW_S:.0f} s; it may or may "
        "not be given. Look with 'basalt status' and 'basalt replay' before you ask again",
        file=sys.stderr,
    )
    return UNKNOWN
