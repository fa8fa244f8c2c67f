"""A start from a snapshot of a service's own state knows what a start from all lines knows."""

import asyncio
import hmac
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import services.runtime.decider_host.state_snapshot
import services.runtime.decider_host.unit_of_work
from core.deciders.registry import DECIDERS
from schemas.record import RuntimeFault
from schemas.units import Speaker
from services.runtime.decider_host.processor import DeciderProcessor
from services.runtime.decider_host.state_snapshot import (
    StateFile,
    Unusable,
    unpacked,
    write_snapshot,
)
from services.runtime.decider_host.unit_of_work import UnitOfWork
from services.runtime.journal.memory_store import FakeStore
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.platform.start_progress import Reading, StartProgress, readings
from services.runtime.ports import ChainTip, Commit, Row, Store
from services.runtime.process import state_keeper
from services.runtime.process.state_keeper import StateKeeper
from support.history.golden_scenes import SCENES
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.mutant_pairs import is_caught

pytestmark = pytest.mark.requirement("R131")

NAMES = tuple(DECIDERS)
KEY = b"a secret of the service"


@pytest.fixture(scope="module", params=["therapy", "doubt", "record_in_trouble", "another_clock"])
def system(request: pytest.FixtureRequest) -> FakeSystem:
    return SCENES[request.param]()


def copy_of(store: Store, *, lines: int | None = None) -> FakeStore:
    """Copy the first lines of a journal, as far as they go."""
    copied = FakeStore()
    rows = [row for _, row in store.rows()][:lines]
    heads = store.heads() if lines is None else {}
    ends = store.ends() if lines is None else {}
    commands = {(pump, command): at for pump, command, at in store.commands()}
    copied.commit(Commit(rows=rows, heads=heads, commands=commands, ends=ends))
    return copied


def known(work: UnitOfWork[Any]) -> dict[str, Any]:
    """Give all that a service goes on from."""
    return {
        pump: (one.state, one.position, one.link, one.heads, one.heard, one.forked)
        for pump, one in work.pump_streams.items()
    }


def made(name: str, store: Store) -> bytes:
    """Give the snapshot of a start on all lines."""
    file = StateFile(Path("never there"), KEY)
    work = UnitOfWork(decider=DECIDERS[Speaker(name)], store=store, snapshot=file)
    data = work.snapshot()
    assert data is not None
    return data


def begun(name: str, store: Store, path: Path | None = None) -> UnitOfWork[Any]:
    file = None if path is None else StateFile(path, KEY)
    return UnitOfWork(decider=DECIDERS[Speaker(name)], store=store, snapshot=file)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_is_the_same_wherever_the_snapshot_was_made(
    system: FakeSystem, name: str, tmp_path: Path
) -> None:
    """At the first line, in the middle, and at the end, where nothing is left to fold."""
    store = system.stores[Speaker(name)]
    whole = begun(name, store)
    count = len(list(store.rows()))
    for lines in (1, count // 3, count - 1, count):
        path = tmp_path / f"{lines}.state"
        data = made(name, copy_of(store, lines=lines))
        write_snapshot(path, data)

        again = begun(name, store, path)

        assert {PUMP: ChainTip(lines, again.verified_from[PUMP].link)} == again.verified_from
        assert known(whole) == known(again)
        assert whole.last_now == again.last_now


def test_a_pump_that_was_only_named_makes_no_snapshot_useless(
    lived: FakeSystem, tmp_path: Path
) -> None:
    """It has no line in the journal."""
    store, path = lived.stores[Speaker("actuator")], tmp_path / "actuator.state"
    work = begun("actuator", store, tmp_path / "none")
    work.pump_stream(type(PUMP)("p2"))
    data = work.snapshot()
    assert data is not None
    path.write_bytes(data)

    assert [PUMP] == list(begun("actuator", store, path).verified_from)


@pytest.fixture
def lived() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    system.order(500)
    system.run(ms=60_000)
    return system


def damaged(data: bytes) -> bytes:
    return data[:100] + bytes([data[100] ^ 1]) + data[101:]


def of_other_code(data: bytes) -> bytes:
    body = data[32:].replace(b"actuator", b"actuatos", 1)
    return hmac.digest(KEY, body, "sha256") + body


def of_another_key(data: bytes) -> bytes:
    """Whoever may write the folder and has not the service's seed gives it other limits."""
    body = data[32:]
    return hmac.digest(b"", body, "sha256") + body


def no_snapshot(data: bytes) -> bytes:
    body = msgspec.msgpack.encode({"a": 1})
    return hmac.digest(KEY, body, "sha256") + body + data[:0]


@pytest.mark.parametrize(
    "change",
    [damaged, of_other_code, of_another_key, no_snapshot, lambda data: data[:50], lambda _: b""],
)
def test_one_that_does_not_fit_is_not_used(
    lived: FakeSystem, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """All lines are folded instead, and no start is prevented."""
    store = lived.stores[Speaker("actuator")]
    whole, data = begun("actuator", store), made("actuator", store)
    path = tmp_path / "actuator.state"
    path.write_bytes(change(data))

    again = begun("actuator", store, path)

    assert {} == again.verified_from
    assert known(whole) == known(again)


@pytest.mark.parametrize("of", ["thinking", "tzdata_version"])
def test_other_rules_or_time_zones_make_it_worth_nothing(
    lived: FakeSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """A state of other rules is another state."""
    store = lived.stores[Speaker("actuator")]
    data = made("actuator", store)
    path = tmp_path / "actuator.state"
    path.write_bytes(data)
    monkeypatch.setattr(services.runtime.decider_host.state_snapshot, of, lambda: "another")

    assert {} == begun("actuator", store, path).verified_from


def test_a_missing_file_and_a_folder_in_its_place_change_nothing(
    lived: FakeSystem, tmp_path: Path
) -> None:
    """As before the first snapshot."""
    store = lived.stores[Speaker("actuator")]
    for path in (tmp_path / "none", tmp_path):
        assert {} == begun("actuator", store, path).verified_from


def test_a_journal_put_back_from_a_copy_is_folded_whole(lived: FakeSystem) -> None:
    """The snapshot knows more than the journal has; what nobody can show is not known."""
    store = lived.stores[Speaker("actuator")]
    data = made("actuator", store)
    decider = DECIDERS[Speaker("actuator")]
    with pytest.raises(Unusable, match="the journal has another line"):
        unpacked(data, decider, copy_of(store, lines=5), key=KEY)
    with pytest.raises(Unusable):
        unpacked(data, decider, FakeStore(), key=KEY)


def test_lines_in_another_order_of_storing_are_not_skipped(lived: FakeSystem) -> None:
    """The line with the snapshot's number must be the very line."""
    store = lived.stores[Speaker("actuator")]
    data = made("actuator", store)
    more = FakeStore()
    rows = [row for _, row in store.rows()]
    stranger = Row(type(PUMP)("p2"), 1, rows[0].topic, rows[0].state)
    more.commit(Commit(rows=[stranger, *rows]))

    with pytest.raises(Unusable, match="is another one"):
        unpacked(data, DECIDERS[Speaker("actuator")], more, key=KEY)


class _Loop:
    """A service's loop as far as the keeper asks it."""

    def __init__(self, store: Store, path: Path) -> None:
        self.processor = DeciderProcessor(
            decider=DECIDERS[Speaker("historian")], store=store, snapshot=StateFile(path)
        )
        self.faults: list[tuple[str, str]] = []

    def tell_of_fault(self, detail: str, *, fault: str = "") -> None:
        self.faults.append((fault, detail))


@pytest.fixture
def few_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make snapshots of a journal of some lines, without a pause between the looks."""
    monkeypatch.setattr(state_keeper, "LINES_BETWEEN", 20)
    monkeypatch.setattr(state_keeper, "PAUSE_S", 0.0)
    yield


def keeper_of(store: Store, path: Path) -> tuple[StateKeeper, _Loop]:
    loop = _Loop(store, path)
    keeper = StateKeeper(lambda: loop, store, path=path)  # type: ignore[arg-type,return-value]  # as far as it is asked
    return keeper, loop


@pytest.mark.usefixtures("few_lines")
def test_one_is_made_at_a_clean_stop_and_used_by_the_next_start(
    lived: FakeSystem, tmp_path: Path
) -> None:
    """And again only when enough has come since."""
    store, path = lived.stores[Speaker("historian")], tmp_path / "below" / "historian.state"
    keeper, _ = keeper_of(store, path)
    finish_with_threads(keeper)
    made = path.stat().st_mtime_ns

    again, loop = keeper_of(store, path)
    finish_with_threads(again)

    assert loop.processor.unit_of_work.verified_from
    assert made == path.stat().st_mtime_ns
    assert 0o700 == path.parent.stat().st_mode & 0o777


def finish_with_threads(keeper: StateKeeper) -> None:
    asyncio.run(keeper.finish())


@pytest.mark.usefixtures("few_lines")
@pytest.mark.parametrize("is_altered", [False, True])
def test_lines_that_a_start_skipped_are_held_against_the_chain_while_it_runs(
    lived: FakeSystem, tmp_path: Path, is_altered: bool
) -> None:
    """What an older start refused is an alarm now, and delivery goes on."""
    path, file = tmp_path / "historian.state", tmp_path / "historian.db"
    journal = SqliteStore(file)
    source = lived.stores[Speaker("historian")]
    commands = {(pump, command): at for pump, command, at in source.commands()}
    rows = [row for _, row in source.rows()]
    journal.commit(Commit(rows=rows, heads=source.heads(), commands=commands, ends=source.ends()))
    finish_with_threads(keeper_of(journal, path)[0])
    journal.close()
    if is_altered:
        alter(file, line=3)

    again = SqliteStore(file)
    keeper, loop = keeper_of(again, path)
    asyncio.run(keeper._verify_skipped())
    again.close()

    assert loop.processor.unit_of_work.verified_from
    assert is_altered == bool(loop.faults)
    if is_altered:
        ((fault, detail),) = loop.faults
        assert ("journal_altered", True) == (fault, "line 3" in detail)
        assert RuntimeFault(fault="journal_altered", detail=detail)


def alter(file: Path, *, line: int) -> None:
    """Change one letter of a line, as a flipped bit does."""
    with sqlite3.connect(file) as database:
        (state,) = database.execute(
            "SELECT state FROM stored_events WHERE originator_version=?", (line,)
        ).fetchone()
        changed = state[:-3] + bytes([state[-3] ^ 1]) + state[-2:]
        database.execute(
            "UPDATE stored_events SET state=? WHERE originator_version=?", (changed, line)
        )
    database.close()


def test_a_state_that_would_be_read_back_otherwise_is_not_kept(
    lived: FakeSystem,
) -> None:
    """A start from it would know something else."""
    work = begun("actuator", lived.stores[Speaker("actuator")])
    stream = work.pump_streams[PUMP]
    stream.state = msgspec.structs.replace(stream.state, plan_refused=b"bytes")

    with pytest.raises(Unusable, match="is not read back"):
        work.snapshot()


def test_a_long_reading_tells_how_far_it_is(
    lived: FakeSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the service sees it; afterwards there is nothing to see."""
    monkeypatch.setattr(services.runtime.decider_host.unit_of_work, "LINES_TOLD", 5)
    seen: list[dict[str, Reading]] = []
    tell = StartProgress.tell

    def told(self: StartProgress, lines: int, *, of: int) -> None:
        tell(self, lines, of=of)
        seen.append(readings(tmp_path))

    monkeypatch.setattr(StartProgress, "tell", told)
    store = lived.stores[Speaker("actuator")]
    begun("actuator", store, tmp_path / "actuator.state")

    count = len(list(store.rows()))
    assert {"actuator": Reading(5, count)} == seen[0]
    assert count // 5 == len(seen)
    assert {} == readings(tmp_path)


def test_what_is_no_progress_is_passed_over(tmp_path: Path) -> None:
    """A file of anybody's, and none without a place for it."""
    (tmp_path / "a.reading").write_text("many")
    (tmp_path / "b.reading").write_text("1 2 3")
    StartProgress(None).tell(1, of=2)
    StartProgress(None).end()

    assert {} == readings(tmp_path)
    assert {} == readings(tmp_path / "none")


def test_the_mutant_that_asks_no_line_is_caught(
    lived: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would know a dose that no journal has."""
    store = lived.stores[Speaker("actuator")]
    data = made("actuator", store)

    def refuses() -> bool:
        try:
            unpacked(data, DECIDERS[Speaker("actuator")], copy_of(store, lines=5), key=KEY)
        except Unusable:
            return True
        return False

    assert is_caught(
        refuses,
        lambda patch: patch.setattr(
            services.runtime.decider_host.state_snapshot, "_hold_against", lambda *_: None
        ),
        monkeypatch,
    )
