"""How far long reading has come: seen on a terminal, and nowhere else."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from core.deciders.bolus.decider import BOLUS_DECIDER
from schemas.units import MINUTE_MS, Speaker
from services.command_line.output import progress
from services.command_line.output.progress import watched
from services.runtime.ports import Store
from services.runtime.replay.replay import known_by, pumps_in
from support.simulated.fake_system import PUMP, FakeSystem

CLEAR = "\r\x1b[K"


class Terminal(StringIO):
    """A screen that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    """A journal with more lines than are read without a word."""
    monkeypatch.setattr(progress, "SHOWN_AFTER_ROWS", 10)
    monkeypatch.setattr(progress, "SHOWN_EACH_ROWS", 5)
    system = FakeSystem()
    system.set_up()
    system.run(ms=60 * MINUTE_MS)
    return system.stores[Speaker("bolus_advisor")]


def read(store: Store, **words: Any) -> int:
    return sum(1 for _ in store.rows(**words))


def test_reading_is_shown_from_some_lines_on_and_cleared_at_the_end(store: Store) -> None:
    """With the share of the whole, so that one sees how long it will take."""
    screen = Terminal()
    lines = read(store)

    assert lines == read(watched(store, name="bolus_advisor", screen=screen), pump=PUMP)

    shown = screen.getvalue().split(CLEAR)
    assert shown[0] == shown[-1] == ""
    assert lines // 5 - 1 == len(shown) - 2
    assert shown[1].startswith("bolus_advisor: [#")
    assert shown[1].endswith(" line 10")
    assert f"{10 / lines:.0%}" in shown[1]


def test_a_journal_without_ends_has_a_count_and_no_share(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older journals do not say how long they are."""
    screen = Terminal()
    monkeypatch.setattr(store, "ends", dict)

    read(watched(store, name="bolus_advisor", screen=screen))

    assert f"{CLEAR}bolus_advisor: line 10{CLEAR}" in screen.getvalue()


def test_nobody_who_does_not_look_is_shown_anything(store: Store) -> None:
    """A log of a nightly check has no bars in it, and the journal is not wrapped."""
    screen = StringIO()

    assert store is watched(store, name="bolus_advisor", screen=screen)


def test_reading_back_from_the_end_and_parts_are_not_shown(store: Store) -> None:
    """They end when what was looked for is found."""
    screen = Terminal()
    seen = watched(store, name="bolus_advisor", screen=screen)

    assert read(seen, newest_first=True) == read(seen, after_row=1) + 1
    assert "" == screen.getvalue()


def test_all_else_is_asked_of_the_journal_itself(store: Store) -> None:
    """Every reader works with it as with the journal."""
    seen = watched(store, name="bolus_advisor", screen=Terminal())

    assert pumps_in(store) == pumps_in(seen)
    assert known_by(BOLUS_DECIDER, store, pump=PUMP) == known_by(BOLUS_DECIDER, seen, pump=PUMP)


def test_what_ends_in_the_middle_leaves_nothing_on_the_screen(store: Any) -> None:
    """An error is printed on a line of its own."""
    screen = Terminal()
    closed: list[bool] = []
    store.close = lambda: closed.append(True)
    seen = watched(store, name="bolus_advisor", screen=screen)
    rows: Iterator[Any] = seen.rows()
    for _ in range(12):
        next(rows)

    seen.close()
    seen.close()

    assert [True, True] == closed
    assert screen.getvalue().endswith(f"line 10{CLEAR}")
