"""Who accepts an advice says what they had seen; what they had not refuses it."""

import pytest

import core.deciders.bolus.orders
from core.deciders.bolus.staleness import unseen
from schemas.bolus.advice import AcceptAdvice, RecordCarbs, RequestAdvice
from schemas.bolus.orders import InjectionRecorded, RecordInjection
from schemas.message import Command
from schemas.units import Grams, MilliUnits, Speaker
from support.simulated.fake_system import FakeSystem, whole_day

PEN = "dose_since"
MEAL = "carbs_since"
SETTINGS = "settings_since"


def news(system: FakeSystem, what: str) -> Command:
    at = system.clock.now().therapy
    told: dict[str, Command] = {
        PEN: RecordInjection(amount=MilliUnits(1_000), given_at=at),
        MEAL: RecordCarbs(grams=Grams(10), eaten_at=at),
        SETTINGS: whole_day(carb_ratio=12_000),
    }
    return told[what]


def seen(system: FakeSystem) -> dict[str, int]:
    heard: dict[str, int] = system.view("bolus_advisor").versions_seen
    return heard


def refused_with_what_was_seen_before(system: FakeSystem, what: str) -> str:
    """The advice knows of it, the screen of the person does not."""
    before = seen(system)
    system.ask(news(system, what), to="bolus_advisor")
    advice = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").events[0]
    return system.ask(AcceptAdvice(advice=advice, versions_seen=before), to="bolus_advisor").reason


@pytest.mark.parametrize("what", [PEN, MEAL, SETTINGS])
def test_what_the_person_had_not_seen_refuses(system: FakeSystem, what: str) -> None:
    """An amount that counts a pen dose is no answer to somebody who does not know of it."""
    assert what == refused_with_what_was_seen_before(system, what)


@pytest.mark.parametrize("what", [PEN, MEAL, SETTINGS])
def test_who_has_seen_all_or_says_nothing_is_not_refused(system: FakeSystem, what: str) -> None:
    """Empty stands for what the advice itself had heard, which counts in any case."""
    system.ask(news(system, what), to="bolus_advisor")
    advice = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").events[0]

    empty = AcceptAdvice(advice=advice)
    full = AcceptAdvice(advice=advice, versions_seen=seen(system))
    later = system.ask(news(system, what), to="bolus_advisor")

    assert later.accepted
    assert what == system.ask(empty, to="bolus_advisor").reason
    assert what == system.ask(full, to="bolus_advisor").reason
    again = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").events[0]
    assert system.ask(
        AcceptAdvice(advice=again, versions_seen=seen(system)), to="bolus_advisor"
    ).accepted


def test_a_speaker_left_out_was_not_seen_at_all(system: FakeSystem) -> None:
    """The limits are the actuator's; who has not seen them has not seen the settings."""
    advice = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").events[0]
    advisor = {"bolus_advisor": seen(system)["bolus_advisor"]}

    outcome = system.ask(AcceptAdvice(advice=advice, versions_seen=advisor), to="bolus_advisor")

    assert "settings_since" == outcome.reason


def test_the_newest_of_each_speaker_is_what_was_seen(system: FakeSystem) -> None:
    """Of three kinds of news the latest event of a speaker counts."""
    system.ask(news(system, MEAL), to="bolus_advisor")
    system.ask(news(system, PEN), to="bolus_advisor")

    newest = len(system.said("bolus_advisor"))
    assert isinstance(system.said("bolus_advisor")[newest - 1], InjectionRecorded)
    assert newest == seen(system)[Speaker("bolus_advisor")]


@pytest.mark.parametrize("what", [PEN, MEAL, SETTINGS])
def test_the_mutant_that_overlooks_what_was_seen_is_caught(
    system: FakeSystem, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It compares with the advice alone, as before."""
    monkeypatch.setattr(
        core.deciders.bolus.orders,
        "unseen",
        lambda news, **fields: unseen(news, **{**fields, "heard": {}}),
    )

    assert not refused_with_what_was_seen_before(system, what)
