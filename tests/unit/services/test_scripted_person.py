"""The scripted person's day: three meals by the wall clock, each with a name of its own."""

import msgspec
import pytest

from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.formats.glucose_readings import FileReading
from schemas.bolus.advice import RequestAdvice
from schemas.delivery.pump import FillReservoir
from schemas.message import Command, Outcome
from schemas.units import HOUR_MS, MINUTE_MS, CommandId, PumpId, UtcMillis
from services.runtime.nats.client import ServiceAbsent
from services.runtime.platform.clock import FakeClock
from services.runtime.platform.zones import local_resolver
from services.scripted_person.person import Person, nearest
from services.scripted_person.schedule import Act, acts_around, due, next_after

ZONE = "America/Los_Angeles"
PUMP = PumpId("p1")
CLOCK = FakeClock(therapy=UtcMillis(0))


class FakeClient:
    """Answers like the services of a system whose reservoir holds `left` [mU]."""

    def __init__(self, left: int | None) -> None:
        self.left = left
        self.sent: list[Command] = []

    async def ask(self, service: str, endpoint: str) -> bytes:
        assert ("actuator", "state") == (service, endpoint)
        if self.left is None:
            raise ServiceAbsent("actuator")
        view = DELIVERY_DECIDER.view(DELIVERY_DECIDER.initial(PUMP), CLOCK.now())
        return msgspec.json.encode(
            {PUMP: {**msgspec.to_builtins(view), "reservoir": self.left}},
        )

    async def send(self, command: Command, **_: object) -> Outcome:
        self.sent.append(command)
        return Outcome(command=CommandId("x"), accepted=False, reason="no_settings")


@pytest.mark.parametrize(("left", "fills"), [(19_950, 1), (20_000, 0), (None, 0)])
async def test_a_new_reservoir_is_put_in_before_the_old_one_is_empty(
    left: int | None, fills: int
) -> None:
    """Six days of a trace are longer than a reservoir; a meal is eaten whatever is known of it."""
    client = FakeClient(left)
    person = Person(client=client, clock=CLOCK, pump=PUMP, zone=ZONE, trace=())  # type: ignore[arg-type]  # a fake of two methods

    await person.eat(today("eat")[0])

    assert fills == sum(isinstance(one, FillReservoir) for one in client.sent)
    assert isinstance(client.sent[-1], RequestAdvice)


def instant(day: int, hour: int, minute: int) -> UtcMillis:
    return local_resolver(ZONE)(2017, 3, day, hour, minute, 0)[0]


def today(kind: str) -> list[Act]:
    acts = acts_around(instant(15, 7, 10), zone=ZONE)
    return [act for act in acts if act.kind == kind and act.name.startswith("2017-03-15")]


def test_a_day_has_three_meals_at_their_hours() -> None:
    """The demonstration's first minute ends with breakfast."""
    meals = [instant(15, 7, 30), instant(15, 12, 30), instant(15, 18, 30)]

    assert meals == [act.at for act in today("eat")]


def test_meals_vary_a_little_and_always_the_same_way() -> None:
    """A replay of the same days must meet the same meals."""
    grams = [act.grams for act in today("eat")]

    assert all(abs(found - usual) <= 10 for found, usual in zip(grams, (45, 60, 70), strict=True))
    assert grams == [act.grams for act in today("eat")]


def test_a_measurement_follows_two_hours_after_each_meal() -> None:
    """A person who corrects must know where glucose went."""
    eaten = [act.at for act in today("eat")]

    assert [at + 2 * HOUR_MS for at in eaten] == [act.at for act in today("measure")]


def test_a_meal_is_due_once_and_not_made_up_after_a_quarter_of_an_hour() -> None:
    """A late start must not inject for a meal that nobody ate."""
    acts = acts_around(instant(15, 7, 30), zone=ZONE)
    start = UtcMillis(0)

    assert ["2017-03-15-breakfast"] == [
        act.name for act in due(acts, after=start, now=instant(15, 7, 44))
    ]
    assert () == due(acts, after=start, now=instant(15, 7, 46))
    assert () == due(acts, after=instant(15, 7, 30), now=instant(15, 7, 31))


def test_meals_follow_the_wall_clock_over_its_changes() -> None:
    """The clock went forward on 2017-03-12; breakfast stays at half past seven."""
    before, after = instant(11, 7, 30), instant(12, 7, 30)

    assert 23 * HOUR_MS == after - before
    assert after == next_after(acts_around(before, zone=ZONE), now=UtcMillis(after - 1))


def test_the_meter_shows_the_nearest_reading_of_the_trace_or_none() -> None:
    """A value of half an hour ago is no measurement of now."""
    trace = [
        FileReading(
            at=UtcMillis(minute * MINUTE_MS), kind="sensor", received="99", unit="mg/dL", line=1
        )
        for minute in (0, 4, 30)
    ]

    assert trace[1] is nearest(trace, at=UtcMillis(5 * MINUTE_MS))
    assert None is nearest(trace, at=UtcMillis(15 * MINUTE_MS))
