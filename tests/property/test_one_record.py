"""The same events give the same record, in whatever order and however often they arrive."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import services.runtime.hearing
from core.record import HISTORIAN, RECORD_DECIDER
from fake_house import PUMP, FakeHouse
from schemas.message import Now
from schemas.subjects import event_subject, parse_subject
from schemas.units import HOUR_MS, Speaker
from services.runtime.admission import Admission, admit
from services.runtime.fake_store import FakeStore
from services.runtime.machine import Machine
from services.runtime.ports import FETCH_MESSAGES_MAX, Arrived
from services.runtime.record_check import RecordCheck


def lived() -> FakeHouse:
    house = FakeHouse()
    house.set_up()
    for value in ("120", "180", "90"):
        house.glucose(value)
        house.order(500)
        house.run(ms=HOUR_MS)
    return house


HOUSE = lived()
MESSAGES = tuple(
    one for one in HOUSE.broker.messages if parse_subject(one.subject).service != HISTORIAN
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
    own = HOUSE.stores[speaker]
    for data in own.history(speaker=speaker, pump=PUMP, first=first, last=last, own=True):
        yield Arrived(event_subject(pump=PUMP, speaker=speaker, name="any"), data, {}, 0)


def recorded(seed: int) -> FakeStore:
    """Let a historian hear it all, killed and started again now and then."""
    chance, store = random.Random(seed + 1), FakeStore()
    waiting = deque(on_the_way(seed))
    now = Now(therapy=HOUSE.clock.now().therapy, real=HOUSE.clock.now().real, speed=1)
    while waiting:
        machine = Machine(decider=RECORD_DECIDER, store=store)
        machine.books.follow(stream="s")
        for _ in range(chance.randint(1, 20)):
            count = min(len(waiting), chance.randint(1, FETCH_MESSAGES_MAX))
            step = machine.handle([waiting.popleft() for _ in range(count)], now=now)
            if step.missing is not None:
                waiting.extendleft(
                    reversed([one for one in step.unread if isinstance(one, Arrived)])
                )
                lost = step.missing
                machine.handle([*fetched(lost.speaker, lost.first, lost.last)], now=now)
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
    machine = Machine(decider=RECORD_DECIDER, store=store)
    view: Any = RECORD_DECIDER.view(machine.books.ledger(PUMP).state, HOUSE.clock.now())
    return {**trees, "record": view.root}


EXPECTED = hashes(HOUSE.stores[HISTORIAN])


@given(seed=st.integers(0, 2**32))
@example(seed=0)
@settings(deadline=None)
def test_the_record_hash_is_the_same_whatever_the_way(seed: int) -> None:
    """Duplicates, delays, losses and restarts on the way change nothing."""
    assert hashes(recorded(seed)) == EXPECTED


def holes_are_accepted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(services.runtime.hearing, "admit", lambda **_: Admission.ACCEPT)


def holes_are_dropped(patch: pytest.MonkeyPatch) -> None:
    def forgetful(**arrived: Any) -> Admission:
        found = admit(**arrived)
        return Admission.DROP if found is Admission.FETCH else found

    patch.setattr(services.runtime.hearing, "admit", forgetful)


@pytest.mark.parametrize("weaken", [holes_are_accepted, holes_are_dropped])
def test_the_mutant_is_caught(
    weaken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record with a hole or a double is another record."""
    weaken(monkeypatch)
    with pytest.raises(AssertionError):
        for seed in range(10):
            assert hashes(recorded(seed)) == EXPECTED
