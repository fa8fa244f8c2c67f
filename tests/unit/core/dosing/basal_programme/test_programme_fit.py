"""A week of basal held against limits: each window is found by adding up minute by minute again."""

from random import Random

import msgspec
import pytest

from core.dosing.basal_programme.changes import day_change
from core.dosing.basal_programme.fit import day_total, misfits_kept, misfits_of
from core.dosing.basal_programme.programme import (
    HeardProgramme,
    Programme,
    hear,
    programme_of,
)
from core.kernel.decider import Entry
from schemas.basal.profiles import (
    BasalPlanMade,
    BasalProfileRefused,
    BasalProfileSet,
    BasalWeekSet,
    BasalZoneRefused,
    BasalZoneSet,
    ProfileSegment,
    SetBasalProfile,
)
from schemas.delivery.delivery import SetDeliveryLimits
from schemas.message import Event
from schemas.units import EventId, MilliUnits, MilliUnitsPerHour, Speaker, UtcMillis

WIDE = SetDeliveryLimits(
    single=MilliUnits(10_000),
    hourly=MilliUnits(15_000),
    daily=MilliUnits(500_000),
    basal=MilliUnitsPerHour(30_000),
)
DAY, WEEK = 1440, 7 * 1440


def kept(name: str, *segments: tuple[int, int], activate: bool = False) -> BasalProfileSet:
    return BasalProfileSet(
        name=name,
        zone="UTC",
        segments=tuple(
            ProfileSegment(start_minute=minute, rate=MilliUnitsPerHour(rate))
            for minute, rate in segments
        ),
        actor="person:a",
        activate=activate,
    )


def week_of(random: Random) -> Programme:
    """Draw three profiles and a week of them."""
    programme = Programme()
    for name in ("a", "b", "c"):
        starts = sorted({0, *(random.randrange(0, DAY, 30) for _ in range(4))})
        segments = [(start, random.randrange(0, 3_000, 50)) for start in starts]
        programme = programme.with_profile(kept(name, *segments), EventId(name))
    return msgspec.structs.replace(programme, days=tuple(random.choices("abc", k=7)))


def minutes_of(programme: Programme) -> list[int]:
    """Write out the rate of each minute of the week [mU/h]."""
    rates: list[int] = []
    for segments in programme.week:
        ends = [*(one.start_minute for one in segments[1:]), DAY]
        for segment, end in zip(segments, ends, strict=True):
            rates.extend([segment.rate] * (end - segment.start_minute))
    return rates


def most_in(rates: list[int], length: int, step: int = 1) -> int:
    """Add up every window by itself [mU], rounded up."""
    twice = rates + rates
    return max(-(-sum(twice[at : at + length]) // 60) for at in range(0, WEEK, step))


@pytest.mark.requirement("R118")
@pytest.mark.parametrize("seed", range(12))
def test_the_window_that_holds_most_is_found(seed: int) -> None:
    """A milliunit less is too little, and that much is enough; edges lie at half hours."""
    programme = week_of(Random(seed))
    rates = minutes_of(programme)
    for field, length, step in (
        ("daily", DAY, 30),
        ("four_hours", 240, 30),
        ("calendar_day", DAY, DAY),
    ):
        most = most_in(rates, length, step)
        fits = msgspec.structs.replace(WIDE, **{field: most})
        tight = msgspec.structs.replace(WIDE, **{field: most - 1})

        assert [] == list(misfits_of(programme, fits))
        (misfit,) = misfits_of(programme, tight)
        assert (most, most - 1) == (misfit.amount, misfit.amount_limit)


def test_a_profile_that_is_kept_is_one_day() -> None:
    """Four hours around midnight are of two days, whatever the other is."""
    late = kept("late", (0, 2_000), (120, 500), (1320, 2_000))
    limits = msgspec.structs.replace(WIDE, four_hours=MilliUnits(7_000))

    assert [] == list(misfits_kept(late, limits))
    whole = Programme().with_profile(msgspec.structs.replace(late, activate=True), EventId("x"))
    assert [8_000] == [one.amount for one in misfits_of(whole, limits)]
    assert [] == list(misfits_of(Programme(), limits))


def test_a_day_is_added_up_and_rounded_up() -> None:
    assert 26_400 == day_total(kept("a", (0, 800), (360, 1_200)).segments)
    assert 1 == day_total(kept("a", (0, 0), (1439, 1)).segments)


def test_without_a_programme_before_nothing_changes() -> None:
    after = Programme().with_profile(kept("a", (0, 800), activate=True), EventId("x"))

    assert day_change(Programme(), after) is None
    assert day_change(after, after) is None


def heard(known: HeardProgramme, name: str, body: Event) -> HeardProgramme:
    entry = Entry(id=name, at=UtcMillis(0), speaker=Speaker("basal_scheduler"), body=body)
    return hear(known, entry)


def plan(profile: str, settings: str) -> BasalPlanMade:
    return BasalPlanMade(
        profile=EventId(profile),
        tzdata="t",
        steps=(),
        ends_at=UtcMillis(1),
        settings=EventId(settings),
    )


def test_a_programme_is_in_force_with_its_plan() -> None:
    """Until then it waits; one whose clock nobody knows falls."""
    first = kept("a", (0, 800), activate=True)
    known = heard(HeardProgramme(), "1", first)
    assert ((), ("a",) * 7) == (known.in_force.days, known.newest.days)
    known = heard(known, "2", plan("1", "1"))
    assert (("a",) * 7, None) == (known.in_force.days, known.waiting)
    assert ("a", "") == (known.in_force.name_of(EventId("1")), known.in_force.name_of(EventId("9")))

    known = heard(known, "3", kept("b", (0, 900)))
    assert (True, None) == (known.in_force.has("b"), known.waiting)
    known = heard(known, "4", BasalWeekSet(days=("a",) * 6 + ("b",), actor="person:a"))
    known = heard(known, "5", kept("c", (0, 900)))
    assert (False, True) == (known.in_force.has("c"), known.newest.has("c"))
    assert known.newest is known.made_of(plan("1", "4"))
    assert known.in_force is known.made_of(plan("1", "1"))
    assert known is heard(known, "6", plan("1", "1"))

    for lost in (
        BasalZoneRefused(zone="X/Y", reason="unknown_zone"),
        BasalProfileRefused(name="c", reason="unknown_zone"),
    ):
        moved = heard(known, "7", BasalZoneSet(zone="X/Y", actor="person:a"))
        assert "X/Y" == moved.newest.zone
        assert heard(moved, "8", lost).waiting is None
    other = BasalZoneRefused(zone="X/Y", reason="no_profile")
    assert known is heard(known, "9", other)


def test_a_profile_that_nobody_has_set_yet_is_a_programme() -> None:
    asked = SetBasalProfile(
        name="new",
        zone="UTC",
        segments=(ProfileSegment(start_minute=0, rate=MilliUnitsPerHour(900)),),
    )

    assert ("new",) * 7 == programme_of(asked).in_force.days
