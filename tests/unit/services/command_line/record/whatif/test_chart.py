"""The picture of a fork: what a person needs to read it, whatever its length."""

from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from core.whatif.shapes import DayTotal, Forked, OnBoard, Row, Side
from schemas.units import HOUR_MS, PumpId, UtcMillis
from services.command_line.record.whatif.chart import FORKED, RECORDED, TICKS_MAX, WIDTH
from support.history.forks import drawn

BEGIN = UtcMillis(1_792_875_600_000)  # 2026-10-24T21:00Z: 23:00 in Berlin, before a day of 25 h
SVG = "{http://www.w3.org/2000/svg}"
LABEL = len("10-25")


def a_fork(*, hours: int, most: int = 5_000) -> Forked:
    """Make a fork of so many hours; each side is unknown in one of them."""
    points = tuple(
        OnBoard(
            at=UtcMillis(BEGIN + hour * HOUR_MS),
            recorded=None if hour == 2 else most * (hours - hour) // hours,
            forked=most * (hours - hour) // hours // 2 if hour else None,
        )
        for hour in range(hours)
    )
    order = Row(
        at=UtcMillis(BEGIN + HOUR_MS),
        kind="order",
        cause="c",
        recorded=Side(amount=2_000),
        forked=Side(reason="single_limit"),
    )
    both = msgspec.structs.replace(order, at=UtcMillis(BEGIN), forked=Side(amount=1_000))
    return Forked(
        pump=PumpId("p<1>"),
        since=BEGIN,
        until=UtcMillis(BEGIN + hours * HOUR_MS),
        rows=(both, order),
        days=(
            DayTotal(day="2026-10-24", basal_recorded=1_000, basal_forked=1_050),
            DayTotal(
                day="2026-10-25",
                basal_recorded=19_000,
                basal_forked=19_500,
                bolus_recorded=6_000,
            ),
        ),
        on_board=points,
    )


def tree_of(svg: str) -> Any:
    """Read a picture as any viewer would."""
    return ElementTree.fromstring(svg)  # noqa: S314  # written by the function under test


def texts(svg: str) -> list[str]:
    """Give all that is written in a picture."""
    return [str(one.text) for one in tree_of(svg).iter(f"{SVG}text")]


def test_axes_have_units_sides_a_legend_and_glucose_its_caveat() -> None:
    """Nobody reads it as a forecast, and a name with a bracket breaks nothing."""
    found = a_fork(hours=8)

    written = texts(drawn(found))

    for text in ("bolus insulin on board [U]", "boluses ordered [U]", "as recorded"):
        assert text in written
    assert "with the other settings" in written
    assert "wall clock of Europe/Berlin" in written
    assert "Pump p<1>: what if" in written
    assert "basal 20 U, other 20.55 U; bolus 6 U, other 0 U" in written
    assert found.caveat in " ".join(written)


def test_sides_differ_by_more_than_colour() -> None:
    """Blue, round and solid; vermilion, square and dashed: in grey they are told apart too."""
    svg = drawn(a_fork(hours=8))
    tree = tree_of(svg)

    lines = list(tree.iter(f"{SVG}polyline"))
    dashed = {one.get("stroke"): one.get("stroke-dasharray") is not None for one in lines}
    orders = len(list(tree.iter(f"{SVG}circle"))), len(list(tree.iter(f"{SVG}rect")))
    assert {RECORDED: False, FORKED: True} == dashed
    assert 3 == len(lines), "the recorded line is broken where nothing is known"
    assert (3, 3) == orders, "two orders and one, and a mark of each side in the legend"


@pytest.mark.parametrize(
    ("hours", "labels"),
    [
        (5, ["10-25", "01:00", "02:00", "02:00", "03:00"]),
        (30, ["10-25", "06:00", "12:00", "18:00", "10-26"]),
    ],
)
def test_times_are_those_of_the_pumps_wall_clock(hours: int, labels: list[str]) -> None:
    """On the day of 25 hours two o'clock comes twice."""
    written = texts(drawn(a_fork(hours=hours)))

    found = [text for text in written if text in labels]
    assert sorted([*labels, *labels]) == sorted(found)


@pytest.mark.parametrize("days", [3, 30, 400])
def test_a_long_time_has_few_labels_all_at_midnight(days: int) -> None:
    """They must not overlap."""
    svg = drawn(a_fork(hours=days * 24))

    labels = [text for text in texts(svg) if len(text) == LABEL and text[2] in "-:"]
    assert len(labels) <= 2 * TICKS_MAX
    assert len(labels) >= 4


@pytest.mark.parametrize("most", [0, 400, 5_000, 70_000, 10**12])
def test_nothing_is_drawn_outside(most: int) -> None:
    """Whatever the amounts."""
    tree = tree_of(drawn(a_fork(hours=8, most=most)))

    for line in tree.iter(f"{SVG}polyline"):
        for point in str(line.get("points")).split():
            x, y = (float(one) for one in point.split(","))
            assert 0 <= x <= WIDTH
            assert 96 <= y <= 330


def test_a_fork_of_no_time_is_drawn() -> None:
    """Without a line and without a label."""
    empty = msgspec.structs.replace(a_fork(hours=1), on_board=(), rows=(), until=BEGIN)

    assert "Pump p<1>: what if" in texts(drawn(empty))
