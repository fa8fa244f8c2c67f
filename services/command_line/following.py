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
    """Wait until the pump gives a dose; say what is known and give the exit code."""
    view = await until(session, lambda seen: _last_dose(seen).get("dose") == dose)
    if view is None:
        return _not_begun(session, dose)
    last = _last_dose(view)
    if not session.as_json:
        given = signed_units(MilliUnits(last["delivered"]))
        asked = signed_units(MilliUnits(last["requested"]))
        print(f"the pump has it: {last['state']}, {given} of {asked} counted")
    return DONE


def _last_dose(view: dict[str, Any]) -> dict[str, Any]:
    return view.get("last_dose") or {}


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
        f"basalt: the pump has not begun {dose} within {FOLLOW_S:.0f} s; it may or may not be "
        "given. Look with 'basalt status' and 'basalt replay' before you ask again",
        file=sys.stderr,
    )
    return UNKNOWN
