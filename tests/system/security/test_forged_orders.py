"""Forged, replayed, re-targeted and late orders on the real bus and the real line (S1, S2, S6)."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client

from core.dosing.order_protocol.authentication import LATE
from schemas.alarms import AlarmRaised
from schemas.bolus.orders import BolusOrdered, BolusOrderSigned, OrderBolus
from schemas.delivery.delivery import BolusDelivered, BolusStartRequested
from schemas.delivery.unresolved_doses import OrderAuthenticationFailed, OrderRefusedByPump
from schemas.glucose import RecordReading
from schemas.message import CommandEnvelope, Deadline, Envelope, event_id, name_of
from schemas.units import (
    Actor,
    CommandId,
    DoseId,
    Milliseconds,
    MilliUnits,
    PumpId,
    Speaker,
    UtcMillis,
)
from schemas.wire import codec
from schemas.wire.subjects import command_subject, event_subject
from services.runtime.nats import client as client_module
from services.runtime.nats.client import BusClient, OutcomeUnknown
from services.runtime.nats.connection import ConnectionEvents, Credentials, connect
from services.runtime.platform.clock import SystemClock, read_clock_record
from services.runtime.platform.errors import BasaltError, PumpRefusedError
from services.runtime.platform.signing_keys import (
    OrderSigner,
    make_key,
    read_secret,
    read_signer,
)
from services.runtime.pump_link.address import PumpAddress
from services.runtime.pump_link.stream_client import Pairing, StreamPumpDevice
from support.real.crash_system import look
from support.real.real_system import RealSystem, let_it_rest, real_system
from support.simulated.signed_orders import STRANGER, pump_order, sign, sign_ordered

pytestmark = pytest.mark.system

PUMP = PumpId("demo")
QUIET = ("--speed", "60", "--no-person")
ADVISOR = Speaker("bolus_advisor")
FAR = Deadline(therapy=UtcMillis(10**14), real=UtcMillis(10**14))


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSystem]:
    with real_system(tmp_path_factory.mktemp("forged") / "data", *QUIET) as running:
        running.basalt("bolus", "0.5")
        running.until_settled()
        yield running
        assert running.stop() == 0


async def nothing(*_: object) -> None:
    """Take no notice."""


async def user(system: RealSystem, name: str) -> Client:
    return await connect(
        url=system.folder.read_running().url,
        credentials=Credentials(name, system.folder.seed(name)),
        events=ConnectionEvents(nothing, nothing, nothing),
    )


def line(system: RealSystem) -> StreamPumpDevice:
    """Call the pump with the key that it shares with the actuator."""
    pairing = Pairing(PUMP, read_secret(system.folder.pump_key(PUMP)))
    address = PumpAddress(str(system.folder.pump / "line.sock"), None)
    return StreamPumpDevice(address, pairing=pairing)


def doses(system: RealSystem) -> list[Any]:
    return [one.dose for one in system.ledger() if one.kind == "bolus_started"]


def order_bytes(name: str, *, expires: Deadline = FAR) -> bytes:
    command = OrderBolus(amount=MilliUnits(500), confirmed=True)
    envelope = CommandEnvelope(
        id=CommandId(name),
        actor=Actor("person:recorder"),
        expires=expires,
        command=codec.encode_raw(command),
    )
    return codec.encode(envelope)


async def put(system: RealSystem, data: bytes, *, pump: str = "demo") -> None:
    client = await user(system, "console")
    subject = command_subject(pump=PumpId(pump), service=ADVISOR, name=name_of(OrderBolus))
    await client.request(subject, data, timeout=5)
    await client.close()


@pytest.mark.requirement("R34")
@pytest.mark.requirement("R100")
async def test_a_recorded_command_is_obeyed_once_whenever_it_is_played(system: RealSystem) -> None:
    """At once, after the broker's window of two minutes, after restarts: byte for byte (S2)."""
    ordered = len(system.said("bolus_advisor", BolusOrdered))
    data = order_bytes(secrets.token_hex(8))
    await put(system, data)
    await asyncio.to_thread(
        system.wait_until,
        lambda: len(system.said("bolus_advisor", BolusOrdered)) == ordered + 1,
        "it is ordered",
    )
    # Without a message id the broker's window is no help: as after it.
    await put(system, data)
    for name in ("bolus_advisor", "broker", "actuator"):
        await asyncio.to_thread(system.kill, name)
        await asyncio.to_thread(
            system.wait_until,
            lambda: system.basalt("status", check=False).returncode == 0,
            "all are back",
        )
        await put(system, data)
    late = order_bytes("late", expires=Deadline(therapy=UtcMillis(1), real=UtcMillis(1)))
    await put(system, late)
    await put(system, order_bytes("elsewhere"), pump="p2")
    await asyncio.to_thread(system.basalt, "glucose", "120")
    await asyncio.to_thread(system.until_settled)

    assert ordered + 1 == len(system.said("bolus_advisor", BolusOrdered))
    assert 2 == len(doses(system)) == len(set(doses(system)))
    look(system)


@pytest.mark.requirement("R99")
@pytest.mark.requirement("R100")
async def test_the_pumps_own_line_believes_nobody_else(system: RealSystem) -> None:
    """Somebody on the machine, with the pump in hand: forged, replayed, for another pump."""
    await asyncio.to_thread(system.until_settled)
    (*_, started) = system.said("actuator", BolusStartRequested)
    before, device = doses(system), line(system)
    status = (await device.read(after=10**9)).status
    number = 10_000
    forged = [
        sign(pump_order(status, dose=f"bolus_advisor:demo:{number}", amount=500), signer=STRANGER),
        sign(pump_order(status, dose=f"bolus_advisor:p2:{number}", amount=500)),
        started.signed,
        msgspec.structs.replace(started.signed, signature="00" * 64),
    ]
    # Without the epoch nobody drives at all; with it each order is held against key and session.
    with pytest.raises(BasaltError):
        await device.start_bolus(signed=started.signed)
    claimed = await device.claim()
    mine = read_signer(system.folder.order_key)
    order = pump_order(claimed, dose=f"bolus_advisor:demo:{number}", amount=500)
    forged += [
        sign(msgspec.structs.replace(order, pump=PumpId("p2")), signer=mine),
        sign(msgspec.structs.replace(order, challenge=status.challenge), signer=mine),
        sign(msgspec.structs.replace(order, not_after=Milliseconds(0)), signer=mine),
    ]
    for signed in forged:
        with pytest.raises(PumpRefusedError):
            await device.start_bolus(signed=signed)
    await device.close()
    # The actuator has lost the pump to the claim, and stays a reader until a person takes it back.
    await asyncio.to_thread(system.kill, "actuator")
    await asyncio.to_thread(system.kill, "virtual_pump")
    device = line(system)

    def is_refused() -> bool:
        said = system.basalt("bolus", "0.3", "--confirm", check=False)
        return "another controller drives the pump" in said.stdout + said.stderr

    await asyncio.to_thread(system.wait_until, is_refused, "a reader is back")
    await asyncio.to_thread(system.basalt, "pump", "take", "--because", "it was a test")
    await asyncio.to_thread(
        system.wait_until,
        lambda: system.basalt("bolus", "0.3", "--confirm", check=False).returncode == 0,
        "boluses again",
    )
    await asyncio.to_thread(system.until_settled)
    await device.claim()
    with pytest.raises(PumpRefusedError):
        await device.start_bolus(signed=started.signed)
    await device.close()
    await asyncio.to_thread(system.kill, "actuator")

    # The pump wrote down what it refused; the actuator told of it when it drove the pump again.
    refused = {event.reason for event in system.said("actuator", OrderRefusedByPump)}
    assert {"unknown_key", "bad_signature", "wrong_pump", "replayed", "stale_challenge"} <= refused
    assert "orders_not_believed" in {e.alarm for e in system.said("actuator", AlarmRaised)}
    assert len(before) + 1 == len(doses(system)) == len(set(doses(system)))
    look(system)


@pytest.mark.requirement("R103")
@pytest.mark.requirement("R110")
def test_a_key_changed_in_mid_bolus_lets_it_end_and_orders_begin_anew(tmp_path: Path) -> None:
    """The old key is worth nothing from the pump's next start on; basal never stops (S6)."""
    with real_system(tmp_path / "data", *QUIET) as system:
        system.basalt("bolus", "4")
        old = read_signer(system.folder.order_key)
        system.folder.order_key.unlink()
        make_key(system.folder.order_key)
        system.kill("bolus_advisor")
        system.wait_until(
            lambda: system.basalt("status", check=False).returncode == 0, "the advisor is back"
        )
        system.until_settled()
        refused = system.basalt("bolus", "0.5", "--confirm", check=False)
        system.wait_until(
            lambda: system.said("actuator", OrderAuthenticationFailed), "it is not believed"
        )
        system.kill("virtual_pump")
        system.wait_until(
            lambda: system.basalt("bolus", "0.6", "--confirm", check=False).returncode == 0,
            "boluses with the new key",
        )
        system.until_settled()
        signed = asyncio.run(_try(system, old))
        system.kill("actuator")
        assert system.stop() == 0
    let_it_rest(system)

    assert refused.returncode == 1
    reasons = {event.reason for event in system.said("actuator", OrderAuthenticationFailed)}
    # An order signed just before the pump's new start is honest and late.
    assert {"unknown_key"} == reasons - LATE
    assert [4_000, 600] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    assert "unknown_key" == signed
    system.assert_each_dose_once()
    system.assert_accounted()


async def _try(system: RealSystem, signer: OrderSigner) -> str:
    """Order with a key at the pump's own line; give its answer."""
    device = line(system)
    status = await device.claim()
    order = pump_order(status, dose="bolus_advisor:demo:10000", amount=500)
    with pytest.raises(PumpRefusedError) as refused:
        await device.start_bolus(signed=sign(order, signer=signer))
    await device.close()
    return refused.value.reason


async def _speak_as_advisor(system: RealSystem, signer: OrderSigner) -> None:
    """With the advisor's key to the broker, which is not the key that orders are signed with."""
    newest = max(system.own_events("bolus_advisor"))
    previous = codec.sha256_hex(system.own_events("bolus_advisor")[newest])
    challenge = system.fold("actuator").challenged.challenge
    ordered = BolusOrdered(
        amount=MilliUnits(9_000),
        actor="liar",
        start_by=FAR,
        challenge=challenge,
        not_after=Milliseconds(60_000),
    )
    dose = DoseId(event_id(speaker=ADVISOR, pump=system.pump, version=newest + 1))
    signed = sign_ordered(dose, ordered, signer=signer)
    by = BolusOrderSigned(dose=dose, key=signed.key, signature=signed.signature)
    client = await user(system, "bolus_advisor")
    for version, body in enumerate((ordered, by, by, by), start=newest + 1):
        now = system.last_now()
        envelope = Envelope(
            id=event_id(speaker=ADVISOR, pump=system.pump, version=version),
            at=now.therapy,
            recorded_at=now.real,
            cause="theft",
            previous=previous,
            event=codec.encode_raw(body),
        )
        data = codec.encode(envelope)
        previous = codec.sha256_hex(data)
        subject = event_subject(pump=system.pump, speaker=ADVISOR, name=name_of(type(body)))
        await client.request(subject, data, timeout=5)
    await client.close()


@pytest.mark.requirement("R99")
@pytest.mark.requirement("R108")
@pytest.mark.requirement("R110")
def test_who_stole_the_advisors_place_on_the_bus_gets_no_insulin(tmp_path: Path) -> None:
    """Not without the other key; it is told, after three it is an alarm, basal flows (S1)."""
    with real_system(tmp_path / "data", *QUIET) as system:
        system.basalt("bolus", "0.5")
        system.until_settled()
        # Both must not speak at once: then each of them has a number 8, and neither is believed.
        said = len(system.own_events(ADVISOR))
        system.wait_until(lambda: len(system.own_events(ADVISOR)) > said, "it has just spoken")
        asyncio.run(_speak_as_advisor(system, STRANGER))
        system.wait_until(
            lambda: 3 <= len(system.said("actuator", OrderAuthenticationFailed)),
            "three are not believed",
        )
        flowed = system.pumped()
        system.wait_until(lambda: system.pumped() > flowed, "basal flows")
        # The true advisor finds words of its own that it never said, takes them over, and goes on.
        system.wait_until(
            lambda: system.basalt("bolus", "0.6", "--confirm", check=False).returncode == 0,
            "boluses again",
        )
        system.until_settled()
        system.rest_and_stop()

    assert [500, 600] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    assert "orders_not_believed" in {e.alarm for e in system.said("actuator", AlarmRaised)}
    system.assert_each_dose_once()
    system.assert_accounted()


async def _squat(system: RealSystem, command_id: str) -> None:
    """Put another message under the id that the broker would know a command by."""
    squatter = await user(system, "glucose_player")
    subject = command_subject(
        pump=system.pump, service=Speaker("glucose_ingest"), name=name_of(RecordReading)
    )
    taken = {"Nats-Msg-Id": f"{ADVISOR}:{system.pump}:{command_id}"}
    await squatter.request(subject, b"{}", timeout=5, headers=taken)
    await squatter.close()


async def _ask_anyway(system: RealSystem, command_id: str) -> bool:
    """Order under an id that somebody has taken; say whether it was obeyed."""
    await _squat(system, command_id)
    client = BusClient(
        url=system.folder.read_running().url,
        credentials=Credentials("console", system.folder.seed("console")),
        actor=Actor("person:late"),
        clock=SystemClock(record=read_clock_record(system.folder.clock)),
    )
    await client.open()
    order = OrderBolus(amount=MilliUnits(100), confirmed=True)
    try:
        outcome = await client.send(
            order, to=ADVISOR, pump=system.pump, command_id=CommandId(command_id)
        )
        return outcome.accepted
    except OutcomeUnknown:
        return False
    finally:
        await client.close()


@pytest.mark.requirement("R100")
async def test_an_id_taken_beforehand_stops_no_command(system: RealSystem) -> None:
    """The broker calls it a duplicate: it is sent again under another id (S3)."""
    await asyncio.to_thread(system.until_settled)
    system.wait_until(lambda: system.basalt("status", check=False).returncode == 0, "all are there")

    assert await _ask_anyway(system, secrets.token_hex(8))


async def test_the_mutant_that_takes_a_duplicate_for_stored_is_caught(
    system: RealSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then whoever takes an id beforehand makes a command vanish."""
    store = BusClient._store

    async def believes(self: BusClient, *given: Any) -> Any:
        answer = await store(self, *given)
        answer.duplicate = False
        return answer

    monkeypatch.setattr(BusClient, "_store", believes)
    monkeypatch.setattr(client_module, "OUTCOME_S", 2.0)
    await asyncio.to_thread(system.until_settled)

    assert not await _ask_anyway(system, secrets.token_hex(8))
