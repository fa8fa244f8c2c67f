"""What the historian notices when it starts: the lines nobody has signed, held against all others.

It asks each service what its own journal has, and is to see what 'basalt verify record' sees beside
those journals. A record that nobody touched raises nothing, however late its lines came.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from core.deciders.names import HISTORIAN, SUBSCRIPTIONS
from schemas.units import HOUR_MS, MINUTE_MS, PumpId, Speaker
from services.historian.start_check import Peers
from services.runtime.audit.record_check import Checkpoints
from services.runtime.journal.entries import split
from services.runtime.journal.hash_chain import append_link
from services.runtime.ports import Row, TailAnswer
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.signed_record import (
    SignedRecord,
    kept_in,
    noticed,
    tail_answer,
    write,
)
from support.simulated.tampering import (
    TAMPERINGS,
    Rows,
    Tamper,
    by_another,
    heard_later,
    is_command,
    remade,
)

PLACES = 5
"""[-] of the open lines at which each kind is tried in every run; at night each of 500."""


def altered(peers: Peers, rows: Rows, kept: Checkpoints) -> list[str]:
    """Start the historian on these lines; give what it says of a changed record."""
    told = noticed(peers, remade(rows), kept)
    return [text for text in told if text.startswith("record_altered")]


def is_seen(record: SignedRecord, rows: Rows, kept: Checkpoints) -> bool:
    """Say whether 'verify record' names anything wrong or missing, beside the other journals."""
    report = record.checked(remade(rows), kept)
    return bool(report.faults or any(end.missing for end in report.open_ends))


def as_much_is_noticed(
    record: SignedRecord, kept: Checkpoints, tamper: Tamper, places: Sequence[int]
) -> int:
    tried = 0
    for at in places:
        rows = tamper(record.rows, at)
        if rows is not None and is_seen(record, rows, kept):
            assert altered(record, rows, kept), at
            tried += 1
    return tried


def open_places(record: SignedRecord, kept: Checkpoints, tamper: Tamper) -> list[int]:
    """Give five places, spread over the open lines at which the change is to be seen."""
    fit = []
    for at in range(record.signed, len(record.rows)):
        rows = tamper(record.rows, at)
        if rows is not None and is_seen(record, rows, kept):
            fit.append(at)
    step = max(1, (len(fit) - 1) // (PLACES - 1))
    return sorted({*fit[::step][: PLACES - 1], fit[-1]})


@pytest.mark.requirement("R121")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_each_change_in_the_open_lines_is_noticed_at_five_places(
    record: SignedRecord, early: Checkpoints, tamper: Tamper
) -> None:
    """The last of them among those; a command stands at four places only."""
    places = open_places(record, early, tamper)
    assert as_much_is_noticed(record, early, tamper, places) == len(places) >= PLACES - 1


@pytest.mark.nightly
@pytest.mark.requirement("R121")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_each_change_in_the_open_lines_is_noticed_at_each_line(
    record: SignedRecord, tamper: Tamper
) -> None:
    """Of five hundred, of which the first alone are signed."""
    kept = kept_in(record.first)
    signed = max(one.lines for one in kept[PUMP, HISTORIAN])
    places = range(signed, len(record.rows))
    assert as_much_is_noticed(record, kept, tamper, places) >= PLACES


def nameless(record: SignedRecord) -> list[int]:
    """Give the open lines with a command whose events do not say who gave it."""
    found = []
    for at in range(record.signed, len(record.rows)):
        rows = by_another(record.rows, at)
        if rows and is_command(record.rows[at]) and not altered(Deaf(), rows, {}):
            found.append(at)
    return found


@dataclass
class Deaf:
    """Services of an older release: they do not know the question, and say what they said."""

    beside: SignedRecord | None = None

    async def own_event(self, pump: PumpId, speaker: Speaker, version: int) -> bytes | None:
        return await self.beside.own_event(pump, speaker, version) if self.beside else None

    async def tail_of(self, pump: PumpId, speaker: Speaker, after: int) -> TailAnswer | None:
        del pump, speaker, after
        return None


@pytest.mark.requirement("R121")
def test_another_actor_is_noticed_where_no_event_names_one(
    record: SignedRecord, early: Checkpoints
) -> None:
    """The service that heard the command has it letter for letter."""
    places = nameless(record)
    assert places
    for at in places:
        (text,) = altered(record, by_another(record.rows, at) or (), early)
        assert "the command" in text
        assert "is another one in that service's own journal" in text


def therapy_later(row: Row, ms: int) -> Row:
    """Move the therapy time of a line alone: what 'basalt replay --at' goes by."""
    head, data = split(row.state)
    bare = msgspec.structs.replace(head, therapy=head.therapy + ms, link="")
    return append_link("", row, bare, data)[0]


@pytest.mark.requirement("R121")
@pytest.mark.parametrize("ms", [-HOUR_MS, 2 * MINUTE_MS, HOUR_MS])
@pytest.mark.parametrize("move", [heard_later, therapy_later])
def test_moved_times_are_noticed(
    record: SignedRecord, early: Checkpoints, move: Callable[[Row, int], Row], ms: int
) -> None:
    """Of a line alone, and of all from a line on: no outage makes a record late again and again."""
    first, last = record.signed, len(record.rows)
    for at in range(first, last - PLACES, (last - first) // PLACES):
        rest = [move(row, ms) for row in record.rows[at:]]
        assert altered(record, [*record.rows[:at], *rest], early), at
        alone = [*record.rows[:at], rest[0], *record.rows[at + 1 :]]
        is_between = move is heard_later and ms == 2 * MINUTE_MS  # and the next line is later still
        assert is_between or altered(record, alone, early), at


@pytest.mark.requirement("R121")
def test_the_mutant_that_does_not_ask_is_caught(record: SignedRecord, early: Checkpoints) -> None:
    """The newest event of each service by its bytes was all that a start saw."""
    older = Deaf(record)
    for at in nameless(record):
        assert not altered(older, by_another(record.rows, at) or (), early)
    half = (record.signed + len(record.rows)) // 2
    later = [heard_later(row, HOUR_MS) for row in record.rows[half:]]
    assert not altered(older, [*record.rows[:half], *later], early)


def test_the_mutant_that_compares_no_times_is_caught(
    record: SignedRecord, early: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.runtime.audit.open_tail.moved", lambda _: iter(()))
    with pytest.raises(AssertionError):
        test_moved_times_are_noticed(record, early, heard_later, HOUR_MS)


def test_the_mutant_that_does_not_wait_for_what_never_comes_is_caught(
    record: SignedRecord, early: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last lines would be cut off unseen."""
    monkeypatch.setattr("services.historian.start_check.LOOKS_MAX", 0)
    with pytest.raises(AssertionError):
        cut_to = record.rows[: len(record.rows) - 1]
        assert altered(record, cut_to, early)


@dataclass
class Living:
    """The other services of a system that goes on while it is asked."""

    system: FakeSystem
    go_on: Callable[[], None]

    async def own_event(self, pump: PumpId, speaker: Speaker, version: int) -> bytes | None:
        raise AssertionError((pump, speaker, version))

    async def tail_of(self, pump: PumpId, speaker: Speaker, after: int) -> TailAnswer | None:
        answer = tail_answer(self.system, pump, speaker, after)
        if speaker == SUBSCRIPTIONS[HISTORIAN][-1]:
            self.go_on()
        return answer


def nothing() -> None:
    """Let the system stand still."""


def faults_of(system: FakeSystem, kept: Checkpoints, *, go_on: Callable[[], None]) -> list[str]:
    told = noticed(Living(system, go_on), system.stores[HISTORIAN], kept)
    return [text for text in told if text.startswith("record_altered")]


def an_hour(system: FakeSystem) -> None:
    for value in ("120", "140"):
        system.glucose(value)
        system.order(1_000)
        system.run(ms=HOUR_MS // 2)


def away_for_an_hour(system: FakeSystem) -> None:
    """Let the historian hear nothing, and then all at once, as after a death or an outage."""
    del system.services[HISTORIAN]
    an_hour(system)
    system.restart(HISTORIAN)
    system.settle()


def all_restarted(system: FakeSystem) -> None:
    for name in (HISTORIAN, *SUBSCRIPTIONS[HISTORIAN]):
        system.restart(name)
    system.settle()


def rebooted(system: FakeSystem) -> None:
    system.reboot(passed=HOUR_MS)
    system.settle()


def cut_off_from_the_broker(system: FakeSystem) -> None:
    """Let the historian hear late within one run."""
    waiting = system.services.pop(HISTORIAN)
    an_hour(system)
    system.services[HISTORIAN] = waiting
    system.settle()


EVENTFUL = (an_hour, away_for_an_hour, all_restarted, rebooted, cut_off_from_the_broker)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[tuple[FakeSystem, Checkpoints]]:
    started = FakeSystem()
    started.set_up()
    write(started.stores[HISTORIAN], tmp_path)
    yield started, kept_in(tmp_path)


@pytest.mark.requirement("R121")
@pytest.mark.parametrize("first", EVENTFUL, ids=lambda one: one.__name__)
@pytest.mark.parametrize("second", EVENTFUL, ids=lambda one: one.__name__)
def test_an_honest_start_raises_nothing(
    system: tuple[FakeSystem, Checkpoints],
    first: Callable[[FakeSystem], None],
    second: Callable[[FakeSystem], None],
) -> None:
    """After restarts, reboots and lines that came late, in every order."""
    running, kept = system
    first(running)
    an_hour(running)
    second(running)
    assert faults_of(running, kept, go_on=nothing) == []


@pytest.mark.requirement("R121")
def test_what_is_on_its_way_is_waited_for(system: tuple[FakeSystem, Checkpoints]) -> None:
    """The services said it before they were asked; the record hears it after it was read."""
    running, kept = system
    an_hour(running)
    historian = running.services.pop(HISTORIAN)
    an_hour(running)

    def hear() -> None:
        running.services[HISTORIAN] = historian
        running.settle()

    assert faults_of(running, kept, go_on=nothing)
    assert faults_of(running, kept, go_on=hear) == []
