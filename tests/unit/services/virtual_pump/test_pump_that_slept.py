"""A pump whose machine slept, or whose process stood still: it was off, nothing is made up (T4)."""

import pytest

import services.virtual_pump.server
from schemas.units import MINUTE_MS, MilliUnits, UtcMillis
from services.runtime.platform.clock import FakeClock
from services.runtime.pump_link.protocol import Claim, Read, ReadAnswered, StartBolus
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.fault_script import PumpScript
from services.virtual_pump.server import STALL_MS_MAX, PumpServer
from services.virtual_pump.state_store import FakePumpStore
from services.virtual_pump.watchdog import Watchdog
from support.simulated.fake_system import IDENTITY
from support.simulated.signed_orders import pump_order, sign


def slept(ms: int) -> tuple[int, list[str]]:
    """Let a pump sleep in mid-bolus of 5 U; give what moved in that moment, and how it ended."""
    clock, store = FakeClock(therapy=UtcMillis(1_800_000_000_000)), FakePumpStore()
    fill = MilliUnits(200_000)
    host = PumpHost(store, identity=IDENTITY, now=clock.now(), fill=fill)
    server = PumpServer(host, clock=clock, script=PumpScript(), watchdog=Watchdog())
    host.answer(Claim(), now=clock.now())
    read = host.answer(Read(after=0), now=clock.now())
    assert isinstance(read, ReadAnswered)
    signed = sign(pump_order(read.reading.status, dose="bolus_advisor:p1:9", amount=5_000))
    host.answer(StartBolus(epoch=host.memory.epoch, signed=signed), now=clock.now())
    clock.advance(therapy_ms=10_000)
    server._catch_up()
    before = host.memory.odometer
    clock.advance(therapy_ms=ms)
    server._catch_up()
    ends = [one.detail for one in store.history(after=0) if one.kind == "bolus_ended"]
    return host.memory.odometer - before, ends


@pytest.mark.requirement("R85")
def test_a_pump_that_slept_makes_nothing_up() -> None:
    """No burst of missed strokes; the bolus ends with what it gave."""
    assert (0, ["power_lost"]) == slept(10 * MINUTE_MS)


def test_a_moment_of_standing_still_is_no_sleep() -> None:
    """A busy machine must not end a bolus."""
    moved, ends = slept(STALL_MS_MAX // 2)

    assert moved > 0
    assert [] == ends


def test_the_mutant_pump_that_makes_up_for_its_sleep_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the limit all that was missed would come at once."""
    monkeypatch.setattr(services.virtual_pump.server, "STALL_MS_MAX", 10**12)

    moved, ends = slept(10 * MINUTE_MS)

    assert moved > 4_000
    assert ["delivered"] == ends
