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
from services.runtime.audit.redecide import verify_decisions
from services.runtime.audit.whole_check import check_record
from services.runtime.decider_host import processor
from services.runtime.decider_host.unit_of_work import UnitOfWork
from services.runtime.journal.entries import INPUT, ReadEntry, read_row
from services.runtime.journal.memory_store import FakeStore
from services.runtime.platform.errors import JournalAltered
from services.runtime.replay.lookup import Lookup
from support.simulated.fake_system import PUMP, FakeSystem


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    system.glucose("150")
    return system


def record(system: FakeSystem) -> FakeStore:
    return system.stores[HISTORIAN]


def kept(system: FakeSystem) -> list[ReadEntry]:
    """Give the commands of the record, in its order."""
    read = [read_row(row) for _, row in record(system).rows(pump=PUMP)]
    return [one for one in read if isinstance(one.entry.body, Command)]


def obeyed(system: FakeSystem, name: str) -> list[bytes]:
    rows = [row for _, row in system.stores[Speaker(name)].rows(pump=PUMP)]
    read = [read_row(row) for row in rows if row.topic.startswith(INPUT)]
    return [one.data for one in read if isinstance(one.entry.body, Command)]


@pytest.mark.requirement("R91")
def test_each_command_stands_in_the_record_letter_for_letter(system: FakeSystem) -> None:
    """Of each service, in the order in which they came."""
    system.order(500)
    system.run(ms=5 * MINUTE_MS)
    for name in DECIDERS:
        found = [one.data for one in kept(system) if f".command.{name}." in one.head.subject]
        assert found == obeyed(system, name)


def test_a_command_stands_before_what_came_of_it(system: FakeSystem) -> None:
    answered = system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    names = [read_row(row).entry.id for _, row in record(system).rows(pump=PUMP)]
    assert names.index(answered.command) < names.index(answered.events[0])


def test_one_that_is_sent_again_is_kept_once(system: FakeSystem) -> None:
    before = len(kept(system))
    for _ in range(3):
        system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor", command_id="again")
    assert len(kept(system)) == before + 1


def two_of_one_name(system: FakeSystem) -> Outcome:
    """Somebody gives one id to two commands to two services."""
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor", command_id="same")
    return system.ask(ReportStorage(free_mib=100), to="historian", command_id="same")


def test_two_of_one_name_are_kept_and_obeyed(system: FakeSystem) -> None:
    assert two_of_one_name(system).events[0].startswith("historian:")
    assert [one.entry.id for one in kept(system)].count("same") == 2


def test_the_mutant_that_keeps_them_by_their_bare_name_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The historian would take a command to itself for one that it has answered."""
    monkeypatch.setattr("services.runtime.decider_host.inbox.kept_name", lambda _, name: name)
    with pytest.raises(AssertionError):
        test_two_of_one_name_are_kept_and_obeyed(system)


def test_nothing_is_decided_because_of_it(system: FakeSystem) -> None:
    """A storage report and an acknowledgement are the historian's own; to others they are not."""
    system.order(500)
    for _ in range(2):
        report = verify_decisions(DECIDERS[HISTORIAN], record(system))
        assert report.differences == ()
        system.restart("historian")
        system.glucose("120")
    assert check_record(record(system), checkpoints={}).faults == ()


def test_the_mutant_that_obeys_it_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The historian would refuse, or obey, in another's place."""
    monkeypatch.setattr(processor, "IMPORTED", INPUT)
    system.ask(SuspendDelivery(), to="actuator")
    with pytest.raises((AssertionError, JournalAltered)):
        test_nothing_is_decided_because_of_it(system)


def test_one_that_was_cut_out_is_missed(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept and not known as kept would be kept twice."""
    monkeypatch.setattr(FakeStore, "knows", lambda *_, **__: False)
    with pytest.raises(JournalAltered, match="is not among those"):
        UnitOfWork(decider=DECIDERS[HISTORIAN], store=record(system))


def test_what_cannot_be_read_is_left_to_its_own_service(system: FakeSystem) -> None:
    """Which sets it aside and says so: one cause, one alarm."""
    before = len(kept(system))
    system.post_bytes(b"{", SuspendDelivery(), to="actuator")
    system.settle()
    assert len(kept(system)) == before
    assert "message_quarantined_actuator" not in str(system.view("historian").alarms)


def test_what_changed_on_the_way_is_not_kept(system: FakeSystem) -> None:
    before = len(kept(system))
    subject = f"basalt.{PUMP}.command.actuator.suspend_delivery"
    system.broker.put(subject, obeyed(system, "actuator")[0], {SHA256_HEADER: "0" * 64})
    system.settle()
    assert len(kept(system)) == before


def test_an_explanation_needs_the_record_alone_for_commands(system: FakeSystem) -> None:
    """With all other journals elsewhere; what a service alone heard is still said to be missing."""
    advised = system.ask(RequestAdvice(carbs=Grams(20)), to="bolus_advisor")
    system.ask(AcceptAdvice(advice=advised.events[0]), to="bolus_advisor")
    system.run(ms=10 * MINUTE_MS)
    lookup = Lookup(record(system), pump=PUMP, journals=lambda _: None)
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
