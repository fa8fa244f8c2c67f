"""The same events give the same record, in whatever order and however often they arrive."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import services.runtime.decider_host.inbox
from core.deciders.record.decider import HISTORIAN, RECORD_DECIDER
from schemas.message import Now
from schemas.units import HOUR_MS, Speaker
from schemas.wire.subjects import event_subject, parse_subject
from services.runtime.audit.record_check import RecordCheck
from services.runtime.decider_host.processor import DeciderProcessor
from services.runtime.decider_host.version_check import SequenceCheck, classify
from services.runtime.journal.memory_store import FakeStore
from services.runtime.ports import FETCH_MESSAGES_MAX, Arrived
from support.simulated import gathered_system
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.gathered_system import too_early

ADVISOR = Speaker("bolus_advisor")


def lived() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    for value in ("120", "180", "90"):
        system.glucose(value)
        system.order(500)
        system.run(ms=HOUR_MS)
    return system


SYSTEM = lived()
MESSAGES = tuple(
    one for one in SYSTEM.broker.messages if parse_subject(one.subject).service != HISTORIAN
)


def newest(messages: tuple[Arrived, ...]) -> set[int]:
    """Give the sequences of each speaker's last event: after them nobody knows of a hole."""
    found = {
        one.subject.split(".")[3]: one.sequence for one in messages if ".event." in one.subject
    }
    return set(found.values())


def on_the_way(seed: int) -> Iterator[Arrived]:
    """Lose some, double some, and mix all, as a stream that was lost and others' help do."""
    chance = random.Random(seed)
    last = newest(MESSAGES)
    some = [one for one in MESSAGES if one.sequence in last or chance.random() > 0.2]
    some += chance.choices(MESSAGES, k=len(MESSAGES) // 4)
    reach = chance.choice((0, 3, 30, len(some)))
    mixed = sorted(enumerate(some), key=lambda one: one[0] + chance.uniform(0, reach))
    for number, (_, one) in enumerate(mixed, start=1):
        yield Arrived(one.subject, one.data, one.headers, number)


def fetched(speaker: Speaker, first: int, last: int) -> Iterator[Arrived]:
    """Ask the speaker, as the loop does."""
    own = SYSTEM.stores[speaker]
    for data in own.history(speaker=speaker, pump=PUMP, first=first, last=last, own=True):
        yield Arrived(event_subject(pump=PUMP, speaker=speaker, name="any"), data, {}, 0)


def recorded(seed: int) -> FakeStore:
    """Let a historian hear it all, killed and started again now and then."""
    chance, store = random.Random(seed + 1), FakeStore()
    waiting = deque(on_the_way(seed))
    now = Now(therapy=SYSTEM.clock.now().therapy, real=SYSTEM.clock.now().real, speed=1)
    while waiting:
        processor = DeciderProcessor(decider=RECORD_DECIDER, store=store)
        processor.unit_of_work.follow(stream="s")
        for _ in range(chance.randint(1, 20)):
            count = min(len(waiting), chance.randint(1, FETCH_MESSAGES_MAX))
            step = processor.handle([waiting.popleft() for _ in range(count)], now=now)
            if step.missing is not None:
                lost = step.missing
                unread = [one for one in step.unread if isinstance(one, Arrived)]
                found = fetched(lost.speaker, lost.first, lost.last)
                waiting.extendleft(reversed([*found, *unread]))
    return store


def gathered_anew(seed: int) -> FakeStore:
    """Lose stream and historian; those who are there say their newest again and answer."""
    chance, store = random.Random(seed), FakeStore()
    broker = gathered_system.stream_made_anew(SYSTEM)
    others = gathered_system.OTHERS
    # The advisor hears all the others: whoever else is away, it has everything.
    there = [one for one in others if one == ADVISOR or chance.random() < 0.7]
    gathered_system.answer(SYSTEM, broker, *there, page=chance.choice((1, 7, 50, 500)))
    for speaker in chance.sample(others, len(others)):
        gathered_system.say_again(SYSTEM, broker, speaker, last=chance.choice((1, 1, 5, 1_000)))

    async def run() -> None:
        for _ in range(chance.choice((0, 0, 1, 3))):
            turns = chance.randint(1, 200)
            await gathered_system.gathered(SYSTEM, broker, store=store, turns=turns)
        await gathered_system.gathered(SYSTEM, broker, store=store)

    asyncio.run(run())
    return store


def hashes(store: FakeStore) -> dict[str, str]:
    """Give the root of the record and the Merkle root of each speaker's events."""
    check = RecordCheck({})
    for _, row in store.rows():
        assert list(check.add(row)) == []
    trees: dict[str, str] = {
        speaker: tree.root().hex()
        for speaker, tree in check.pumps[PUMP].trees.items()
        if speaker != HISTORIAN
    }
    processor = DeciderProcessor(decider=RECORD_DECIDER, store=store)
    view: Any = RECORD_DECIDER.view(
        processor.unit_of_work.pump_stream(PUMP).state, SYSTEM.clock.now()
    )
    return {**trees, "record": view.root}


EXPECTED = hashes(SYSTEM.stores[HISTORIAN])


@given(seed=st.integers(0, 2**32))
@example(seed=0)
@settings(deadline=None)
def test_the_record_hash_is_the_same_whatever_the_way(seed: int) -> None:
    """Duplicates, delays, losses and restarts on the way change nothing."""
    assert hashes(recorded(seed)) == EXPECTED


@given(seed=st.integers(0, 2**32))
@example(seed=0)
@settings(deadline=None)
def test_no_line_stands_before_one_that_its_speaker_had_heard(seed: int) -> None:
    """Whatever comes first: the record is in causal order, so that a fold of it makes sense."""
    assert [] == too_early(recorded(seed))


@given(seed=st.integers(0, 2**32))
@example(seed=0)
@settings(deadline=None, max_examples=40)
def test_a_record_gathered_anew_has_the_same_hash_and_folds_as_it_was_lived(seed: int) -> None:
    """Whoever is there, whoever speaks first, and however often the historian dies meanwhile."""
    store = gathered_anew(seed)

    assert hashes(store) == EXPECTED
    assert [] == too_early(store)
    assert gathered_system.lived(SYSTEM) == gathered_system.folded(store, SYSTEM)


def nothing_is_waited_for(*_: object, **__: object) -> None:
    return None


def test_the_mutant_that_keeps_lines_as_they_come_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the historian did: a bolus could stand delivered before it was ordered."""
    monkeypatch.setattr(
        services.runtime.decider_host.inbox, "first_not_seen", nothing_is_waited_for
    )

    assert any(too_early(recorded(seed)) for seed in range(10))


def holes_are_accepted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(services.runtime.decider_host.inbox, "classify", lambda **_: SequenceCheck.ACCEPT)


def holes_are_dropped(patch: pytest.MonkeyPatch) -> None:
    def forgetful(**arrived: Any) -> SequenceCheck:
        found = classify(**arrived)
        return SequenceCheck.DROP if found is SequenceCheck.FETCH else found

    patch.setattr(services.runtime.decider_host.inbox, "classify", forgetful)


@pytest.mark.parametrize("weaken", [holes_are_accepted, holes_are_dropped])
def test_the_mutant_is_caught(
    weaken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record with a hole or a double is another record."""
    weaken(monkeypatch)
    with pytest.raises(AssertionError):
        for seed in range(10):
            assert hashes(recorded(seed)) == EXPECTED
