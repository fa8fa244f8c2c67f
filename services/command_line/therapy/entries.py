"""What a person tells the system: glucose, carbohydrate, and that an alarm was seen.

`basalt correct`: readings, insulin by pen and carbohydrate that were recorded wrong.
"""

import argparse
import asyncio
from typing import Any

from core.deciders.registry import DECIDERS
from core.formats.glucose_values import parse_glucose
from core.kernel.alarms import ActiveAlarm
from core.kernel.errors import GlucoseTextError
from schemas.alarms import AcknowledgeAlarm, SnoozeAlarm
from schemas.bolus.advice import RecordCarbs
from schemas.bolus.orders import RecordInjection
from schemas.corrections import CorrectCarbs, CorrectDose, VoidReading
from schemas.glucose import GlucoseSource, GlucoseUnit, RecordReading
from schemas.message import Command
from schemas.record import SettleHistory
from schemas.units import DoseId, EventId, Speaker, UtcMillis
from services.command_line.grammar import value_types
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.session import Session, print_json, run_session


def glucose(arguments: argparse.Namespace) -> int:
    """Record one reading."""
    unit: GlucoseUnit = "mmol/L" if arguments.mmol else "mg/dL"
    source: GlucoseSource = "sensor" if arguments.sensor else "meter"
    try:
        parse_glucose(arguments.value, unit=unit)
    except GlucoseTextError as error:
        raise wrong_input(f"{error}; nothing was sent") from error

    async def work(session: Session) -> int:
        reading = RecordReading(
            measured_at=arguments.at or session.clock.now().therapy,
            source=source,
            unit=unit,
            received=arguments.value,
            device="by hand",
        )
        return await session.handle(reading, to=Speaker("glucose_ingest"))

    return run_session(choices(arguments), work)


def carbs(arguments: argparse.Namespace) -> int:
    """Record carbohydrate."""

    async def work(session: Session) -> int:
        eaten_at = arguments.at or session.clock.now().therapy
        eaten = RecordCarbs(grams=arguments.grams, eaten_at=eaten_at)
        return await session.handle(eaten, to=Speaker("bolus_advisor"))

    return run_session(choices(arguments), work)


def alarms(arguments: argparse.Namespace) -> int:
    """List the active alarms; acknowledge or silence one with whoever raised it."""
    if (arguments.act is None) != (arguments.name is None):
        raise wrong_input("which alarm? 'basalt alarms ack NAME' or 'basalt alarms snooze NAME'")
    reaction = SnoozeAlarm if arguments.act == "snooze" else AcknowledgeAlarm

    async def work(session: Session) -> int:
        active = await active_alarms(session)
        if arguments.name is None:
            return _list(active, as_json=session.as_json)
        raisers = [name for name, alarm in active if alarm.alarm == arguments.name]
        if not raisers:
            known = ", ".join(sorted({alarm.alarm for _, alarm in active})) or "none"
            raise CommandFailed(f"no alarm {arguments.name!r} is active; active: {known}", REFUSED)
        codes = [
            await session.handle(reaction(alarm=arguments.name), to=raiser) for raiser in raisers
        ]
        return max(codes)

    return run_session(choices(arguments), work)


def pen(arguments: argparse.Namespace) -> int:
    """Record insulin that was given by pen or syringe."""

    async def work(session: Session) -> int:
        at = session.clock.now().therapy if arguments.at is None else arguments.at
        command = RecordInjection(amount=arguments.amount, given_at=at)
        return await session.handle(command, to=Speaker("bolus_advisor"))

    return run_session(choices(arguments), work)


def settle(arguments: argparse.Namespace) -> int:
    """Give up the missing events of a service, with everybody who misses them."""

    async def work(session: Session) -> int:
        wanted = f"history_missing_{arguments.speaker}"
        active = await active_alarms(session)
        missing = [name for name, alarm in active if alarm.alarm == wanted]
        if not missing:
            raise CommandFailed(f"nobody misses events of {arguments.speaker!r}", REFUSED)
        command = SettleHistory(speaker=arguments.speaker)
        return max([await session.handle(command, to=name) for name in missing])

    if arguments.speaker not in DECIDERS:
        raise wrong_input(f"no service {arguments.speaker!r} speaks; known: {', '.join(DECIDERS)}")
    return run_session(choices(arguments), work)


async def active_alarms(session: Session) -> list[tuple[Speaker, ActiveAlarm]]:
    """Ask every speaker for its active alarms; the oldest first."""
    views = await asyncio.gather(*(session.view(name) for name in DECIDERS))
    found = [
        (name, ActiveAlarm(*alarm))
        for name, view in zip(DECIDERS, views, strict=True)
        for alarm in view.get("alarms", ())
    ]
    return sorted(found, key=lambda one: one[1].raised_at)


def _list(active: list[tuple[Speaker, ActiveAlarm]], *, as_json: bool) -> int:
    if as_json:
        print_json([_as_json(name, alarm) for name, alarm in active])
        return DONE
    for name, alarm in active:
        seen = f", seen by {alarm.acknowledged_by}" if alarm.acknowledged_by else ""
        since = moment(UtcMillis(alarm.raised_at))
        print(f"{alarm.alarm}  ({alarm.priority}, {alarm.to}, {name}, since {since}{seen})")
        print(f"  {alarm.text}")
    if not active:
        print("no alarm is active")
    return DONE


def _as_json(name: Speaker, alarm: ActiveAlarm) -> dict[str, Any]:
    return {"speaker": name, **alarm._asdict()}


def correct(arguments: argparse.Namespace) -> int:
    """Send one correction to whoever recorded what was wrong."""
    command, to = _asked(arguments)

    async def work(session: Session) -> int:
        return await session.handle(command, to=to)

    return run_session(choices(arguments), work)


def _asked(arguments: argparse.Namespace) -> tuple[Command, Speaker]:
    because: str = arguments.because
    if arguments.what == "glucose":
        if arguments.amount is not None or arguments.at is not None:
            raise wrong_input("a reading is taken out whole; record the right one by itself")
        reading = EventId(arguments.id)
        return VoidReading(reading=reading, because=because), Speaker("glucose_ingest")
    if arguments.amount is None:
        raise wrong_input("what was it? AMOUNT is missing, 0 for none")
    try:
        if arguments.what == "pen":
            dose: Command = CorrectDose(
                dose=DoseId(arguments.id),
                amount=value_types.units(arguments.amount),
                given_at=arguments.at,
                because=because,
            )
            return dose, Speaker("bolus_advisor")
        carbs = CorrectCarbs(
            carbs=EventId(arguments.id),
            grams=value_types.grams(arguments.amount),
            eaten_at=arguments.at,
            because=because,
        )
    except argparse.ArgumentTypeError as error:
        raise wrong_input(str(error)) from error
    return carbs, Speaker("bolus_advisor")
