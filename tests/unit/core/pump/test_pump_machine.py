"""The pump's machine: what it delivers, what it refuses, what it knows after a loss of power."""

import pytest

from core.pump import machine, suspension
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep, RefusalReason
from core.pump.pulse_instants import bolus_instants
from core.pump.supervision import is_too_much
from schemas.delivery.device import PlanStep, PumpPlan, PumpRecord
from schemas.units import DAY_MS, HOUR_MS, DoseId, MilliUnits, MilliUnitsPerHour, UtcMillis

DOSE = DoseId("bolus_advisor:demo:7")
NOON = UtcMillis(1_800_000_000_000)


def after(seconds: float) -> UtcMillis:
    return UtcMillis(NOON + int(seconds * 1_000))


def a_plan(*, rate: int = 1_000, name: str = "basal:demo:1", begins: int = NOON) -> PumpPlan:
    step = PlanStep(at=UtcMillis(begins), rate=MilliUnitsPerHour(rate))
    return PumpPlan(plan=name, steps=(step,), ends_at=UtcMillis(begins + 2 * DAY_MS))


def a_pump(*, fill: int | None = 100_000, plan: PumpPlan | None = None) -> PumpMemory:
    held = None if fill is None else MilliUnits(fill)
    memory = machine.power_on(None, now=NOON, fill=held).memory
    return memory if plan is None else done(machine.load_plan(memory, plan=plan, now=NOON))


def done(step: PumpStep | PumpRefusal) -> PumpMemory:
    return stepped(step).memory


def stepped(step: PumpStep | PumpRefusal) -> PumpStep:
    if isinstance(step, PumpRefusal):
        raise AssertionError(step.reason)
    return step


def start(
    memory: PumpMemory, *, amount: int, executed: bool = False, now: UtcMillis = NOON
) -> PumpStep | PumpRefusal:
    return machine.start_bolus(
        memory, dose=DOSE, amount=MilliUnits(amount), executed=executed, now=now
    )


def kinds(records: tuple[PumpRecord, ...]) -> list[tuple[str, int, str]]:
    return [(record.kind, record.amount, record.detail) for record in records]


def test_a_bolus_begins_at_once_and_moves_a_pulse_every_two_seconds() -> None:
    """A bolus all at once, or one that waits, is not the bolus that was ordered."""
    first = stepped(start(a_pump(), amount=200))
    before = machine.run_until(first.memory, now=after(5.999))
    last = machine.run_until(before.memory, now=after(6))

    assert [("bolus_started", 200, ""), ("bolus", 50, "")] == kinds(first.records)
    assert [("bolus", 100, "")] == kinds(before.records)
    assert [("bolus", 50, ""), ("bolus_ended", 200, "delivered")] == kinds(last.records)
    assert last.memory.bolus is None


@pytest.mark.requirement("R28")
def test_the_pulses_of_a_bolus_are_spread_evenly_over_its_time() -> None:
    """A bolus that hurries acts earlier than the advice assumed."""
    memory = done(start(a_pump(), amount=1_000))
    delivered = []
    for second in range(0, 40, 2):
        memory = machine.run_until(memory, now=after(second)).memory
        delivered.append(memory.odometer)

    assert list(range(50, 1_001, 50)) == delivered


def test_basal_goes_on_during_a_bolus() -> None:
    """A bolus adds to basal, it does not replace it."""
    memory = done(start(a_pump(plan=a_plan(rate=30_000)), amount=1_000))

    step = machine.run_until(memory, now=after(60))

    assert kinds(step.records) == [
        ("basal", 500, "basal:demo:1"),
        ("bolus", 950, ""),
        ("bolus_ended", 1_000, "delivered"),
    ]
    assert step.memory.odometer == 1_500


def test_basal_records_say_from_which_pulse_to_which_they_count() -> None:
    """Insulin on board needs to know when insulin went in."""
    memory = a_pump(plan=a_plan())
    one = machine.run_until(memory, now=after(200))
    two = machine.run_until(one.memory, now=after(3_600))

    spans = [(r.starts_at, r.ends_at, r.amount) for r in (*one.records, *two.records)]
    assert [(NOON, after(180), 50), (after(180), after(3_600), 950)] == spans


@pytest.mark.requirement("R34")
@pytest.mark.parametrize(
    ("amount", "executed", "reason"),
    [
        (1_000, True, "already_executed"),
        (0, False, "out_of_range"),
        (49, False, "out_of_range"),
        (25_050, False, "out_of_range"),
        (-50, False, "out_of_range"),
        (75, False, "not_whole_pulses"),
    ],
)
def test_a_bolus_that_cannot_be_right_is_refused(
    amount: int, executed: bool, reason: RefusalReason
) -> None:
    """The pump is the last who can say no."""
    assert PumpRefusal(reason=reason) == start(a_pump(), amount=amount, executed=executed)


@pytest.mark.requirement("R74")
def test_a_bolus_is_refused_unless_the_reservoir_holds_all_of_it() -> None:
    """Half a bolus is a surprise, a refusal is not."""
    assert PumpRefusal(reason="no_reservoir") == start(a_pump(fill=None), amount=50)
    assert PumpRefusal(reason="reservoir_low") == start(a_pump(fill=999), amount=1_000)
    assert isinstance(start(a_pump(fill=1_000), amount=1_000), PumpStep)


@pytest.mark.requirement("R74")
def test_a_reservoir_that_empties_ends_the_bolus_with_the_amount_known() -> None:
    """Basal can take what the bolus counted on."""
    memory = done(start(a_pump(fill=1_000, plan=a_plan(rate=35_000)), amount=1_000))

    step = machine.run_until(memory, now=after(60))

    assert kinds(step.records) == [
        ("basal", 350, "basal:demo:1"),
        ("bolus", 600, ""),
        ("bolus_ended", 650, "reservoir_empty"),
    ]
    assert step.memory.reservoir == 0
    assert "reservoir_empty" in machine.status(step.memory, now=after(60)).alarms


def strokes_beside_basal() -> list[int]:
    """Give when the motor moves [s] while 2 U are given beside 30 U/h, second by second."""
    memory = done(start(a_pump(plan=a_plan(rate=30_000)), amount=2_000))
    moved = [0] * (memory.odometer // 50)
    for second in range(1, 150):
        before = memory.odometer
        memory = machine.run_until(memory, now=after(second)).memory
        moved.extend([second] * ((memory.odometer - before) // 50))
        if memory.bolus is None:
            break
    return moved


def is_within_its_speed(moved: list[int]) -> bool:
    """Say whether no minute holds more than one stroke in 2 s, the first one aside."""
    return all(
        sum(begin <= at < begin + 60 for at in moved) <= 31 for begin in range(moved[-1] - 59)
    )


@pytest.mark.requirement("R7")
def test_bolus_and_basal_together_are_no_faster_than_the_motor() -> None:
    """The bolus waits, programmed basal never does."""
    moved = strokes_beside_basal()

    assert is_within_its_speed(moved)
    assert 2 * (len(moved) - 1) == moved[-1]
    assert 40 + 19 == len(moved)


@pytest.mark.requirement("R7")
def test_the_mutant_whose_bolus_waits_for_nobody_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its strokes come faster than the motor can move."""
    real = bolus_instants
    monkeypatch.setattr(
        machine, "bolus_instants", lambda bolus, _, *, until: real(bolus, [], until=until)
    )

    assert not is_within_its_speed(strokes_beside_basal())


def test_basal_missed_with_an_empty_reservoir_is_not_made_up() -> None:
    """Hours of basal at once after a change of reservoir would be a bolus."""
    memory = a_pump(fill=50, plan=a_plan())
    memory = machine.run_until(memory, now=after(36_000)).memory
    memory = done(machine.fill(memory, amount=MilliUnits(10_000), now=after(36_000)))

    assert kinds(machine.run_until(memory, now=after(36_180)).records) == [
        ("basal", 50, "basal:demo:1")
    ]


def test_a_second_bolus_and_a_bolus_while_suspended_are_refused() -> None:
    """Two boluses at once could not be told apart, and suspended means no insulin."""
    running = done(start(a_pump(), amount=1_000))
    suspended = suspension.suspend(a_pump(), now=NOON).memory
    other = machine.start_bolus(
        running, dose=DoseId("other"), amount=MilliUnits(50), executed=False, now=NOON
    )

    assert PumpRefusal(reason="bolus_running") == other
    assert PumpRefusal(reason="suspended") == start(suspended, amount=50)


@pytest.mark.requirement("R31")
def test_after_stop_no_further_pulse_starts() -> None:
    """Cancel wins, with the amount known."""
    memory = machine.run_until(done(start(a_pump(), amount=1_000)), now=after(3)).memory

    stopped = stepped(machine.stop_bolus(memory, dose=DOSE, executed=True, now=after(3)))
    later = machine.run_until(stopped.memory, now=after(HOUR_MS))

    assert [("bolus_ended", 100, "stopped")] == kinds(stopped.records)
    assert later.records == ()


def test_a_stop_for_another_dose_stops_nothing() -> None:
    """A late cancel of an old bolus must not hit the new one."""
    memory = done(start(a_pump(), amount=1_000))

    step = machine.stop_bolus(memory, dose=DoseId("other"), executed=True, now=NOON)

    assert PumpStep(memory=memory) == step


@pytest.mark.requirement("R42")
def test_a_start_that_comes_after_its_stop_is_refused() -> None:
    """Two lines can swap a start and its cancel."""
    barred = done(machine.stop_bolus(a_pump(), dose=DOSE, executed=False, now=NOON))

    assert PumpRefusal(reason="barred") == start(barred, amount=1_000)


@pytest.mark.requirement("R38")
def test_suspend_ends_a_bolus_with_what_it_delivered() -> None:
    """Only what flowed may count."""
    memory = machine.run_until(done(start(a_pump(), amount=1_000)), now=after(4)).memory

    step = suspension.suspend(memory, now=after(4))

    assert [("bolus_ended", 150, "suspended"), ("suspended", 0, "")] == kinds(step.records)
    assert suspension.suspend(step.memory, now=after(5)).records == ()


def test_time_suspended_is_not_made_up_and_the_fraction_owed_is_kept() -> None:
    """A pause gives no insulin, then or later."""
    memory = machine.run_until(a_pump(plan=a_plan()), now=after(90)).memory
    memory = suspension.suspend(memory, now=after(90)).memory
    memory = machine.run_until(memory, now=after(7_200)).memory
    memory = suspension.resume(memory, now=after(7_200)).memory

    assert machine.run_until(memory, now=after(7_289)).records == ()
    assert kinds(machine.run_until(memory, now=after(7_290)).records) == [
        ("basal", 50, "basal:demo:1")
    ]


def test_loading_a_plan_carries_the_fraction_and_the_same_plan_changes_nothing() -> None:
    """Plans are loaded again and again; each must cost no insulin and add none."""
    memory = machine.run_until(a_pump(plan=a_plan()), now=after(90)).memory
    faster = a_plan(rate=2_000, name="basal:demo:2")
    loaded = stepped(machine.load_plan(memory, plan=faster, now=after(90)))

    assert [("plan_loaded", 0, "basal:demo:2")] == kinds(loaded.records)
    assert memory.owed == loaded.memory.owed > 0
    assert after(135) == machine.next_pulse_at(loaded.memory)
    assert PumpStep(memory=loaded.memory) == machine.load_plan(
        loaded.memory, plan=faster, now=after(91)
    )


def test_a_plan_that_no_motor_can_follow_is_refused() -> None:
    """A broken plan kept would be delivered for ever."""
    backwards = PumpPlan(plan="p", steps=a_plan().steps, ends_at=NOON)
    hasty = PumpPlan(plan="p", steps=a_plan().steps, ends_at=after(3_599))
    empty = PumpPlan(plan="p", steps=(), ends_at=after(60))
    cases: list[tuple[PumpPlan, RefusalReason]] = [
        (backwards, "broken_plan"),
        (empty, "broken_plan"),
        (hasty, "broken_plan"),
        (a_plan(rate=35_001), "broken_plan"),
        (a_plan(rate=-1), "broken_plan"),
        (a_plan(name=""), "broken_id"),
        (a_plan(begins=after(301)), "plan_not_begun"),
    ]
    for plan, reason in cases:
        assert PumpRefusal(reason=reason) == machine.load_plan(a_pump(), plan=plan, now=NOON)


def test_the_pump_alarms_a_day_before_its_plan_ends_and_goes_on_after() -> None:
    """A dead network never stops the trickle, and never in silence."""
    memory = a_pump(plan=a_plan())
    quiet = machine.status(memory, now=UtcMillis(NOON + DAY_MS - 1))
    loud = machine.status(memory, now=UtcMillis(NOON + DAY_MS))
    repeating = machine.status(memory, now=UtcMillis(NOON + 9 * DAY_MS))

    assert ((), ("plan_runs_out",)) == (quiet.alarms, loud.alarms)
    assert (("plan_runs_out",), 1_000) == (repeating.alarms, repeating.basal_rate)


@pytest.mark.requirement("R45")
def test_power_lost_ends_a_bolus_with_the_true_amount_and_makes_up_no_time() -> None:
    """8.7 U delivered and 1.1 U recorded once happened to a person."""
    memory = done(start(a_pump(plan=a_plan()), amount=1_000))
    memory = machine.run_until(memory, now=after(90)).memory
    memory = machine.run_until(done(again(memory)), now=after(100)).memory

    step = machine.power_on(memory, now=after(7_200), fill=MilliUnits(300_000))

    powered, ended = step.records
    assert ("powered", after(100), after(7_200)) == (
        powered.kind,
        powered.starts_at,
        powered.ends_at,
    )
    assert ("bolus_ended", 300, "power_lost") == kinds((ended,))[0]
    assert memory.odometer == step.memory.odometer
    assert memory.owed == step.memory.owed
    assert memory.reservoir == step.memory.reservoir
    assert after(7_280) == machine.next_pulse_at(step.memory)


def again(memory: PumpMemory) -> PumpStep | PumpRefusal:
    return machine.start_bolus(
        memory, dose=DoseId("second"), amount=MilliUnits(1_000), executed=False, now=after(90)
    )


@pytest.mark.requirement("R47")
def test_a_pump_that_was_suspended_stays_so_after_a_loss_of_power() -> None:
    """Who suspended it may have had a reason that still holds."""
    memory = suspension.suspend(a_pump(plan=a_plan()), now=NOON).memory
    memory = machine.power_on(memory, now=after(60), fill=None).memory

    assert machine.run_until(memory, now=after(7_200)).records == ()
    assert machine.status(memory, now=after(60)).suspended


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("looks", [[7_200], [1_799, 1_800, 7_200], [1_800, 1_801, 7_200]])
def test_a_suspension_with_an_end_ends_there_by_the_pumps_own_clock(looks: list[int]) -> None:
    """Whoever is left to say so, and however often somebody looks; nothing is made up."""
    memory = suspension.suspend(a_pump(plan=a_plan()), now=NOON, until=after(1_800)).memory
    due = machine.next_pulse_at(memory)
    records: list[PumpRecord] = []
    for seconds in looks:
        step = machine.run_until(memory, now=after(seconds))
        assert not is_too_much(memory, step.memory, now=after(seconds))
        memory, records = step.memory, [*records, *step.records]

    resumed, *basal = records
    assert (due, "resumed", "time_over") == (resumed.starts_at, resumed.kind, resumed.detail)
    assert {after(1_800)} == {due, basal[0].starts_at}
    assert 1_500 == sum(one.amount for one in basal)
    assert (False, None) == (memory.suspended, memory.resume_at)


def test_an_end_that_passed_without_power_is_the_start() -> None:
    """It stood on without power; from the start on basal flows."""
    memory = suspension.suspend(a_pump(plan=a_plan()), now=NOON, until=after(60)).memory
    on = machine.power_on(memory, now=after(3_600), fill=None).memory

    step = machine.run_until(on, now=after(3_600))

    assert [("resumed", after(3_600))] == [(one.kind, one.starts_at) for one in step.records]


def test_of_two_suspensions_the_later_says_the_end() -> None:
    """Also that there is none; and who resumes forgets it."""
    memory = suspension.suspend(a_pump(plan=a_plan()), now=NOON, until=after(60)).memory
    for_good = suspension.suspend(memory, now=after(1)).memory
    resumed = suspension.resume(memory, now=after(2)).memory

    assert machine.run_until(for_good, now=after(7_200)).records == ()
    assert "resumed" not in [
        one.kind for one in machine.run_until(resumed, now=after(7_200)).records
    ]


@pytest.mark.requirement("R43")
def test_each_claim_raises_the_epoch() -> None:
    """The number is what tells the controller of now from that of before."""
    memory = machine.claim(machine.claim(a_pump()).memory).memory

    assert memory.epoch == 2


def test_a_fill_outside_the_reservoir_or_during_a_bolus_is_refused() -> None:
    """A count that is wrong from the start makes every later one wrong."""
    for amount in (0, -1, 300_001):
        refusal = machine.fill(a_pump(), amount=MilliUnits(amount), now=NOON)
        assert PumpRefusal(reason="out_of_range") == refusal
    running = done(start(a_pump(), amount=1_000))
    during = machine.fill(running, amount=MilliUnits(1), now=NOON)
    assert PumpRefusal(reason="bolus_running") == during
