"""Questions that read few kinds of lines answer as if every event had been read whole."""

from collections.abc import Collection
from datetime import UTC, datetime

import pytest

import services.runtime.replay.questions
from core.record.daily_totals import DAY_KINDS, DayBook, DayTotals
from schemas.corrections import ReadingVoided
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured
from schemas.message import Event
from schemas.units import HOUR_MS, Speaker, UtcMillis
from services.runtime.replay.lookup import events_of
from services.runtime.replay.questions import day_totals, readings_by_part
from support.history.golden_scenes import SCENES
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.mutant_pairs import is_caught

ASKED = ("therapy", "corrected", "trouble", "doubt")
"""[-] scenes with every kind that a day is added up from."""


def day_of(at: UtcMillis) -> str:
    return datetime.fromtimestamp(at / 1_000, tz=UTC).date().isoformat()


def parts_of(at: UtcMillis) -> Collection[str]:
    return day_of(at), "all"


@pytest.fixture(scope="module", params=ASKED)
def system(request: pytest.FixtureRequest) -> FakeSystem:
    return SCENES[request.param]()


def one_by_one(system: FakeSystem) -> dict[str, DayTotals]:
    book = DayBook(day_of)
    for known in events_of(system.stores[Speaker("historian")], pump=PUMP):
        if isinstance(known.body, Event):
            book.take(known.body, at=known.at, name=known.name)
    return book.days


def days(system: FakeSystem) -> dict[str, DayTotals]:
    return day_totals(system.stores[Speaker("historian")], pump=PUMP, day_of=day_of).days


def test_a_day_is_the_sum_of_all_its_events(system: FakeSystem) -> None:
    """Whatever else is in the record."""
    assert one_by_one(system) == days(system)


def test_readings_are_those_that_were_not_voided(system: FakeSystem) -> None:
    """By time of measurement, each part by itself."""
    store = system.stores[Speaker("historian")]
    found = [known for known in events_of(store, pump=PUMP)]
    gone = {one.body.reading for one in found if isinstance(one.body, ReadingVoided)}
    bodies = [one.body for one in found if one.name not in gone]
    measured = [one for one in bodies if isinstance(one, GlucoseMeasured)]
    values = [one.glucose for one in sorted(measured, key=lambda one: one.measured_at)]
    highs = [one for one in bodies if isinstance(one, GlucoseBeyondRange) and one.bound == "high"]

    parts = readings_by_part(store, pump=PUMP, parts_of=parts_of)

    if not bodies:
        pytest.fail("a scene without any event")
    of_all = parts.get("all")
    assert (tuple(values), len(highs)) == (
        (of_all.values, of_all.highs) if of_all is not None else ((), 0)
    )
    assert len(values) == sum(len(part.values) for name, part in parts.items() if name != "all")


def test_a_period_leaves_the_rest_out(system: FakeSystem) -> None:
    """By when it was decided; its end is outside."""
    store = system.stores[Speaker("historian")]
    times = [known.at for known in events_of(store, pump=PUMP)]
    middle = UtcMillis(min(times) + HOUR_MS)
    halves = [
        day_totals(store, pump=PUMP, day_of=day_of, period=period).days
        for period in ((None, middle), (middle, None))
    ]

    def basal(book: dict[str, DayTotals]) -> int:
        return sum(day.basal for day in book.values())

    assert basal(days(system)) == basal(halves[0]) + basal(halves[1])


@pytest.mark.parametrize("system", ["therapy"], indirect=True)
def test_the_mutant_that_forgets_a_kind_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Basal is nine events of ten."""
    fewer = frozenset(
        kind.__struct_config__.tag.rpartition(".")[0]  # type: ignore[union-attr]  # each has a tag
        for kind in DAY_KINDS
        if kind.__name__ != "BasalDelivered"
    )
    assert is_caught(
        lambda: one_by_one(system) == days(system),
        lambda patch: patch.setattr(services.runtime.replay.questions, "_DAY_NAMES", fewer),
        monkeypatch,
    )
