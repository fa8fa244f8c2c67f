"""Every subject that matters on the broker, and what a live broker lets a user do on it."""

import asyncio

from nats.aio.client import Client

from bench.broker import Broker
from core.deciders.registry import DECIDERS
from schemas.message import name_of
from schemas.units import PumpId
from schemas.wire.codec import COMMAND_KINDS, EVENT_KINDS
from schemas.wire.subjects import (
    BROKER_API,
    CLIENT_API,
    ENDPOINTS,
    STREAM,
    command_subject,
    event_subject,
    reply_inbox,
    request_inbox,
    service_endpoint,
)
from services.runtime.nats.connection import ConnectionEvents, connect
from services.supervisor.broker.permissions import permissions

PUMP = PumpId("p1")
"""[-] any pump."""

HARMFUL = (
    f"$JS.API.STREAM.DELETE.{STREAM}",
    f"$JS.API.STREAM.PURGE.{STREAM}",
    f"$JS.API.STREAM.MSG.DELETE.{STREAM}",
    f"$JS.API.STREAM.SNAPSHOT.{STREAM}",
    f"$JS.API.STREAM.RESTORE.{STREAM}",
    f"$JS.API.STREAM.MSG.GET.{STREAM}",
    *(f"$JS.API.CONSUMER.DELETE.{STREAM}.{name}" for name in DECIDERS),
)
HARMFUL = (*HARMFUL, *(subject.replace(BROKER_API, CLIENT_API, 1) for subject in HARMFUL))


def universe() -> list[str]:
    """Give every subject that matters: events, commands, questions, the broker's API, inboxes."""
    events = [
        event_subject(pump=PUMP, speaker=name, name=name_of(kind))
        for name in DECIDERS
        for kind in EVENT_KINDS
    ]
    commands = [
        command_subject(pump=PUMP, service=name, name=name_of(kind))
        for name in DECIDERS
        for kind in COMMAND_KINDS
    ]
    asked = [
        f"{api}.{what}.{STREAM}.{name}"
        for api in (BROKER_API, CLIENT_API)
        for what in ("CONSUMER.MSG.NEXT", "CONSUMER.RESET", "CONSUMER.INFO", "CONSUMER.CREATE")
        for name in DECIDERS
    ]
    made = [
        f"{api}.STREAM.{what}.{STREAM}"
        for api in (BROKER_API, CLIENT_API)
        for what in ("CREATE", "UPDATE", "INFO")
    ]
    questions = [
        service_endpoint(service=name, endpoint=endpoint)
        for name in DECIDERS
        for endpoint in ENDPOINTS
    ]
    inboxes = [
        one
        for user in permissions()
        for one in (f"{request_inbox(user)}.x", reply_inbox(client=user, token="x"))
    ]
    others = ("basalt.p1.event.nobody.x", "other", "$SYS.REQ.SERVER.PING", "$SRV.PING")
    return [*events, *commands, *asked, *made, *HARMFUL, *questions, *inboxes, *others]


async def denied_to(
    running: Broker, user: str, subjects: list[str], *, listening: bool = False
) -> set[str]:
    """Publish on every subject as a user, or listen to it; give those that the broker refused."""
    words = f"ermissions violation for {'subscription' if listening else 'publish'}"
    refused: set[str] = set()

    async def on_error(error: Exception) -> None:
        text = str(error)
        if words in text:
            refused.add(text.split('"')[1])

    async def nothing() -> None:
        """Take no notice."""

    client: Client = await connect(
        url=running.url,
        credentials=running.credentials(user),
        events=ConnectionEvents(nothing, on_error, nothing),
    )
    for subject in subjects:
        if listening:
            await client.subscribe(subject)
        else:
            await client.publish(subject, b"{}")
    await client.flush()
    await asyncio.sleep(0.2)
    await client.close()
    return refused
