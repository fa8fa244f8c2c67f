"""What the pump itself refused is on its record, told by the actuator, and an alarm after three.

And what is only late is no forgery: the restarts of a year do not add up to an alarm.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import core.deciders.delivery.pump_sync.forged_orders
import core.pump.order_intake
from core.pump.memory import PumpMemory, PumpRefusal
from core.pump.order_intake import RECORDS_OF_A_REASON_MAX
from schemas.alarms import AcknowledgeAlarm, AlarmRaised
from schemas.delivery.device import PumpOrder, SignedOrder
from schemas.delivery.unresolved_doses import OrderAuthenticationFailed, OrderRefusedByPump
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    Milliseconds,
    MilliUnits,
    PumpId,
    Speaker,
)
from services.bolus_advisor.order_signing_handler import OrderSigningHandler
from services.runtime.platform.errors import PumpRefusedError
from services.runtime.process.stepper import finish
from support.simulated.fake_system import FakeSystem
from support.simulated.mutant_pairs import Patch, is_caught
from support.simulated.signed_orders import SIGNER, STRANGER, pump_order, sign

DOSE = DoseId("bolus_advisor:p1:900")
ALARM = "orders_not_believed"


def a_system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    return system


def order_of(system: FakeSystem, **fields: Any) -> PumpOrder:
    status = finish(system.pump.read(after=10**9)).status
    return msgspec.structs.replace(pump_order(status, dose=DOSE, amount=1_000), **fields)


def put_on_the_line(system: FakeSystem, signed: SignedOrder) -> str:
    """Order at the pump's own line, as whoever drives it; give the reason of its refusal."""
    with pytest.raises(PumpRefusedError) as refused:
        finish(system.pump.start_bolus(signed=signed))
    system.settle()
    return refused.value.reason


def told(system: FakeSystem) -> list[tuple[str, int]]:
    return [(one.reason, one.count) for one in system.said_of("actuator", OrderRefusedByPump)]


def alarms(system: FakeSystem) -> list[str]:
    raised = system.said_of("actuator", AlarmRaised)
    return [one.alarm for one in raised if one.alarm == ALARM]


BAD: dict[str, Callable[[FakeSystem], SignedOrder]] = {
    "unknown_key": lambda system: sign(order_of(system), signer=STRANGER),
    "bad_signature": lambda system: SignedOrder(
        order=order_of(system), key=SIGNER.public, signature=""
    ),
    "wrong_pump": lambda system: sign(order_of(system, pump=PumpId("p2"))),
    "stale_challenge": lambda system: sign(order_of(system, challenge="0" * 32)),
    "out_of_order": lambda system: sign(order_of(system, dose=DoseId("bolus_advisor:p1:0"))),
    "order_expired": lambda system: sign(order_of(system, not_after=Milliseconds(-1))),
}


@pytest.mark.requirement("R110")
@pytest.mark.parametrize("reason", BAD)
def test_an_order_that_the_pump_refuses_is_on_its_record_and_told(reason: str) -> None:
    """Whoever has the pump in hand and asks it past the actuator leaves a trace."""
    system = a_system()

    assert reason == put_on_the_line(system, BAD[reason](system))

    status = finish(system.pump.read(after=10**9)).status
    (said,) = system.said_of("actuator", OrderRefusedByPump)
    assert (1, reason) == (status.orders_refused, status.order_refused)
    assert (reason, BAD[reason](system).order.dose) == (said.reason, said.dose)
    assert status.history_sequence == said.history_sequence
    assert 0 == system.view("actuator").bolus_total


def three_forgeries_are_an_alarm() -> bool:
    """Whichever they are, whichever way they came; the alarm stands once."""
    system = a_system()
    found: list[int] = []
    for reason in ("unknown_key", "bad_signature", "wrong_pump", "out_of_order"):
        put_on_the_line(system, BAD[reason](system))
        found.append(len(alarms(system)))
    return found == [0, 0, 1, 1]


def whoever_has_seen_it_ends_it_and_three_more_raise_it_again() -> bool:
    """An alarm that never ended would hide the next attack."""
    system = a_system()
    for _ in range(3):
        put_on_the_line(system, BAD["unknown_key"](system))
    system.ask(AcknowledgeAlarm(alarm=ALARM), to="actuator")
    stands = [one.alarm for one in system.state("actuator").common.alarms]
    system.clock.advance(therapy_ms=2 * HOUR_MS)
    system.settle()
    found: list[int] = []
    for _ in range(3):
        put_on_the_line(system, BAD["unknown_key"](system))
        found.append(len(alarms(system)))
    return ALARM not in stands and found == [1, 1, 2]


def the_count_outlives_a_loss_of_power() -> bool:
    """It lies in the memory that survives."""
    system = a_system()
    put_on_the_line(system, BAD["unknown_key"](system))
    system.pump.host.power_on(now=system.clock.now())
    put_on_the_line(system, BAD["bad_signature"](system))
    kept = system.pump_store.load()
    return kept is not None and (kept.orders_refused, kept.order_refused) == (2, "bad_signature")


def a_flood_does_not_fill_the_memory() -> bool:
    """All are counted, four for each reason and hour are written down."""
    system = a_system()
    for _ in range(10):
        put_on_the_line(system, BAD["unknown_key"](system))
    put_on_the_line(system, BAD["wrong_pump"](system))
    system.run(ms=HOUR_MS)
    put_on_the_line(system, BAD["unknown_key"](system))
    kept = [one.reason for one in system.said_of("actuator", OrderRefusedByPump)]
    written = ["unknown_key"] * RECORDS_OF_A_REASON_MAX + ["wrong_pump", "unknown_key"]
    return (kept, system.pump.host.memory.orders_refused) == (written, 12)


def late_orders_of_many_restarts_are_no_attack() -> bool:
    """One a day, each signed before the pump drew anew: recorded, and never an alarm."""
    system = a_system()
    for _ in range(5):
        signed = sign(order_of(system))
        system.pump.host.power_on(now=system.clock.now())
        put_on_the_line(system, signed)
        system.run(ms=DAY_MS)
    return told(system) == [("stale_challenge", 0)] * 5 and not alarms(system)


def three_late_ones_in_an_hour_are_an_alarm() -> bool:
    """Nobody is so unlucky: somebody holds orders back and plays them later."""
    system = a_system()
    found: list[int] = []
    for _ in range(3):
        put_on_the_line(system, BAD["order_expired"](system))
        system.run(ms=MINUTE_MS)
        found.append(len(alarms(system)))
    return found == [0, 0, 1]


def an_order_doubled_on_the_line_is_no_replay() -> bool:
    """Within its own life it is the line that doubled it; after that somebody has kept it."""
    system = a_system()
    signed = sign(order_of(system))
    finish(system.pump.start_bolus(signed=signed))
    reasons = [put_on_the_line(system, signed)]
    system.run(ms=5 * MINUTE_MS)
    reasons.append(put_on_the_line(system, signed))
    system.pump.host.power_on(now=system.clock.now())
    reasons.append(put_on_the_line(system, signed))
    counts = [("already_executed", 0), ("replayed", 1), ("replayed", 2)]
    given = system.view("actuator").bolus_total
    return (told(system), set(reasons), given) == (counts, {"already_executed"}, 1_000)


def keeps_no_record(patch: Patch) -> None:
    """The pump as it was: it refuses, and nobody hears of it."""

    def silent(memory: PumpMemory, *, flaw: Any, **_: Any) -> PumpRefusal:
        return PumpRefusal(reason="already_executed" if flaw == "replayed" else flaw)

    patch.setattr("core.pump.order_intake.refuse", silent)


def writes_every_refusal_down(patch: Patch) -> None:
    patch.setattr(core.pump.order_intake, "RECORDS_OF_A_REASON_MAX", 10**9)


def calls_whatever_is_late_a_forgery(patch: Patch) -> None:
    """The actuator as it was: what is stale counts like what is forged."""
    patch.setattr(core.deciders.delivery.pump_sync.forged_orders, "LATE", frozenset())


def waits_for_an_hour_of_one_minute(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.pump_sync.forged_orders, "LATE_MS", MINUTE_MS)


def takes_whatever_came_again_for_doubled(patch: Patch) -> None:
    flaw_of = core.pump.order_intake.flaw_of

    def kind(*args: Any, **asked: Any) -> Any:
        return "already_executed" if asked["executed"] else flaw_of(*args, **asked)

    patch.setattr("core.pump.order_intake.flaw_of", kind)


def never_forgets_what_was_seen(patch: Patch) -> None:
    """The alarm as it was: it stands for ever."""
    patch.setattr("core.kernel.alarms.MOMENTARY", frozenset())


PAIRS: list[tuple[Callable[[], bool], Callable[[Patch], None]]] = [
    (three_forgeries_are_an_alarm, keeps_no_record),
    (the_count_outlives_a_loss_of_power, keeps_no_record),
    (a_flood_does_not_fill_the_memory, writes_every_refusal_down),
    (late_orders_of_many_restarts_are_no_attack, calls_whatever_is_late_a_forgery),
    (three_late_ones_in_an_hour_are_an_alarm, waits_for_an_hour_of_one_minute),
    (an_order_doubled_on_the_line_is_no_replay, takes_whatever_came_again_for_doubled),
    (whoever_has_seen_it_ends_it_and_three_more_raise_it_again, never_forgets_what_was_seen),
]


@pytest.mark.parametrize("check", [check for check, _ in PAIRS], ids=lambda one: one.__name__)
def test_refusals_of_the_pump_are_heard(check: Callable[[], bool]) -> None:
    """As built, the property holds."""
    assert check()


@pytest.mark.requirement("R110")
@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[check.__name__ for check, _ in PAIRS])
def test_the_mutant_that_hears_no_refusal_is_caught(
    check: Callable[[], bool], weaken: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    assert is_caught(check, weaken, monkeypatch)


class SlowToSign:
    """Hands that sign, and before the signature is heard the pump draws anew."""

    def __init__(self, system: FakeSystem) -> None:
        self._system = system
        self._effect_handler = OrderSigningHandler(SIGNER)

    async def handle(self, pump: PumpId, effect: Any) -> Any:
        signed = await self._effect_handler.handle(pump, effect)
        self._system.pump.host.power_on(now=self._system.clock.now())
        self._system.services[Speaker("actuator")].step()
        return signed


def test_a_late_order_over_the_bus_adds_nothing_either() -> None:
    """The pump drew anew between the order and its signature: refused, told, and no forgery."""
    system = a_system()
    system.services[Speaker("bolus_advisor")]._effect_handler = SlowToSign(system)
    for _ in range(4):
        system.order(500)
        system.run(ms=2 * HOUR_MS)

    said = [
        (one.reason, one.count) for one in system.said_of("actuator", OrderAuthenticationFailed)
    ]
    assert [("stale_challenge", 0)] * 4 == said
    assert [] == alarms(system)
    assert 0 == system.view("actuator").bolus_total


def test_a_memory_of_the_release_before_is_read() -> None:
    """It has no registers for refusals; they begin at none."""
    system = a_system()
    kept = system.pump_store.load()
    assert kept is not None
    raw = msgspec.json.decode(msgspec.json.encode(kept))
    for name in ("orders_refused", "order_refused", "refused_since", "refused_in_it"):
        del raw[name]

    read = msgspec.json.decode(msgspec.json.encode(raw), type=PumpMemory)

    assert kept == read
    assert (0, "", MilliUnits(0)) == (read.orders_refused, read.order_refused, read.odometer)


def test_an_executed_dose_with_a_forged_hand_is_forged_and_not_replayed() -> None:
    """Who took the name of an old dose has shown no signature of it."""
    system = a_system()
    finish(system.pump.start_bolus(signed=sign(order_of(system, amount=MilliUnits(100)))))
    system.run(ms=MINUTE_MS)

    assert "bad_signature" == put_on_the_line(system, BAD["bad_signature"](system))
