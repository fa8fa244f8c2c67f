"""Forged, replayed, re-targeted, late and swapped orders: none is believed, by actuator or pump."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import core.deciders.delivery.orders
import core.pump.order_intake
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
from schemas.delivery.delivery import BolusRefused, BolusStarted
from schemas.delivery.device import PumpOrder, PumpStatus, SignedOrder
from schemas.delivery.pump import PumpChallenged
from schemas.delivery.unresolved_doses import OrderNotBelieved
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
from services.bolus_advisor.order_hands import OrderHands
from services.runtime.platform.errors import PumpRefusedError
from services.runtime.process.stepper import finish
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import PUMP, FakeHouse
from support.simulated.signed_orders import LIFE_MS, SIGNER, STRANGER, pump_order, sign

DOSE = DoseId("bolus_advisor:p1:900")
Patch = pytest.MonkeyPatch


@pytest.fixture
def house() -> FakeHouse:
    house = FakeHouse()
    house.set_up()
    return house


def status_of(house: FakeHouse) -> PumpStatus:
    return finish(house.pump.read(after=10**9)).status


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
    house: FakeHouse, reason: str, forge: Callable[[PumpOrder], SignedOrder]
) -> None:
    """By itself, whoever drives it: the last one who can say no (S1)."""
    order = pump_order(status_of(house), dose=DOSE, amount=1_000)

    with pytest.raises(PumpRefusedError) as refused:
        finish(house.pump.start_bolus(signed=forge(order)))

    assert reason == refused.value.reason
    assert 0 == status_of(house).odometer
    assert 1_000 == finish(house.pump.start_bolus(signed=sign(order))).bolus.requested  # type: ignore[union-attr]  # it was begun


@pytest.mark.requirement("R100")
@pytest.mark.parametrize("meanwhile", ["at once", "an hour", "power", "claim"])
def test_the_pump_gives_a_replayed_order_nothing(house: FakeHouse, meanwhile: str) -> None:
    """An exact recording, at once, later, after a loss of power, in another session (S2)."""
    signed = sign(pump_order(status_of(house), dose=DOSE, amount=500))
    finish(house.pump.start_bolus(signed=signed))
    house.run(ms=5 * MINUTE_MS)
    given = house.view("actuator").bolus_total
    if meanwhile == "an hour":
        house.run(ms=HOUR_MS)
    elif meanwhile == "power":
        house.pump.host.power_on(now=house.clock.now())
    elif meanwhile == "claim":
        finish(house.pump.claim())

    with pytest.raises(PumpRefusedError) as refused:
        finish(house.pump.start_bolus(signed=signed))

    house.run(ms=5 * MINUTE_MS)
    assert "already_executed" == refused.value.reason
    assert 500 == given == house.view("actuator").bolus_total


@pytest.mark.requirement("R40")
@pytest.mark.parametrize("meanwhile", ["power", "claim", "time"])
def test_an_order_that_was_held_back_is_worth_nothing_later(
    house: FakeHouse, meanwhile: str
) -> None:
    """Recorded, never delivered, and sent when it suits somebody else."""
    signed = sign(pump_order(status_of(house), dose=DOSE, amount=500))
    if meanwhile == "power":
        house.pump.host.power_on(now=house.clock.now())
    elif meanwhile == "claim":
        finish(house.pump.claim())
    else:
        house.clock.advance(therapy_ms=LIFE_MS + 1)

    with pytest.raises(PumpRefusedError) as refused:
        finish(house.pump.start_bolus(signed=signed))

    assert refused.value.reason in ("stale_challenge", "order_expired")


@pytest.mark.requirement("R40")
def test_orders_out_of_order_are_refused_for_ever(house: FakeHouse) -> None:
    """The older of two is not given after the newer one, nor after a loss of power."""
    older = pump_order(status_of(house), dose="bolus_advisor:p1:800", amount=50)
    finish(house.pump.start_bolus(signed=sign(pump_order(status_of(house), dose=DOSE, amount=50))))
    house.run(ms=MINUTE_MS)

    for _ in range(2):
        fresh = msgspec.structs.replace(older, challenge=status_of(house).challenge)
        later = Milliseconds(status_of(house).uptime + LIFE_MS)
        with pytest.raises(PumpRefusedError) as refused:
            finish(house.pump.start_bolus(signed=changed(fresh, not_after=later)))
        assert "out_of_order" == refused.value.reason
        house.pump.host.power_on(now=house.clock.now())


def spoken(house: FakeHouse, body: Any, *, version: int) -> Entry:
    return Entry(
        id=f"bolus_advisor:{PUMP}:{version}",
        at=house.clock.now().therapy,
        speaker=Speaker("bolus_advisor"),
        body=body,
    )


def forged_by_the_bus(house: FakeHouse, signer: Any, **fields: Any) -> tuple[Any, ...]:
    """Somebody speaks as the advisor: an order, and a signature of their own; what is said."""
    decider = house.services[Speaker("actuator")].machine.decider
    now = house.clock.now()
    state = house.state("actuator")
    challenge = state.challenged.challenge
    later = msgspec.structs.replace(
        house.said_of("bolus_advisor", BolusOrdered)[-1].start_by,
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
    entry = spoken(house, ordered, version=900)
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
        events = decider.decide(state, spoken(house, by, version=version), now)
        said.extend(events)
        for event in events:
            state = decider.evolve(
                state, Entry(id="actuator:p1:999", at=now.therapy, speaker=ME, body=event)
            )
    return tuple(said)


ME = Speaker("actuator")


@pytest.fixture
def busy(house: FakeHouse) -> FakeHouse:
    house.order(500)
    house.run(ms=5 * MINUTE_MS)
    return house


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
    busy: FakeHouse, signer: Any, fields: dict[str, Any], reason: str
) -> None:
    """Each refusal is an event; basal goes on; the third is an alarm for the operator."""
    said = forged_by_the_bus(busy, signer, **fields)

    doubted = [event for event in said if isinstance(event, OrderNotBelieved)]
    assert [(reason, 1), ("no_such_order", 2), ("no_such_order", 3)] == [
        (event.reason, event.count) for event in doubted
    ]
    assert [("not_authentic", reason)] == [
        (event.reason, event.detail) for event in said if isinstance(event, BolusRefused)
    ]
    assert ["orders_not_believed"] == [
        event.alarm for event in said if isinstance(event, AlarmRaised)
    ]
    assert not [event for event in said if isinstance(event, BolusStarted)]


def believes_everybody(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.orders, "order_problem", lambda *_, **__: None)


def test_the_mutant_that_believes_everybody_is_caught(busy: FakeHouse, monkeypatch: Patch) -> None:
    """Without the check a stranger's order starts: the test above can fail."""
    believes_everybody(monkeypatch)

    said = forged_by_the_bus(busy, STRANGER)

    assert [event for event in said if isinstance(event, BolusStarted)]


def test_the_mutant_pump_that_believes_everybody_is_caught(
    house: FakeHouse, monkeypatch: Patch
) -> None:
    """Without its own check the pump would give a stranger's order."""
    monkeypatch.setattr(core.pump.order_intake, "order_problem", lambda *_, **__: None)
    order = pump_order(status_of(house), dose=DOSE, amount=1_000)

    assert finish(house.pump.start_bolus(signed=resigned(order))).bolus is not None


def test_an_order_is_signed_by_the_advisor_and_started(house: FakeHouse) -> None:
    """The path of an honest order, from the person to the pump."""
    outcome = house.order(500)
    house.run(ms=MINUTE_MS)

    (started,) = house.said_of("actuator", BolusStarted)
    assert outcome.accepted
    assert SIGNER.public == started.signed.key
    assert 500 == house.odometer - house.view("actuator").basal_total
    assert dict(status_of(house).order_numbers) == {
        SIGNER.public: int(started.dose.rsplit(":", 1)[1])
    }


@pytest.mark.requirement("R107")
def test_an_advisor_without_a_key_orders_nothing(house: FakeHouse) -> None:
    """What nobody answers for is withdrawn, not left open."""
    house.services[Speaker("bolus_advisor")]._hands = OrderHands(None)

    house.order(500)
    house.run(ms=MINUTE_MS)

    assert ["no_key"] == [e.reason for e in house.said_of("bolus_advisor", BolusOrderWithdrawn)]
    assert ["withdrawn"] == [e.reason for e in house.said_of("actuator", BolusRefused)]
    assert () == house.state("bolus_advisor").doses.open == house.state("actuator").doses.open
    assert 0 == house.view("actuator").bolus_total


@pytest.mark.requirement("R44")
def test_an_advisor_killed_before_it_signed_withdraws_the_order(house: FakeHouse) -> None:
    """The order is on the disk, the signature nowhere: it will never be given."""

    class Dead:
        async def perform(self, pump: object, effect: object) -> None:
            return None

    house.services[Speaker("bolus_advisor")]._hands = Dead()
    house.order(500)
    house.restart("bolus_advisor")
    house.run(ms=MINUTE_MS)

    withdrawn = house.said_of("bolus_advisor", BolusOrderWithdrawn)
    assert ["advisor_restarted"] == [event.reason for event in withdrawn]
    assert ["withdrawn"] == [e.reason for e in house.said_of("actuator", BolusRefused)]
    assert 0 == house.view("actuator").bolus_total


def test_nothing_is_ordered_from_a_pump_that_was_never_heard() -> None:
    """Without its challenge no order can be made that it would believe."""
    house = FakeHouse()
    house.line_is_cut = True
    house.set_up()
    house.glucose("110")
    advised = house.ask(RequestAdvice(carbs=Grams(20)), to="bolus_advisor")

    assert "pump_not_heard" == house.order(500).reason
    assert advised.events
    assert EventId(advised.events[0])


def test_the_pumps_time_is_told_each_hour(house: FakeHouse) -> None:
    """An order's end is told in the pump's own time, which drifts."""
    house.run(ms=5 * HOUR_MS)

    told = house.said_of("actuator", PumpChallenged)
    assert 5 <= len(told) <= 7
    assert 1 == len({event.challenge for event in told})


def test_two_parts_of_a_dual_bolus_are_both_believed(house: FakeHouse) -> None:
    """Two orders of one decision, in their order, under one challenge."""
    asked = OrderBolus(amount=MilliUnits(2_000), duration=Milliseconds(HOUR_MS), now_percent=50)
    house.ask(asked, to="bolus_advisor")
    house.run(ms=2 * HOUR_MS)

    assert 2 == len(house.said_of("actuator", BolusStarted))
    assert 2_000 == house.view("actuator").bolus_total


def test_a_second_pump_does_not_take_the_first_ones_order(house: FakeHouse) -> None:
    """Same key, same number, another pump."""
    signed = sign(pump_order(status_of(house), dose=DOSE, amount=500))
    session = Session(
        pump=PumpId("p2"),
        trusted=frozenset({SIGNER.public}),
        challenge=signed.order.challenge,
        order_numbers={},
    )

    assert "wrong_pump" == order_problem(signed, session=session)
    assert isinstance(house.pump, FakePumpDevice)
