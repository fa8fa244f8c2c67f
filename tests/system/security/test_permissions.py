"""Who may say what on the real broker: each user against every subject (S4)."""

import pytest
from nats.aio.client import Client

from bench.broker import Broker, broker
from core.deciders.registry import DECIDERS
from schemas.message import name_of, tag_of
from schemas.units import PumpId
from schemas.wire.subjects import (
    event_subject,
    request_inbox,
)
from schemas.wire.upcasts import tags_read_as
from services.runtime.nats.connection import ConnectionEvents, Credentials, QuickClient, connect
from services.runtime.nats.memory_bus import matches
from services.runtime.platform.errors import BusUnreachable
from services.supervisor.broker.permissions import permissions
from support.pages import rights_page
from support.real.bus_subjects import HARMFUL, denied_to, universe

pytestmark = pytest.mark.system


def lower(subjects: set[str]) -> set[str]:
    """nats-py gives errors in lower case."""
    return {subject.lower() for subject in subjects}


@pytest.mark.requirement("R104")
async def test_the_broker_allows_exactly_what_is_declared() -> None:
    """Least privilege holds on the wire, not only in a table."""
    subjects = universe()
    async with broker() as running:
        for user, allowed in permissions().items():
            expected = {
                subject
                for subject in subjects
                if not any(matches(subject, pattern) for pattern in allowed.publish)
            }
            denied = await denied_to(running, user, subjects)
            assert lower(expected) == lower(denied), user


def test_the_page_of_rights_is_what_a_live_broker_allows() -> None:
    """For sending and for listening, each key at every subject."""
    assert rights_page.PAGE.read_text() == rights_page.page(), "make pages writes it anew"


def test_a_service_may_say_its_own_events_and_no_others() -> None:
    """What the code emits, under each name it ever had, and the permission are one list."""
    for name, decider in DECIDERS.items():
        tags = {tag for kind in decider.emits for tag in tags_read_as(tag_of(kind))}
        mine = {
            event_subject(pump=PumpId("*"), speaker=name, name=tag.rpartition(".")[0])
            for tag in tags
        }
        declared = {one for one in permissions()[name].publish if ".event." in one}
        declared = {one for one in declared if not one.startswith("$JS.API.DIRECT")}
        assert mine == declared


def test_only_clients_may_command_and_only_those_that_obey() -> None:
    """A service that was taken over cannot order a bolus by command."""
    for name, allowed in permissions().items():
        commands = [one for one in allowed.publish if one.startswith("basalt.*.command")]
        if name in DECIDERS:
            assert [] == commands
        for command in commands:
            service, kind = command.split(".")[3:]
            obeyed = {name_of(one) for one in DECIDERS[service].handles}  # type: ignore[index]  # a name
            assert kind in obeyed


def test_nobody_may_harm_the_record() -> None:
    """Delete, purge and restore are nobody's business."""
    for name, allowed in permissions().items():
        for subject in HARMFUL:
            assert not any(matches(subject, pattern) for pattern in allowed.publish), name


async def nothing(*_: object) -> None:
    """Take no notice."""


DEAF = ConnectionEvents(nothing, nothing, nothing)


async def test_nothing_anonymous_is_let_in() -> None:
    """Without a key there is no connection at all."""
    async with broker() as running:
        with pytest.raises(BusUnreachable):
            await connect(url=running.url, credentials=Credentials("anybody", None), events=DEAF)


async def test_the_key_of_another_user_is_found_at_once_and_named() -> None:
    """A service that is refused piece by piece would blame the stream."""
    async with broker() as running:
        key = running.credentials("actuator").seed
        with pytest.raises(BusUnreachable, match=rf"{key} is not that of historian"):
            await connect(url=running.url, credentials=Credentials("historian", key), events=DEAF)


async def written_by_a_flush(running: Broker, patch: pytest.MonkeyPatch) -> list[str]:
    """Subscribe and flush; say in which order the line carried that."""
    client = await connect(
        url=running.url, credentials=running.credentials("historian"), events=DEAF
    )
    transport, words = client._transport, list[str]()
    assert transport is not None
    write, write_all = transport.write, transport.writelines

    def one(data: bytes) -> None:
        words.append(data.split()[0].decode())
        write(data)

    def many(data: list[bytes]) -> None:
        words.extend(each.split()[0].decode() for each in data)
        write_all(data)

    patch.setattr(transport, "write", one)
    patch.setattr(transport, "writelines", many)
    await client.subscribe(f"{request_inbox('historian')}.x")
    await client.flush()
    await client.close()
    return [word for word in words if word in ("SUB", "PING")]


async def test_a_flush_overtakes_nothing_that_was_sent_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The library's own lets its ping go first: a refusal came after the answer, now and then."""
    async with broker() as running:
        assert ["SUB", "PING"] == (await written_by_a_flush(running, monkeypatch))[:2]

        monkeypatch.setattr(QuickClient, "flush", Client.flush)
        assert ["PING", "SUB"] == (await written_by_a_flush(running, monkeypatch))[:2]
