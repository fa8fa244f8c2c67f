"""One decider over its journal: what is heard, stored, refused and found out."""

from typing import Any

import pytest

from core.deciders.glucose.decider import GLUCOSE_DECIDER
from core.kernel.decider import Decider, Entry
from core.kernel.errors import InvariantError
from schemas.bolus.advice import AcceptAdvice, RequestAdvice
from schemas.bolus.orders import BolusOrdered, OrderBolus
from schemas.delivery.delivery import BolusStartRequested, CancelBolus
from schemas.glucose import GlucoseMeasured, RecordReading
from schemas.message import (
    Command,
    CommandEnvelope,
    Deadline,
    Event,
    Now,
)
from schemas.record import MessageQuarantined, SpeakerForked, Tick
from schemas.units import Actor, CommandId, Grams, MilliUnits, PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.subjects import REPLY_HEADER, command_subject, event_subject
from services.runtime.decider_host.processor import DeciderProcessor, Reported
from services.runtime.journal.memory_store import FakeStore
from services.runtime.platform.errors import SecondWriter
from services.runtime.ports import Arrived
from support.simulated.changed_decider import changed
from support.simulated.fake_system import LIMITS, PUMP, SETTINGS, FakeSystem

NOW = Now(therapy=UtcMillis(1_000_000_000_000), real=UtcMillis(1_000_000_000_000), speed=1)
LATER = Deadline(therapy=UtcMillis(2_000_000_000_000), real=UtcMillis(2_000_000_000_000))


def command(body: Command, *, name: str = "c1", inbox: str = "basalt_reply.a.b") -> Arrived:
    envelope = CommandEnvelope(
        id=CommandId(name), actor=Actor("person:a"), expires=LATER, command=codec.encode_raw(body)
    )
    subject = command_subject(pump=PUMP, service=Speaker("glucose_ingest"), name="record_reading")
    return Arrived(subject, codec.encode(envelope), {REPLY_HEADER: inbox}, 1)


def reading(text: str = "120") -> RecordReading:
    return RecordReading(measured_at=NOW.therapy, source="meter", unit="mg/dL", received=text)


def processor(store: FakeStore) -> DeciderProcessor[Any]:
    made = DeciderProcessor(decider=GLUCOSE_DECIDER, store=store)
    made.unit_of_work.follow(stream="made today")
    return made


@pytest.mark.requirement("R34")
def test_a_command_is_obeyed_once_however_often_it_comes() -> None:
    """A retry gets the stored outcome, also from a process that was started since."""
    store = FakeStore()
    first = processor(store).handle([command(reading()), command(reading())], now=NOW)
    second = processor(store).handle([command(reading())], now=NOW)

    assert [1, 0] == [len(first.decisions), len(second.decisions)]
    assert first.answers[0] == first.answers[1] == second.answers[0]


@pytest.mark.parametrize(
    ("asked", "now"),
    [
        (reading("x"), NOW),
        (reading(), Now(therapy=LATER.therapy, real=LATER.real, speed=1)),
        (CancelBolus(), NOW),
        (reading("45"), NOW),
    ],
    ids=["rejected", "expired", "not for me", "several events"],
)
def test_an_outcome_is_told_again_letter_for_letter(asked: Command, now: Now) -> None:
    """Who retries must not be told another story than who was first."""
    store = FakeStore()
    first = processor(store).handle([command(asked), command(asked)], now=now)
    second = processor(store).handle([command(asked)], now=now)

    assert first.answers[0] == first.answers[1] == second.answers[0]


@pytest.mark.requirement("R39")
def test_a_command_after_its_expiry_is_refused() -> None:
    """A command that lay in a queue for an hour is not what the person wants now."""
    late = Now(therapy=LATER.therapy, real=LATER.real, speed=1)

    step = processor(FakeStore()).handle([command(reading())], now=late)

    assert b'"reason":"expired"' in step.answers[0][1]
    assert b'"accepted":false' in step.answers[0][1]


@pytest.mark.parametrize(
    "inbox", ["basalt.p1.event.actuator.bolus_delivered", "$JS.API.STREAM.DELETE.basalt", "a.b.c"]
)
def test_a_reply_goes_to_a_reply_inbox_and_nowhere_else(inbox: str) -> None:
    """A header that may name any subject lets a client publish with the service's rights."""
    store = FakeStore()

    step = processor(store).handle([command(reading(), inbox=inbox)], now=NOW)

    assert [] == step.answers
    assert b"message_quarantined" in step.decisions[0][0].data


POISON = {
    "not json": b"\xff\xfe{",
    "wrong type": b'{"id":"a:b:1","at":"soon"}',
    "unknown tag": b'{"id":"x","actor":"a","expires":{"therapy":2000000000000,'
    b'"real":2000000000000},"command":{"type":"explode.v1"}}',
    "nan": b'{"id":"x","actor":"a","expires":{"therapy":NaN,"real":1},"command":{}}',
    "deep": b"[" * 100_000,
    "float": b'{"id":"x","actor":"a","expires":{"therapy":2000000000000,"real":2000000000000},'
    b'"command":{"type":"record_reading.v1","measured_at":1.5,"source":"meter",'
    b'"unit":"mg/dL","received":"1"}}',
    "empty": b"",
}


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("data", POISON.values(), ids=POISON.keys())
def test_poison_goes_to_quarantine_and_the_next_message_is_heard(data: bytes) -> None:
    """What cannot be understood is an event and an alarm, never a crash loop."""
    store = FakeStore()
    poison = Arrived(command(reading()).subject, data, {}, 1)

    step = processor(store).handle([poison, command(reading())], now=NOW)

    kinds = [b"message_quarantined", b"alarm_raised", b"glucose_measured"]
    said = [out.data for decision in step.decisions for out in decision]
    assert all(kind in data for kind, data in zip(kinds, said, strict=True))
    assert [data] == [
        row.state.split(b"\n", 2)[2]
        for _, row in store.rows()
        if row.topic == "heard malformed.v1" and data
    ] or not data


def broken(state: Any, entry: Entry, now: Now) -> tuple[Event, ...]:
    if isinstance(entry.body, RecordReading):
        raise ZeroDivisionError("a bug")
    return GLUCOSE_DECIDER.decide(state, entry, now)


def test_a_decider_that_raises_quarantines_the_message() -> None:
    """One message that hits a bug must not stop a pump for ever."""
    decider = _with(GLUCOSE_DECIDER, decide=broken)

    step = DeciderProcessor(decider=decider, store=FakeStore()).handle(
        [command(reading())], now=NOW
    )

    assert b"deciding raised ZeroDivisionError" in step.decisions[0][0].data
    assert b'"accepted":false' in step.answers[0][1]


def test_a_tick_that_moves_nothing_stops_the_process() -> None:
    """A decider that never comes to rest would burn a core and say nothing."""
    decider = _with(GLUCOSE_DECIDER, wake_at=lambda state: NOW.therapy)
    broken_machine = DeciderProcessor(decider=decider, store=FakeStore())

    with pytest.raises(InvariantError):
        broken_machine.handle([Reported(PUMP, Tick())], now=NOW)


def test_a_decider_may_say_only_what_it_says() -> None:
    """SAYS is the permission on the broker: an event outside of it could never be published."""

    def decide(state: Any, entry: Entry, now: Now) -> tuple[Event, ...]:
        return (BolusOrdered(amount=MilliUnits(50), actor="x", start_by=LATER),)

    decider = _with(GLUCOSE_DECIDER, decide=decide)

    with pytest.raises(InvariantError):
        DeciderProcessor(decider=decider, store=FakeStore()).handle(
            [Reported(PUMP, Tick())], now=NOW
        )


def _with(decider: Decider[Any], **changes: Any) -> Decider[Any]:
    return changed(decider, **{"effects": lambda entry: (), **changes})


@pytest.mark.requirement("R87")
def test_time_given_to_decide_never_goes_back() -> None:
    """A clock that steps back must not make an expired order fresh again."""
    store = FakeStore()
    one = processor(store)
    one.handle([command(reading(), name="c1")], now=NOW)
    earlier = Now(therapy=UtcMillis(NOW.therapy - 1), real=UtcMillis(NOW.real - 1), speed=1)
    one.handle([command(reading("130"), name="c2")], now=earlier)

    heads = [row.state.split(b"\n")[0] for _, row in store.rows()]
    assert all(head.startswith(b"[1000000000000,1000000000000") for head in heads)


@pytest.fixture
def system() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    return ready


def event_of(system: FakeSystem, speaker: str, version: int) -> bytes:
    return next(
        message.data
        for message in system.broker.messages
        if message.data.startswith(b'{"id":"%s:p1:%d"' % (speaker.encode(), version))
    )


def test_an_event_heard_twice_is_dropped(system: FakeSystem) -> None:
    """Redelivery after a reset is normal; insulin counted twice is not."""
    system.glucose("140")
    before = system.state("bolus_advisor")
    again = event_of(system, "glucose_ingest", 1)
    subject = event_subject(pump=PUMP, speaker=Speaker("glucose_ingest"), name="glucose_measured")
    system.broker.put(subject, again, {})
    system.settle()

    assert before == system.state("bolus_advisor")


def test_two_events_under_one_number_are_a_fork_and_stop_boluses(system: FakeSystem) -> None:
    """A speaker that contradicts itself was restored, copied or forged: nobody doses by it."""
    system.glucose("140")
    forged = event_of(system, "glucose_ingest", 1).replace(b'"140"', b'"340"')
    subject = event_subject(pump=PUMP, speaker=Speaker("glucose_ingest"), name="glucose_measured")
    system.broker.put(subject, forged, {})
    system.settle()

    assert 1 == len(system.said_of("bolus_advisor", SpeakerForked))
    advice = system.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    assert (False, "history_missing") == (advice.accepted, advice.reason)


def test_an_event_that_does_not_join_on_is_a_fork(system: FakeSystem) -> None:
    """`previous` binds each event to the bytes before it: an inserted one is found."""
    system.glucose("140")
    data = event_of(system, "glucose_ingest", 1).replace(b":p1:1", b":p1:2")
    subject = event_subject(pump=PUMP, speaker=Speaker("glucose_ingest"), name="glucose_measured")
    system.broker.put(subject, data, {})
    system.settle()

    assert 1 == len(system.said_of("historian", SpeakerForked))


@pytest.mark.requirement("R35")
def test_the_intent_is_stored_before_the_motor_moves(system: FakeSystem) -> None:
    """A crash between the two must leave a dose that counts, not one that nobody knows."""
    stored_when_moved: list[bool] = []
    original = system.pump.start_bolus

    async def watched(**arguments: Any) -> Any:
        stored_when_moved.append(bool(system.said_of("actuator", BolusStartRequested)))
        return await original(**arguments)

    system.pump.start_bolus = watched  # type: ignore[method-assign]  # to look at the moment
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")

    assert [True] == stored_when_moved


def test_every_command_is_answered(system: FakeSystem) -> None:
    """Never do nothing in silence: a cancel without a bolus is refused with its reason."""
    outcome = system.ask(CancelBolus(), to="actuator")

    assert (False, "no_bolus_runs") == (outcome.accepted, outcome.reason)


def test_a_command_sent_to_the_wrong_service_is_refused(system: FakeSystem) -> None:
    """A command that nobody obeys must not vanish."""
    outcome = system.ask(LIMITS, to="bolus_advisor")

    assert (False, "not_for_me") == (outcome.accepted, outcome.reason)


def test_a_journal_written_by_two_processes_stops_the_second() -> None:
    """Two writers would give two events one number."""
    store = FakeStore()
    one, two = processor(store), processor(store)
    one.handle([command(reading(), name="c1")], now=NOW)

    with pytest.raises(SecondWriter):
        two.handle([command(reading(), name="c2")], now=NOW)


def test_a_restarted_service_knows_what_it_knew(system: FakeSystem) -> None:
    """State is the fold of the journal, nothing else."""
    system.glucose("140")
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    system.run(ms=300_000)
    before = {name: system.view(name) for name in system.services if name != "historian"}
    for name in before:
        system.restart(name)
    system.settle()

    assert before == {name: system.view(name) for name in before}


def test_settings_are_heard_by_their_owner_alone(system: FakeSystem) -> None:
    """One owner for one thing."""
    assert system.state("bolus_advisor").settings.carb_ratios == SETTINGS.carb_ratios
    assert [] == system.said_of("glucose_ingest", GlucoseMeasured)
    assert [] == system.said_of("bolus_advisor", MessageQuarantined)
    assert (
        "no_such_advice"
        == system.ask(
            AcceptAdvice(advice=PumpId("x")),  # type: ignore[arg-type]  # any text
            to="bolus_advisor",
        ).reason
    )
