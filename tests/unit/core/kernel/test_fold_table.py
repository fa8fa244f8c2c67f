"""A fold composed of parts: in their order, each with its own kinds."""

import msgspec
import pytest

from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.kernel.fold_table import FoldTable, part, whole
from schemas.alarms import AlarmCleared, AlarmSnoozed
from schemas.message import Event
from schemas.record import SpeedChanged
from schemas.units import Speaker, UtcMillis

ME = Speaker("actuator")


class State(msgspec.Struct, frozen=True, kw_only=True):
    speeds: tuple[int, ...] = ()
    cleared: tuple[str, ...] = ()
    seen: int = 0


SPEEDS = EventHandlers[tuple[int, ...]]()
CLEARED = EventHandlers[tuple[str, ...]]()
OWN = EventHandlers[State]()


@SPEEDS.register
def _take_speed(speeds: tuple[int, ...], changed: SpeedChanged, entry: Entry) -> tuple[int, ...]:
    del entry
    return speeds if changed.speed in speeds else (*speeds, changed.speed)


@CLEARED.register
def _clear(cleared: tuple[str, ...], ended: AlarmCleared, entry: Entry) -> tuple[str, ...]:
    del entry
    return (*cleared, ended.alarm)


@OWN.register
def _see(state: State, said: SpeedChanged | AlarmCleared, entry: Entry) -> State:
    del said, entry
    return msgspec.structs.replace(state, seen=state.seen + 1)


def said(body: Event, *, speaker: Speaker = ME) -> Entry:
    return Entry(id="actuator:p1:1", at=UtcMillis(1), speaker=speaker, body=body)


def speed(value: int) -> SpeedChanged:
    return SpeedChanged(speed=value, therapy=UtcMillis(0))


@pytest.mark.parametrize(("is_last", "seen"), [(False, 2), (True, 1)])
def test_the_last_step_is_the_one_that_changed_something(is_last: bool, seen: int) -> None:
    """One that changes nothing lets those behind it have their turn."""
    table = FoldTable[State](part("speeds", SPEEDS, is_last=is_last), whole(OWN))

    first = table(State(), said(speed(60)))
    again = table(first, said(speed(60)))

    assert (60,) == again.speeds
    assert seen == again.seen


def test_of_others_nothing_is_folded_where_a_part_is_of_ones_own() -> None:
    table = FoldTable[State](part("cleared", CLEARED, of=ME))
    state = State()

    assert ("a",) == table(state, said(AlarmCleared(alarm="a"))).cleared
    other = said(AlarmCleared(alarm="a"), speaker=Speaker("historian"))
    assert state is table(state, other)


def test_a_kind_may_do_more_than_change_its_part_or_be_left_to_another() -> None:
    """By a function of its own, and without the part's."""

    def put(state: State, speeds: tuple[int, ...], changed: SpeedChanged, entry: Entry) -> State:
        del entry
        return State(speeds=speeds, seen=changed.speed)

    with_put = FoldTable[State](part("speeds", SPEEDS, put={SpeedChanged: put}))
    without = FoldTable[State](part("speeds", SPEEDS, without={SpeedChanged}))
    state = State()

    assert State(speeds=(5,), seen=5) == with_put(state, said(speed(5)))
    assert state is without(state, said(speed(5)))


def test_a_kind_that_no_part_knows_changes_nothing() -> None:
    table = FoldTable[State](part("speeds", SPEEDS), part("cleared", CLEARED), whole(OWN))
    state = State()

    assert state is table(state, said(AlarmSnoozed(alarm="a", until=UtcMillis(1), actor="x")))
