"""A permitted publish that names another's subject as its reply: the broker does not check that.

The broker's acknowledgement goes to whatever subject the sender names. A client's stays in the
client's own account. A service's can land in the stream, and must do no harm there.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from nats.aio.client import Client

from bench.broker import Broker, broker
from core.deciders.registry import DECIDERS
from schemas.alarms import AlarmRaised
from schemas.message import name_of
from schemas.record import MessageQuarantined
from schemas.units import PumpId, Speaker
from schemas.wire.subjects import (
    BROKER_API,
    CLIENT_API,
    ENDPOINTS,
    STREAM,
    command_subject,
    event_subject,
    service_endpoint,
)
from services.runtime.nats.connection import ConnectionEvents, Credentials, connect
from services.supervisor.broker.config import ACCOUNT, broker_config
from services.supervisor.broker.permissions import permissions
from support.real.bus_subjects import universe
from support.real.crash_system import look
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

PUMP = PumpId("demo")
CLIENTS = sorted(set(permissions()) - set(DECIDERS))
WAIT_S = 5


def permitted(user: str) -> str:
    """Give a subject of the stream on which a user may publish."""
    allowed = permissions()[user].publish
    return next(one for one in allowed if one.startswith("basalt.")).replace("*", PUMP, 1)


async def attack(client: Client, subject: str, targets: list[str]) -> None:
    """Publish once for each target, with that as reply subject."""
    for target in targets:
        await client.publish(subject, b"{}", reply=target)
    await client.flush()


async def held(running: Broker) -> dict[str, int]:
    """Give how many messages the stream holds under each subject, asked from its own account."""
    client = await running.connect("actuator")
    body = json.dumps({"subjects_filter": ">"}).encode()
    answer = await client.request(f"{BROKER_API}.STREAM.INFO.{STREAM}", body, timeout=WAIT_S)
    await client.close()
    found: dict[str, int] = json.loads(answer.data)["state"].get("subjects") or {}
    return found


async def landed(running: Broker, user: str) -> int:
    """Attack as a user; give how many messages stand under subjects that are not the user's."""
    subject = permitted(user)
    targets = [one for one in universe() if one != subject]
    before = await held(running)
    client = await running.connect(user)
    await attack(client, subject, targets)
    await client.close()
    after = before
    while after.get(subject, 0) - before.get(subject, 0) < len(targets):
        await asyncio.sleep(0.1)
        after = await held(running)
    await asyncio.sleep(0.5)
    after = await held(running)
    return sum(after.values()) - sum(before.values()) - len(targets)


@pytest.mark.requirement("R136")
async def test_no_client_makes_the_broker_speak_in_anothers_name() -> None:
    """From the key of each client, at every event, command and question of the broker."""
    async with broker() as running:
        assert dict.fromkeys(CLIENTS, 0) == {user: await landed(running, user) for user in CLIENTS}


def one_account(**of_the_broker: Any) -> str:
    """Write the configuration as it was: all users in one account."""
    head, _, _ = broker_config(**of_the_broker).partition("accounts {")
    users = []
    for name, allowed in permissions().items():
        shown = json.dumps({"publish": allowed.publish, "subscribe": allowed.subscribe})
        shown = shown.replace(f"{CLIENT_API}.", f"{BROKER_API}.")
        users.append(f"{{ nkey: {of_the_broker['public_keys'][name]}, permissions: {shown} }}\n")
    return f"{head}accounts {{ {ACCOUNT} {{ jetstream: enabled, users: [{''.join(users)}] }} }}\n"


async def test_the_mutant_with_one_account_for_all_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it was: the console's key put hundreds of 'events' of others into the stream."""
    monkeypatch.setattr("bench.broker.broker_config", one_account)
    monkeypatch.setattr("services.supervisor.broker.stream.CLIENT_API", BROKER_API)
    async with broker() as running:
        assert await landed(running, "console") > 100


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSystem]:
    folder = tmp_path_factory.mktemp("reply") / "data"
    with real_system(folder, "--speed", "60", "--no-person") as running:
        running.basalt("bolus", "0.5")
        running.until_settled()
        yield running


async def nothing(*_: object) -> None:
    """Take no notice."""


def targets_of(name: Speaker) -> list[str]:
    """Give what a service's acknowledgement could do harm to."""
    others = [other for other in DECIDERS if other != name]
    alarm, obeyed = name_of(AlarmRaised), {one: DECIDERS[one].handles[0] for one in others}
    return [
        *(event_subject(pump=PUMP, speaker=one, name=alarm) for one in others),
        *(command_subject(pump=PUMP, service=one, name=name_of(obeyed[one])) for one in others),
        *(service_endpoint(service=one, endpoint=what) for one in others for what in ENDPOINTS),
        *(
            f"{BROKER_API}.CONSUMER.{what}.{STREAM}.{one}"
            for one in others
            for what in ("RESET", "DELETE", "CREATE", "PAUSE", "MSG.NEXT")
        ),
        *(f"{BROKER_API}.STREAM.{what}.{STREAM}" for what in ("PURGE", "DELETE", "UPDATE")),
        f"{BROKER_API}.STREAM.MSG.DELETE.{STREAM}",
        "$SRV.PING",
        "basalt_reply.console.x",
        "_INBOX.console.x",
    ]


@pytest.mark.requirement("R136")
@pytest.mark.requirement("R119")
async def test_from_the_key_of_each_service_it_does_no_harm(system: RealSystem) -> None:
    """The five share an account: what lands is set aside, and nobody's start is prevented."""
    given = len(system.said("actuator", MessageQuarantined))
    for name in DECIDERS:
        client = await connect(
            url=system.folder.read_running().url,
            credentials=Credentials(name, system.folder.seed(name)),
            events=ConnectionEvents(nothing, nothing, nothing),
        )
        await attack(client, permitted(name), targets_of(name))
        await client.close()
    for process in (*DECIDERS, "broker"):
        system.kill(process)
    await asyncio.to_thread(
        system.wait_until,
        lambda: (
            system.basalt("status", check=False).returncode == 0
            and system.basalt("bolus", "0.6", "--confirm", check=False).returncode == 0
        ),
        "all are back, and it boluses",
    )
    await asyncio.to_thread(system.until_settled)
    assert given < len(system.said("actuator", MessageQuarantined))
    look(system)
    assert 0 == await asyncio.to_thread(system.stop)
    let_it_rest(system)

    system.assert_each_dose_once()
    system.assert_accounted()
