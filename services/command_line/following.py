"""Follows an order until the pump has done it, so that 'ordered' is not taken for 'given'."""

import asyncio
import sys
from collections.abc import Callable, Collection
from itertools import dropwhile
from typing import Any, Final

from core.deciders.names import ACTUATOR
from schemas.bolus.orders import BolusOrdered
from schemas.delivery.delivery import BolusRefused
from schemas.delivery.device import PULSE_MU
from schemas.delivery.mechanism import BasalMissed
from schemas.delivery.pump import (
    DeliveryCommandRefused,
    ReservoirFilled,
    ReservoirFillRequested,
    ResumeRequested,
)
from schemas.message import Command
from schemas.units import MINUTE_MS, DoseId, EventId, MilliUnits
from services.command_line.journals import all_of, journal, kept_journal
from services.command_line.output.event_messages import refused, signed_units
from services.command_line.output.exit_codes import DONE, REFUSED, UNKNOWN
from services.command_line.session import Session
from services.runtime.store_formats.folders import known_folder

FOLLOW_S = 7.0
"""[s] that an order is followed: its 5 s of real life, and the way to the pump and back."""

LOOK_S = 0.1
"""[s] between two looks."""

LOOKS_MAX = round(FOLLOW_S / LOOK_S)
"""[-] at the actuator."""

_IN_WORDS: Final = {
    "running": "the pump is giving it",
    "delivered": "the pump has given it",
    "stopped": "the pump began it, and it was stopped",
}

_ENDED: Final = {
    "delivered": "the bolus was given in full before it could be stopped",
    "stopped": "the bolus is stopped",
}


async def until(session: Session, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """Look at the actuator until something holds; None if it does not in time."""

    for _ in range(LOOKS_MAX):
        view = await session.view(ACTUATOR)
        if holds(view):
            return view
        await asyncio.sleep(LOOK_S)
    return None


def silent(what: str) -> int:
    """Say what the pump has not said in time; give the exit code."""
    print(
        f"basalt: the pump has not said within {FOLLOW_S:.0f} s {what}; look with 'basalt "
        "status' and 'basalt alarms'",
        file=sys.stderr,
    )
    return UNKNOWN


async def obey(
    session: Session,
    command: Command,
    holds: Callable[[dict[str, Any]], bool],
    *,
    unseen: str,
    said: str,
) -> int:
    """Have the actuator do something, and wait until the pump shows it; give the exit code.

    Args:
        session: to the system.
        command: what is to be done.
        holds: says whether a view of the actuator shows it.
        unseen: what the pump has not said where it does not.
        said: what a person reads where it does.
    """
    code = await session.handle(command, to=ACTUATOR)
    if code != DONE:
        return code
    if await until(session, holds) is None:
        return silent(unseen)
    if not session.as_json:
        print(said)
    return DONE


async def follow(session: Session, dose: DoseId, order: BolusOrdered) -> int:
    """Wait until the pump has counted a pulse of a dose; say what is known, give the exit code.

    An extended dose is followed until the actuator has started it: its first pulse may be far off.
    """
    if order.duration:
        return await _follow_extended(session, dose, order)
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
        print(f"{_IN_WORDS[last['state']]}, {counted(last)}")
    return DONE


async def _follow_extended(session: Session, dose: DoseId, order: BolusOrdered) -> int:
    view = await until(session, lambda seen: (seen.get("last_extended") or {}).get("dose") == dose)
    if view is None:
        return _not_begun(session, dose)
    if not session.as_json:
        each = order.duration * PULSE_MU // order.amount / MINUTE_MS
        minutes = order.duration // MINUTE_MS
        print(
            f"the actuator has started it: {signed_units(order.amount)} over {minutes} min, "
            f"a pulse every {each:.1f} min"
        )
    return DONE


def counted(dose: dict[str, Any]) -> str:
    """Say how much of a dose the pump has counted."""
    given = signed_units(MilliUnits(dose["delivered"]))
    asked = signed_units(MilliUnits(dose["requested"]))
    return f"{given} of {asked} counted"


async def follow_cancel(session: Session, doses: Collection[DoseId]) -> int:
    """Wait until the newest of some doses runs no more; say what was given by then."""

    def cancelled(seen: dict[str, Any]) -> list[dict[str, Any]]:
        both = (seen.get("last_dose"), seen.get("last_extended"))
        return [one for one in both if one and one["dose"] in doses]

    def holds(seen: dict[str, Any]) -> bool:
        return all(one["state"] not in ("started", "running") for one in cancelled(seen))

    view = await until(session, holds)
    found = cancelled(view) if view else []
    if not found or any(one["state"] == "unknown" for one in found):
        print(
            f"basalt: the pump has not said within {FOLLOW_S:.0f} s what was given; all of it "
            "counts as given. Look with 'basalt status' and 'basalt alarms'",
            file=sys.stderr,
        )
        return UNKNOWN
    for one in found if not session.as_json else ():
        print(f"{_ENDED[one['state']]}, {counted(one)}")
    return DONE


async def follow_fill(session: Session, requested: EventId) -> int:
    """Wait until the actuator says what came of a fill; its own journal has the words."""
    kinds = (ReservoirFillRequested, ReservoirFilled, DeliveryCommandRefused)
    with journal(kept_journal(known_folder(session.data), ACTUATOR)) as store:
        for _ in range(LOOKS_MAX):
            said = all_of(store, pump=session.pump, kinds=kinds)
            after = dropwhile(lambda one: one[0] != requested, said)
            for _, event in after:
                if isinstance(event, ReservoirFilled):
                    if not session.as_json:
                        print(f"the pump counts down from {signed_units(event.amount)}")
                    return DONE
                if isinstance(event, DeliveryCommandRefused) and event.name == "fill":
                    print(f"refused: {refused(event)}", file=sys.stderr)
                    return UNKNOWN if event.reason == "no_answer" else REFUSED
            await asyncio.sleep(LOOK_S)
    print(
        f"basalt: the pump has not said within {FOLLOW_S:.0f} s that it counts from a new "
        "reservoir; it may or may not. Look with 'basalt status' and 'basalt alarms'",
        file=sys.stderr,
    )
    return UNKNOWN


def missed_since(session: Session, resumed: EventId) -> list[BasalMissed]:
    """Give the basal that did not flow until a resumption, as the actuator has said it."""
    kinds = (ResumeRequested, BasalMissed)
    with journal(kept_journal(known_folder(session.data), ACTUATOR)) as store:
        said = list(all_of(store, pump=session.pump, kinds=kinds))
    after = dropwhile(lambda one: one[0] != resumed, said)
    return [event for _, event in after if isinstance(event, BasalMissed)]


def _state_of(dose: DoseId, view: dict[str, Any]) -> str | None:
    """Give how far a dose is by the actuator's view, None while another one is the newest."""
    last = view.get("last_dose")
    return str(last["state"]) if last and last["dose"] == dose else None


def _not_begun(session: Session, dose: DoseId) -> int:
    """Find the actuator's refusal in its journal; without one nothing is known."""
    place = kept_journal(known_folder(session.data), ACTUATOR)
    if place.is_there():
        with journal(place) as store:
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
