"""Show every service, its health and its lag; exit 3 if one does not answer."""

import argparse
import asyncio
import sys
from typing import Any, Final

import msgspec

from core.deciders.names import ACTUATOR, SPEAKERS
from core.formats.amounts import print_rate, print_units
from schemas.units import MilliUnits, MilliUnitsPerHour, Speaker
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import DONE, UNKNOWN, CommandFailed
from services.command_line.output.options import choices
from services.command_line.output.tables import print_table
from services.command_line.session import Session, print_json, run_session
from services.command_line.system.service_survey import (
    Presence,
    StreamInfo,
    consumer,
    health,
    presences,
    stream,
)
from services.runtime.process.service_endpoint import Health

EXAMPLE: Final = """
basalt status --json
"""

SERVICES_MAX = 64
"""[-] answers to one survey that are waited for."""


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one service is, by its own word and by the broker's."""

    service: str
    state: str
    """[-] 'ready', 'starting', 'absent', 'other' (speaks the protocol, is none of ours)."""
    processes: int
    """[-] that answered."""
    version: str | None
    pid: int | None
    lag: int | None
    """[-] messages not yet fetched and not yet thought about."""
    unpublished: int | None
    """[-] events stored and not yet in the stream."""
    handled: int | None
    """[-] messages heard since it started."""
    requests: int
    """[-] questions answered since it started."""
    errors: int
    """[-] questions that were answered with an error."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The whole system at one instant."""

    url: str
    therapy: str
    """[-] therapy time, ISO 8601."""
    speed: int
    """[-] therapy seconds in a real second."""
    glucose: str
    """[-] where glucose comes from, in words."""
    pump: str
    stream: StreamInfo | None
    services: tuple[ServiceStatus, ...]
    delivery: dict[str, Any]
    """[-] what the actuator shows of the pump; empty if it does not answer."""
    alarms: int
    """[-] active with anybody who answers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    """Show the system; absent services make exit code 3."""

    async def work(session: Session) -> int:
        found = await look(session)
        if session.as_json:
            print_json(found)
        else:
            _print(found)
        absent = [one.service for one in found.services if one.state == "absent"]
        if absent:
            print(f"basalt: absent: {', '.join(absent)}", file=sys.stderr)
        return UNKNOWN if absent else DONE

    return run_session(choices(arguments), work)


async def look(session: Session) -> Status:
    """Ask everybody everything, at the same time."""
    client = session.client
    everybody = asyncio.gather(
        *(presences(client, verb, expected=SERVICES_MAX) for verb in ("PING", "INFO", "STATS"))
    )
    one_by_one = asyncio.gather(*(_detail(session, name) for name in SPEAKERS))
    (pinged, informed, counted), details = await asyncio.gather(everybody, one_by_one)
    held = await stream(client)
    here = {**counted, **informed, **pinged}
    ours = [
        _service(name, here.get(name, []), counted.get(name, []), *detail)
        for name, detail in zip(SPEAKERS, details, strict=True)
    ]
    others = [_other(here[name], counted) for name in sorted(here) if name not in SPEAKERS]
    views = await asyncio.gather(*(_view(session, name) for name in SPEAKERS))
    delivery = dict(zip(SPEAKERS, views, strict=True))[ACTUATOR]
    return Status(
        url=session.running.url,
        therapy=moment(session.clock.now().therapy),
        speed=session.clock.now().speed,
        glucose=session.running.glucose,
        pump=session.pump,
        stream=held,
        services=(*ours, *others),
        delivery=delivery,
        alarms=sum(len(view.get("alarms", ())) for view in views),
    )


async def _view(session: Session, name: Speaker) -> dict[str, Any]:
    try:
        return await session.view(name)
    except CommandFailed:
        return {}


async def _detail(session: Session, name: Speaker) -> tuple[Health | None, int | None]:
    own, waiting = await asyncio.gather(
        health(session.client, name), consumer(session.client, name)
    )
    return own, waiting.num_pending if waiting else None


def _service(
    name: str,
    here: list[Presence],
    counted: list[Presence],
    own: Health | None,
    pending: int | None,
) -> ServiceStatus:
    lag = None if pending is None else pending + (own.waiting if own else 0)
    answered = bool(here) and own is not None
    return ServiceStatus(
        service=name,
        state="absent" if not answered else "ready" if own and own.ready else "starting",
        processes=len(here),
        version=here[0].version if here else None,
        pid=own.pid if own else None,
        lag=lag,
        unpublished=own.unpublished if own else None,
        handled=own.handled if own else None,
        requests=sum(point.num_requests for one in counted for point in one.endpoints),
        errors=sum(point.num_errors for one in counted for point in one.endpoints),
    )


def _other(here: list[Presence], counted: dict[str, list[Presence]]) -> ServiceStatus:
    plain = _service(here[0].name, here, counted.get(here[0].name, []), None, None)
    return msgspec.structs.replace(plain, state="other")


def _print(found: Status) -> None:
    print(f"broker {found.url}, therapy time {found.therapy}, speed {found.speed}")
    print(f"glucose: {found.glucose}")
    if found.stream is None:
        print("stream: none")
    else:
        held = found.stream.state
        print(
            f"stream: {held.messages} messages ({held.bytes / 1e6:.1f} MB), "
            f"{held.first_seq} to {held.last_seq}, made {found.stream.created[:19]}Z real time"
        )
    alarms = f"{found.alarms or 'no'} alarm{'' if found.alarms == 1 else 's'}"
    is_absent = any(one.service == "actuator" and one.state == "absent" for one in found.services)
    pump = "the actuator does not answer" if is_absent else _pump(found.delivery)
    print(f"pump {found.pump}: {pump}, {alarms}")
    columns = ("service", "state", "pid", "version", "lag", "unpublished", "handled", "errors")
    rows = [
        (
            one.service,
            one.state if one.processes <= 1 else f"{one.state}, {one.processes} processes",
            _cell(one.pid),
            one.version or "-",
            _cell(one.lag),
            _cell(one.unpublished),
            _cell(one.handled),
            str(one.errors),
        )
        for one in found.services
    ]
    print_table(columns, rows, right=frozenset({2, 4, 5, 6, 7}))


def _cell(number: int | None) -> str:
    return "-" if number is None else str(number)


def _pump(view: dict[str, Any]) -> str:
    if not view:
        return "the actuator knows nothing of it"
    if view["suspended"]:
        rate = "suspended"
    elif view["rate"] is None:
        rate = "no basal plan"
    else:
        rate = f"basal {print_rate(MilliUnitsPerHour(view['rate']))} U/h"
    if view.get("driven_by_another"):
        rate = "another controller drives it, " + rate
    left = view["reservoir"]
    reservoir = "unknown" if left is None else f"{print_units(MilliUnits(max(0, left)))} U"
    return f"{rate}, reservoir {reservoir}"
