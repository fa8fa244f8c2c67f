"""What the actuator makes of a reading of the pump in states that hardly occur."""

from typing import Any

import msgspec
import pytest

from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.delivery.events.apply import evolve
from core.deciders.delivery.history_pages import newer
from core.deciders.delivery.pump_sync.history import decide_reading
from core.deciders.delivery.state import DeliveryState, Sent
from core.dosing.insulin_account.dose_account import DoseBook, OpenDose
from core.kernel.alarms import ActiveAlarm
from core.kernel.decider import Entry
from core.kernel.shared_decisions import Common
from schemas.alarms import AlarmRaised
from schemas.basal.plans import BasalPlanAccepted, BasalPlanLoaded, BasalPlanRefused
from schemas.basal.profiles import BasalPlanMade
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusDelivered,
    DeliveryGap,
    DeliveryLimitsSet,
)
from schemas.delivery.device import (
    PlanStep,
    PumpPlan,
    PumpRead,
    PumpReading,
    PumpRecord,
    PumpStatus,
    RunningBolus,
)
from schemas.delivery.pump import (
    DeliverySuspended,
    ResumeRequested,
    SuspendRequested,
)
from schemas.delivery.unresolved_doses import (
    BolusReconciled,
    PumpDoubted,
)
from schemas.message import Deadline, Now
from schemas.units import (
    HOUR_MS,
    DoseId,
    EventId,
    MilliUnits,
    MilliUnitsPerHour,
    Speaker,
    UtcMillis,
)
from support.simulated.fake_system import LIMITS, START

DOSE = DoseId("bolus_advisor:p1:9")


NOW = Now(therapy=UtcMillis(START), real=UtcMillis(START), speed=1)


SET = DeliveryLimitsSet(
    single=LIMITS.single, hourly=LIMITS.hourly, daily=LIMITS.daily, basal=LIMITS.basal, actor="a"
)


STEPS = (PlanStep(at=UtcMillis(START), rate=MilliUnitsPerHour(800)),)


PLAN = PumpPlan(plan="basal_scheduler:p1:3", steps=STEPS, ends_at=UtcMillis(START + HOUR_MS))


def ready(**fields: Any) -> DeliveryState:
    """An actuator that may give a bolus."""
    state = DeliveryState(limits=SET, is_connected=True, reservoir=MilliUnits(100_000), epoch=3)
    return msgspec.structs.replace(state, **fields)


def opened(**fields: Any) -> DoseBook:
    dose = OpenDose(dose=DOSE, amount=MilliUnits(500), since=UtcMillis(START), is_started=True)
    return DoseBook(open=(msgspec.structs.replace(dose, **fields),))


FAR = Deadline(therapy=UtcMillis(START + 30_000), real=UtcMillis(START + 5_000))


PAST = Deadline(therapy=UtcMillis(START), real=UtcMillis(START))


def status(**fields: Any) -> PumpStatus:
    registers = PumpStatus(
        at=UtcMillis(START),
        odometer=MilliUnits(0),
        history_sequence=0,
        epoch=3,
        reservoir=MilliUnits(100_000),
        suspended=False,
        basal_rate=MilliUnitsPerHour(0),
    )
    return msgspec.structs.replace(registers, **fields)


def record(kind: Any, sequence: int = 1, **fields: Any) -> PumpRecord:
    made = PumpRecord(
        sequence=sequence,
        kind=kind,
        starts_at=UtcMillis(START),
        ends_at=UtcMillis(START),
        odometer=MilliUnits(0),
    )
    return msgspec.structs.replace(made, **fields)


def read(state: DeliveryState, *records: PumpRecord, **registers: Any) -> list[Any]:
    last = records[-1].sequence if records else state.history_sequence
    told = status(**{"history_sequence": last, **registers})
    return list(decide_reading(state, PumpReading(status=told, history=records), NOW))


def entry_of(body: Any) -> Entry:
    return Entry(id="actuator:p1:9", at=NOW.therapy, speaker=Speaker("actuator"), body=body)


def a_hole_in_the_history_is_found() -> bool:
    """Nothing after a missing number is accounted, and no bolus is given by such a pump."""
    at_first = read(ready(), record("suspended", sequence=2))
    first, third = record("suspended", sequence=1), record("resumed", sequence=3)
    inside = read(ready(), first, third)
    after = ready()
    for one in inside:
        after = evolve(after, entry_of(one))
    page = PumpReading(status=status(history_sequence=3), history=(first, third))
    heard = evolve(ready(), entry_of(PumpRead(reading=page)))
    return (
        [type(one) for one in at_first] == [PumpDoubted, AlarmRaised]
        and [type(one) for one in inside] == [PumpDoubted, AlarmRaised, DeliverySuspended]
        and after.is_doubted
        and heard.history_sequence == 1
        and read(after, third) == []
    )


def test_a_hole_in_the_history_is_doubted_and_told_once() -> None:
    """Insulin in it would be counted nowhere."""
    assert a_hole_in_the_history_is_found()


def test_the_mutant_that_reads_over_holes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The actuator as it was: whatever begins at the next number is taken whole."""
    monkeypatch.setattr("core.deciders.delivery.pump_sync.history.joined", newer)

    assert not a_hole_in_the_history_is_found()


def test_records_that_were_accounted_are_no_news() -> None:
    """A page may begin before what is known."""
    assert [] == read(ready(history_sequence=5), record("suspended", sequence=5))


def test_only_a_plan_of_ours_is_said_to_be_loaded() -> None:
    """Another controller's plan is not in force because the pump holds it."""
    state = ready(plan=PLAN, plan_loaded=EventId(PLAN.plan))
    own = read(state, record("plan_loaded", detail=PLAN.plan), plan=PLAN.plan)
    foreign = read(
        ready(acting=("load_plan",), plan=PLAN), record("plan_loaded", detail="x"), plan="x"
    )

    assert [BasalPlanLoaded(plan=EventId(PLAN.plan))] == own
    assert [] == foreign


def test_a_gap_is_told_where_there_is_one() -> None:
    """The first start of a pump is none."""
    off = record("powered", starts_at=UtcMillis(START - HOUR_MS))

    assert [] == read(ready(), record("powered"))
    assert [DeliveryGap] == [type(one) for one in read(ready(), off)]


def test_an_unknown_dose_is_settled_by_what_the_pump_says() -> None:
    """Running, given in full, in part, or never by an epoch that is over."""
    unknown = ready(doses=opened(is_unknown=True), sent=(Sent(DOSE, 3, FAR),))
    runs = RunningBolus(dose=DOSE, requested=MilliUnits(500), delivered=MilliUnits(0))
    begun = read(unknown, record("bolus_started", dose=DOSE), bolus=runs)
    spread = read(unknown, extended=runs)
    still = read(unknown)
    never = read(unknown, epoch=4)
    late = read(ready(doses=opened(is_unknown=True), sent=(Sent(DOSE, 3, PAST),)), epoch=4)
    blocked = read(
        unknown, record("bolus_ended", dose=DOSE, amount=MilliUnits(50), detail="occlusion")
    )
    full = read(
        unknown, record("bolus_ended", dose=DOSE, amount=MilliUnits(500), detail="delivered")
    )
    part = read(unknown, record("bolus_ended", dose=DOSE, amount=MilliUnits(50), detail="stopped"))

    def outcomes(events: list[Any]) -> list[str]:
        return [one.outcome for one in events if isinstance(one, BolusReconciled)]

    assert ["running"] == outcomes(begun)
    assert ["running"] == outcomes(spread)
    assert [] == outcomes(still)
    assert ["failed"] == outcomes(never)
    assert ["expired"] == outcomes(late)
    assert ["blocked"] == outcomes(blocked) and blocked[-1].reason == "occlusion"
    assert ["matched"] == outcomes(full) and isinstance(full[-1], BolusDelivered)
    assert ["partial"] == outcomes(part) and part[-2].reason == "stopped_by_pump"
    assert "bolus_broken_off" == part[-1].alarm


def test_a_dose_that_nobody_ordered_here_is_accounted() -> None:
    """What the motor moved counts, whoever asked."""
    records = (
        record("bolus_started", dose=DoseId("foreign"), amount=MilliUnits(50)),
        record("bolus", 2, dose=DoseId("foreign"), amount=MilliUnits(50), odometer=MilliUnits(50)),
        record(
            "bolus_ended",
            3,
            dose=DoseId("foreign"),
            amount=MilliUnits(50),
            odometer=MilliUnits(50),
            detail="delivered",
        ),
    )
    said = read(ready(), *records, odometer=MilliUnits(50))

    names = ["AlarmRaised", "BolusProgressed", "BolusReconciled", "BolusDelivered"]
    assert names == [type(one).__name__ for one in said]
    assert ("bolus_unasked", 50, "spontaneous") == (
        said[0].alarm,
        said[1].delivered,
        said[2].outcome,
    )
    before_its_time = read(ready(epoch=0), *records, odometer=MilliUnits(50))
    assert ["BolusProgressed", "BolusDelivered"] == [type(o).__name__ for o in before_its_time]


def test_what_was_asked_and_lost_is_asked_again() -> None:
    """A plan, a suspension, a resumption, a cancel: by the actuator itself."""
    plan = read(ready(plan=PLAN))
    loaded = read(ready(plan=PLAN), plan=PLAN.plan)
    suspend = read(ready(wants_suspended=True))
    resume = read(ready(wants_suspended=False), suspended=True)
    runs = RunningBolus(dose=DOSE, requested=MilliUnits(500), delivered=MilliUnits(0))
    cancel = read(ready(cancelled=(DOSE,)), extended=runs)
    patient = read(
        ready(
            plan=PLAN,
            wants_suspended=True,
            cancelled=(DOSE,),
            acting=("load_plan", "suspend", "stop_bolus"),
        ),
        bolus=runs,
    )

    assert isinstance(plan[0], BasalPlanAccepted) and plan[0].steps == STEPS
    assert [BasalPlanLoaded(plan=EventId(PLAN.plan))] == loaded
    assert [SuspendRequested(actor="service:actuator")] == suspend
    assert [ResumeRequested(actor="service:actuator")] == resume
    assert [BolusCancelled(dose=DOSE, actor="service:actuator")] == cancel
    assert [] == patient


def test_an_odometer_that_is_not_where_the_history_left_it_is_an_alarm() -> None:
    """Once, and not for a reading without news."""
    moved = record("basal", amount=MilliUnits(50), odometer=MilliUnits(50))
    said = read(ready(), moved, odometer=MilliUnits(100))
    known = ready(
        common=Common(alarms=(ActiveAlarm("counts_differ", "high", "operator", "x", 0, ""),))
    )

    assert ["BasalDelivered", "AlarmRaised"] == [type(one).__name__ for one in said]
    assert ["BasalDelivered"] == [
        type(one).__name__ for one in read(known, moved, odometer=MilliUnits(100))
    ]
    assert [] == read(ready(), odometer=MilliUnits(100))


def test_a_plan_for_a_controller_that_was_superseded_is_refused() -> None:
    """Another one drives."""
    made = BasalPlanMade(
        profile=EventId("p"), tzdata="2026.6", steps=STEPS, ends_at=UtcMillis(START + HOUR_MS)
    )
    entry = Entry(
        id="basal_scheduler:p1:3",
        at=UtcMillis(START),
        speaker=Speaker("basal_scheduler"),
        body=made,
    )
    said = DELIVERY_DECIDER.decide(ready(is_superseded=True), entry, NOW)

    assert (BasalPlanRefused(plan=EventId("basal_scheduler:p1:3"), reason="superseded"),) == said
    assert isinstance(DELIVERY_DECIDER.decide(ready(), entry, NOW)[0], BasalPlanAccepted)


def test_an_end_of_a_dose_that_is_not_the_newest_moves_no_other() -> None:
    """The view shows one dose at a time and mixes none."""
    ended = BolusDelivered(dose=DOSE, requested=MilliUnits(500), delivered=MilliUnits(500))
    entry = Entry(id="actuator:p1:4", at=UtcMillis(START), speaker=Speaker("actuator"), body=ended)

    assert None is DELIVERY_DECIDER.evolve(ready(), entry).last_dose
