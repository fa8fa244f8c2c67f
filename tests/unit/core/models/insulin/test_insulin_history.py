"""Histories as parts: what callers of the core itself must know."""

import msgspec
import pytest

from core.models.insulin.history import Dose, History, Rate, gaps_of, parts_of
from core.models.insulin.models import PRESETS, curve_of
from core.models.insulin.on_board import on_board
from schemas.units import HOUR_MS, UtcMillis

CURVE = curve_of(PRESETS["loop_adult"])
RECORD = Dose(kind="basal", start=UtcMillis(0), end=UtcMillis(HOUR_MS), units=1.0, curve=CURVE)


def test_relative_basal_without_a_schedule_is_not_counted_as_something() -> None:
    """No number is better than one that leaves the schedule out."""
    history = History(at=UtcMillis(HOUR_MS), curve=CURVE, doses=(RECORD,))

    with pytest.raises(ValueError, match="reaches out of the schedule"):
        parts_of(history, until=history.at)


def test_rates_that_ended_before_a_record_do_not_matter() -> None:
    """A schedule may be told from far before; the rate of the record's own time counts."""
    rates = tuple(
        Rate(start=UtcMillis(begin * HOUR_MS), end=UtcMillis(end * HOUR_MS), u_per_h=rate)
        for begin, end, rate in ((-9, -5, 9.0), (-5, -2, 5.0), (-1, 2, 0.25))
    )
    history = History(at=UtcMillis(HOUR_MS), curve=CURVE, doses=(RECORD,), schedule=rates)

    [part] = parts_of(history, until=history.at)

    assert 0.75 == part.units


def test_a_hole_in_the_schedule_is_seen_after_a_rate_that_has_ended() -> None:
    """The rate before a hole does not reach into it."""
    early = Rate(start=UtcMillis(-2 * HOUR_MS), end=UtcMillis(-HOUR_MS), u_per_h=1.0)
    late = Rate(start=UtcMillis(HOUR_MS // 2), end=UtcMillis(9 * HOUR_MS), u_per_h=1.0)
    history = History(at=UtcMillis(HOUR_MS), curve=CURVE, doses=(RECORD,), schedule=(early, late))

    with pytest.raises(ValueError, match="reaches out of the schedule"):
        parts_of(history, until=history.at)


@pytest.mark.parametrize("later", [8, 9])
def test_a_record_before_what_is_known_hides_no_record_after_it(later: int) -> None:
    """The time between is unknown from where the record begins to where the next dose does."""
    doses = tuple(
        msgspec.structs.replace(
            RECORD, start=UtcMillis(begin * HOUR_MS), end=UtcMillis(end * HOUR_MS)
        )
        for begin, end in ((5, 6), (later, 10))
    )
    history = History(
        at=UtcMillis(10 * HOUR_MS),
        curve=CURVE,
        doses=doses,
        is_relative=False,
        covered_from=UtcMillis(7 * HOUR_MS),
        gaps_are_scheduled=False,
    )

    _, (before, gap) = gaps_of(history)

    assert (7 * HOUR_MS, "before the record begins") == (before.end, before.why)
    assert (7 * HOUR_MS, later * HOUR_MS, "no basal record") == (gap.start, gap.end, gap.why)


def test_what_has_acted_ends_no_sum() -> None:
    """Histories come in any order: an old dose before a new one is left out by itself."""
    old, new = (
        msgspec.structs.replace(RECORD, kind="bolus", start=UtcMillis(start), end=UtcMillis(start))
        for start in (0, 30 * HOUR_MS)
    )
    history = History(at=new.start, curve=CURVE, doses=(new,))
    [whole] = parts_of(history, until=history.at)
    acted = msgspec.structs.replace(whole, start=old.start, end=old.end)

    found = on_board([acted, whole], at=history.at)

    assert (1.0, 1.0, 1.0) == (found.total, found.least, found.most)
