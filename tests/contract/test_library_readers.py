"""A journal read by the eventsourcing library's own means, as somebody outside Basalt reads it."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import (
    JSONTranscoder,
    MapperDeserialisationError,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.utils import get_topic

from schemas.delivery.delivery import BolusDelivered
from schemas.units import Speaker
from services.runtime.journal import mapper as journal_mapper
from services.runtime.journal.entries import INPUT, read_row
from services.runtime.journal.mapper import (
    ImportedMessage,
    InputMessage,
    JournalLine,
    JournalMapper,
    OwnEvent,
)
from services.runtime.journal.postgres.address import postgres_address
from services.runtime.journal.postgres.recorder import JournalRecorder
from services.runtime.journal.postgres.store import PostgresStore
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.journal.store_copy import copy_journal
from services.runtime.ports import Commit, Row, Store
from support.history.golden_history import path_of, unpacked, versions
from support.real.postgres_server import PASSWORD, PostgresServer
from support.simulated.fake_system import PUMP, FakeSystem

ME = Speaker("actuator")
STOCK = {
    "MAPPER_TOPIC": get_topic(JournalMapper),
    "ORIGINATOR_ID_TYPE": "text",
    "CREATE_TABLE": "no",
}
TOLD_S = 20.0


class Stored(Application[str]):
    """A stock application; in PostgreSQL the library names its table by the application."""

    name = "stored"


@dataclass(frozen=True)
class Journal:
    """A journal that its service still has open, and how the library is told where it is."""

    store: Store
    environment: dict[str, str]


@pytest.fixture(scope="module")
def lived() -> Store:
    """What an actuator stored in an hour with a bolus."""
    system = FakeSystem()
    system.set_up()
    system.glucose("120")
    system.order(1_000)
    system.run(ms=600_000)
    assert system.said_of("actuator", BolusDelivered)
    return system.stores[ME]


@pytest.fixture(params=["sqlite", "postgres"])
def journal(request: pytest.FixtureRequest, tmp_path: Path, lived: Store) -> Iterator[Journal]:
    store: Store
    if request.param == "sqlite":
        store = SqliteStore(tmp_path / "actuator.db")
        environment = {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": f"file:{tmp_path / 'actuator.db'}?mode=ro",
        }
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
        store = PostgresStore(postgres_address(url, service=ME))
        environment = only_reading(server, url)
    copy_journal(lived, store, told=lambda lines: None)
    yield Journal(store, {**STOCK, **environment})
    store.close()


def only_reading(server: PostgresServer, url: str) -> dict[str, str]:
    """Make a user who may read the journal and do nothing else."""
    database = url.rsplit("/", 1)[1]
    name = f"reader_of_{database}"
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'",
            f"GRANT USAGE ON SCHEMA basalt_actuator TO {name}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA basalt_actuator TO {name}",
        ):
            connection.execute(statement.encode())
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": database,
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(server.port),
        "POSTGRES_USER": name,
        "POSTGRES_PASSWORD": PASSWORD,
        "POSTGRES_SCHEMA": "basalt_actuator",
    }


def test_the_library_reads_every_line_of_a_journal(journal: Journal) -> None:
    """Whoever knows the library needs no word of ours to get at the bytes."""
    rows = [row for _, row in journal.store.rows()]

    with Stored(journal.environment) as app:
        events = app.recorder.select_events(PUMP)
        some = app.recorder.select_events(PUMP, gt=3, lte=9, desc=True, limit=4)
        notes = app.recorder.select_notifications(start=1, limit=len(rows) + 1)
        own = app.recorder.select_notifications(1, 9, topics=("bolus_delivered.v1",))
        newest = app.recorder.max_notification_id()

    assert rows == [as_row(one) for one in events] == [as_row(one) for one in notes]
    assert rows[8:4:-1] == [as_row(one) for one in some]
    assert list(range(1, len(rows) + 1)) == [one.id for one in notes]
    assert len(rows) == newest
    assert ["bolus_delivered.v1"] == [one.topic for one in own]
    assert {bytes} == {type(one.state) for one in events}


def as_row(one: StoredEvent) -> Row:
    return Row(PUMP, one.originator_version, one.topic, one.state)


def test_the_mapper_gives_each_line_as_a_domain_event(journal: Journal) -> None:
    """An outsider asks for messages, not for bytes."""
    read = [read_row(row) for _, row in journal.store.rows()]

    with Stored(journal.environment) as app:
        lines: list[Any] = list(app.events.get(PUMP))

    assert [one.entry for one in read] == [line.entry for line in lines]
    assert [one.data for one in read] == [line.data for line in lines]
    assert [one.is_input for one in read] == [isinstance(line, InputMessage) for line in lines]
    assert {InputMessage, OwnEvent, ImportedMessage} >= {type(line) for line in lines}
    given = [line.body for line in lines if isinstance(line.body, BolusDelivered)]
    assert [1_000] == [body.delivered for body in given]


def test_who_may_only_read_cannot_write(journal: Journal) -> None:
    """A follower that writes into a journal makes its service a second writer."""
    rows = [row for _, row in journal.store.rows()]
    more = StoredEvent(PUMP, len(rows) + 1, "x.v1", b"")

    with Stored(journal.environment) as app, pytest.raises(PersistenceError):
        app.recorder.insert_events([more])

    assert rows == [row for _, row in journal.store.rows()]


def test_a_recorder_of_sqlite_cannot_be_subscribed_to(journal: Journal) -> None:
    """If a release of the library can, docs/following.md has to say so."""
    with Stored(journal.environment) as app:
        if isinstance(journal.store, PostgresStore):
            app.recorder.subscribe().stop()
        else:
            with pytest.raises(NotImplementedError):
                app.recorder.subscribe()


def told(journal: Journal, rows: list[Row], *, s: float) -> int:
    """Subscribe, let the service store more, and count what is heard of that in so many seconds."""
    heard: list[Any] = []
    begun, enough = threading.Event(), threading.Event()
    newest = len(list(journal.store.rows()))

    def listen(subscription: Any) -> None:
        for notification in subscription:
            heard.append(notification)
            begun.set()
            if len(heard) == 1 + len(rows):
                enough.set()

    with Stored(journal.environment) as app:
        with app.recorder.subscribe(gt=newest - 1) as subscription:
            policy = threading.Thread(target=listen, args=(subscription,))
            policy.start()
            assert begun.wait(TOLD_S)  # it has read all that there was
            wait_until_listening(journal)
            for row in rows:
                journal.store.commit(Commit(rows=[row]))
            enough.wait(s)
        policy.join()
    return len(heard) - 1


def wait_until_listening(journal: Journal) -> None:
    """Wait until the server has a session that listens, and has nothing more to do."""
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE starts_with(query, 'LISTEN') "
        "AND state = 'idle' AND datname = current_database()"
    )
    assert isinstance(journal.store, PostgresStore)
    for _ in range(round(TOLD_S / 0.05)):
        if journal.store._ask(asked):
            return
        threading.Event().wait(0.05)
    raise AssertionError("nobody listens")


@pytest.mark.parametrize("journal", ["postgres"], indirect=True)
@pytest.mark.parametrize("is_told", [True, False])
def test_a_subscription_is_told_of_what_a_service_stores(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    """The library looks for new lines when it is told of them, and not before."""
    if not is_told:  # the mutant: the lines are there, and nobody hears of them
        monkeypatch.setattr(JournalRecorder, "_notify_channel", lambda self, cursor: None)
    end = len(list(journal.store.rows()))
    rows = [Row(PUMP, end + number, "x.v1", b"") for number in (1, 2, 3)]

    assert (3 if is_told else 0) == told(journal, rows, s=TOLD_S if is_told else 1.0)


def mapped(rows: list[StoredEvent]) -> list[JournalLine]:
    mapper = JournalMapper(JSONTranscoder())
    return [mapper.to_domain_event(row) for row in rows]  # type: ignore[misc]  # all are lines


@pytest.fixture
def stored(lived: Store) -> list[StoredEvent]:
    return [stored_event(row) for _, row in lived.rows()]


def stored_event(row: Row) -> StoredEvent:
    return StoredEvent(row.pump, row.position, row.topic, row.state)


def changed(row: StoredEvent, at: int) -> StoredEvent:
    state = bytearray(row.state)
    state[at] ^= 1
    return replace(row, state=bytes(state))


def test_a_line_whose_bytes_were_changed_is_refused(stored: list[StoredEvent]) -> None:
    """A follower that goes on over a changed line counts insulin that was never given."""
    at = next(n for n, row in enumerate(stored) if row.topic == "bolus_delivered.v1")

    for byte in range(len(stored[at].state)):
        rows = [*stored[:at], changed(stored[at], byte)]
        with pytest.raises(MapperDeserialisationError, match=f"line {at + 1} of pump p1"):
            mapped(rows)


def test_without_the_chain_a_changed_line_is_taken(
    stored: list[StoredEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant of the check: most changed bytes are another message that can be decoded."""
    monkeypatch.setattr(journal_mapper, "verify_next", lambda last, row, *, after: last)
    at = next(n for n, row in enumerate(stored) if row.topic == "bolus_delivered.v1")
    digit = stored[at].state.index(b'"delivered":1000') + len('"delivered":')

    body = mapped([*stored[:at], changed(stored[at], digit + 1)])[-1].body

    assert isinstance(body, BolusDelivered)
    assert 1_000 != body.delivered


@pytest.mark.parametrize("topic", ["nobody_knows.v1", "bolus_stopped.v1", "os:system"])
def test_a_topic_that_is_not_that_of_the_message_is_refused(
    stored: list[StoredEvent], topic: str
) -> None:
    """By a filter on topics a follower would count what is something else."""
    found = next(row for row in stored if row.topic == "bolus_delivered.v1")

    with pytest.raises(MapperDeserialisationError, match="the topic is not that of the message"):
        mapped([replace(found, topic=topic)])


def test_a_message_of_a_newer_release_is_refused(stored: list[StoredEvent]) -> None:
    """What is not understood must not be passed over."""
    found = next(row for row in stored if row.topic == "bolus_delivered.v1")
    state = found.state.replace(b"bolus_delivered.v1", b"bolus_delivered.v9")

    with pytest.raises(MapperDeserialisationError, match="bolus_delivered.v9"):
        mapped([replace(found, topic="bolus_delivered.v9", state=state)])


def test_lines_of_every_release_are_mapped() -> None:
    """A data folder is followed through updates: the golden histories hold every event."""
    found: Counter[type[JournalLine]] = Counter()

    for name in (*versions(), "bad"):
        for store in unpacked(path_of(name).read_bytes()).values():
            lines = mapped([stored_event(row) for _, row in store.rows()])
            found.update(type(line) for line in lines)

    assert {OwnEvent, InputMessage, ImportedMessage} == set(found)


def test_a_follower_may_begin_anywhere_and_leave_lines_out(stored: list[StoredEvent]) -> None:
    """It goes on from its own position, or reads some topics only."""
    own = [row for row in stored if not row.topic.startswith(INPUT)]

    assert [row.state.split(b"\n", 1)[1] for row in own] == [line.data for line in mapped(own)]
    assert 10 == len(mapped(stored[5:15]))


class Count(Aggregate):
    """What a follower keeps for itself."""

    def __init__(self) -> None:
        self.total = 0

    @event("Counted")
    def count(self, amount: int) -> None:
        self.total += amount


def test_a_followers_own_aggregates_pass_and_lines_are_never_encoded(
    stored: list[StoredEvent],
) -> None:
    """The library takes one mapper for what a follower reads and for what it keeps."""
    with Application[Any]({"MAPPER_TOPIC": get_topic(JournalMapper)}) as own:
        count = Count()
        count.count(7)
        own.save(count)

        again: Any = own.repository.get(count.id)

        assert 7 == again.total
        with pytest.raises(TypeError, match="by nobody else"):
            own.mapper.to_stored_event(mapped(stored[:1])[0])
