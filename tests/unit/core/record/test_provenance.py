"""The tree behind an event: whole once, bounded, and nothing made up where the record ends."""

from collections.abc import Iterator
from typing import Any

import pytest

import core.record.provenance
from core.record.provenance import CAUSE, Known, Origin, explain, named_in
from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RequestAdvice
from schemas.bolus.orders import BolusOrdered, OrderBolus
from schemas.bolus.settings import SetBolusSettings
from schemas.delivery.delivery import BolusDelivered, BolusStartRequested
from schemas.delivery.device import PumpRead
from schemas.glucose import RecordReading
from schemas.message import Event, tag_of
from schemas.units import MINUTE_MS, Grams, Speaker
from services.runtime.replay.lookup import Lookup
from support.simulated.fake_system import PUMP, FakeSystem


@pytest.fixture(scope="module")
def system() -> FakeSystem:
    """A system that gave an advice and the bolus of it, twice."""
    made = FakeSystem()
    made.set_up()
    made.glucose("150")
    for _ in range(2):
        advised = made.ask(RequestAdvice(carbs=Grams(20)), to="bolus_advisor")
        made.ask(AcceptAdvice(advice=advised.events[0]), to="bolus_advisor")
        made.run(ms=10 * MINUTE_MS)
    return made


def lookup(system: FakeSystem, **gone: bool) -> Lookup:
    def journal(speaker: Speaker) -> Any:
        return None if gone.get(speaker) else system.stores[speaker]

    return Lookup(system.stores[Speaker("historian")], pump=PUMP, journals=journal)


def tree(system: FakeSystem, kind: type[Event], **gone: bool) -> Origin:
    looked = lookup(system, **gone)
    name = looked.newest(tag_of(kind).rsplit(".", 1)[0])
    assert name is not None
    return explain(name, looked.find)


def every(origin: Origin) -> Iterator[Origin]:
    yield origin
    for one in origin.origins:
        yield from every(one)


def kinds(origin: Origin) -> set[type]:
    return {type(one.known.body) for one in every(origin) if one.known}


def test_a_delivery_is_explained_down_to_reading_settings_and_person(system: FakeSystem) -> None:
    """The pump's word, the order, the advice, and all that the advice was computed from."""
    found = tree(system, BolusDelivered)

    assert found.known is not None and isinstance(found.known.body, BolusDelivered)
    assert kinds(found) >= {
        PumpRead,
        AcceptAdvice,
        BolusAdvised,
        RequestAdvice,
        SetBolusSettings,
        RecordReading,
    }
    assert [] == [one.name for one in every(found) if one.missing == "not_recorded"]
    people = {one.known.by for one in every(found) if one.known and one.known.cause is None}
    assert "person:test" in people


def test_the_cause_comes_first_and_has_its_latency(system: FakeSystem) -> None:
    """Of what led to it; of what it names there is none."""
    started = tree(system, BolusStartRequested)

    cause, *named = started.origins
    assert (CAUSE, True) == (cause.role, cause.latency is not None and cause.latency >= 0)
    assert {None} == {one.latency for one in named}


def test_each_thing_stands_whole_once(system: FakeSystem) -> None:
    """Else the tree of a year's advice would be the year."""
    found = tree(system, BolusStartRequested)

    whole = [one.known.name for one in every(found) if one.known]
    assert len(set(whole)) == len(whole)
    assert [one for one in every(found) if one.missing == "shown_before"]


def test_what_an_advice_was_computed_from_is_ground(system: FakeSystem) -> None:
    """The dose before it is shown with who ordered it, and not with what it came from in turn."""
    (before,) = (
        one
        for one in every(tree(system, BolusAdvised))
        if one.role == "computed_from" and one.name.startswith("bolus_advisor") and one.known
        if isinstance(one.known.body, BolusOrdered)
    )

    assert [AcceptAdvice] == [type(one.known.body) for one in before.origins if one.known]


def test_the_mutant_that_follows_everything_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would walk from each advice to the dose before, and on."""

    class Everything(frozenset[str]):
        def __contains__(self, role: object) -> bool:
            return True

    few = len(list(every(tree(system, BolusAdvised))))
    monkeypatch.setattr(core.record.provenance, "LINE_OF_A_DOSE", Everything())

    assert len(list(every(tree(system, BolusAdvised)))) > few


def test_a_journal_that_is_elsewhere_is_said_to_be(system: FakeSystem) -> None:
    """Reports stand with who heard them alone; commands are in the record too."""
    found = tree(system, BolusDelivered, actuator=True)

    missing = {one.name for one in every(found) if one.missing == "not_recorded"}
    assert missing
    assert all(name.startswith("report:") for name in missing)


def test_what_the_record_does_not_have_is_said(system: FakeSystem) -> None:
    """An id with a typing error, or of a pump that is another."""
    found = explain("actuator:p1:999999", lookup(system).find)

    assert (None, "not_recorded", ()) == (found.known, found.missing, found.origins)


def test_the_tree_is_bounded(system: FakeSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says where it was cut."""
    monkeypatch.setattr(core.record.provenance, "ORIGINS_MAX", 3)

    found = list(every(tree(system, BolusDelivered)))

    assert 3 == len([one for one in found if one.known])
    assert "left_out" in {one.missing for one in found}


def test_ids_are_found_in_nested_fields(system: FakeSystem) -> None:
    """A signed order names its dose inside."""
    (started, *_) = system.said_of("actuator", BolusStartRequested)

    assert ("signed", started.dose) in list(named_in(started))
    assert [] == list(named_in(OrderBolus(amount=started.amount)))


def test_an_unknown_kind_has_no_newest(system: FakeSystem) -> None:
    """What was not recorded is not explained."""
    assert lookup(system).newest("nonsense") is None


def test_names_that_nobody_heard_are_not_found(system: FakeSystem) -> None:
    """A report behind the end of a journal, a line that is no report, a command never sent."""
    looked = lookup(system)
    known = looked.find("report:1", "actuator")

    assert known is None or isinstance(known, Known)
    assert looked.find("report:100000", "actuator") is None
    assert looked.find("a-command", "actuator") is None
    assert [None] == [
        looked.find(f"report:{row.position}", "actuator")
        for _, row in system.stores[Speaker("actuator")].rows(pump=PUMP)
        if row.topic == "heard set_delivery_limits.v1"
    ]
