"""Delivery: cancel, temporary rates, suspend and resume, a new reservoir."""

import argparse
import sys
from typing import Any

from core.formats.amounts import print_units
from schemas.basal.profiles import CancelTemporaryRate, SetTemporaryRate
from schemas.delivery.delivery import BolusCancelled, CancelBolus
from schemas.delivery.mechanism import ClearPumpFault, PrimePump, PrimeWhat
from schemas.delivery.pump import (
    FillReservoir,
    ReservoirFillRequested,
    ResumeDelivery,
    SuspendDelivery,
)
from schemas.delivery.unresolved_doses import AcceptPumpCount, SettleDose
from schemas.message import Command
from schemas.units import DoseId, EventId, MilliUnits, Speaker
from services.command_line.grammar.value_types import TemporaryRate
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import (
    DONE,
    REFUSED,
    UNKNOWN,
    CommandFailed,
    wrong_input,
)
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session, said
from services.command_line.therapy.follow_dose import (
    ACTUATOR,
    FOLLOW_S,
    follow_cancel,
    follow_fill,
    missed_since,
    until,
)

SCHEDULER = Speaker("basal_scheduler")


def cancel(arguments: argparse.Namespace) -> int:
    """Stop the bolus that runs, and wait until the pump says what was given."""

    async def work(session: Session) -> int:
        outcome = await session.send(CancelBolus(), to=ACTUATOR)
        code = session.show(outcome)
        doses = [event.dose for event in said(outcome) if isinstance(event, BolusCancelled)]
        return await follow_cancel(session, doses) if code == DONE and doses else code

    return run_session(choices(arguments), work)


def temp(arguments: argparse.Namespace) -> int:
    """Set or end a temporary rate."""
    rate: TemporaryRate = arguments.rate
    if rate.is_off:
        if arguments.duration is not None:
            raise wrong_input("'basalt temp off' takes no duration; nothing was sent")
        return _perform(arguments, CancelTemporaryRate(because=arguments.because), to=SCHEDULER)
    if arguments.duration is None:
        raise wrong_input("for how long? such as 'basalt temp 80% 30m'; nothing was sent")
    command = SetTemporaryRate(
        percent=rate.percent,
        rate=rate.rate,
        duration=arguments.duration,
        because=arguments.because,
    )
    return _perform(arguments, command, to=SCHEDULER)


def suspend(arguments: argparse.Namespace) -> int:
    """Stop all insulin, and wait until the pump says that it stands."""
    command = SuspendDelivery(duration=arguments.duration, because=arguments.because)
    return _switch(arguments, command, suspended=True)


def settle_dose(arguments: argparse.Namespace) -> int:
    """Say what an unknown dose came to."""

    async def work(session: Session) -> int:
        dose = arguments.id or _unknown(await session.view(ACTUATOR))
        command = SettleDose(
            dose=DoseId(dose), delivered=arguments.delivered, because=arguments.because
        )
        return await session.handle(command, to=ACTUATOR)

    return run_session(choices(arguments), work)


def _unknown(view: dict[str, Any]) -> str:
    """Name the dose that is unknown, if there is one and no other.

    Raises:
        CommandFailed: there is none, or it must be named.
    """
    both = [view.get("last_dose"), view.get("last_extended")]
    found = [one["dose"] for one in both if one and one["state"] == "unknown"]
    if view.get("unknown_doses", 0) == 0:
        raise CommandFailed("no dose is unknown; nothing was sent", REFUSED)
    if len(found) != 1 or view["unknown_doses"] > 1:
        raise CommandFailed("more than one dose is unknown; say which with --id", REFUSED)
    return str(found[0])


def accept_count(arguments: argparse.Namespace) -> int:
    """Take the pump's count as it is."""
    return _perform(arguments, AcceptPumpCount(because=arguments.because), to=ACTUATOR)


def clear_fault(arguments: argparse.Namespace) -> int:
    """Let the motor turn again, and wait until the pump says so."""

    async def work(session: Session) -> int:
        code = await session.handle(ClearPumpFault(because=arguments.because), to=ACTUATOR)
        if code != DONE:
            return code
        if await until(session, lambda view: view.get("fault") is None) is None:
            return _silent("that its motor may turn")
        if not session.as_json:
            print("the motor may turn")
        return DONE

    return run_session(choices(arguments), work)


def prime(arguments: argparse.Namespace) -> int:
    """Fill tube or cannula, and wait until the pump has counted it."""
    what: PrimeWhat = "cannula" if arguments.cannula else "tube"

    async def work(session: Session) -> int:
        return await prime_now(session, arguments.amount, what)

    return run_session(choices(arguments), work)


async def prime_now(session: Session, amount: MilliUnits, what: PrimeWhat) -> int:
    """Prime, and wait until the pump has counted it; give the exit code."""
    before = (await session.view(ACTUATOR)).get("primed_total", 0)
    code = await session.handle(PrimePump(amount=amount, what=what), to=ACTUATOR)
    if code != DONE:
        return code
    if await until(session, lambda view: view.get("primed_total", 0) > before) is None:
        return _silent("what it has primed")
    if not session.as_json:
        print(f"the {what} is filled; nothing of it is on board")
    return DONE


def _silent(what: str) -> int:
    print(
        f"basalt: the pump has not said within {FOLLOW_S:.0f} s {what}; look with 'basalt "
        "status' and 'basalt alarms'",
        file=sys.stderr,
    )
    return UNKNOWN


def resume(arguments: argparse.Namespace) -> int:
    """Deliver again, and wait until the pump says so."""
    return _switch(arguments, ResumeDelivery(because=arguments.because), suspended=False)


def fill(arguments: argparse.Namespace) -> int:
    """Tell the pump of a new reservoir, and wait until it counts from there."""
    asked = FillReservoir(
        amount=arguments.amount,
        concentration=arguments.concentration,
        because=arguments.because,
    )

    async def work(session: Session) -> int:
        return await fill_now(session, asked)

    return run_session(choices(arguments), work)


async def fill_now(session: Session, asked: FillReservoir) -> int:
    """Tell of a new reservoir, and wait until the pump counts from it; give the exit code."""
    outcome = await session.send(asked, to=ACTUATOR)
    code = session.show(outcome)
    for name, event in zip(outcome.events, said(outcome), strict=True):
        if code == DONE and isinstance(event, ReservoirFillRequested):
            return await follow_fill(session, name)
    return code


def _perform(arguments: argparse.Namespace, command: Command, *, to: Speaker) -> int:
    async def work(session: Session) -> int:
        return await session.handle(command, to=to)

    return run_session(choices(arguments), work)


def _switch(arguments: argparse.Namespace, command: Command, *, suspended: bool) -> int:
    async def work(session: Session) -> int:
        return await switch_now(session, command, suspended=suspended)

    return run_session(choices(arguments), work)


async def switch_now(session: Session, command: Command, *, suspended: bool) -> int:
    """Stop or start, and wait until the pump says so; give the exit code."""
    outcome = await session.send(command, to=ACTUATOR)
    code = session.show(outcome)
    if code != DONE:
        return code
    if await until(session, lambda view: view.get("suspended") is suspended) is None:
        state = "suspended" if suspended else "delivering"
        print(
            f"basalt: the pump has not said within {FOLLOW_S:.0f} s that it is {state}; it may "
            "or may not be. Look with 'basalt status' and 'basalt alarms'",
            file=sys.stderr,
        )
        return UNKNOWN
    if not session.as_json:
        print("the pump stands" if suspended else "the pump delivers again")
        for one in () if suspended else missed_since(session, EventId(outcome.events[0])):
            print(
                f"{print_units(one.amount)} U of basal did not flow since {moment(one.starts_at)}"
            )
    return DONE
