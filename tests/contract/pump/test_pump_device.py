"""Every adapter of the port PumpDevice keeps the same promises, the real process included."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from schemas.delivery.device import PlanStep, PumpPlan, PumpReading, PumpRecord
from schemas.units import (
    DAY_MS,
    MINUTE_MS,
    DoseId,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from services.runtime.platform.clock import FakeClock
from services.runtime.platform.errors import PumpRefusedError, PumpSupersededError, PumpTimeout
from services.runtime.pump_link.port import PumpDevice
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.pump_bench import Bench, FakeBench, a_process, line_to
from support.simulated.signed_orders import identity, start

DOSE = DoseId("bolus_advisor:demo:7")


@pytest.fixture(params=["fake", "process"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if request.param == "fake":
        yield FakeBench()
        return
    async with a_process(tmp_path) as process:
        yield process


async def claimed(bench: Bench) -> PumpDevice:
    device = bench.line()
    await device.claim()
    return device


async def reason_of(call: Awaitable[object]) -> str:
    with pytest.raises(PumpRefusedError) as caught:
        await call
    return caught.value.reason


def moved(history: tuple[PumpRecord, ...]) -> int:
    return sum(record.amount for record in history if record.kind in ("basal", "bolus"))


def ended(reading: PumpReading) -> list[tuple[str | None, int, str]]:
    kind = "bolus_ended"
    return [(r.dose, r.amount, r.detail) for r in reading.history if r.kind == kind]


def a_plan(bench: Bench, *, name: str = "basal:demo:1") -> PumpPlan:
    step = PlanStep(at=bench.now(), rate=MilliUnitsPerHour(35_000))
    return PumpPlan(plan=name, steps=(step,), ends_at=UtcMillis(bench.now() + 2 * DAY_MS))


async def test_a_bolus_is_delivered_and_its_history_adds_up(bench: Bench) -> None:
    """Everything else is worth nothing if this does not hold."""
    device = await claimed(bench)

    status = await start(device, DOSE, 500)
    reading = await bench.until(lambda reading: reading.status.bolus is None)

    assert status.bolus is not None
    assert [(DOSE, 500, "delivered")] == ended(reading)
    assert reading.status.odometer == moved(reading.history) == 500
    assert list(range(1, len(reading.history) + 1)) == [r.sequence for r in reading.history]


@pytest.mark.requirement("R8")
async def test_an_extended_bolus_runs_beside_a_normal_one(bench: Bench) -> None:
    """One of each kind; the same motor, the same odometer, the same history."""
    device = await claimed(bench)
    spread = DoseId("bolus_advisor:demo:6")
    half_hour = Milliseconds(30 * MINUTE_MS)

    await start(device, spread, 2_000, duration=half_hour)
    status = await start(device, DOSE, 200)
    third = start(device, DoseId("bolus_advisor:demo:9"), 50, duration=half_hour)
    assert status.bolus is not None and status.extended is not None
    assert "extended_running" == await reason_of(third)
    await bench.until(lambda seen: seen.status.odometer >= 300 and seen.status.bolus is None)
    await device.stop_bolus(dose=spread)

    reading = await device.read(after=0)
    (first, last) = ended(reading)
    assert (DOSE, 200, "delivered") == first
    assert (spread, "stopped") == (last[0], last[2])
    assert 100 <= last[1] < 2_000
    assert reading.status.odometer == moved(reading.history) == 200 + last[1]
    assert reading.status.extended is None


@pytest.mark.requirement("R34")
async def test_a_dose_is_executed_once(bench: Bench) -> None:
    """The same order may come any number of times."""
    device = await claimed(bench)
    await start(device, DOSE, 50)

    again = await reason_of(start(device, DOSE, 50))

    assert again == "already_executed"
    assert (await device.read(after=0)).status.odometer == 50


@pytest.mark.requirement("R43")
async def test_only_the_last_to_claim_drives_the_pump(bench: Bench) -> None:
    """Two controllers that both dose give a double dose."""
    first, second = await claimed(bench), await claimed(bench)

    with pytest.raises(PumpSupersededError) as caught:
        await start(first, DOSE, 50)
    await start(second, DOSE, 50)

    assert caught.value.epoch == 2
    assert (await first.read(after=0)).status.odometer == 50


async def test_without_a_claim_nothing_but_reading_is_sent(bench: Bench) -> None:
    """A controller that forgot to claim would drive past the one that did not."""
    device = bench.line()

    assert await reason_of(device.suspend()) == "not_claimed"
    assert (await device.read(after=0)).status.epoch == 0


@pytest.mark.requirement("R31")
async def test_stop_ends_the_bolus_and_the_amount_stands(bench: Bench) -> None:
    """Cancel wins, and what flowed before it is known."""
    device = await claimed(bench)
    await start(device, DOSE, 25_000)
    await bench.until(lambda reading: reading.status.odometer >= 150)

    stopped = await device.stop_bolus(dose=DOSE)
    twice = await device.stop_bolus(dose=DOSE)

    assert stopped.bolus is None
    assert stopped.odometer == twice.odometer
    assert [(DOSE, stopped.odometer, "stopped")] == ended(await device.read(after=0))


@pytest.mark.requirement("R38")
async def test_suspend_stops_all_and_resume_brings_back_basal_alone(bench: Bench) -> None:
    """A stopped bolus that came back would be a surprise of many units."""
    device = await claimed(bench)
    await device.load_plan(plan=a_plan(bench))
    await start(device, DOSE, 25_000)

    suspended = await device.suspend()
    resumed = await device.resume()
    more = await bench.until(lambda reading: reading.status.odometer > resumed.odometer)

    assert (True, 0, None) == (suspended.suspended, suspended.basal_rate, suspended.bolus)
    assert (False, 35_000) == (resumed.suspended, resumed.basal_rate)
    assert [(DOSE, "suspended")] == [(dose, how) for dose, _, how in ended(more)]
    assert more.history[-1].kind == "basal"


@pytest.mark.requirement("R54")
async def test_a_suspension_with_an_end_ends_without_anybody(bench: Bench) -> None:
    """Said once, kept in the pump."""
    device = await claimed(bench)
    await device.load_plan(plan=a_plan(bench))

    suspended = await device.suspend(until=UtcMillis(bench.now() + 2_000))
    more = await bench.until(lambda reading: not reading.status.suspended)

    assert suspended.suspended
    (resumed,) = (one for one in more.history if one.kind == "resumed")
    assert ("time_over", suspended.resume_at) == (resumed.detail, resumed.starts_at)


@pytest.mark.requirement("R49")
async def test_a_plan_is_kept_and_the_same_plan_again_leaves_no_trace(bench: Bench) -> None:
    """A controller may load its plan after each start without harm."""
    device = await claimed(bench)
    plan = a_plan(bench)

    await device.load_plan(plan=plan)
    status = await device.load_plan(plan=plan)

    history = (await device.read(after=0)).history
    assert (plan.plan, plan.ends_at) == (status.plan, status.plan_ends_at)
    assert [plan.plan] == [r.detail for r in history if r.kind == "plan_loaded"]


@pytest.mark.requirement("R74")
async def test_a_bolus_larger_than_the_reservoir_is_refused_until_it_is_filled(
    bench: Bench,
) -> None:
    """Half a bolus is a surprise, a refusal is not."""
    device = await claimed(bench)
    await device.fill(amount=MilliUnits(900))

    refused = await reason_of(start(device, DOSE, 1_000))
    await device.fill(amount=MilliUnits(300_000))
    started = await start(device, DOSE, 1_000)

    assert refused == "reservoir_low"
    assert started.bolus is not None


@pytest.mark.requirement("R41")
async def test_words_that_make_no_sense_are_refused_with_a_reason(bench: Bench) -> None:
    """The pump is the last who can say no, and must not fall over."""
    device = await claimed(bench)
    huge = MilliUnits(2**70)

    assert await reason_of(start(device, DOSE, 75)) == ("not_whole_pulses")
    assert await reason_of(start(device, "bolus_advisor:demo:" + "9" * 200, 50)) == ("broken_id")
    assert await reason_of(device.fill(amount=MilliUnits(0))) == "out_of_range"
    assert await reason_of(device.fill(amount=huge)) in ("out_of_range", "not_understood")
    assert () == (await device.read(after=2**61)).history
    assert (await device.read(after=0)).status.odometer == 0


@pytest.mark.requirement("R45")
async def test_power_lost_during_a_bolus_leaves_the_truth_in_memory(bench: Bench) -> None:
    """The controller learns what flowed before it may order anything new."""
    device = await claimed(bench)
    await device.load_plan(plan=a_plan(bench))
    await start(device, DOSE, 25_000)
    before = await bench.until(lambda reading: reading.status.odometer >= 500)

    await bench.pull_and_plug()

    reading = await bench.line().read(after=0)
    ((dose, amount, how),) = ended(reading)
    boluses = sum(r.amount for r in reading.history if r.kind == "bolus")
    assert (DOSE, boluses, "power_lost") == (dose, amount, how)
    assert reading.status.odometer == moved(reading.history) >= before.status.odometer
    assert reading.history[: len(before.history)] == before.history
    assert [r.kind for r in reading.history].count("powered") == 2
    assert reading.status.plan == "basal:demo:1"
    assert await reason_of(start((await claimed(bench)), DOSE, 50)) == ("already_executed")


async def test_history_comes_in_pages_without_holes(bench: Bench) -> None:
    """A reader that was away for long must get all of it."""
    device = await claimed(bench)
    for _ in range(120):
        await device.suspend()
        await device.resume()

    first = await device.read(after=0)
    rest = await device.read(after=first.history[-1].sequence)

    numbers = [record.sequence for record in (*first.history, *rest.history)]
    assert len(first.history) == 200
    assert list(range(1, first.status.history_sequence + 1)) == numbers


@pytest.mark.requirement("R43")
async def test_an_epoch_survives_a_loss_of_power(bench: Bench) -> None:
    """A controller superseded before must stay so after."""
    old, _ = await claimed(bench), await claimed(bench)

    await bench.pull_and_plug()

    newest = await bench.line().claim()
    assert newest.epoch == 3
    with pytest.raises(PumpSupersededError):
        await old.suspend()


async def test_a_pump_that_is_off_times_out_and_the_line_recovers(tmp_path: Path) -> None:
    """The controller needs 'unknown', and then the pump again without a restart of its own."""
    async with a_process(tmp_path) as bench:
        device = await claimed(bench)
        status = (await device.read(after=0)).status
        await bench.pull()

        with pytest.raises(PumpTimeout) as caught:
            await start(device, DOSE, 50, status=status)
        await bench.plug()

        assert caught.value.act == "start_bolus"
        assert (await start(device, DOSE, 50)).odometer == 50


async def test_a_pump_that_hangs_times_out(tmp_path: Path) -> None:
    """A process that is stopped keeps its line open and says nothing."""
    async with a_process(tmp_path) as bench:
        device = line_to(tmp_path, timeout_s=0.2)
        await device.claim()
        os.kill(bench.pid, signal.SIGSTOP)
        try:
            with pytest.raises(PumpTimeout):
                await device.read(after=0)
        finally:
            os.kill(bench.pid, signal.SIGCONT)

        assert (await device.read(after=0)).status.epoch == 1
        await device.close()


async def test_told_to_end_the_pump_saves_and_leaves_with_zero(tmp_path: Path) -> None:
    """An orderly end is no loss of power, and no process outlives its starter."""
    async with a_process(tmp_path) as bench:
        assert await bench.end(signal.SIGTERM) == 0
        await bench.plug()
        assert await bench.unleash() == 0
        assert not (tmp_path / "pump").exists()


@pytest.mark.parametrize("loses", ["request", "answer"])
async def test_a_fake_line_can_lose_the_request_or_the_answer(loses: str) -> None:
    """Whoever tests a controller needs both kinds of not knowing."""
    device = FakePumpDevice(
        FakeClock(therapy=UtcMillis(0)), identity=identity("demo"), fill=MilliUnits(10_000)
    )
    status = await device.claim()
    device.loses = "request" if loses == "request" else "answer"

    with pytest.raises(PumpTimeout):
        await start(device, DOSE, 50, status=status)

    expected = 0 if loses == "request" else 50
    assert expected == (await device.read(after=0)).status.odometer
