"""Somebody without the pump's key at its line: nothing is obeyed, all is remembered."""

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.delivery.device import PlanStep, PumpPlan, PumpReading
from schemas.units import DoseId, MilliUnits, MilliUnitsPerHour, PumpId, UtcMillis
from services.runtime.platform.errors import PumpRefusedError, PumpTimeout
from services.runtime.platform.signing_keys import read_secret
from services.runtime.pump_link.address import PumpAddress
from services.runtime.pump_link.line_proof import LineProof, Nonces, new_key, new_nonce
from services.runtime.pump_link.protocol import (
    AnyRequest,
    Claim,
    ClearFault,
    Fill,
    Frame,
    FrameReader,
    LoadPlan,
    Prime,
    Refused,
    Resume,
    StartBolus,
    StopBolus,
    Suspend,
    decode_answer,
    encode_frame,
    encode_request,
)
from services.runtime.pump_link.stream_client import Pairing, StreamPumpDevice
from services.virtual_pump.line import PumpLine
from support.simulated.pump_bench import ProcessBench, a_process, line_to
from support.simulated.signed_orders import pump_order, sign

PUMP = PumpId("demo")
FORGED = int(os.environ.get("NIGHTLY_FRAMES", "600"))
"""[-] well-formed frames that nobody with the key sent, among nine times as many of garbage;
100,000 in `make nightly`."""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[ProcessBench]:
    async with a_process(tmp_path) as running:
        yield running


async def changing(bench: ProcessBench) -> list[AnyRequest]:
    """Give one request of each kind that changes the pump, as its controller would send it."""
    status = await bench.line().claim()
    epoch, now = status.epoch, status.at
    order = sign(pump_order(status, dose="bolus_advisor:demo:9", amount=500))
    rate = PlanStep(at=now, rate=MilliUnitsPerHour(35_000))
    plan = PumpPlan(plan="forged", steps=(rate,), ends_at=UtcMillis(now + 10**8))
    return [
        Claim(by="stranger"),
        StartBolus(epoch=epoch, signed=order),
        StopBolus(epoch=epoch, dose=DoseId("bolus_advisor:demo:9")),
        LoadPlan(epoch=epoch, plan=plan),
        Suspend(epoch=epoch),
        Resume(epoch=epoch),
        Fill(epoch=epoch, amount=MilliUnits(300_000)),
        Prime(epoch=epoch, amount=MilliUnits(5_000), what="tube"),
        ClearFault(epoch=epoch),
    ]


class Stranger:
    """A raw line to the pump."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._frames = reader, writer, FrameReader()

    @classmethod
    async def at(cls, folder: Path) -> "Stranger":
        return cls(*await asyncio.open_unix_connection(f"{folder}/pump"))

    async def send(self, *data: bytes) -> list[Frame]:
        """Send frames, and give the answers."""
        self._writer.write(b"".join(data))
        found: list[Frame] = []
        async with asyncio.timeout(30):
            while len(found) < len(data):
                arrived = await self._reader.read(65_536)
                assert arrived, f"the line was closed after {len(found)} of {len(data)} answers"
                found += self._frames.feed(arrived)
        return found

    async def greeted(self, key: bytes) -> LineProof:
        nonce = new_nonce()
        body = b'{"ask":"greet","nonce":"%s"}' % nonce.encode()
        (frame,) = await self.send(encode_frame(Frame(1, 1, body)))
        answer: Any = decode_answer(frame)
        return LineProof(key, pump=PUMP, nonces=Nonces(nonce, answer.nonce), is_pump=False)

    def close(self) -> None:
        self._writer.transport.abort()


def untouched(before: PumpReading, after: PumpReading) -> bool:
    """Say whether nobody has driven the pump in between."""
    one, other = before.status, after.status
    return (one.epoch, one.odometer, one.plan, one.suspended, one.reservoir, one.filled) == (
        other.epoch,
        other.odometer,
        other.plan,
        other.suspended,
        other.reservoir,
        other.filled,
    )


def reasons(reading: PumpReading) -> Counter[str]:
    """Count the refusals in the history by what they say."""
    return Counter(one.detail for one in reading.history if one.kind == "order_refused")


@pytest.mark.requirement("R115")
async def test_nothing_that_changes_the_pump_is_obeyed_without_proof(
    bench: ProcessBench, tmp_path: Path
) -> None:
    """Claim, plan, fill, prime, suspend: the copied controller of old needed no key for them."""
    requests = await changing(bench)
    before = await bench.line().read(after=0)
    stranger = await Stranger.at(tmp_path)
    answers = await stranger.send(*(encode_request(one, number=1) for one in requests))
    stranger.close()
    after = await bench.line().read(after=0)

    assert [Refused(reason="unproven")] * len(requests) == [decode_answer(one) for one in answers]
    assert untouched(before, after)
    acts = {str(one.__struct_config__.tag) for one in requests[:4]}
    assert {f"unproven {act}" for act in acts} == set(reasons(after))
    assert len(requests) == after.status.orders_refused


@pytest.mark.requirement("R115")
async def test_what_was_overheard_is_worth_nothing_again(
    bench: ProcessBench, tmp_path: Path
) -> None:
    """Recorded on the controller's own line: sent again there, on another, with another key."""
    key = read_secret(tmp_path / "pump.key")
    mine, other = await Stranger.at(tmp_path), await Stranger.at(tmp_path)
    proof = await mine.greeted(key)
    claim = encode_request(Claim(by="me"), number=5, proof=proof)
    assert (await mine.send(claim))[0].kind == 4
    before = await bench.line().read(after=0)

    again = await mine.send(claim)
    elsewhere = await other.send(claim)
    await other.greeted(new_key())
    unknown = await other.send(claim)
    wrong = await other.send(
        encode_request(Claim(by="x"), number=6, proof=await other.greeted(new_key()))
    )
    for one in (mine, other):
        one.close()
    after = await bench.line().read(after=0)

    found = [decode_answer(frame) for (frame,) in (again, elsewhere, unknown, wrong)]
    expected = ["repeated_frame", "unproven", "wrong_proof", "wrong_proof"]
    assert [Refused(reason=reason) for reason in expected] == found
    assert untouched(before, after)


async def test_without_a_key_a_pump_is_read_and_no_more(
    bench: ProcessBench, tmp_path: Path
) -> None:
    """On the socket of the same machine."""
    device = StreamPumpDevice(PumpAddress(f"{tmp_path}/pump", None))
    with pytest.raises(PumpRefusedError, match="unproven"):
        await device.claim()
    assert (await device.read(after=0)).status.epoch == 0
    await device.close()


async def test_with_the_wrong_key_it_says_so(bench: ProcessBench, tmp_path: Path) -> None:
    """Its refusal is believed although it proves nothing: it refuses, and does no more."""
    pairing = Pairing(PUMP, new_key())
    device = StreamPumpDevice(PumpAddress(f"{tmp_path}/pump", None), pairing=pairing)
    with pytest.raises(PumpRefusedError, match="wrong_proof"):
        await device.read(after=0)
    other = Pairing(PumpId("p2"), read_secret(tmp_path / "pump.key"))
    device_of_another = StreamPumpDevice(PumpAddress(f"{tmp_path}/pump", None), pairing=other)
    with pytest.raises(PumpRefusedError, match="other_pump"):
        await device_of_another.read(after=0)
    await device.close()
    await device_of_another.close()


def test_over_a_network_reading_needs_the_key_as_well() -> None:
    """Where anybody can call."""
    frame = Frame(1, 1, b'{"ask":"read","after":0}')
    assert PumpLine(pump=PUMP, key=None, reads_openly=True).take(frame)
    with pytest.raises(Exception, match="unproven"):
        PumpLine(pump=PUMP, key=new_key(), reads_openly=False).take(frame)


async def test_an_older_pump_is_named_and_refused(tmp_path: Path) -> None:
    """It drops what it does not know; asked in its own version it shows itself."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4_096):
            if data[2] == 2:
                writer.write(encode_frame(Frame(2, 1, b"{}"), version=2))
        writer.close()

    server = await asyncio.start_unix_server(serve, f"{tmp_path}/pump")
    device = StreamPumpDevice(
        PumpAddress(f"{tmp_path}/pump", None), pairing=Pairing(PUMP, new_key()), timeout_s=1.0
    )
    with pytest.raises(PumpRefusedError, match="older_pump"):
        await device.claim()
    await device.close()
    server.close()


def garbage() -> Frame:
    """Give a whole frame of any kind with any bytes in it."""
    kind = secrets.choice((0, 1, 2, 3, 4, 255))
    return Frame(kind, secrets.randbelow(65_536), secrets.token_bytes(secrets.randbelow(96)))


@pytest.mark.requirement("R115")
async def test_a_flood_of_forged_frames_moves_nothing_and_fills_nothing(
    bench: ProcessBench, tmp_path: Path
) -> None:
    """Forged, replayed, for another pump, with no key at all: 0 accepted, and the pump answers."""
    requests = await changing(bench)
    before = await bench.line().read(after=0)
    stranger = await Stranger.at(tmp_path)
    forged = await stranger.greeted(new_key())
    for first in range(0, FORGED, 100):
        frames = [
            encode_request(
                requests[secrets.randbelow(len(requests))],
                number=number,
                proof=forged if number % 3 else None,
            )
            for number in range(100)
        ]
        frames += [encode_frame(garbage()) for _ in range(9 * len(frames))]
        answers = await stranger.send(*frames)
        assert all(isinstance(decode_answer(one), Refused) for one in answers), first
    stranger.close()
    after = await line_to(tmp_path).read(after=0)

    assert untouched(before, after)
    assert FORGED <= after.status.orders_refused <= 10 * FORGED
    assert sum(reasons(after).values()) <= 8


async def test_the_mutant_that_asks_no_proof_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: one claim of anybody, and the controller was never heard again."""
    frame = Frame(1, 1, b'{"ask":"claim","by":"stranger"}')
    line = PumpLine(pump=PUMP, key=new_key(), reads_openly=True)
    with pytest.raises(Exception, match="unproven"):
        line.take(frame)
    monkeypatch.setattr("services.virtual_pump.line.Read", Claim)

    assert line.take(frame) == Claim(by="stranger")


async def test_a_stranger_does_not_wait_for_long(bench: ProcessBench, tmp_path: Path) -> None:
    """A line that is closed in the middle of a greeting is a timeout as any other."""
    device = line_to(tmp_path, timeout_s=0.5)
    await bench.pull()
    with pytest.raises(PumpTimeout):
        await device.claim()
    await bench.plug()
    assert (await device.claim()).epoch == 1
    await device.close()
