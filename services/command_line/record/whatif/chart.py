"""A fork as a picture: insulin on board and orders of both sides over time, as SVG."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from math import ceil
from typing import Final
from xml.sax.saxutils import escape

from core.whatif.shapes import Forked, OnBoard
from schemas.units import HOUR_MS, UtcMillis

LocalOf = Callable[[UtcMillis], datetime]
"""[-] reads the pump's wall clock at an instant."""

WIDTH, HEIGHT = 960, 620
"""[px] of the picture."""

LEFT, RIGHT = 70, 20
"""[px] margins beside the panels."""

ON_BOARD_PX: Final = (96, 330)
"""[px] top and bottom of the panel of insulin on board."""

ORDERS_PX: Final = (376, 540)
"""[px] top and bottom of the panel of orders."""

RECORDED, FORKED = "#0072b2", "#d55e00"
"""[-] blue and vermilion of Okabe and Ito's palette, told apart by colour-blind people; the fork is
dashed and square besides."""

TICKS_MAX: Final = 8
"""[-] instants named below a panel."""

_STEPS_H: Final = (1, 2, 3, 6, 12)
_CAVEAT_CHARACTERS: Final = 140
_POWERS_MAX: Final = 9


def draw(forked: Forked, *, local: LocalOf, zone: str, title: str) -> str:
    """Draw both sides.

    Args:
        forked: what is drawn.
        local: the pump's wall clock.
        zone: its name.
        title: what was changed, in words.

    Returns:
        The text of an SVG file.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 24, f"Pump {forked.pump}: {title}", size=16),
        *_legend(),
        _text(WIDTH - RIGHT, 52, _totals(forked), anchor="end"),
        *_on_board(forked),
        *_orders(forked),
        *_times(forked, local),
        _text(WIDTH // 2, 574, f"wall clock of {zone}", anchor="middle"),
        *(
            _text(LEFT, 594 + 16 * number, line, size=11)
            for number, line in enumerate(_lines(forked.caveat))
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend() -> Iterator[str]:
    yield _line(LEFT, 48, LEFT + 34, 48, RECORDED, width=2.5)
    yield _circle(LEFT + 17, 48, RECORDED)
    yield _text(LEFT + 42, 52, "as recorded")
    yield _line(LEFT + 150, 48, LEFT + 184, 48, FORKED, width=2.5, dashed=True)
    yield _square(LEFT + 167, 48, FORKED)
    yield _text(LEFT + 192, 52, "with the other settings")


def _totals(forked: Forked) -> str:
    """Say what all days come to on both sides."""
    sums = [
        sum(getattr(day, f"{name}_{side}") for day in forked.days) / 1000
        for name in ("basal", "bolus")
        for side in ("recorded", "forked")
    ]
    basal, basal_other, bolus, bolus_other = sums
    return f"basal {basal:g} U, other {basal_other:g} U; bolus {bolus:g} U, other {bolus_other:g} U"


def _on_board(forked: Forked) -> Iterator[str]:
    found = forked.on_board
    values = [one for point in found for one in (point.recorded, point.forked) if one is not None]
    most = _top(max(values, default=0))
    yield from _frame(ON_BOARD_PX, most, "bolus insulin on board [U]")
    for colour, is_forked in ((RECORDED, False), (FORKED, True)):
        for run in _runs(found, is_forked=is_forked):
            points = " ".join(
                f"{_x(forked, at):.1f},{_y(value, most, ON_BOARD_PX):.1f}" for at, value in run
            )
            dash = ' stroke-dasharray="7 4"' if is_forked else ""
            yield (
                f'<polyline points="{points}" fill="none" stroke="{colour}" '
                f'stroke-width="2"{dash}/>'
            )


def _runs(found: Sequence[OnBoard], *, is_forked: bool) -> Iterator[list[tuple[UtcMillis, int]]]:
    """Cut a side where nothing is known of it."""
    run: list[tuple[UtcMillis, int]] = []
    for point in found:
        value = point.forked if is_forked else point.recorded
        if value is not None:
            run.append((point.at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _orders(forked: Forked) -> Iterator[str]:
    orders = [row for row in forked.rows if row.kind == "order"]
    amounts = [one.amount or 0 for row in orders for one in (row.recorded, row.forked)]
    most = _top(max(amounts, default=0))
    yield from _frame(ORDERS_PX, most, "boluses ordered [U]")
    for row in orders:
        x = _x(forked, row.at)
        for side, shift, colour, mark in (
            (row.recorded, -3, RECORDED, _circle),
            (row.forked, 3, FORKED, _square),
        ):
            if side.amount:
                y = _y(side.amount, most, ORDERS_PX)
                dashed = colour == FORKED
                yield _line(x + shift, ORDERS_PX[1], x + shift, y, colour, dashed=dashed)
                yield mark(x + shift, y, colour)


def _frame(panel: tuple[int, int], most: int, name: str) -> Iterator[str]:
    """Draw a panel, its unit, and five lines of equal distance."""
    top, bottom = panel
    yield _text(LEFT, top - 10, name)
    for number in range(5):
        value = most * number // 4
        y = _y(value, most, panel)
        yield _line(LEFT, y, WIDTH - RIGHT, y, "#cccccc")
        yield _text(LEFT - 8, y + 4, f"{value / 1000:g}", anchor="end")
    yield _line(LEFT, top, LEFT, bottom, "#333333")
    yield _line(LEFT, bottom, WIDTH - RIGHT, bottom, "#333333")


def _times(forked: Forked, local: LocalOf) -> Iterator[str]:
    for at in _ticks(forked, local):
        x, here = _x(forked, at), local(at)
        for top, bottom in (ON_BOARD_PX, ORDERS_PX):
            yield _line(x, top, x, bottom, "#eeeeee")
            yield _line(x, bottom, x, bottom + 5, "#333333")
        label = f"{here:%m-%d}" if here.hour == here.minute == 0 else f"{here:%H:%M}"
        for bottom in (ON_BOARD_PX[1], ORDERS_PX[1]):
            yield _text(x, bottom + 18, label, anchor="middle")


def _ticks(forked: Forked, local: LocalOf) -> list[UtcMillis]:
    """Choose whole hours of the wall clock, or midnights, at most `TICKS_MAX` of them."""
    hours = (forked.until - forked.since) / HOUR_MS
    step_h = next((step for step in _STEPS_H if hours / step <= TICKS_MAX), 24)
    quarter = HOUR_MS // 4
    first = -(-forked.since // quarter) * quarter
    found: list[UtcMillis] = []
    for at in range(first, forked.until + 1, quarter):
        here = local(UtcMillis(at))
        if here.minute == 0 and here.hour % step_h == 0:
            found.append(UtcMillis(at))
    return found[:: max(1, ceil(len(found) / TICKS_MAX))]


def _top(most: int) -> int:
    """Give the upper end of an axis [mU]: 1, 2, 4 or 6 times a power of ten, at least 1 U."""
    tops = (step * 10**power for power in range(3, _POWERS_MAX) for step in (1, 2, 4, 6))
    return next((top for top in tops if most <= top), most)


def _x(forked: Forked, at: UtcMillis) -> float:
    span = max(1, forked.until - forked.since)
    return LEFT + (WIDTH - LEFT - RIGHT) * (at - forked.since) / span


def _y(value: int, most: int, panel: tuple[int, int]) -> float:
    top, bottom = panel
    return bottom - (bottom - top) * value / most


def _lines(text: str) -> Iterator[str]:
    """Break a sentence at spaces."""
    line = ""
    for word in text.split():
        if len(line) + len(word) + 1 > _CAVEAT_CHARACTERS:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


def _text(x: float, y: float, text: str, *, size: int = 13, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _line(
    x: float,
    y: float,
    to_x: float,
    to_y: float,
    colour: str,
    *,
    width: float = 1.0,
    dashed: bool = False,
) -> str:
    dash = ' stroke-dasharray="7 4"' if dashed else ""
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"{dash}/>'
    )


def _circle(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'


def _square(x: float, y: float, colour: str) -> str:
    return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}"/>'
