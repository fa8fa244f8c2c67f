"""Forged, replayed, re-targeted, late and swapped orders: none is believed, by actuator or pump."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import core.deciders.delivery.orders
import core.pump.order_intake
from core.deciders.bolus.order_signing import withdraw_unsigned
from core.dosing.order_protocol.authentication import AHEAD_MS_MAX, Session, order_problem
from core.kernel.decider import Entry
from schemas.alarms import AlarmRaised
from schemas.bolus.advice import RequestAdvice
from schemas.bolus.orders import (
    BolusOrdered,
    BolusOrderSigned,
    BolusOrderWithdrawn,
    OrderBolus,
)
from schemas.delivery.delivery import BolusRefused, BolusStartRequested
from schemas.delivery.device import PumpOrder, PumpStatus, SignedOrder
from schemas.delivery.pump import PumpChallenged
from schemas.delivery.unresolved_doses import OrderAuthenticationFailed
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    EventId,
    Grams,
    Milliseconds,
    MilliUnits,
    PumpId,
    Speaker,
)
from services.bolus_advisor.order_signing_handler import OrderSigningHandler
from services.runtime.platform.errors import PumpRefusedError
from services.runtime.process.stepper import finish
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.signed_orders import LIFE_MS, SIGNER, STRANGER, pump_order, sign

DOSE = DoseId("bolus_advisor:p1:900")
Patch = pytest.MonkeyPatch


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    return system


def status_of(system: FakeSystem) -> PumpStatus:
    return finish(system.pump.read(after=10**9)).status


def changed(order: PumpOrder, **fields: Any) -> SignedOrder:
    return sign(msgspec.structs.replace(order, **fields))


def resigned(order: PumpOrder) -> SignedOrder:
    return sign(order, signer=STRANGER)


def altered(order: PumpOrder) -> SignedOrder:
    """Ten times the insulin under the signature of the true amount."""
    signed = sign(order)
    more = msgspec.structs.replace(order, amount=MilliUnits(order.amount * 10))
    return msgspec.structs.replace(signed, order=more)


def unsigned(order: PumpOrder) -> SignedOrder:
    return SignedOrder(order=order, key=SIGNER.public, signature="")


FORGERIES: list[tuple[str, Callable[[PumpOrder], SignedOrder]]] = [
    ("unknown_key", resigned),
    ("bad_signature", altered),
    ("bad_signature", unsigned),
    ("bad_signature", lambda order: msgspec.structs.replace(sign(order), signature="zz")),
    ("wrong_pump", lambda order: changed(order, pump=PumpId("p2"))),
    ("wrong_pump", lambda order: changed(order, dose=DoseId("bolus_advisor:p2:900"))),
    ("wrong_pump", lambda order: changed(order, dose=DoseId("900"))),
    ("stale_challenge", lambda order: changed(order, challenge="")),
    ("stale_challenge", lambda order: changed(order, challenge="0" * 32)),
    ("out_of_order", lambda order: changed(order, dose=DoseId("bolus_advisor:p1:0"))),
    ("order_expired", lambda order: changed(order, not_after=Milliseconds(-1))),
    (
        "order_expired",
        lambda order: changed(order, not_after=Milliseconds(order.not_after + AHEAD_MS_MAX)),
    ),
]


@pytest.mark.requirement("R98")
@pytest.mark.requirement("R102")
@pytest.mark.requirement("R99")
@pytest.mark.parametrize(("reason", "forge"), FORGERIES)
def test_the_pump_believes_no_forgery(
    system: FakeSystem, reason: str, forge: Callable[[PumpOrder], SignedOrder]
) -> None:
    """By itself, whoever drives it: the last one who can say no (S1)."""
    order = pump_order(status_of(system), dose=DOSE, amount=1_000)

    with pytest.raises(PumpRefusedError) as refused:
        finish(system.pump.start_bolus(signed=forge(order)))

    assert reason == refused.value.reason
    assert 0 == status_of(system).odometer
    assert 1_000 == finish(system.pump.start_bolus(signed=sign(order))).bolus.requested  # type: ignore[union-attr]  # it was begun


@pytest.mark.requirement("R100")
@pytest.mark.parametrize("meanwhile", ["at once", "an hour", "power", "claim"])
def test_the_pump_gives_a_replayed_order_nothing(system: FakeSystem, meanwhile: str) -> None:
    """An exact recording, at once, later, after a loss of power, in another session (S2)."""
    signed = sign(pump_order(status_of(system), dose=DOSE, amount=500))
    finish(system.pump.start_bolus(signed=signed))
    system.run(ms=5 * MINUTE_MS)
    given = system.view("actuator").bolus_total
    if meanwhile == "an hour":
        system.run(ms=HOUR_MS)
    elif meanwhile == "power":
        system.pump.host.power_on(now=system.clock.now())
    elif meanwhile == "claim":
        finish(system.pump.claim())

    with pytest.raises(PumpRefusedError) as refused:
        finish(system.pump.start_bolus(signed=signed))

    system.run(ms=5 * MINUTE_MS)
    assert "already_executed" == refused.value.reason
    assert 500 == given == system.view("actuator").bolus_total


@pytest.mark.requirement("R40")
@pytest.mark.parametrize("meanwhile", ["power", "claim", "time"])
def test_an_order_that_was_held_back_is_worth_nothing_later(
    system: FakeSystem, meanwhile: str
) -> None:
    """Recorded, never delivered, and sent when it suits somebody else."""
    signed = sign(pump_order(status_of(system), dose=DOSE, amount=500))
    if meanwhile == "power":
        system.pump.host.power_on(now=system.clock.now())
    elif meanwhile == "claim":
        finish(system.pump.claim())
    else:
        system.clock.advance(therapy_ms=LIFE_MS + 1)

    with pytest.raises(PumpRefusedError) as refused:
        finish(system.pump.start_bolus(signed=signed))

    assert refused.value.reason in ("stale_challenge", "order_expired")


@pytest.mark.requirement("R40")
def test_orders_out_of_order_are_refused_for_ever(system: FakeSystem) -> None:
    """The older of two is not given after the newer one, nor after a loss of power."""
    older = pump_order(status_of(system), dose="bolus_advisor:p1:800", amount=50)
    finish(
        system.pump.start_bolus(signed=sign(pump_order(status_of(system), dose=DOSE, amount=50)))
    )
    system.run(ms=MINUTE_MS)

    for _ in range(2):
        fresh = msgspec.structs.replace(older, challenge=status_of(system).challenge)
        later = Milliseconds(status_of(system).uptime + LIFE_MS)
        with pytest.raises(PumpRefusedError) as refused:
            finish(system.pump.start_bolus(signed=changed(fresh, not_after=later)))
        assert "out_of_order" == refused.value.reason
        system.pump.host.power_on(now=system.clock.now())


def spoken(system: FakeSystem, body: Any, *, version: int) -> Entry:
    return Entry(
        id=f"bolus_advisor:{PUMP}:{version}",
        at=system.clock.now().therapy,
        speaker=Speaker("bolus_advisor"),
        body=body,
    )


def forged_by_the_bus(system: FakeSystem, signer: Any, **fields: Any) -> tuple[Any, ...]:
    """Somebody speaks as the advisor: an order, and a signature of their own; what is said."""
    decider = system.services[Speaker("actuator")].processor.decider
    now = system.clock.now()
    state = system.state("actuator")
    challenge = state.challenged.challenge
    later = msgspec.structs.replace(
        system.said_of("bolus_advisor", BolusOrdered)[-1].start_by,
        therapy=now.therapy + HOUR_MS,
        real=now.real + HOUR_MS,
    )
    ordered = BolusOrdered(
        amount=MilliUnits(500),
        actor="liar",
        start_by=later,
        challenge=challenge,
        not_after=Milliseconds(LIFE_MS),
    )
    entry = spoken(system, ordered, version=900)
    state = decider.evolve(state, entry)
    order = PumpOrder(
        pump=PUMP,
        dose=DOSE,
        amount=ordered.amount,
        challenge=challenge,
        not_after=ordered.not_after,
    )
    signed = sign(msgspec.structs.replace(order, **fields), signer=signer)
    by = BolusOrderSigned(dose=DOSE, key=signed.key, signature=signed.signature)
    said: list[Any] = []
    for version in (901, 902, 903):
        events = decider.decide(state, spoken(system, by, version=version), now)
        said.extend(events)
        for event in events:
            state = decider.evolve(
                state, Entry(id="actuator:p1:999", at=now.therapy, speaker=ME, body=event)
            )
    return tuple(said)


ME = Speaker("actuator")


@pytest.fixture
def busy(system: FakeSystem) -> FakeSystem:
    system.order(500)
    system.run(ms=5 * MINUTE_MS)
    return system


@pytest.mark.requirement("R108")
@pytest.mark.requirement("R99")
@pytest.mark.requirement("R110")
@pytest.mark.parametrize(
    ("signer", "fields", "reason"),
    [
        (STRANGER, {}, "unknown_key"),
        (SIGNER, {"amount": MilliUnits(50)}, "bad_signature"),
        (SIGNER, {"pump": PumpId("p2")}, "bad_signature"),
        (SIGNER, {"challenge": "0" * 32}, "bad_signature"),
    ],
)
def test_the_actuator_refuses_and_alarms_after_three(
    busy: FakeSystem, signer: Any, fields: dict[str, Any], reason: str
) -> None:
    """Each refusal is an event; basal goes on; the third is an alarm for the operator."""
    said = forged_by_the_bus(busy, signer, **fields)

    doubted = [event for event in said if isinstance(event, OrderAuthenticationFailed)]
    assert [(reason, 1), ("no_such_order", 2), ("no_such_order", 3)] == [
        (event.reason, event.count) for event in doubted
    ]
    assert [("not_authentic", reason)] == [
        (event.reason, event.detail) for event in said if isinstance(event, BolusRefused)
    ]
    assert ["orders_not_believed"] == [
        event.alarm for event in said if isinstance(event, AlarmRaised)
    ]
    assert not [event for event in said if isinstance(event, BolusStartRequested)]


def believes_everybody(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.orders, "order_problem", lambda *_, **__: None)


def test_the_mutant_that_believes_everybody_is_caught(busy: FakeSystem, monkeypatch: Patch) -> None:
    """Without the check a stranger's order starts: the test above can fail."""
    believes_everybody(monkeypatch)

    said = forged_by_the_bus(busy, STRANGER)

    assert [event for event in said if isinstance(event, BolusStartRequested)]


def test_the_mutant_pump_that_believes_everybody_is_caught(
    system: FakeSystem, monkeypatch: Patch
) -> None:
    """Without its own check the pump would give a stranger's order."""
    monkeypatch.setattr(core.pump.order_intake, "order_problem", lambda *_, **__: None)
    order = pump_order(status_of(system), dose=DOSE, amount=1_000)

    assert finish(system.pump.start_bolus(signed=resigned(order))).bolus is not None


def test_an_order_is_signed_by_the_advisor_and_started(system: FakeSystem) -> None:
    """The path of an honest order, from the person to the pump."""
    outcome = system.order(500)
    system.run(ms=MINUTE_MS)

    (started,) = system.said_of("actuator", BolusStartRequested)
    assert outcome.accepted
    assert SIGNER.public == started.signed.key
    assert 500 == system.odometer - system.view("actuator").basal_total
    assert dict(status_of(system).order_numbers) == {
        SIGNER.public: int(started.dose.rsplit(":", 1)[1])
    }


@pytest.mark.requirement("R107")
def test_an_advisor_without_a_key_orders_nothing(system: FakeSystem) -> None:
    """What nobody answers for is withdrawn, not left open."""
    system.services[Speaker("bolus_advisor")]._effect_handler = OrderSigningHandler(None)

    system.order(500)
    system.run(ms=MINUTE_MS)

    assert ["no_key"] == [e.reason for e in system.said_of("bolus_advisor", BolusOrderWithdrawn)]
    assert ["withdrawn"] == [e.reason for e in system.said_of("actuator", BolusRefused)]
    assert () == system.state("bolus_advisor").doses.open == system.state("actuator").doses.open
    assert 0 == system.view("actuator").bolus_total


@pytest.mark.requirement("R44")
def test_an_advisor_killed_before_it_signed_withdraws_the_order(system: FakeSystem) -> None:
    """The order is on the disk, the signature nowhere: it will never be given."""

    class Dead:
        async def handle(self, pump: object, effect: object) -> None:
            return None

    system.services[Speaker("bolus_advisor")]._effect_handler = Dead()
    system.order(500)
    system.restart("bolus_advisor")
    system.run(ms=MINUTE_MS)

    withdrawn = system.said_of("bolus_advisor", BolusOrderWithdrawn)
    assert ["advisor_restarted"] == [event.reason for event in withdrawn]
    assert ["withdrawn"] == [e.reason for e in system.said_of("actuator", BolusRefused)]
    assert 0 == system.view("actuator").bolus_total


def test_an_order_that_has_ended_unsigned_is_not_withdrawn(system: FakeSystem) -> None:
    """Before orders were signed the actuator refused some: in an old journal they are over."""
    state = system.state("bolus_advisor")
    ended = msgspec.structs.replace(state, unsigned=(DoseId("bolus_advisor:p1:9"),))

    assert () == state.doses.open
    assert () == withdraw_unsigned(ended)


def test_nothing_is_ordered_from_a_pump_that_was_never_heard() -> None:
    """Without its challenge no order can be made that it would believe."""
    system = FakeSystem()
    system.line_is_cut = True
    system.set_up()
    system.glucose("110")
    advised = system.ask(RequestAdvice(carbs=Grams(20)), to="bolus_advisor")

    assert "pump_not_heard" == system.order(500).reason
    assert advised.events
    assert EventId(advised.events[0])


def test_the_pumps_time_is_told_each_hour(system: FakeSystem) -> None:
    """An order's end is told in the pump's own time, which drifts."""
    system.run(ms=5 * HOUR_MS)

    told = system.said_of("actuator", PumpChallenged)
    assert 5 <= len(told) <= 7
    assert 1 == len({event.challenge for event in told})


def test_two_parts_of_a_dual_bolus_are_both_believed(system: FakeSystem) -> None:
    """Two orders of one decision, in their order, under one challenge."""
    asked = OrderBolus(amount=MilliUnits(2_000), duration=Milliseconds(HOUR_MS), now_percent=50)
    system.ask(asked, to="bolus_advisor")
    system.run(ms=2 * HOUR_MS)

    assert 2 == len(system.said_of("actuator", BolusStartRequested))
    assert 2_000 == system.view("actuator").bolus_total


def test_a_second_pump_does_not_take_the_first_ones_order(system: FakeSystem) -> None:
    """Same key, same number, another pump."""
    signed = sign(pump_order(status_of(system), dose=DOSE, amount=500))
    session = Session(
        pump=PumpId("p2"),
        trusted=frozenset({SIGNER.public}),
        challenge=signed.order.challenge,
        order_numbers={},
    )

    assert "wrong_pump" == order_problem(signed, session=session)
    assert isinstance(system.pump, FakePumpDevice)
