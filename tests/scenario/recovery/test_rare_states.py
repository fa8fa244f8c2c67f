"""States that a healthy system hardly meets, in every column."""

from typing import Any

import msgspec
import pytest

from core.deciders.basal.decider import BASAL_DECIDER
from core.deciders.basal.state import BasalState
from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.bolus.state import initial
from core.deciders.delivery.events.odometer import move
from core.deciders.delivery.pump_sync.history import decide_reading
from core.deciders.delivery.state import DeliveryState
from core.deciders.record.decider import RECORD_DECIDER
from core.deciders.registry import DECIDERS
from core.dosing.glucose_history.snapshot import GlucoseSnapshot, fold_reading
from core.kernel.alarms import Alarms, Condition, fold_alarm, raise_alarm
from core.kernel.decider import Entry
from core.kernel.errors import GlucoseFileError
from core.models.glucose_quality import Reading
from core.models.pulses import PULSE_PARTS
from core.pump.machine import power_on, run_until, start_bolus, stop_bolus
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep
from core.pump.suspension import resume
from schemas.alarms import AcknowledgeAlarm, AlarmAcknowledged, AlarmCleared, AlarmRepeated
from schemas.basal.profiles import (
    CancelTemporaryRate,
    SetBasalProfile,
    SetTemporaryRate,
    ZoneLookupRequested,
    ZoneResolved,
)
from schemas.bolus.advice import AdviceRefused, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import BasalDelivered
from schemas.delivery.device import PumpReading
from schemas.delivery.pump import SuspendDelivery
from schemas.glucose import GlucoseMeasured
from schemas.message import Command, Now, Outcome
from schemas.record import ClockChanged, Malformed, MessageQuarantined, Restarted
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    EventId,
    Grams,
    MgDl,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    PumpId,
    UtcMillis,
)
from schemas.wire import codec
from services.runtime.pump_link.protocol import Read
from support.simulated.fake_system import LIMITS, PROFILE, PUMP, START, FakeSystem, whole_day

NOW = Now(therapy=UtcMillis(START), real=UtcMillis(START), speed=1)


def heard(body: Any) -> Entry:
    return Entry(id="report:1", at=UtcMillis(START), body=body)


@pytest.mark.parametrize("name", sorted(DECIDERS))
def test_every_column_sets_aside_what_it_cannot_read(name: Any) -> None:
    """An event and an alarm, and the next message finds it thinking."""
    decider: Any = DECIDERS[name]
    bytes_ = Malformed(subject="x", reason="not JSON", sha256="00", first_bytes="00")

    said = decider.decide(decider.initial(PUMP), heard(bytes_), NOW)

    assert isinstance(said[0], MessageQuarantined) and 2 == len(said)


@pytest.mark.parametrize("name", sorted(DECIDERS))
def test_every_column_stays_silent_about_what_is_not_its_own(name: Any) -> None:
    """A report for another changes nothing."""
    decider: Any = DECIDERS[name]
    state = decider.initial(PUMP)
    foreign = heard(ClockChanged(speed=1, therapy=UtcMillis(START)))
    if name == RECORD_DECIDER.name:
        said = heard(decider.decide(state, foreign, NOW)[0])
        state = decider.evolve(state, msgspec.structs.replace(said, speaker=decider.name))

    assert () == decider.decide(state, foreign, NOW)


def ask(system: FakeSystem, command: Command) -> Outcome:
    return system.ask(command, to="basal_scheduler")


def test_temporary_rates_without_a_plan_without_one_and_in_units(system: FakeSystem) -> None:
    """Each refusal by its name; a rate in mU/h is shown as one."""
    hour = Milliseconds(HOUR_MS)
    early = ask(FakeSystem(), SetTemporaryRate(percent=50, duration=hour))
    none = ask(system, CancelTemporaryRate())
    ask(system, SetTemporaryRate(rate=MilliUnitsPerHour(300), duration=hour))
    shown = system.view("basal_scheduler")
    system.run(ms=MINUTE_MS)

    assert ("no_profile", "none_runs") == (early.reason, none.reason)
    assert ("300 mU/h", 300) == (shown.temporary, shown.rate)
    assert 300 == system.view("actuator").rate


def test_before_limits_are_set_any_model_is_possible() -> None:
    """The pump model is part of the limits, and a plan may be made before them."""
    system = FakeSystem()
    system.ask(PROFILE, to="basal_scheduler")

    assert ask(system, SetTemporaryRate(percent=137, duration=Milliseconds(HOUR_MS))).accepted


def test_a_profile_needs_a_name_that_a_person_can_read(system: FakeSystem) -> None:
    """None is no name, and neither is a page."""
    for name in ("", "x" * 65):
        outcome = ask(system, msgspec.structs.replace(PROFILE, name=name))
        assert (False, "segments_wrong") == (outcome.accepted, outcome.reason)


def restarted(tzdata: str) -> Entry:
    return heard(Restarted(release="0", tzdata=tzdata))


def test_newer_time_zone_data_and_lost_lookups_are_looked_up(system: FakeSystem) -> None:
    """In both columns that mean a clock on the wall."""
    for decider, name in ((BASAL_DECIDER, "basal_scheduler"), (BOLUS_DECIDER, "bolus_advisor")):
        state = system.state(name)
        zone = state.zone if name == "basal_scheduler" else state.clock.known
        again = decider.decide(state, restarted("1999.1"), NOW)
        same = decider.decide(state, restarted(zone.tzdata), NOW)
        assert [ZoneLookupRequested] == [type(one) for one in again]
        assert () == same
    lost = msgspec.structs.replace(
        system.state("basal_scheduler"),
        lookup=ZoneLookupRequested(zone="Asia/Tokyo", since=UtcMillis(START)),
    )
    (asked,) = BASAL_DECIDER.decide(lost, restarted("2026.6"), NOW)
    assert isinstance(asked, ZoneLookupRequested) and "Asia/Tokyo" == asked.zone


def test_an_answer_about_another_zone_makes_no_plan(system: FakeSystem) -> None:
    """It came too late: the person has gone on."""
    state: BasalState = system.state("basal_scheduler")
    assert state.zone is not None
    other = msgspec.structs.replace(state.zone, zone="Asia/Tokyo")
    nothing = msgspec.structs.replace(state.zone, transitions=())

    assert () == BASAL_DECIDER.decide(state, heard(other), NOW)
    assert () == BASAL_DECIDER.decide(state, heard(nothing), NOW)
    assert () == BASAL_DECIDER.decide(BASAL_DECIDER.initial(PumpId("p")), heard(state.zone), NOW)


def test_a_plan_waits_for_the_zone_and_a_lookup_that_fails_says_so(system: FakeSystem) -> None:
    """Without transitions there is nothing to plan by, and the alarm is the advisor's own."""
    state = system.state("bolus_advisor")
    unknown = ZoneResolved(
        zone=state.clock.zone, tzdata="2026.6", transitions=(), known_until=UtcMillis(START)
    )
    said = BOLUS_DECIDER.decide(state, heard(unknown), NOW)
    after = BOLUS_DECIDER.evolve(state, heard(unknown))

    assert ["zone_unknown"] == [getattr(one, "alarm", "") for one in said]
    assert after.clock.known == state.clock.known
    away = msgspec.structs.replace(system.state("basal_scheduler"), zone=None)
    rate = SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS))
    entry = Entry(id="c", at=UtcMillis(START), body=rate)
    assert ["TemporaryRateStarted"] == [
        type(one).__name__ for one in BASAL_DECIDER.decide(away, entry, NOW)
    ]


def test_a_view_before_anything_was_set() -> None:
    """Unknown is none, not zero."""
    bolus = BOLUS_DECIDER.view(initial(PUMP), NOW)
    basal = BASAL_DECIDER.view(BASAL_DECIDER.initial(PUMP), NOW)

    assert None is getattr(bolus, "insulin_on_board_least")  # noqa: B009  # any view
    assert None is getattr(basal, "profile")  # noqa: B009  # any view


def test_a_view_names_the_profile_that_is_asked_for_while_the_plan_is_older(
    system: FakeSystem,
) -> None:
    """A plan of a profile that was replaced since."""
    state = system.state("basal_scheduler")
    assert state.plan is not None
    old = msgspec.structs.replace(
        state, plan=msgspec.structs.replace(state.plan, profile="basal_scheduler:p1:0")
    )

    assert "test" == getattr(BASAL_DECIDER.view(old, NOW), "profile")  # noqa: B009  # any view


def test_an_alarm_that_was_seen_says_by_whom_and_others_do_not(system: FakeSystem) -> None:
    """Two alarms, one acknowledged."""
    system.glucose("40")
    system.settle()
    names = [alarm.alarm for alarm in system.view("glucose_ingest").alarms]
    system.ask(AcknowledgeAlarm(alarm=names[0]), to="glucose_ingest")
    seen = {one.alarm: one.acknowledged_by for one in system.view("glucose_ingest").alarms}

    assert {names[0]: "person:test"} | dict.fromkeys(names[1:], "") == seen
    assert 1 == len(system.said_of("glucose_ingest", AlarmAcknowledged))


def test_a_vendor_that_gives_no_advice_is_a_refusal(system: FakeSystem) -> None:
    """Were the system's own minimum lower, Loop's would still hold."""
    settings = msgspec.structs.replace(whole_day(rules="loop"), safe_minimum=MgDl(50))
    system.ask(settings, to="bolus_advisor")
    system.glucose("52")
    outcome = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor")

    refused = codec.decode_event(outcome.said[0])
    assert isinstance(refused, AdviceRefused)
    assert "vendor_gives_no_advice" == refused.reason


def test_a_second_extended_advice_is_refused_and_a_pump_without_a_maximum_has_none(
    system: FakeSystem,
) -> None:
    """Dana pumps publish no largest bolus; the person's limit holds."""
    system.ask(msgspec.structs.replace(LIMITS, pump_model="dana_rs"), to="actuator")
    spread = RequestAdvice(carbs=Grams(200), duration=Milliseconds(HOUR_MS))
    first = system.ask(spread, to="bolus_advisor")
    system.ask(msgspec.structs.replace(LIMITS, single=20_000, hourly=20_000), to="actuator")
    order = OrderBolus(amount=system.view("bolus_advisor").advised, duration=spread.duration)
    system.ask(order, to="bolus_advisor")
    second = system.ask(spread, to="bolus_advisor")
    advice = codec.decode_event(first.said[0])

    assert 10_000 == getattr(advice, "amount")  # noqa: B009  # any event
    assert "extended_running" == second.reason


def test_a_reading_older_than_the_latest_is_no_news() -> None:
    """A sensor hands over its past: it fills the gap in the trend, and alerts are about now."""

    def reading(at: int, glucose: int) -> Reading:
        when = UtcMillis(START + at)
        return Reading(at=when, arrived_at=when, glucose=MgDl(glucose), source="sensor")

    snapshot = fold_reading(GlucoseSnapshot(), reading(0, 100))

    late = fold_reading(snapshot, reading(-1, 40))
    assert ((START - 1, 40), (START, 100)) == late.points
    assert snapshot == msgspec.structs.replace(late, points=snapshot.points)
    assert snapshot is fold_reading(snapshot, reading(-3 * HOUR_MS, 40))
    assert snapshot != fold_reading(snapshot, reading(1, 40))


def test_a_reading_of_the_past_raises_nothing(system: FakeSystem) -> None:
    """It is recorded, and the latest stays the latest."""
    system.glucose("100")
    before = system.view("glucose_ingest").alarms
    system.glucose("40", at=UtcMillis(system.clock.now().therapy - 5 * MINUTE_MS))

    assert 2 == len(system.said_of("glucose_ingest", GlucoseMeasured))
    assert before == system.view("glucose_ingest").alarms


def test_a_speed_that_did_not_change_is_no_event() -> None:
    """The historian notes changes."""
    state = RECORD_DECIDER.initial(PUMP)
    at = heard(ClockChanged(speed=60, therapy=UtcMillis(START)))
    (changed,) = RECORD_DECIDER.decide(state, at, NOW)
    own = Entry(id="h", at=UtcMillis(START), speaker=RECORD_DECIDER.name, body=changed)

    assert () == RECORD_DECIDER.decide(RECORD_DECIDER.evolve(state, own), at, NOW)


def test_a_pump_refuses_registers_and_names_that_cannot_be() -> None:
    """What memory cannot hold was not written by a pump."""
    at = UtcMillis(START)
    with pytest.raises(ValueError, match="not less than a pulse"):
        PumpMemory(basal_at=at, on_at=at, owed=PULSE_PARTS)
    with pytest.raises(ValueError, match="negative"):
        PumpMemory(basal_at=at, on_at=at, epoch=-1)
    memory = power_on(None, now=at, fill=None).memory
    long = stop_bolus(memory, dose=DoseId("x" * 201), executed=False, now=at)

    assert PumpRefusal(reason="broken_id") == long
    assert memory == resume(memory, now=at).memory


def test_a_file_that_cannot_be_used_says_its_name() -> None:
    """And why."""
    assert "a.csv: empty" == str(GlucoseFileError(name="a.csv", reason="empty"))


def test_profiles_are_kept_up_to_a_bound_each_by_its_name(system: FakeSystem) -> None:
    """One that is kept may always be changed."""
    again = ask(system, msgspec.structs.replace(PROFILE, activate=False))

    assert again.accepted
    assert isinstance(PROFILE, SetBasalProfile)


def test_a_cancelled_rate_ends_and_one_in_percent_is_shown_as_one(system: FakeSystem) -> None:
    """And the profile runs again at once."""
    ask(system, SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS)))
    shown = system.view("basal_scheduler").temporary
    cancelled = ask(system, CancelTemporaryRate())

    assert "50 %" == shown
    assert cancelled.accepted and None is system.view("basal_scheduler").temporary
    assert 800 == system.view("basal_scheduler").rate


def test_no_advice_while_the_pump_stands(system: FakeSystem) -> None:
    """Nothing of it could be given."""
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)

    assert "suspended" == system.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor").reason


def test_only_events_about_alarms_change_alarms(system: FakeSystem) -> None:
    """One that sounds again changes no other."""
    low = Condition("a", "minor", "delayed", "as_before", "person", "x")
    high = Condition("b", "minor", "delayed", "as_before", "person", "y")
    alarms: Alarms = ()
    for event in (*raise_alarm((), low), *raise_alarm((), high)):
        alarms = fold_alarm(alarms, heard(event))
    again = fold_alarm(alarms, heard(AlarmRepeated(alarm="b", priority="high", count=2)))

    assert alarms == fold_alarm(alarms, heard(AlarmCleared(alarm="c")))
    assert alarms == fold_alarm(alarms, heard(CancelTemporaryRate()))
    assert [("a", "low"), ("b", "high")] == [(one.alarm, one.priority) for one in again]
    assert system.view("actuator").alarms == ()


def test_many_readings_are_told_apart_from_their_doubles() -> None:
    """More than are kept in the quick list."""
    system = FakeSystem()
    for number in range(70):
        system.glucose("100", at=UtcMillis(system.clock.now().therapy - number * MINUTE_MS))
    double = system.glucose("100", at=UtcMillis(system.clock.now().therapy - 3 * MINUTE_MS))

    assert 70 == len(system.said_of("glucose_ingest", GlucoseMeasured))
    assert (False, "duplicate") == (double.accepted, double.reason)


def test_a_page_that_is_not_the_last_settles_nothing() -> None:
    """The registers are newer than the history read so far."""
    system = FakeSystem()
    system.set_up()
    state = system.state("actuator")
    reading = PumpReading(
        status=system.pump.host.answer(Read(after=0), now=NOW).reading.status,  # type: ignore[union-attr]  # a reading
        history=(),
    )
    ahead = msgspec.structs.replace(
        reading, status=msgspec.structs.replace(reading.status, history_sequence=10**6)
    )

    assert () == decide_reading(state, ahead, NOW)


def test_a_pump_refuses_what_it_cannot_spread_or_has_given() -> None:
    """By itself, whatever the controller thinks."""
    at = UtcMillis(START)
    memory = power_on(None, now=at, fill=MilliUnits(100_000)).memory

    def refusal(**fields: Any) -> Any:
        asked = {"dose": DoseId("d"), "amount": MilliUnits(500), "executed": False, "now": at}
        return start_bolus(memory, **{**asked, **fields})

    for duration in (10 * MINUTE_MS - 1, 24 * HOUR_MS + 1, -1):
        assert PumpRefusal(reason="out_of_range") == refusal(duration=Milliseconds(duration))
    assert PumpRefusal(reason="broken_id") == refusal(dose=DoseId(""))
    assert PumpRefusal(reason="already_executed") == refusal(executed=True)
    stopped = stop_bolus(memory, dose=DoseId("d"), executed=False, now=at)
    assert isinstance(stopped, PumpStep)
    late = start_bolus(
        stopped.memory, dose=DoseId("d"), amount=MilliUnits(500), executed=False, now=at
    )
    assert PumpRefusal(reason="barred") == late
    assert () == run_until(memory, now=UtcMillis(at - 1)).records


def test_strokes_before_the_reservoir_is_known_are_counted_all_the_same() -> None:
    """What is left is not guessed: it stays unknown until the pump tells."""
    part = BasalDelivered(
        plan=EventId("basal_scheduler:p1:3"),
        starts_at=UtcMillis(START),
        ends_at=UtcMillis(START + MINUTE_MS),
        amount=MilliUnits(50),
        odometer=MilliUnits(50),
        history_sequence=1,
    )

    moved = move(DeliveryState(), part)

    assert (None, None, 50) == (moved.reservoir, moved.dry_at, moved.odometer)
    known = move(msgspec.structs.replace(DeliveryState(), reservoir=MilliUnits(60)), part)
    assert (10, START + MINUTE_MS) == (known.reservoir, known.dry_at)
