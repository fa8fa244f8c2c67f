"""The historian keeps the commands to everybody too: who asked for what stands in one record."""

from typing import Any

import pytest

from core.deciders.record.decider import HISTORIAN
from core.deciders.registry import DECIDERS
from core.record.provenance import explain
from schemas.bolus.advice import AcceptAdvice, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import BolusDelivered
from schemas.delivery.pump import SuspendDelivery
from schemas.message import Command, Outcome
from schemas.record import ReportStorage
from schemas.units import MINUTE_MS, Grams, MilliUnits, Speaker
from schemas.wire.headers import SHA256_HEADER
from services.runtime.audit.record_check import check_record
from services.runtime.audit.redecide import verify_decisions
from services.runtime.decider_host import unit_of_work as machine
from services.runtime.decider_host.ledger import Books
from services.runtime.journal.entries import HEARD, ReadEntry, read_row
from services.runtime.journal.memory_store import FakeStore
from services.runtime.platform.errors import JournalAltered
from services.runtime.replay.lookup import Lookup
from support.simulated.fake_system import PUMP, FakeHouse


@pytest.fixture
def house() -> FakeHouse:
    house = FakeHouse()
    house.set_up()
    house.glucose("150")
    return house


def record(house: FakeHouse) -> FakeStore:
    return house.stores[HISTORIAN]


def kept(house: FakeHouse) -> list[ReadEntry]:
    """Give the commands of the record, in its order."""
    read = [read_row(row) for _, row in record(house).rows(pump=PUMP)]
    return [one for one in read if isinstance(one.entry.body, Command)]


def obeyed(house: FakeHouse, name: str) -> list[bytes]:
    rows = [row for _, row in house.stores[Speaker(name)].rows(pump=PUMP)]
    read = [read_row(row) for row in rows if row.topic.startswith(HEARD)]
    return [one.data for one in read if isinstance(one.entry.body, Command)]


@pytest.mark.requirement("R91")
def test_each_command_stands_in_the_record_letter_for_letter(house: FakeHouse) -> None:
    """Of each service, in the order in which they came."""
    house.order(500)
    house.run(ms=5 * MINUTE_MS)
    for name in DECIDERS:
        found = [one.data for one in kept(house) if f".command.{name}." in one.head.subject]
        assert found == obeyed(house, name)


def test_a_command_stands_before_what_came_of_it(house: FakeHouse) -> None:
    answered = house.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    names = [read_row(row).entry.id for _, row in record(house).rows(pump=PUMP)]
    assert names.index(answered.command) < names.index(answered.events[0])


def test_one_that_is_sent_again_is_kept_once(house: FakeHouse) -> None:
    before = len(kept(house))
    for _ in range(3):
        house.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor", command_id="again")
    assert len(kept(house)) == before + 1


def two_of_one_name(house: FakeHouse) -> Outcome:
    """Somebody gives one id to two commands to two services."""
    house.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor", command_id="same")
    return house.ask(ReportStorage(free_mib=100), to="historian", command_id="same")


def test_two_of_one_name_are_kept_and_obeyed(house: FakeHouse) -> None:
    assert two_of_one_name(house).events[0].startswith("historian:")
    assert [one.entry.id for one in kept(house)].count("same") == 2


def test_the_mutant_that_keeps_them_by_their_bare_name_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The historian would take a command to itself for one that it has answered."""
    monkeypatch.setattr("services.runtime.decider_host.inbox.kept_name", lambda _, name: name)
    with pytest.raises(AssertionError):
        test_two_of_one_name_are_kept_and_obeyed(house)


def test_nothing_is_decided_because_of_it(house: FakeHouse) -> None:
    """A storage report and an acknowledgement are the historian's own; to others they are not."""
    house.order(500)
    for _ in range(2):
        verdict = verify_decisions(DECIDERS[HISTORIAN], record(house))
        assert verdict.differences == ()
        house.restart("historian")
        house.glucose("120")
    assert check_record(record(house), checkpoints={}).faults == ()


def test_the_mutant_that_obeys_it_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The historian would refuse, or obey, in another's place."""
    monkeypatch.setattr(machine, "ADOPTED", HEARD)
    house.ask(SuspendDelivery(), to="actuator")
    with pytest.raises((AssertionError, JournalAltered)):
        test_nothing_is_decided_because_of_it(house)


def test_one_that_was_cut_out_is_missed(house: FakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept and not known as kept would be kept twice."""
    monkeypatch.setattr(FakeStore, "knows", lambda *_, **__: False)
    with pytest.raises(JournalAltered, match="is not among those"):
        Books(decider=DECIDERS[HISTORIAN], store=record(house))


def test_what_cannot_be_read_is_left_to_its_own_service(house: FakeHouse) -> None:
    """Which sets it aside and says so: one cause, one alarm."""
    before = len(kept(house))
    house.post_bytes(b"{", SuspendDelivery(), to="actuator")
    house.settle()
    assert len(kept(house)) == before
    assert "message_quarantined_actuator" not in str(house.view("historian").alarms)


def test_what_changed_on_the_way_is_not_kept(house: FakeHouse) -> None:
    before = len(kept(house))
    subject = f"basalt.{PUMP}.command.actuator.suspend_delivery"
    house.broker.put(subject, obeyed(house, "actuator")[0], {SHA256_HEADER: "0" * 64})
    house.settle()
    assert len(kept(house)) == before


def test_an_explanation_needs_the_record_alone_for_commands(house: FakeHouse) -> None:
    """With all other journals elsewhere; what a service alone heard is still said to be missing."""
    advised = house.ask(RequestAdvice(carbs=Grams(20)), to="bolus_advisor")
    house.ask(AcceptAdvice(advice=advised.events[0]), to="bolus_advisor")
    house.run(ms=10 * MINUTE_MS)
    lookup = Lookup(record(house), pump=PUMP, journals=lambda _: None)
    name = lookup.newest("bolus_delivered")
    assert name is not None

    found: list[Any] = [explain(name, lookup.find)]
    for one in found:
        found.extend(one.origins)
    bodies = {type(one.known.body) for one in found if one.known}
    assert {BolusDelivered, AcceptAdvice, RequestAdvice} <= bodies
    missing = {one.name for one in found if one.missing == "not_recorded"}
    assert missing
    assert all(name.startswith("report:") for name in missing)
