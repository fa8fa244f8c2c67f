"""Bad bytes on the real broker: refused with a reason, quarantined, nothing crashes (M1)."""

import asyncio
import contextlib
import json
from typing import Any

import msgspec
import nats.errors
import pytest
from nats.aio.client import Client

from core.deciders.registry import DECIDERS
from schemas.alarms import AlarmRaised
from schemas.message import name_of
from schemas.record import MessageQuarantined
from schemas.units import PumpId
from schemas.wire.subjects import event_subject
from services.runtime.nats.connection import ConnectionEvents, Credentials, connect
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system

READING = "basalt.demo.command.glucose_ingest.record_reading"
PUMP = PumpId("demo")
FAR = {"therapy": 10**14, "real": 10**14}


def command(body: dict[str, Any], **envelope: Any) -> bytes:
    whole = {"id": "x", "actor": "person:x", "expires": FAR, "command": body, **envelope}
    return json.dumps(whole).encode()


def reading(**changes: Any) -> dict[str, Any]:
    good = {
        "type": "record_reading.v1",
        "measured_at": 1,
        "source": "meter",
        "unit": "mg/dL",
        "received": "100",
    }
    return {**good, **changes}


POISON = {
    "unknown tag": command({"type": "drink_coffee.v1"}, id="1"),
    "wrong type": command(reading(measured_at="soon"), id="2"),
    "NaN": command(reading(measured_at=float("nan")), id="3"),
    "a float for a whole number": command(reading(measured_at=1.5), id="4"),
    "true for a number": command(reading(measured_at=True), id="5"),
    "missing field": command({"type": "record_reading.v1"}, id="6"),
    "bad UTF-8": b'{"id":"\xff\xfe"}',
    "not JSON": b"\x00\x01\x02",
    "nothing": b"",
    "deep": b"[" * 200_000,
    "an id with a line break": command(reading(), id="7\n8"),
    "no id": command(reading(), id=""),
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("poison") / "data"
    arguments = ("--glucose", "none", "--no-person")
    with real_system(folder, *arguments) as running:
        yield running


async def nothing(*_: object) -> None:
    """Take no notice."""


async def user(system: RealSystem, name: str) -> Client:
    return await connect(
        url=system.folder.read_running().url,
        credentials=Credentials(name, system.folder.seed(name)),
        events=ConnectionEvents(nothing, nothing, nothing),
    )


async def console(system: RealSystem) -> Client:
    return await user(system, "console")


async def put(client: Client, data: bytes) -> None:
    await client.request(READING, data, timeout=5)


@pytest.mark.requirement("R41")
async def test_each_poison_is_quarantined_and_nobody_restarts(system: RealSystem) -> None:
    """What cannot be understood is an event with its reason; the service goes on."""
    before = system.pids()
    client = await console(system)
    for data in POISON.values():
        await put(client, data)
    await client.close()
    system.wait_until(
        lambda: len(system.said("glucose_ingest", MessageQuarantined)) == len(POISON),
        "all are quarantined",
    )

    assert before == system.pids()
    assert system.basalt("glucose", "123").returncode == 0
    shown = system.basalt("alarms").stdout
    assert "message_quarantined" in shown or "could not be understood" in shown


@pytest.mark.requirement("R119")
async def test_bytes_in_a_services_own_name_prevent_no_start(system: RealSystem) -> None:
    """Whoever has its key can send them: on top of its own words, with a status of the sender's."""

    def foreign_of(name: str) -> list[str]:
        found = system.said(name, MessageQuarantined)
        return [one.subject for one in found if f".event.{name}." in one.subject]

    for name in DECIDERS:
        client = await user(system, name)
        subject = event_subject(pump=PUMP, speaker=name, name=name_of(AlarmRaised))
        for status in ("503", "404", "100"):
            data = json.dumps({"stream": "basalt", "seq": 12}).encode()
            await client.request(subject, data, headers={"Status": status}, timeout=5)
        await client.close()
    for name in DECIDERS:
        system.kill(name)
    await asyncio.to_thread(
        system.wait_until,
        lambda: (
            system.basalt("glucose", "125", check=False).returncode == 0
            and system.basalt("status", check=False).returncode == 0
        ),
        "all are back",
    )
    await asyncio.to_thread(
        system.wait_until, lambda: all(foreign_of(name) for name in DECIDERS), "each says so"
    )

    assert system.basalt("history", "events").returncode == 0
    shown = system.basalt("alarms").stdout
    assert "could not be understood" in shown


async def test_a_message_over_one_mebibyte_is_refused_by_the_broker(system: RealSystem) -> None:
    """The limit of the transport is a refusal to the sender, not a crash of the listener."""
    before = system.pids()
    client = await console(system)

    with pytest.raises(nats.errors.Error):
        await put(client, b"x" * (1024 * 1024 + 1))

    with contextlib.suppress(nats.errors.Error, asyncio.TimeoutError):
        await client.close()
    assert before == system.pids()
    assert system.basalt("glucose", "124").returncode == 0


@pytest.mark.requirement("R17")
@pytest.mark.parametrize("text", [".5", "5.", "0,5", " 5", "1e1", "-1", "5.0001", "\u0663", "nan"])
def test_a_dose_is_read_one_way_or_not_at_all(system: RealSystem, text: str) -> None:
    """A point typed first must not make 5 of 0.5; nothing is sent."""
    done = system.basalt("bolus", "--", text, check=False)

    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.requirement("R41")
@pytest.mark.parametrize(
    ("measured_at", "reason"),
    [(10**15, "future"), (1, "ancient"), (-(10**12), "ancient")],
)
async def test_times_out_of_reason_are_rejected(
    system: RealSystem, measured_at: int, reason: str
) -> None:
    """A reading from 1970 or from next year is no glucose of now."""
    client = await console(system)
    inbox = f"basalt_reply.console.{reason}{abs(measured_at)}"
    answers = await client.subscribe(inbox)
    data = command(reading(measured_at=measured_at), id=f"t{measured_at}")
    await client.request(READING, data, timeout=5, headers={"Basalt-Reply": inbox})
    answer = await answers.next_msg(timeout=5)
    await client.close()

    outcome = msgspec.json.decode(answer.data)
    assert (False, reason) == (outcome["accepted"], outcome["reason"])
