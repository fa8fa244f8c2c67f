"""Another controller drives the pump: the account goes on, and a person takes the pump back."""

import copy
from typing import Any

import pytest

from core.deciders.delivery.events.pump import PUMP_HANDLERS
from core.deciders.delivery.pump_sync.history import decide_reading
from core.deciders.delivery.state import DeliveryState
from core.kernel.decider import Entry
from schemas.basal.profiles import SetTemporaryRate
from schemas.delivery.delivery import CancelBolus
from schemas.delivery.device import PlanStep, PumpPlan, PumpRead, PumpReading, PumpStatus
from schemas.delivery.mechanism import ClearPumpFault, MechanismRefused, PrimePump
from schemas.delivery.pump import (
    DeliveryCommandRefused,
    FillReservoir,
    PumpClaimRequested,
    PumpControlLost,
    PumpTakeRequested,
    ResumeDelivery,
    SuspendDelivery,
    TakePump,
)
from schemas.message import Command, Event
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    Speaker,
    UtcMillis,
)
from services.runtime.process.stepper import finish
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import FakeSystem
from support.simulated.signed_orders import pump_order, sign

ACTUATOR = "actuator"


def rival_of(system: FakeSystem, *, rate: int = 3_000) -> FakePumpDevice:
    """Let a copied controller claim the pump and load a plan of its own [mU/h]."""
    rival = FakePumpDevice(system.clock, host=system.pump.host)
    status = finish(rival.claim())
    step = PlanStep(at=status.at, rate=MilliUnitsPerHour(rate))
    plan = PumpPlan(plan="copy:p1:1", steps=(step,), ends_at=UtcMillis(status.at + 48 * HOUR_MS))
    finish(rival.load_plan(plan=plan))
    return rival


def accounted(system: FakeSystem) -> int:
    view = system.view(ACTUATOR)
    return int(view.basal_total + view.bolus_total + view.primed_total)


def is_quiet_about_it(system: FakeSystem) -> bool:
    """Say whether no alarm says that another controller drives the pump."""
    return "pump_control_lost" not in {one.alarm for one in system.view(ACTUATOR).alarms}


@pytest.fixture
def lost(system: FakeSystem) -> FakeSystem:
    """Give a system whose pump another controller has claimed."""
    rival_of(system)
    system.run(ms=10 * MINUTE_MS)
    return system


@pytest.mark.requirement("R116")
def test_a_superseded_actuator_reads_and_accounts_on(lost: FakeSystem) -> None:
    """It was the end of the account: 650 mU were given and 50 known."""
    rival = FakePumpDevice(lost.clock, host=lost.pump.host)
    order = pump_order(finish(rival.claim()), dose="bolus_advisor:p1:800", amount=500)
    finish(rival.start_bolus(signed=sign(order)))
    lost.run(ms=2 * HOUR_MS)

    assert lost.odometer == accounted(lost) > 6_000
    assert lost.view(ACTUATOR).driven_by_another
    assert not is_quiet_about_it(lost)
    assert 1 == len(lost.said_of(ACTUATOR, PumpControlLost))


@pytest.mark.requirement("R116")
@pytest.mark.parametrize(
    "command",
    [
        SuspendDelivery(),
        ResumeDelivery(),
        CancelBolus(),
        FillReservoir(amount=MilliUnits(200_000)),
        PrimePump(amount=MilliUnits(500), what="tube"),
        ClearPumpFault(),
    ],
    ids=lambda one: type(one).__name__,
)
def test_it_refuses_what_it_cannot_have_done(lost: FakeSystem, command: Command) -> None:
    """'suspend' was obeyed by nobody, and nothing said so."""
    outcome = lost.ask(command, to=ACTUATOR)

    assert not outcome.accepted
    refused = [
        *lost.said_of(ACTUATOR, DeliveryCommandRefused),
        *lost.said_of(ACTUATOR, MechanismRefused),
    ]
    assert ["superseded"] == [one.reason for one in refused]


@pytest.mark.requirement("R116")
def test_it_stays_a_reader_over_restarts(lost: FakeSystem) -> None:
    """A restart is no person's word: two controllers would take the pump from each other."""
    epoch = lost.pump.host.memory.epoch
    for _ in range(3):
        lost.restart(ACTUATOR)
        lost.run(ms=HOUR_MS)

    assert epoch == lost.pump.host.memory.epoch
    assert lost.odometer == accounted(lost)
    assert lost.view(ACTUATOR).driven_by_another


@pytest.mark.requirement("R116")
def test_a_person_takes_the_pump_back(lost: FakeSystem) -> None:
    """With a name and a reason; then its own plan runs again and boluses are given."""
    taken = lost.ask(TakePump(because="the other one was a copy"), to=ACTUATOR)
    lost.run(ms=10 * MINUTE_MS)

    assert taken.accepted
    (asked,) = lost.said_of(ACTUATOR, PumpTakeRequested)
    assert "the other one was a copy" == asked.because
    assert not lost.view(ACTUATOR).driven_by_another
    assert is_quiet_about_it(lost)
    assert lost.order(500).accepted
    lost.run(ms=10 * MINUTE_MS)
    assert 500 == lost.view(ACTUATOR).bolus_total
    assert lost.odometer == accounted(lost)
    again = lost.ask(TakePump(), to=ACTUATOR)
    assert not again.accepted
    lost.restart(ACTUATOR)
    lost.run(ms=HOUR_MS)
    assert not lost.view(ACTUATOR).driven_by_another


@pytest.mark.requirement("R116")
def test_a_plan_made_meanwhile_reaches_the_pump_that_was_taken_back(lost: FakeSystem) -> None:
    """Half of the basal was asked for while another one drove; the old rate went on for ever."""
    half = SetTemporaryRate(percent=50, duration=Milliseconds(8 * HOUR_MS))
    assert lost.ask(half, to="basal_scheduler").accepted
    lost.run(ms=MINUTE_MS)
    assert lost.ask(TakePump(because="the other one is off"), to=ACTUATOR).accepted
    lost.run(ms=MINUTE_MS)
    before = lost.odometer
    lost.run(ms=2 * HOUR_MS)

    profile = lost.state("basal_scheduler").programme
    assert profile is not None
    rate = lost.view(ACTUATOR).rate
    assert rate is not None
    assert lost.pump.host.memory.plan is not None
    assert rate < 1_000
    assert abs(lost.odometer - before - 2 * rate) <= 100


@pytest.mark.requirement("R116")
def test_a_journal_that_never_drove_the_pump_takes_nothing_by_itself(system: FakeSystem) -> None:
    """A system with an empty journal finds a pump that another one drives."""
    system.run(ms=10 * MINUTE_MS)
    new = FakeSystem()
    new.pump.host = system.pump.host
    epoch = system.pump.host.memory.epoch
    new.run(ms=10 * MINUTE_MS)

    assert epoch == system.pump.host.memory.epoch
    assert new.view(ACTUATOR).driven_by_another


@pytest.mark.requirement("R116")
def test_a_copied_journal_drives_and_the_first_one_becomes_a_reader(system: FakeSystem) -> None:
    """Both know the epoch; the claim of the copy bears another name."""
    copied = copy.deepcopy(system.stores[Speaker(ACTUATOR)])
    first = system.stores[Speaker(ACTUATOR)]
    system.stores[Speaker(ACTUATOR)] = copied
    other = FakePumpDevice(system.clock, host=system.pump.host)
    system.pump, mine = other, system.pump
    system.restart(ACTUATOR)
    system.run(ms=10 * MINUTE_MS)
    assert not system.view(ACTUATOR).driven_by_another

    system.stores[Speaker(ACTUATOR)], system.pump = first, mine
    system.restart(ACTUATOR)
    system.run(ms=10 * MINUTE_MS)

    assert system.view(ACTUATOR).driven_by_another


def test_each_claim_is_recorded_before_it_is_sent(system: FakeSystem) -> None:
    """So a claim whose answer was lost is known as one's own."""
    asked = system.said_of(ACTUATOR, PumpClaimRequested)
    system.restart(ACTUATOR)
    system.run(ms=MINUTE_MS)
    later = system.said_of(ACTUATOR, PumpClaimRequested)

    assert [one.over for one in later] == list(range(len(later)))
    assert len(asked) + 1 == len(later) == system.pump.host.memory.epoch


def test_the_mutant_that_ends_its_account_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: superseded, it read no more."""

    def deaf(state: DeliveryState, *args: Any, **more: Any) -> tuple[Event, ...]:
        return () if state.is_superseded else decide_reading(state, *args, **more)

    monkeypatch.setattr("core.deciders.delivery.decider.decide_reading", deaf)
    rival_of(system)
    system.run(ms=2 * HOUR_MS)

    assert accounted(system) < system.odometer


def test_the_mutant_that_claims_over_any_epoch_is_caught(
    lost: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: the next restart took the pump back, unasked."""
    monkeypatch.setattr("services.actuator.pump_poller.is_foreign", lambda *_: False)
    epoch = lost.pump.host.memory.epoch
    lost.restart(ACTUATOR)
    lost.run(ms=HOUR_MS)

    assert epoch < lost.pump.host.memory.epoch


def test_a_readers_own_epoch_stays() -> None:
    """A reader that took the epoch it reads for its own would claim over it at the next start."""
    state = DeliveryState(is_superseded=True, epoch=3)
    status = PumpStatus(
        at=UtcMillis(0),
        odometer=MilliUnits(0),
        history_sequence=0,
        epoch=4,
        reservoir=MilliUnits(0),
        suspended=False,
        basal_rate=MilliUnitsPerHour(0),
    )
    body = PumpRead(reading=PumpReading(status=status, history=()))
    entry = Entry(id="report:1", at=UtcMillis(0), body=body)
    assert 3 == PUMP_HANDLERS(state, entry).epoch
    assert 4 == PUMP_HANDLERS(DeliveryState(epoch=3), entry).epoch
