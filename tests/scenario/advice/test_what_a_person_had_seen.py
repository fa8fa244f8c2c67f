"""Who accepts an advice says what they had seen; what they had not refuses it."""

import pytest

import core.deciders.bolus.orders
from core.deciders.bolus.staleness import unseen
from schemas.bolus.advice import AcceptAdvice, RecordCarbs, RequestAdvice
from schemas.bolus.orders import InjectionRecorded, RecordInjection
from schemas.message import Command
from schemas.units import Grams, MilliUnits, Speaker
from support.simulated.fake_system import FakeHouse, whole_day

PEN = "dose_since"
MEAL = "carbs_since"
SETTINGS = "settings_since"


def news(house: FakeHouse, what: str) -> Command:
    at = house.clock.now().therapy
    told: dict[str, Command] = {
        PEN: RecordInjection(amount=MilliUnits(1_000), given_at=at),
        MEAL: RecordCarbs(grams=Grams(10), eaten_at=at),
        SETTINGS: whole_day(carb_ratio=12_000),
    }
    return told[what]


def seen(house: FakeHouse) -> dict[str, int]:
    heard: dict[str, int] = house.view("bolus_advisor").heard
    return heard


def refused_with_what_was_seen_before(house: FakeHouse, what: str) -> str:
    """The advice knows of it, the screen of the person does not."""
    before = seen(house)
    house.ask(news(house, what), to="bolus_advisor")
    advice = house.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").events[0]
    return house.ask(AcceptAdvice(advice=advice, heard=before), to="bolus_advisor").reason


@pytest.mark.parametrize("what", [PEN, MEAL, SETTINGS])
def test_what_the_person_had_not_seen_refuses(house: FakeHouse, what: str) -> None:
    """An amount that counts a pen dose is no answer to somebody who does not know of it."""
    assert what == refused_with_what_was_seen_before(house, what)


@pytest.mark.parametrize("what", [PEN, MEAL, SETTINGS])
def test_who_has_seen_all_or_says_nothing_is_not_refused(house: FakeHouse, what: str) -> None:
    """Empty stands for what the advice itself had heard, which counts in any case."""
    house.ask(news(house, what), to="bolus_advisor")
    advice = house.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").events[0]

    empty = AcceptAdvice(advice=advice)
    full = AcceptAdvice(advice=advice, heard=seen(house))
    later = house.ask(news(house, what), to="bolus_advisor")

    assert later.accepted
    assert what == house.ask(empty, to="bolus_advisor").reason
    assert what == house.ask(full, to="bolus_advisor").reason
    again = house.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").events[0]
    assert house.ask(AcceptAdvice(advice=again, heard=seen(house)), to="bolus_advisor").accepted


def test_a_speaker_left_out_was_not_seen_at_all(house: FakeHouse) -> None:
    """The limits are the actuator's; who has not seen them has not seen the settings."""
    advice = house.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").events[0]
    advisor = {"bolus_advisor": seen(house)["bolus_advisor"]}

    outcome = house.ask(AcceptAdvice(advice=advice, heard=advisor), to="bolus_advisor")

    assert "settings_since" == outcome.reason


def test_the_newest_of_each_speaker_is_what_was_seen(house: FakeHouse) -> None:
    """Of three kinds of news the latest event of a speaker counts."""
    house.ask(news(house, MEAL), to="bolus_advisor")
    house.ask(news(house, PEN), to="bolus_advisor")

    newest = len(house.said("bolus_advisor"))
    assert isinstance(house.said("bolus_advisor")[newest - 1], InjectionRecorded)
    assert newest == seen(house)[Speaker("bolus_advisor")]


@pytest.mark.parametrize("what", [PEN, MEAL, SETTINGS])
def test_the_mutant_that_overlooks_what_was_seen_is_caught(
    house: FakeHouse, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It compares with the advice alone, as before."""
    monkeypatch.setattr(
        core.deciders.bolus.orders,
        "unseen",
        lambda news, **fields: unseen(news, **{**fields, "heard": {}}),
    )

    assert not refused_with_what_was_seen_before(house, what)
