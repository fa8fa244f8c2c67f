"""Questions that are answered from few kinds of lines: days added up, glucose reduced to numbers.

The database is asked for the topics that a question is about, and of the kind that most lines are
of only the fields that it needs are decoded.
"""

from collections.abc import Callable, Collection
from typing import Final, TypeVar

import msgspec

from core.record.daily_totals import DAY_KINDS, DayBook, DayOf
from schemas.corrections import CarbsCorrected, DoseCorrected, ReadingVoided
from schemas.delivery.delivery import BasalDelivered
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured
from schemas.message import Event, name_of, tag_of
from schemas.units import MgDl, MilliUnits, PumpId, UtcMillis
from services.runtime.journal.entries import topics_named, topics_of
from services.runtime.ports import Store
from services.runtime.replay.lookup import event_of

Period = tuple[UtcMillis | None, UtcMillis | None]
"""[ms] first instant that is asked about and the first after it; None without a bound."""

ALWAYS: Final[Period] = (None, None)

ZONE_STEP_MS: Final = 900_000
"""[ms] offsets of zones are whole quarters of an hour since 1972: inside one, no day begins."""


class _Basal(msgspec.Struct, gc=False):
    ends_at: UtcMillis
    amount: MilliUnits


class _BasalLine(msgspec.Struct, gc=False):
    at: UtcMillis
    event: _Basal


class _Reading(msgspec.Struct, gc=False):
    measured_at: UtcMillis
    glucose: MgDl


class _ReadingLine(msgspec.Struct, gc=False):
    id: str
    event: _Reading


_basal_lines: Final = msgspec.json.Decoder(_BasalLine)
_reading_lines: Final = msgspec.json.Decoder(_ReadingLine)


_DAY_NAMES: Final = frozenset(map(name_of, DAY_KINDS))
_GLUCOSE_NAMES: Final = frozenset(
    map(name_of, (GlucoseMeasured, GlucoseBeyondRange, ReadingVoided))
)

ValueT = TypeVar("ValueT")


def day_totals(store: Store, *, pump: PumpId, day_of: DayOf, period: Period = ALWAYS) -> DayBook:
    """Add up insulin, carbohydrate and gaps of each day.

    Args:
        store: the historian's journal.
        pump: about which.
        day_of: the day of a wall clock that an instant falls on.
        period: of when an event was decided; corrections count whenever they were said.
    """
    book = DayBook(day_of)
    quarters: dict[int, int] = {}
    basal, decode = topics_of({tag_of(BasalDelivered)}), _basal_lines.decode
    for page in store.states(pump=pump, topics=topics_named(_DAY_NAMES)):
        for topic, state in page:
            if topic not in basal:
                known = event_of(state)
                is_correction = isinstance(known.body, DoseCorrected | CarbsCorrected)
                if isinstance(known.body, Event) and (is_correction or is_in(known.at, period)):
                    book.take(known.body, at=known.at, name=known.name)
                continue
            line = decode(state[state.index(b"\n") + 1 :])
            if period is ALWAYS or is_in(line.at, period):
                quarter = line.event.ends_at // ZONE_STEP_MS
                quarters[quarter] = quarters.get(quarter, 0) + line.event.amount
    for quarter, amount in quarters.items():
        book.take_basal(MilliUnits(amount), ends_at=UtcMillis(quarter * ZONE_STEP_MS))
    return book


class CountedReadings(msgspec.Struct, frozen=True, kw_only=True):
    """Readings that count, of one part of the time; what was voided is left out."""

    values: tuple[MgDl, ...]
    """[mg/dL] by time of measurement."""
    lows: int
    """[-] times that a device showed LOW."""
    highs: int
    """[-] times that a device showed HIGH."""


def readings_by_part(
    store: Store,
    *,
    pump: PumpId,
    parts_of: Callable[[UtcMillis], Collection[str]],
    period: Period = ALWAYS,
) -> dict[str, CountedReadings]:
    """Give the readings of each part of the time, such as a day and its night.

    Args:
        store: the historian's journal.
        pump: about which.
        parts_of: the parts that an instant falls into.
        period: of when it was measured.
    """
    voided: set[str] = set()
    readings: list[tuple[UtcMillis, str, MgDl]] = []
    beyond: list[tuple[UtcMillis, str, str]] = []
    measured, decode = topics_of({tag_of(GlucoseMeasured)}), _reading_lines.decode
    for page in store.states(pump=pump, topics=topics_named(_GLUCOSE_NAMES)):
        for topic, state in page:
            if topic in measured:
                line = decode(state[state.index(b"\n") + 1 :])
                readings.append((line.event.measured_at, line.id, line.event.glucose))
                continue
            known = event_of(state)
            if isinstance(known.body, ReadingVoided):
                voided.add(known.body.reading)
            elif isinstance(known.body, GlucoseBeyondRange):
                beyond.append((known.body.measured_at, known.name, known.body.bound))
    values = _by_part(readings, voided, parts_of, period)
    bounds = _by_part(beyond, voided, parts_of, period)
    return {
        part: CountedReadings(
            values=tuple(values.get(part, ())),
            lows=bounds.get(part, []).count("low"),
            highs=bounds.get(part, []).count("high"),
        )
        for part in sorted({*values, *bounds})
    }


def _by_part(
    found: list[tuple[UtcMillis, str, ValueT]],
    voided: Collection[str],
    parts_of: Callable[[UtcMillis], Collection[str]],
    period: Period,
) -> dict[str, list[ValueT]]:
    """Sort by time and share out to the parts; a zone is asked once for each quarter."""
    quarters: dict[int, list[ValueT]] = {}
    for at, name, value in sorted(found, key=_when):
        if name not in voided and is_in(at, period):
            quarters.setdefault(at // ZONE_STEP_MS, []).append(value)
    shared: dict[str, list[ValueT]] = {}
    for quarter, values in quarters.items():
        for part in parts_of(UtcMillis(quarter * ZONE_STEP_MS)):
            shared.setdefault(part, []).extend(values)
    return shared


def is_in(at: UtcMillis, period: Period) -> bool:
    """Say whether an instant [ms] is in a period; its end is outside."""
    since, until = period
    return (since is None or at >= since) and (until is None or at < until)


def _when(one: tuple[UtcMillis, str, object]) -> UtcMillis:
    return one[0]
