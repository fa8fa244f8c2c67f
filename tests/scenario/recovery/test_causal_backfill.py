"""Stream and historian lost: the record comes back from the others, in the order that was lived."""

import copy
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

import pytest

import services.runtime.catch_up.causal_backfill
import services.runtime.decider_host.inbox
import services.runtime.journal.causal_order
from core.deciders.record.decider import HISTORIAN, RECORD_DECIDER
from schemas.alarms import AlarmRaised
from schemas.record import HistoryMissing
from schemas.units import HOUR_MS, MINUTE_MS, Speaker, UtcMillis
from services.runtime.audit.redecide import verify_decisions
from services.runtime.journal.causal_order import Merged
from services.runtime.journal.entries import read_row
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.replay.replay import replay
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.gathered_system import (
    OTHERS,
    answer,
    events_in,
    folded,
    gathered,
    lived,
    say_again,
    stream_made_anew,
    too_early,
)

ACTUATOR, ADVISOR = Speaker("actuator"), Speaker("bolus_advisor")
GLUCOSE, SCHEDULER = Speaker("glucose_ingest"), Speaker("basal_scheduler")
ORDERS = tuple(permutations(OTHERS))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.runtime.catch_up.causal_backfill, "PAUSE_S", 0.0)


@pytest.fixture(scope="module")
def system() -> FakeSystem:
    return a_morning()


def a_morning() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    for value in ("120", "180", "90"):
        ready.glucose(value)
        ready.order(500)
        ready.run(ms=20 * MINUTE_MS)
        ready.glucose("150")
        ready.run(ms=HOUR_MS)
    return ready


def told(store: FakeStore, kind: type[Any]) -> list[Any]:
    """Give what the historian itself said of one kind."""
    entries = [read_row(row).entry for _, row in store.rows(pump=PUMP)]
    return [one.body for one in entries if one.speaker == HISTORIAN and isinstance(one.body, kind)]


def assert_as_lived(store: FakeStore, system: FakeSystem) -> None:
    """The same bytes in causal order, the same states at the end and at any instant before."""
    record, begin = system.stores[HISTORIAN], system.clock.now().therapy - 5 * HOUR_MS
    assert [] == too_early(store)
    assert events_in(record) == events_in(store)
    assert lived(system) == folded(store, system)
    for at in range(begin, system.clock.now().therapy, 17 * MINUTE_MS):
        then, now = (replay(one, pump=PUMP, at=UtcMillis(at)) for one in (record, store))
        assert {name: then[name] for name in OTHERS} == {name: now[name] for name in OTHERS}


@pytest.mark.requirement("R97")
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ">".join(one[:2] for one in order))
async def test_a_record_gathered_anew_folds_as_it_was_lived(
    system: FakeSystem, order: Sequence[Speaker]
) -> None:
    """Whoever speaks first: no bolus stands delivered before it was ordered."""
    broker = stream_made_anew(system)
    answer(system, broker, *OTHERS)
    for speaker in order:
        say_again(system, broker, speaker)

    store = await gathered(system, broker)

    assert_as_lived(store, system)


def nothing_is_waited_for(*_: object, **__: object) -> None:
    return None


@pytest.mark.requirement("R97")
async def test_the_mutant_that_asks_one_speaker_after_another_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the historian did: a delivered bolus seemed to be open still, and counted twice."""
    monkeypatch.setattr(
        services.runtime.decider_host.inbox, "first_not_seen", nothing_is_waited_for
    )
    broker = stream_made_anew(system)
    answer(system, broker, *OTHERS)
    for speaker in (ACTUATOR, SCHEDULER, GLUCOSE, ADVISOR):
        say_again(system, broker, speaker)

    store = await gathered(system, broker, old=True)

    assert events_in(system.stores[HISTORIAN]) == events_in(store)
    assert too_early(store)
    most = folded(store, system)[ADVISOR].insulin_on_board_most
    assert most > lived(system)[ADVISOR].insulin_on_board_most


async def test_pages_of_few_events_give_the_same(system: FakeSystem) -> None:
    """Where the page of one ends the others wait: what follows in it may be older."""
    broker = stream_made_anew(system)
    answer(system, broker, *OTHERS, page=3)
    for speaker in (ACTUATOR, SCHEDULER, GLUCOSE, ADVISOR):
        say_again(system, broker, speaker)

    assert_as_lived(await gathered(system, broker), system)


def says_all_again(system: FakeSystem) -> FakeBroker:
    """A service that died before its newest word was in the new stream says all its few again."""
    broker = stream_made_anew(system)
    answer(system, broker, *OTHERS)
    say_again(system, broker, GLUCOSE, last=1_000)
    for speaker in (ACTUATOR, ADVISOR, SCHEDULER):
        say_again(system, broker, speaker)
    return broker


async def test_who_says_all_its_few_events_again_is_put_between_the_others(
    system: FakeSystem,
) -> None:
    """Readings that follow upon each other show no hole; what they had heard shows it."""
    assert_as_lived(await gathered(system, says_all_again(system)), system)


async def test_a_historian_that_was_put_back_gathers_what_it_lacks() -> None:
    """What the copy has stays as it stands; the rest follows in causal order."""
    system = a_morning()
    earlier = copy.deepcopy(system.stores[HISTORIAN])
    system.order(500)
    system.run(ms=20 * MINUTE_MS)
    broker = stream_made_anew(system)
    answer(system, broker, *OTHERS)
    for speaker in (ACTUATOR, SCHEDULER, GLUCOSE, ADVISOR):
        say_again(system, broker, speaker)

    store = await gathered(system, broker, store=earlier)

    assert_as_lived(store, system)


async def test_a_stream_that_was_never_lost_is_heard_in_its_own_order(system: FakeSystem) -> None:
    """Only the journal was lost: what arrived first stands first, commands among the events."""
    answer(system, system.broker, *OTHERS)

    store = await gathered(system, system.broker)

    assert foreign(system.stores[HISTORIAN]) == foreign(store)
    assert_as_lived(store, system)


def foreign(store: FakeStore) -> list[str]:
    """Name the events and commands of others in a record, in order."""
    read = [read_row(row) for _, row in store.rows(pump=PUMP)]
    return [one.entry.id for one in read if one.head.subject and one.entry.speaker != HISTORIAN]


def without_the_actuator(system: FakeSystem) -> FakeBroker:
    """Only the advisor is there, and nobody has what it had heard of the actuator."""
    broker = stream_made_anew(system)

    def own_alone(of: Speaker, pump: str, first: int, last: int) -> Iterator[bytes]:
        if of != ADVISOR or not pump:
            return iter(())
        store = system.stores[ADVISOR]
        return store.history(speaker=of, pump=PUMP, first=first, last=last, own=True)

    broker.historians[ADVISOR] = own_alone
    say_again(system, broker, ADVISOR)
    return broker


async def test_what_nobody_gives_is_told_and_stands_later_if_it_still_comes(
    system: FakeSystem,
) -> None:
    """The record is whole before it is in order: nothing is dropped because it comes late."""
    broker = without_the_actuator(system)
    store = FakeStore()

    await gathered(system, broker, store=store)

    raised = told(store, AlarmRaised)
    assert {"runtime_heard_by_others"} == {one.alarm for one in raised}
    assert "actuator up to" in raised[0].text
    assert not told(store, HistoryMissing)
    assert events_in(system.stores[HISTORIAN])[ADVISOR] == events_in(store)[ADVISOR]

    answer(system, broker, *OTHERS)
    for speaker in (ACTUATOR, SCHEDULER, GLUCOSE):
        say_again(system, broker, speaker)
    await gathered(system, broker, store=store)

    assert events_in(system.stores[HISTORIAN]) == events_in(store)


async def test_the_mutant_that_declares_lost_what_may_still_come_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own first word afterwards would be dropped as one that is known to be lost."""
    found = services.runtime.catch_up.causal_backfill.CausalBackfill.find

    async def lost(self: Any, missing: Any) -> Any:
        return await found(self, missing.__class__(**{**as_fields(missing), "was_heard": False}))

    monkeypatch.setattr(services.runtime.catch_up.causal_backfill.CausalBackfill, "find", lost)
    monkeypatch.setattr(
        services.runtime.catch_up.causal_backfill,
        "merged",
        lambda *given, **rest: Merged(
            services.runtime.journal.causal_order.merged(*given, **rest)[0], {}
        ),
    )
    store = await gathered(system, without_the_actuator(system))

    assert told(store, HistoryMissing)


def as_fields(missing: Any) -> dict[str, Any]:
    return {name: getattr(missing, name) for name in missing.__slots__}


async def test_one_that_hangs_is_asked_last_and_its_hearers_give_what_it_said(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that stands still keeps nobody from the record."""
    whole = FakeBus.history

    async def hangs(self: FakeBus, *, asked: Speaker, **rest: Any) -> Sequence[bytes]:
        if asked == ACTUATOR:
            raise TimeoutError
        return await whole(self, asked=asked, **rest)

    monkeypatch.setattr(FakeBus, "history", hangs)
    broker = stream_made_anew(system)
    answer(system, broker, *OTHERS, page=10)
    for speaker in OTHERS:
        say_again(system, broker, speaker)

    assert_as_lived(await gathered(system, broker), system)


async def test_a_small_hole_asks_one_speaker_alone(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that was lost on the way is no lost stream: nobody else looks into a journal."""
    questions: list[Speaker] = []
    whole = FakeBus.history

    async def counted(self: FakeBus, *, asked: Speaker, **rest: Any) -> Sequence[bytes]:
        questions.append(asked)
        return await whole(self, asked=asked, **rest)

    monkeypatch.setattr(FakeBus, "history", counted)
    broker = stream_made_anew(system)
    answer(system, broker, *OTHERS)
    for message in system.broker.messages:
        if f'"{ACTUATOR}:{PUMP}:9"'.encode() not in message.data[:40]:
            broker.put(message.subject, message.data, message.headers)

    store = await gathered(system, broker)

    assert [ACTUATOR] == [one for one in questions if one != HISTORIAN]
    assert_as_lived(store, system)


async def test_what_a_historian_gathered_it_decides_again_alike(system: FakeSystem) -> None:
    """Lines that were gathered are heard like any others."""
    broker = stream_made_anew(system)
    answer(system, broker, *OTHERS)
    for speaker in OTHERS:
        say_again(system, broker, speaker)
    store = await gathered(system, broker)

    assert () == verify_decisions(RECORD_DECIDER, store).differences
