"""A fold as a table: each kind has one place, and one without a place changes nothing."""

from typing import Any

import pytest

from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.delivery.delivery import BasalDelivered
from schemas.delivery.pump import PumpControlLost, PumpLost
from schemas.record import Tick
from schemas.units import UtcMillis


def heard(body: Any) -> Entry:
    return Entry(id="x", at=UtcMillis(7), body=body)


def test_each_kind_of_a_union_has_its_fold_and_others_give_the_same_back() -> None:
    """The entry comes along, for its time and id."""
    folds = EventHandlers[tuple[int, ...]]()

    @folds.register
    def lose(state: tuple[int, ...], said: PumpLost | PumpControlLost, entry: Entry) -> Any:
        del said
        return (*state, entry.at)

    state = (1,)
    assert folds(state, heard(PumpLost(reason="x"))) == (1, 7)
    assert folds(state, heard(PumpControlLost(epoch=2))) == (1, 7)
    assert folds(state, heard(Tick())) is state
    assert set(folds.by_kind) == {PumpLost, PumpControlLost}
    assert lose(state, PumpLost(reason="x"), heard(Tick())) == (1, 7)


def test_two_folds_of_one_kind_are_refused() -> None:
    """One of them would be forgotten in silence."""
    folds = EventHandlers[int]()

    @folds.register
    def once(state: int, said: PumpLost, entry: Entry) -> int:
        return state

    def twice(state: int, said: PumpLost | BasalDelivered, entry: Entry) -> int:
        return state

    with pytest.raises(TypeError, match="twice: .*PumpLost.* has a handler already"):
        folds.register(twice)
    assert folds.by_kind == {PumpLost: once}


def test_a_fold_of_no_kind_is_refused() -> None:
    """It would never be asked."""

    def of_anything(state: int, said: Any, entry: Entry) -> int:
        return state

    with pytest.raises(TypeError, match="of_anything"):
        EventHandlers[int]().register(of_anything)


def test_a_table_of_two_parts_knows_the_kinds_of_both_and_each_once() -> None:
    """A second handler of a kind would run or not by the order of the parts."""
    lost, flowed = EventHandlers[int](), EventHandlers[int]()

    @lost.register
    def lose(state: int, said: PumpLost, entry: Entry) -> int:
        return state + 1

    @flowed.register
    def flow(state: int, said: BasalDelivered, entry: Entry) -> int:
        return state + 2

    assert {PumpLost: lose, BasalDelivered: flow} == EventHandlers[int](lost, flowed).by_kind
    with pytest.raises(TypeError, match="PumpLost"):
        EventHandlers[int](lost, lost)
