"""What if at its edges: refusals, what was refused on one side alone, days of 25 hours, doubts."""

from typing import Any

import msgspec
import pytest

import core.whatif.comparison
from core.whatif.shapes import DecisionRecord, Forked, Other, ZoneOf
from core.whatif.simulation import fork
from schemas.basal.profiles import SetTemporaryRate, ZoneLookupRequested, ZoneResolved
from schemas.bolus.advice import AcceptAdvice, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import (
    CancelBolus,
)
from schemas.message import Event
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    EventId,
    Grams,
    MgDl,
    Milliseconds,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from services.runtime.platform.zone_lookup import resolved
from services.runtime.replay.whatif_input import decision_records
from support.history.forks import amounts, eat, forked, of_kind, profile
from support.simulated.fake_system import LIMITS, PUMP, SETTINGS, FakeSystem, whole_day

OCTOBER_24 = UtcMillis(1_792_872_000_000)  # 2026-10-24T20:00Z; the next day has 25 h in Berlin


def minutes(system: FakeSystem, count: int) -> UtcMillis:
    system.run(ms=count * MINUTE_MS)
    return UtcMillis(system.clock.now().therapy)


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    minutes(system, 10)
    return system


def tight(amount: int) -> Any:
    return msgspec.structs.replace(LIMITS, single=MilliUnits(amount))


def test_what_was_eaten_stays_eaten_though_the_fork_refused_the_bolus(system: FakeSystem) -> None:
    """At a safe minimum of 100 mg/dL nothing is advised at 95, and nothing can be accepted."""
    at = minutes(system, 1)
    eat(system, 40, glucose="95")
    minutes(system, 30)
    careful = msgspec.structs.replace(SETTINGS, safe_minimum=MgDl(100))

    found = forked(system, at, settings=careful)

    advice, order = of_kind(found, "advice")[0], of_kind(found, "order")[0]
    assert ("glucose_below_safe_minimum", None) == (advice.forked.reason, advice.forked.amount)
    assert "no_such_advice" == order.forked.reason
    assert [40] == [row.carbs for row in of_kind(found, "carried")]
    assert 4_000 == order.recorded.amount == found.days[0].bolus_recorded
    assert 0 == found.days[0].bolus_forked


def test_a_meal_is_not_counted_twice_where_the_fork_accepts_what_the_record_refused(
    system: FakeSystem,
) -> None:
    """Nothing was to be given in the record; more was in the fork, and with other carbs."""
    at = minutes(system, 1)
    refused = eat(system, 0, glucose="118")
    minutes(system, 10)

    found = forked(system, at, settings=whole_day(target_low=70, target_high=75))

    assert not refused.accepted
    assert [(None, 1_050)] == amounts(found)
    assert 1_050 == sum(day.bolus_forked for day in found.days)
    assert [] == of_kind(found, "carried")


@pytest.mark.parametrize("hours", [0, 2])
def test_an_order_that_the_record_has_not_is_given_in_full(system: FakeSystem, hours: int) -> None:
    """At once, or evenly over its time."""
    system.ask(tight(1_000), to="actuator")
    at = minutes(system, 1)
    asked = OrderBolus(amount=MilliUnits(2_000), duration=Milliseconds(hours * HOUR_MS))
    refused = system.ask(asked, to="bolus_advisor")
    middle = minutes(system, 61)
    minutes(system, 90)

    found = forked(system, at, limits=LIMITS)
    half = forked(system, at, limits=LIMITS, until=middle)

    assert "single_limit" == refused.reason
    assert [(None, 2_000)] == amounts(found)
    assert 2_000 == sum(day.bolus_forked for day in found.days)
    assert (1_000 if hours else 2_000) == sum(day.bolus_forked for day in half.days)
    assert 0 == sum(day.bolus_recorded for day in found.days)


def test_a_dual_bolus_is_two_orders_on_both_sides(system: FakeSystem) -> None:
    """Half of a meal at once, half over 2 h: each stands for its own part."""
    at = minutes(system, 1)
    system.glucose("110")
    wanted = RequestAdvice(carbs=Grams(40), duration=Milliseconds(2 * HOUR_MS), now_percent=50)
    advised = system.ask(wanted, to="bolus_advisor")
    system.ask(AcceptAdvice(advice=EventId(advised.events[0])), to="bolus_advisor")
    minutes(system, 150)

    found = forked(system, at, settings=whole_day(carb_ratio=8_000))

    assert [(4_000, 5_000)] == amounts(found)
    (day,) = found.days
    assert (4_000, 5_000) == (day.bolus_recorded, day.bolus_forked)


def test_a_bolus_that_was_stopped_is_stopped_at_the_same_share(system: FakeSystem) -> None:
    """What was cancelled half-way is cancelled half-way in the fork, in whole pulses."""
    at = minutes(system, 1)
    eat(system, 80, glucose="110")
    system.run(ms=20_000)
    system.ask(CancelBolus(), to="actuator")
    minutes(system, 5)

    found = forked(system, at, settings=whole_day(carb_ratio=8_000))

    (day,) = found.days
    assert [(8_000, 10_000)] == amounts(found)
    assert 0 < day.bolus_recorded < 8_000
    assert abs(day.bolus_forked / 10_000 - day.bolus_recorded / 8_000) < 50 / 10_000


def test_who_had_seen_all_in_the_record_has_seen_all_in_the_fork(system: FakeSystem) -> None:
    """What the person says to have heard is translated; who had not seen a dose has not here."""
    at = minutes(system, 1)
    eat(system, 40, glucose="110")
    minutes(system, 20)
    seen = system.view("bolus_advisor").versions_seen
    eat(system, 20, versions_seen=seen)
    minutes(system, 20)
    stale = eat(system, 30, versions_seen={"actuator": 1})
    minutes(system, 20)

    found = forked(system, at, settings=whole_day(carb_ratio=8_000))

    orders = of_kind(found, "order")
    assert [(4_000, 5_000), (2_000, 2_500), (None, None)] == amounts(found)
    assert stale.reason == orders[2].recorded.reason == orders[2].forked.reason


def test_an_amount_of_the_persons_own_choice_stays_and_the_advised_one_follows(
    system: FakeSystem,
) -> None:
    """Who named the advised 4 U takes the fork's advice; who chose 3 U instead keeps 3 U."""
    at = minutes(system, 1)
    eat(system, 40, glucose="110", amount=MilliUnits(4_000))
    minutes(system, 60)
    eat(system, 40, glucose="110", amount=MilliUnits(3_000))
    minutes(system, 20)

    found = forked(system, at, settings=whole_day(carb_ratio=8_000))

    assert [(4_000, 5_000), (3_000, 3_000)] == amounts(found)


def test_a_day_of_25_hours_has_25_hours_of_basal() -> None:
    """By the clock of Berlin, which goes back on 25 October 2026; the hour that comes twice too."""
    system = FakeSystem(start=OCTOBER_24)
    system.set_up()
    at = minutes(system, 5)
    minutes(system, 28 * 60)

    found = forked(system, at, profile=profile((0, 1_000), (120, 3_000), (180, 1_000)))

    days = {day.day: day for day in found.days}
    assert abs(days["2026-10-25"].basal_forked - (25_000 + 2 * 2_000)) <= 200
    assert ["2026-10-24", "2026-10-25", "2026-10-26"] == sorted(days)


def test_a_doubt_cuts_the_forks_temporary_rate_too(system: FakeSystem) -> None:
    """The plan is cut anew in the record; the fork cuts its own."""
    at = minutes(system, 1)
    system.ask(
        SetTemporaryRate(percent=200, duration=Milliseconds(2 * HOUR_MS)), to="basal_scheduler"
    )
    minutes(system, 10)
    system.ask(OrderBolus(amount=MilliUnits(5_000)), to="bolus_advisor")
    system.run(ms=2_000)
    system.line_is_cut = True
    minutes(system, 1)
    system.restart("actuator")
    minutes(system, 5)
    system.line_is_cut = False
    minutes(system, 60)

    same = forked(system, at)
    other = forked(system, at, profile=profile((0, 1_000)))

    assert (None, None) == (same.differs_from, same.basal_differs_from)
    assert other.basal_differs_from is not None


def test_a_long_fork_is_looked_at_more_rarely(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that ten years make no bigger picture than a day."""
    at = minutes(system, 1)
    minutes(system, 200)
    monkeypatch.setattr(core.whatif.comparison, "SAMPLES_MAX", 10)

    found = forked(system, at)

    assert len(found.on_board) <= 10
    gaps = {
        after.at - before.at
        for before, after in zip(found.on_board, found.on_board[1:], strict=False)
    }
    assert {20 * MINUTE_MS} == gaps


NOTHING_OTHER = Other()


def no_zone(lookup: ZoneLookupRequested) -> ZoneResolved:
    return ZoneResolved(zone=lookup.zone, tzdata="", transitions=(), known_until=UtcMillis(0))


def turns(system: FakeSystem, name: str) -> list[DecisionRecord]:
    return list(decision_records(system.stores[Speaker(name)], pump=PUMP))


def forked_turns(
    scheduler: list[DecisionRecord],
    advisor: list[DecisionRecord],
    since: UtcMillis,
    *,
    other: Other = NOTHING_OTHER,
    zone_of: ZoneOf = no_zone,
) -> Forked:
    return fork(
        scheduler=scheduler,
        advisor=advisor,
        pump=PUMP,
        since=since,
        until=None,
        other=other,
        zone_of=zone_of,
        day_of=lambda at: str(at // DAY_MS),
    )


def test_a_past_that_was_taken_over_is_the_same_on_both_sides(system: FakeSystem) -> None:
    """A service whose journal was lost folds its old words without deciding on them."""
    at = minutes(system, 1)
    system.ask(SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS)), to="basal_scheduler")
    eat(system, 40, glucose="110")
    minutes(system, 20)

    def adopted(name: str) -> list[DecisionRecord]:
        taken: list[DecisionRecord] = []
        for turn in turns(system, name):
            if turn.now.therapy < at:
                taken.append(turn)
                continue
            for entry in (turn.input, *turn.said):
                if entry is not None and isinstance(entry.body, Event):
                    taken.append(DecisionRecord(now=turn.now, said=(entry,)))
        return taken

    found = forked_turns(adopted("basal_scheduler"), adopted("bolus_advisor"), at)

    assert () == found.rows
    assert all(one.recorded == one.forked for one in found.on_board)
    assert any(one.recorded for one in found.on_board)


def test_an_advice_of_the_fork_alone_and_a_meal_without_insulin(system: FakeSystem) -> None:
    """At a safe minimum of 60 mg/dL 66 is advised on; a small meal then needs no insulin."""
    at = minutes(system, 1)
    system.glucose("66")
    refused = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor")
    minutes(system, 10)
    eat(system, 1, glucose="75")
    minutes(system, 10)

    found = forked(system, at, settings=msgspec.structs.replace(SETTINGS, safe_minimum=MgDl(60)))

    advice, order = of_kind(found, "advice")[0], of_kind(found, "order")[0]
    assert not refused.accepted
    assert (None, True) == (advice.recorded.amount, bool(advice.forked.amount))
    assert (0, 0, False) == (order.recorded.amount, order.forked.amount, order.differs)


def test_a_zone_whose_transitions_run_out_is_looked_up_again_in_the_fork(
    system: FakeSystem,
) -> None:
    """The fork has its own clock: it wakes for it where the record did not."""
    at = minutes(system, 1)
    minutes(system, 30)
    asked: list[UtcMillis] = []

    def soon(lookup: ZoneLookupRequested) -> ZoneResolved:
        asked.append(lookup.since)
        found = resolved(lookup.zone, since=lookup.since)
        until = UtcMillis(lookup.since + 4 * DAY_MS + 10 * MINUTE_MS)
        return msgspec.structs.replace(found, known_until=until)

    found = forked_turns(
        turns(system, "basal_scheduler"),
        turns(system, "bolus_advisor"),
        at,
        other=Other(settings=SETTINGS),
        zone_of=soon,
    )

    assert [0, 10, 20, 30] == [(one - at) // MINUTE_MS for one in asked]
    assert found.differs_from is None


def test_a_scheduler_that_said_nothing_more_goes_on_in_the_fork(system: FakeSystem) -> None:
    """Its last words came before the fork."""
    at = minutes(system, 1)
    eat(system, 40, glucose="110")
    minutes(system, 10)
    before = [turn for turn in turns(system, "basal_scheduler") if turn.now.therapy < at]

    found = forked_turns(before, turns(system, "bolus_advisor"), at)

    assert [(4_000, 4_000)] == amounts(found)


@pytest.mark.parametrize("ordered", [True, False])
def test_the_actuator_of_the_fork_refuses_what_its_reservoir_has_not(ordered: bool) -> None:
    """4 U of 40 g were there; 13.3 U at 3 g/U are not, whether the record has an order or none."""
    system = FakeSystem(fill_mu=12_000)
    system.set_up()
    system.ask(msgspec.structs.replace(LIMITS, single=MilliUnits(15_000)), to="actuator")
    at = minutes(system, 1)
    careful = msgspec.structs.replace(SETTINGS, safe_minimum=MgDl(100))
    if not ordered:
        system.ask(careful, to="bolus_advisor")
        system.glucose("95")
        system.ask(tight(14_000), to="actuator")
        system.ask(OrderBolus(amount=MilliUnits(14_500)), to="bolus_advisor")
    else:
        eat(system, 40, glucose="110")
    minutes(system, 10)
    large = msgspec.structs.replace(LIMITS, single=MilliUnits(15_000))

    found = forked(system, at, settings=whole_day(carb_ratio=3_000), limits=large)

    (refused,) = of_kind(found, "refused")
    assert ("reservoir", "bolus_refused.v1") == (refused.forked.reason, refused.text)
    assert (None if not ordered else 4_000) == of_kind(found, "order")[0].recorded.amount
    assert (14_500 if not ordered else 13_300) == of_kind(found, "order")[0].forked.amount
    assert 0 == sum(day.bolus_forked for day in found.days)
