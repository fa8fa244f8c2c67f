"""The line to the pump fails at each byte, and lies: a dose moves once at most, and it is known."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from schemas.delivery.device import PumpRecord
from schemas.units import DoseId
from services.runtime.platform.errors import PumpRefusedError, PumpTimeout
from services.runtime.platform.signing_keys import read_secret
from services.runtime.pump_link.line_proof import LineProof, Nonces, new_nonce
from services.runtime.pump_link.protocol import (
    Answered,
    FrameReader,
    Greet,
    Greeted,
    StartBolus,
    decode_answer,
    encode_answer,
    encode_request,
)
from services.runtime.pump_link.stream_client import StreamPumpDevice
from support.simulated.pump_bench import ProcessBench, a_process, line_to
from support.simulated.signed_orders import pump_order, sign, start


def dose(number: int) -> DoseId:
    return DoseId(f"bolus_advisor:demo:{number}")


def started(history: tuple[PumpRecord, ...]) -> list[str | None]:
    return [one.dose for one in history if one.kind == "bolus_started"]


async def again(bench: ProcessBench, tmp_path: Path, faults: list[dict[str, Any]]) -> None:
    """Pull the pump and plug it in with faults."""
    script = tmp_path / "faults.json"
    script.write_text(json.dumps(faults))
    await bench.pull()
    await bench.plug(faults=script)


PROOF_BYTES = 40
"""[B] that a sealed payload is longer: counter and proof."""


async def greeted(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, key: bytes
) -> LineProof:
    """Greet the pump by hand; give what proves the frames of this connection."""
    nonce = new_nonce()
    writer.write(encode_request(Greet(nonce=nonce), number=0))
    (frame,) = FrameReader().feed(await reader.read(4_096))
    answer = decode_answer(frame)
    assert isinstance(answer, Greeted)
    return LineProof(key, pump=answer.pump, nonces=Nonces(nonce, answer.nonce), is_pump=False)


@pytest.mark.requirement("R41")
async def test_a_request_cut_at_each_byte_moves_nothing(tmp_path: Path) -> None:
    """Half an order is no order, wherever it was cut (A4)."""
    async with a_process(tmp_path) as bench:
        device = bench.line()
        status = await device.claim()
        order = pump_order(status, dose=dose(7), amount=50)
        bolus = StartBolus(epoch=status.epoch, signed=sign(order))
        for cut in range(len(encode_request(bolus, number=1)) + PROOF_BYTES):
            reader, writer = await asyncio.open_unix_connection(f"{tmp_path}/pump")
            proof = await greeted(reader, writer, key=read_secret(tmp_path / "pump.key"))
            writer.write(encode_request(bolus, number=1, proof=proof)[:cut])
            with suppress(OSError):  # the pump keeps 16 lines, and closes the oldest
                await writer.drain()
            writer.close()

            with suppress(OSError):
                await writer.wait_closed()
        await asyncio.sleep(0.5)  # lines still on their way in would push the next one out
        device = bench.line()
        nothing = await device.read(after=0)
        await device.claim()
        await start(device, dose(8), 50)
        one = await device.read(after=0)

    assert (0, []) == (nothing.status.odometer, started(nothing.history))
    assert [dose(8)] == started(one.history)


@pytest.mark.requirement("R36")
async def test_an_answer_cut_at_each_byte_is_unknown_and_read_back(tmp_path: Path) -> None:
    """The controller does not know, asks the history, and never sends the order again (A2, A4)."""
    async with a_process(tmp_path) as bench:
        device = bench.line()
        answer = encode_answer(await _answer(device), number=1)
        cuts = list(range(0, len(answer) - 1, 7))
        faults = [{"fault": "cut_answer", "act": "start_bolus", "after_bytes": cut} for cut in cuts]
        await again(bench, tmp_path, faults)
        quick = line_to(tmp_path, timeout_s=1.0)
        await quick.claim()
        for number, _ in enumerate(cuts):
            with pytest.raises(PumpTimeout):
                await start(quick, dose(100 + number), 50)
            history = tuple(await _all(quick))
            assert dose(100 + number) == started(history)[-1]
            await bench.until(lambda reading: reading.status.bolus is None)
        seen = [one for one in (await _all(quick)) if one.kind == "bolus_started"]
        await quick.close()

    assert len(cuts) == len(seen) == len({one.dose for one in seen})


async def _answer(device: StreamPumpDevice) -> Any:
    return Answered(status=await device.claim())


async def _all(device: StreamPumpDevice) -> list[PumpRecord]:
    found: list[PumpRecord] = []
    while page := (await device.read(after=found[-1].sequence if found else 0)).history:
        found.extend(page)
    return found


@pytest.mark.requirement("R36")
@pytest.mark.parametrize(
    ("fault", "gives", "expected"),
    [
        ("lost_request", PumpTimeout, 0),
        ("lost_answer", PumpTimeout, 1),
        ("late_answer", PumpTimeout, 1),
        ("double_answer", None, 1),
        ("wrong_answer", PumpRefusedError, 1),
    ],
)
async def test_a_line_that_lies_is_found_out_by_the_history(
    tmp_path: Path, fault: str, gives: type[Exception] | None, expected: int
) -> None:
    """Late, lost, doubled, or another answer: what the pump counted is what counts (A2)."""
    async with a_process(tmp_path) as bench:
        await again(bench, tmp_path, [{"fault": fault, "act": "start_bolus", "late_ms": 900}])
        device = line_to(tmp_path, timeout_s=0.5)
        await device.claim()
        if gives is None:
            await start(device, dose(7), 50)
        else:
            with pytest.raises(gives):
                await start(device, dose(7), 50)
        await asyncio.sleep(1.0 if fault == "late_answer" else 0)
        history = (await device.read(after=0)).history
        await device.close()

    assert [dose(7)] * expected == started(history)


async def test_a_script_that_makes_no_sense_is_one_line(tmp_path: Path) -> None:
    """Named with its file, and no pump."""
    async with a_process(tmp_path) as bench:
        await bench.pull()
        script = tmp_path / "faults.json"
        script.write_text('[{"fault": "earthquake"}]')
        with pytest.raises(AssertionError, match="ended before it listened"):
            await bench.plug(faults=script)
