"""The actuator's decisions in states that a healthy system hardly meets."""

from typing import Any

import msgspec
import pytest

from core.deciders.delivery.orders import take_answer, take_order
from core.deciders.delivery.pending_orders import WaitingOrder
from core.deciders.delivery.state import DeliveryState
from core.dosing.insulin_account.dose_account import DoseBook, OpenDose
from core.kernel.shared_decisions import Common
from schemas.basal.plans import BasalPlanRefused
from schemas.bolus.orders import BolusOrdered
from schemas.delivery.delivery import (
    BolusRefused,
    BolusStartRequested,
    DeliveryLimitsSet,
)
from schemas.delivery.device import (
    PumpAnswered,
)
from schemas.delivery.pump import (
    DeliveryCommandRefused,
)
from schemas.delivery.unresolved_doses import (
    BolusUnknown,
)
from schemas.message import Deadline, Now
from schemas.units import (
    HOUR_MS,
    DoseId,
    EventId,
    Milliseconds,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from support.simulated.fake_system import LIMITS, START
from support.simulated.signed_orders import sign_ordered

DOSE = DoseId("bolus_advisor:p1:9")
EARLIER = DoseId("bolus_advisor:p1:8")
NOW = Now(therapy=UtcMillis(START), real=UtcMillis(START), speed=1)
SET = DeliveryLimitsSet(
    single=LIMITS.single, hourly=LIMITS.hourly, daily=LIMITS.daily, basal=LIMITS.basal, actor="a"
)


def ready(**fields: Any) -> DeliveryState:
    """An actuator that may give a bolus."""
    state = DeliveryState(limits=SET, is_connected=True, reservoir=MilliUnits(100_000), epoch=3)
    return msgspec.structs.replace(state, **fields)


def opened(**fields: Any) -> DoseBook:
    dose = OpenDose(dose=DOSE, amount=MilliUnits(500), since=UtcMillis(START), is_started=True)
    return DoseBook(open=(msgspec.structs.replace(dose, **fields),))


def alone(order: BolusOrdered) -> WaitingOrder:
    """One that waits for its signature, no half of anything."""
    return WaitingOrder(DOSE, order, {}, whole=order.amount)


def an_order(**fields: Any) -> BolusOrdered:
    deadline = Deadline(therapy=UtcMillis(START + 30_000), real=UtcMillis(START + 5_000))
    made = BolusOrdered(amount=MilliUnits(500), actor="person:a", start_by=deadline)
    return msgspec.structs.replace(made, **fields)


PAST = Deadline(therapy=UtcMillis(START), real=UtcMillis(START))
HOLE = Common(missing_from=(Speaker("bolus_advisor"),))


@pytest.mark.parametrize(
    ("state", "order", "reason"),
    [
        (ready(), an_order(start_by=PAST), "expired"),
        (ready(is_superseded=True), an_order(), "superseded"),
        (ready(common=HOLE), an_order(), "history_missing"),
        (ready(limits=None), an_order(), "no_limits"),
        (ready(), msgspec.structs.replace(an_order(), amount=MilliUnits(1)), "not_whole_pulses"),
        (ready(is_connected=False), an_order(), "pump_unreachable"),
        (ready(is_doubted=True), an_order(), "pump_doubted"),
        (ready(suspended=True), an_order(), "suspended"),
        (ready(wants_suspended=True), an_order(), "suspended"),
        (ready(doses=opened(dose=EARLIER)), an_order(), "bolus_running"),
        (
            ready(doses=opened(dose=EARLIER, is_extended=True)),
            an_order(duration=Milliseconds(HOUR_MS)),
            "extended_running",
        ),
        (ready(reservoir=None), an_order(), "reservoir"),
        (ready(reservoir=MilliUnits(499)), an_order(), "reservoir"),
        (
            ready(doses=opened(dose=EARLIER, is_extended=True), reservoir=MilliUnits(999)),
            an_order(),
            "reservoir",
        ),
        (ready(), an_order(amount=MilliUnits(10_050)), "single_limit"),
    ],
)
def test_each_reason_against_an_order(
    state: DeliveryState, order: BolusOrdered, reason: str
) -> None:
    """With dose and amount; a limit that the advisor should have seen is an alarm too."""
    said = take_order(state, alone(order), sign_ordered(DOSE, order), NOW)

    refused = said[0]
    assert isinstance(refused, BolusRefused)
    assert (DOSE, order.amount, reason) == (refused.dose, refused.amount, refused.reason)
    is_alarmed = reason in ("no_limits", "single_limit")
    assert is_alarmed == (len(said) == 2)


@pytest.mark.parametrize(
    ("state", "order"),
    [
        (ready(), an_order()),
        (ready(reservoir=MilliUnits(500)), an_order()),
        (ready(doses=opened(is_unknown=True)), an_order()),
        (ready(doses=opened()), an_order(duration=Milliseconds(HOUR_MS))),
        (ready(doses=opened(is_extended=True), reservoir=MilliUnits(1_000)), an_order()),
    ],
)
def test_what_nothing_is_against_is_started(state: DeliveryState, order: BolusOrdered) -> None:
    """The intent says all that the pump will be told."""
    (started,) = take_order(state, alone(order), sign_ordered(DOSE, order), NOW)

    assert isinstance(started, BolusStartRequested)
    assert (DOSE, order.amount, order.duration, 3, order.start_by) == (
        started.dose,
        started.amount,
        started.duration,
        started.epoch,
        started.start_by,
    )


def answer(act: Any, result: Any, reason: str = "", about: str = DOSE) -> PumpAnswered:
    return PumpAnswered(act=act, about=about, result=result, reason=reason)


def test_answers_of_the_pump() -> None:
    """Refused is refused, no answer is unknown, and what nobody asked about is nothing."""
    state = ready(doses=opened())
    plan = take_answer(state, answer("load_plan", "refused", about="plan"))
    early = take_answer(state, answer("load_plan", "refused", "not_claimed", about="plan"))
    fill = take_answer(state, answer("fill", "refused"))
    silent = take_answer(state, answer("fill", "unknown"))
    late = take_answer(state, answer("start_bolus", "refused", "expired"))
    no = take_answer(state, answer("start_bolus", "refused", "suspended"))
    lost = take_answer(state, answer("start_bolus", "unknown"))
    begun = ready(doses=opened(delivered=MilliUnits(50)))
    doubtful = take_answer(begun, answer("start_bolus", "refused", "bolus_running"))

    assert (BasalPlanRefused(plan=EventId("plan"), reason="pump_refused"),) == plan
    assert (BasalPlanRefused(plan=EventId("plan"), reason="pump_not_heard"),) == early
    assert (DeliveryCommandRefused(name="fill", reason="pump_refused"),) == fill
    assert (DeliveryCommandRefused(name="fill", reason="no_answer"),) == silent
    expired = BolusRefused(dose=DOSE, amount=MilliUnits(500), reason="expired", detail="expired")
    refused = BolusRefused(
        dose=DOSE, amount=MilliUnits(500), reason="pump_refused", detail="suspended"
    )
    assert ((expired,), (refused,)) == (late, no)
    assert lost == (
        BolusUnknown(
            dose=DOSE,
            least=MilliUnits(0),
            most=MilliUnits(500),
            reason="the pump did not answer",
        ),
    )
    assert isinstance(doubtful[0], BolusUnknown) and doubtful[0].least == 50
    assert () == take_answer(state, answer("start_bolus", "done"))
    assert () == take_answer(state, answer("suspend", "unknown"))
    assert () == take_answer(ready(), answer("start_bolus", "unknown"))
    assert () == take_answer(ready(doses=opened(is_unknown=True)), answer("start_bolus", "refused"))
