"""The parts of a fork: doses in the same share, basal with its gaps, wakes of its own."""

from typing import Any

import msgspec
import pytest

import core.whatif.decider_run
from core.deciders.basal.decider import BASAL_DECIDER
from core.kernel.decider import Entry
from core.whatif.basal_replay import Flowing
from core.whatif.decider_run import Run
from core.whatif.dose_replay import Doses, OfDose
from core.whatif.person_replay import People
from schemas.basal.profiles import ZoneLookupRequested, ZoneResolved
from schemas.bolus.advice import CarbsRecorded
from schemas.bolus.orders import BolusOrdered, InjectionRecorded
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusDelivered,
    BolusRefused,
    BolusStopped,
    DeliveryGap,
)
from schemas.delivery.device import PlanStep, PumpPlan
from schemas.delivery.unresolved_doses import BolusReconciled, BolusUnknown, DoseSettled
from schemas.message import Command, Deadline, Event, Now
from schemas.record import Tick
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    Grams,
    MilliUnits,
    MilliUnitsPerHour,
    PumpId,
    UtcMillis,
)
from support.simulated.changed_decider import changed

PUMP = PumpId("p1")


def no_zone(lookup: ZoneLookupRequested) -> ZoneResolved:
    return ZoneResolved(zone=lookup.zone, tzdata="", transitions=(), known_until=UtcMillis(0))


def dose(name: str) -> Any:
    by = Deadline(therapy=UtcMillis(30_000), real=UtcMillis(5_000))
    amount = MilliUnits(4_000 if name.startswith("recorded") else 5_000)
    order = BolusOrdered(amount=amount, actor="person:test", start_by=by)
    return Entry(id=f"bolus_advisor:{name}:1", at=UtcMillis(0), body=order)


THERE = DoseId("bolus_advisor:recorded:1")


@pytest.mark.parametrize(
    ("said", "amounts_then"),
    [
        (BolusRefused(dose=THERE, amount=MilliUnits(4_000), reason="expired"), (5_000,)),
        (
            BolusStopped(
                dose=THERE,
                requested=MilliUnits(4_000),
                delivered=MilliUnits(1_000),
                reason="cancelled",
            ),
            (5_000, 1_250),
        ),
        (
            BolusDelivered(dose=THERE, requested=MilliUnits(4_000), delivered=MilliUnits(4_000)),
            (5_000, 5_000),
        ),
        (
            BolusUnknown(dose=THERE, least=MilliUnits(50), most=MilliUnits(4_000), reason=""),
            (50, 5_000),
        ),
        (BolusReconciled(dose=THERE, outcome="partial", delivered=MilliUnits(2_000)), (2_500,)),
        (
            DoseSettled(
                dose=THERE, delivered=MilliUnits(2_000), counted=MilliUnits(1_000), actor="me"
            ),
            (2_500, 1_250),
        ),
        (BolusCancelled(dose=THERE, actor="me"), ()),
    ],
)
def test_what_was_said_of_a_dose_is_said_of_the_one_that_stands_for_it(
    said: OfDose, amounts_then: tuple[int, ...]
) -> None:
    """4 U recorded, 5 U in the fork: the same share, in whole pulses rounded down."""
    doses = Doses()
    alone = doses.pair([dose("forked")], [dose("recorded")])

    event: Any = doses.forked(said)

    assert [] == alone
    assert "bolus_advisor:forked:1" == event.dose == doses.dose_of(THERE)
    assert amounts_then == tuple(
        value for value in msgspec.structs.asdict(event).values() if isinstance(value, int)
    )


def test_what_was_said_of_a_dose_that_the_fork_has_not_is_not_said() -> None:
    """And of a dose from before the fork it is said as it was."""
    doses = Doses()
    doses.pair([], [dose("recorded")])
    before = BolusCancelled(dose=DoseId("bolus_advisor:before:1"), actor="me")

    assert doses.differ
    assert doses.forked(BolusCancelled(dose=THERE, actor="me")) is None
    assert doses.dose_of(THERE) is None
    assert before == doses.forked(before)
    assert before.dose == doses.dose_of(before.dose)


def test_basal_of_a_fork_has_the_gaps_of_the_record() -> None:
    """The pump was off for 20 of 60 minutes: 40 min of 1.5 U/h are 1 U."""
    steps = (PlanStep(at=UtcMillis(0), rate=MilliUnitsPerHour(1_500)),)
    flowing = Flowing(PumpPlan(plan="p", steps=steps, ends_at=UtcMillis(DAY_MS)), UtcMillis(0))
    gap = DeliveryGap(starts_at=UtcMillis(20 * MINUTE_MS), ends_at=UtcMillis(40 * MINUTE_MS))

    said = [*flowing.meet(gap), *flowing.count(at=UtcMillis(HOUR_MS))]

    assert [500, 500] == [part.amount for part in said]
    assert [(0, 20), (40, 60)] == [
        (part.starts_at // MINUTE_MS, part.ends_at // MINUTE_MS) for part in said
    ]


class Waking(msgspec.Struct, frozen=True):
    """A decider's state that wakes once more for each entry."""

    heard: int = 0


def waking(*, most: int, ticks: list[Entry]) -> Run[Any]:
    """Make a run that wakes at 0, 1, ... `most` ms, and then at `most` for ever."""

    def decide(state: Any, entry: Entry, now: Now) -> tuple[Event, ...]:
        ticks.append(entry)
        return ()

    def evolve(state: Any, entry: Entry) -> Any:
        return Waking(min(state.heard + 1, most))

    basal: Any = BASAL_DECIDER
    decider: Any = changed(
        basal,
        initial=lambda pump: Waking(),
        decide=decide,
        evolve=evolve,
        wake_at=lambda state: UtcMillis(state.heard) if state.heard else None,
    )
    run: Run[Any] = Run(decider, pump=PUMP, zone_of=no_zone)
    run.take(Entry(id="report:1", at=UtcMillis(0), body=Tick()))
    return run


def test_a_wake_that_leads_to_nothing_is_not_repeated() -> None:
    """Else a fork with an unknown zone would tick a thousand times at each line."""
    ticks: list[Entry] = []

    said = waking(most=5, ticks=ticks).wake(until=UtcMillis(1_000))

    assert [] == said
    assert [1, 2, 3, 4, 5] == [tick.at for tick in ticks]


def test_wakes_between_two_lines_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a decider asks for."""
    ticks: list[Entry] = []
    monkeypatch.setattr(core.whatif.decider_run, "WAKES_MAX", 3)

    waking(most=100, ticks=ticks).wake(until=UtcMillis(1_000))

    assert 3 == len(ticks)


class Correct(Command, frozen=True, kw_only=True, tag="correct_in_a_test.v1"):
    """A command that names what was said before."""

    dose: str
    carbs: str = ""
    grams: int = 0


def said(name: str, body: Event) -> Entry:
    return Entry(id=f"bolus_advisor:p1:{name}", at=UtcMillis(0), body=body)


def test_who_corrects_what_was_recorded_corrects_what_stands_for_it() -> None:
    """Numbers in the fork differ from those of the record where it said more or less before."""
    people = People(Doses())
    pen = InjectionRecorded(amount=MilliUnits(1_000), given_at=UtcMillis(0), actor="me")
    meal = CarbsRecorded(grams=Grams(40), eaten_at=UtcMillis(0), actor="me")
    people.note([said("7", pen)], [said("5", pen), said("6", meal)])

    def named(dose: str, carbs: str) -> Any:
        asked = Correct(dose=f"bolus_advisor:p1:{dose}", carbs=f"bolus_advisor:p1:{carbs}")
        entry = people.asked(Entry(id="c", at=UtcMillis(0), body=asked))
        assert entry is not None
        return entry.body

    assert "bolus_advisor:p1:7" == named("5", "3").dose
    assert "bolus_advisor:p1:3" == named("5", "3").carbs, "from before the fork"
    assert "not said in the fork: bolus_advisor:p1:6" == named("5", "6").carbs
    assert Correct(dose="bolus_advisor:p1:1", carbs="bolus_advisor:p1:2") == named("1", "2")
