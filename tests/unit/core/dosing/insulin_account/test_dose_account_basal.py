"""Counted basal in blocks: nothing that a window reaches is ever let go of."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dosing.insulin_account.dose_account import BLOCK_MAX, BasalCounted
from core.models.insulin.on_board import Delivered
from schemas.units import MINUTE_MS, Milliseconds, MilliUnits, UtcMillis

KEPT = Milliseconds(60 * MINUTE_MS)


def part(minute: int) -> Delivered:
    at = UtcMillis(minute * MINUTE_MS)
    return Delivered(starts_at=at, ends_at=at, amount=MilliUnits(50))


def counted(minutes: Sequence[int]) -> BasalCounted:
    found = BasalCounted()
    for minute in minutes:
        found = found.with_part(part(minute), kept=KEPT)
    return found


def keeps_what_a_window_reaches(minutes: Sequence[int]) -> bool:
    """Keep all of the last hour, in the order of arrival, and what came just before it at most."""
    found = counted(minutes)
    whole = tuple(part(minute) for minute in minutes)
    reached = [one for one in whole if one.ends_at >= whole[-1].ends_at - KEPT]
    return (
        whole[len(whole) - len(found.parts) :] == found.parts
        and len(found.parts) >= len(reached)
        and found.ends_at == whole[-1].ends_at
    )


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6 * BLOCK_MAX))
def test_all_that_a_window_reaches_is_kept(steps: list[int]) -> None:
    """However far apart they came."""
    minutes = [sum(steps[: number + 1]) for number in range(len(steps))]
    assert keeps_what_a_window_reaches(minutes)


def test_there_is_nothing_at_first() -> None:
    assert (None, ()) == (BasalCounted().ends_at, BasalCounted().parts)


def test_what_no_window_reaches_is_let_go_of() -> None:
    """A year takes no more room than a day."""
    assert len(counted(range(100 * BLOCK_MAX)).parts) <= 60 + 2 * BLOCK_MAX


def hasty(counted: BasalCounted, one: Delivered, *, kept: Milliseconds) -> BasalCounted:
    """Let go of a block as soon as its first part is too old."""
    newest = (*counted.newest, one)
    if len(newest) < BLOCK_MAX:
        return BasalCounted(newest=newest, blocks=counted.blocks)
    blocks = tuple(block for block in counted.blocks if block[0].ends_at >= one.ends_at - kept)
    return BasalCounted(blocks=(*blocks, newest))


def forgets_the_newest(
    counted: BasalCounted, one: Delivered, *, kept: Milliseconds
) -> BasalCounted:
    """Begin a block without the part that filled the one before."""
    del kept
    if len(counted.newest) + 1 < BLOCK_MAX:
        return BasalCounted(newest=(*counted.newest, one), blocks=counted.blocks)
    return BasalCounted(blocks=(*counted.blocks, counted.newest))


@pytest.mark.parametrize("mutant", [hasty, forgets_the_newest])
def test_a_mutant_is_caught(
    mutant: Callable[..., BasalCounted], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Insulin that is forgotten is insulin given twice."""
    assert keeps_what_a_window_reaches(range(5 * BLOCK_MAX))
    monkeypatch.setattr(BasalCounted, "with_part", mutant)
    assert not keeps_what_a_window_reaches(range(5 * BLOCK_MAX))
