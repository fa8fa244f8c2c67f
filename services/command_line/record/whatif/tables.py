"""A fork beside the record, as tables for people."""

from collections.abc import Iterator, Sequence
from typing import Final

from core.formats.amounts import print_units
from core.whatif.shapes import Forked, OnBoard, Row, Side
from schemas.units import MilliUnits, UtcMillis
from services.command_line.output.event_messages import signed_units
from services.command_line.output.reason_messages import in_words
from services.command_line.output.tables import print_table
from services.runtime.platform.zones import local_time

ON_BOARD_ROWS: Final = 24
"""[-] of insulin on board on screen; all of it is in the JSON and the picture."""

_KINDS: Final = {
    "left_out": "left out: the fork's own setting holds on",
    "carried": "kept: it was eaten, though the fork refused the bolus it came with",
}

_ADVISED: Final = "bolus_advised.v1"


def print_fork(forked: Forked, *, zone: str, title: str, every: bool) -> None:
    """Print what differs advice by advice, the days, and insulin on board.

    Args:
        forked: both sides.
        zone: of the wall clock that times are shown by.
        title: what was changed, in words.
        every: print rows in which nothing differs too.
    """
    since, until = _local(forked.since, zone), _local(forked.until, zone)
    print(f"pump {forked.pump}, {since} to {until} ({zone}): {title}")
    shown = [row for row in forked.rows if every or row.differs]
    same = len(forked.rows) - sum(row.differs for row in forked.rows)
    if shown:
        columns = ("time", "what", "carbs g", "mg/dL", "recorded", "other", "difference", "why")
        print_table(columns, (_cells(row, zone) for row in shown), right=frozenset({2, 3, 4, 5, 6}))
    print(f"{same} of {len(forked.rows)} advices and orders are the same")
    print_table(
        ("day", "basal", "other", "bolus", "other", "all", "other", "difference"),
        _totals(forked),
        right=frozenset(range(1, 8)),
    )
    _print_on_board(forked, zone)
    if forked.basal_differs_from is not None:
        at = _local(forked.basal_differs_from, zone)
        print(f"basal flows by the fork's own plan from {at} on")
    if forked.differs_from is None and forked.basal_differs_from is None:
        print("nothing differs")
    print(forked.caveat)


def _cells(row: Row, zone: str) -> tuple[str, ...]:
    is_pair = row.kind in ("advice", "order")
    return (
        _local(row.at, zone),
        row.kind if is_pair else row.text.partition(".")[0].replace("_", " "),
        str(row.carbs) if row.carbs else "",
        "" if row.glucose is None else str(row.glucose),
        _amount(row.recorded) if is_pair else "",
        _amount(row.forked) if is_pair else "",
        _difference(row.difference) if is_pair else "",
        "; ".join(_why(row)),
    )


def _amount(side: Side) -> str:
    if side.amount is None:
        return "refused" if side.reason else "none"
    return signed_units(side.amount)


def _difference(amount: int) -> str:
    return f"+{signed_units(amount)}" if amount > 0 else signed_units(amount) if amount else "0 U"


def _why(row: Row) -> Iterator[str]:
    """Say what else shaped the fork's side: a refusal, reasons come or gone, terms."""
    if row.kind in _KINDS:
        yield _KINDS[row.kind]
        return
    there, here = row.recorded, row.forked
    if row.kind == "refused":
        yield f"by the actuator of the fork: {in_words(here.reason, tag=here.said_by)}"
        return
    if here.reason != there.reason:
        if here.reason:
            yield in_words(here.reason, tag=here.said_by)
        if there.reason:
            yield f"in the record: {in_words(there.reason, tag=there.said_by)}"
    came = [one for one in here.shaped_by if one not in there.shaped_by]
    gone = [one for one in there.shaped_by if one not in here.shaped_by]
    if here.amount is not None and there.amount is not None:
        yield from (in_words(one, tag=_ADVISED) for one in came)
        yield from (f"no more: {in_words(one, tag=_ADVISED)}" for one in gone)
        yield from _terms(there.terms, here.terms)


def _terms(there: Sequence[tuple[str, int]], here: Sequence[tuple[str, int]]) -> Iterator[str]:
    before, after = dict(there), dict(here)
    for name in dict.fromkeys((*before, *after)):
        was, became = before.get(name, 0), after.get(name, 0)
        if was != became:
            words = name.replace("_", " ")
            yield f"{words} {signed_units(was)} to {signed_units(became)}"


def _totals(forked: Forked) -> Iterator[tuple[str, ...]]:
    sums = [0, 0, 0, 0]
    for day in forked.days:
        found = (day.basal_recorded, day.basal_forked, day.bolus_recorded, day.bolus_forked)
        sums = [total + one for total, one in zip(sums, found, strict=True)]
        yield (day.day, *_sums(found))
    yield ("in all", *_sums(sums))


def _sums(found: Sequence[int]) -> Iterator[str]:
    basal, basal_other, bolus, bolus_other = found
    for amount in (*found, basal + bolus, basal_other + bolus_other):
        yield f"{print_units(MilliUnits(amount))} U"
    yield _difference(basal_other + bolus_other - basal - bolus)


def _print_on_board(forked: Forked, zone: str) -> None:
    found = [one for one in forked.on_board if one.recorded is not None or one.forked is not None]
    if not found or all(one.recorded == one.forked for one in found):
        return
    step = -(-len(found) // ON_BOARD_ROWS)
    most = max(found, key=lambda one: abs((one.forked or 0) - (one.recorded or 0)))
    print_table(
        ("insulin on board", "recorded", "other", "difference"),
        (_of_board(one, zone) for one in found[::step]),
        right=frozenset({1, 2, 3}),
    )
    time, _, _, difference = _of_board(most, zone)
    print(f"insulin on board differs most at {time}: {difference}")


def _of_board(one: OnBoard, zone: str) -> tuple[str, str, str, str]:
    there, here = one.recorded, one.forked
    return (
        _local(one.at, zone),
        "unknown" if there is None else signed_units(there),
        "unknown" if here is None else signed_units(here),
        "" if there is None or here is None else _difference(here - there),
    )


def _local(at: UtcMillis, zone: str) -> str:
    return f"{local_time(at, zone=zone):%Y-%m-%d %H:%M}"
