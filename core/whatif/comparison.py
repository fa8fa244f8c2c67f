"""A fork beside its record: advices and orders, days, insulin on board, the first difference."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from core.deciders.bolus.state import BolusState
from core.kernel.decider import Entry
from core.record.daily_totals import DayBook, DayOf
from core.whatif.shapes import DayTotal, Forked, OnBoard, Row, Side
from schemas.bolus.advice import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceRefused,
    BolusAdvised,
    CarbsRecorded,
    RequestAdvice,
)
from schemas.bolus.orders import BolusOrdered, OrderBolus, OrderPreset, OrderRefused
from schemas.delivery.delivery import BolusRefused
from schemas.glucose import GlucoseMeasured
from schemas.message import Event, tag_of
from schemas.units import MINUTE_MS, MgDl, Milliseconds, PumpId, UtcMillis

SAMPLED_MS: Final = Milliseconds(5 * MINUTE_MS)
"""[ms] between two looks at insulin on board; as often as a sensor reads."""

SAMPLES_MAX: Final = 4_000
"""[-] looks; beyond it every second one is forgotten and the next come half as often."""


@dataclass(slots=True)
class Measures:
    """Both sides measured while they go on."""

    day_of: DayOf
    since: UtcMillis
    samples: list[OnBoard] = field(default_factory=list)
    _recorded: DayBook = field(init=False)
    _forked: DayBook = field(init=False)
    _step: int = SAMPLED_MS
    _next: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing given."""
        self._recorded, self._forked = DayBook(self.day_of), DayBook(self.day_of)
        self._next = self.since

    def take_recorded(self, entry: Entry) -> None:
        """Add what was said in the record."""
        if isinstance(entry.body, Event):
            self._recorded.take(entry.body, at=entry.at)

    def take_forked(self, entry: Entry) -> None:
        """Add what is said in the fork."""
        if isinstance(entry.body, Event):
            self._forked.take(entry.body, at=entry.at)

    def look(self, recorded: BolusState, forked: BolusState, *, until: UtcMillis) -> None:
        """Look at insulin on board at each instant up to one [ms], both sides as they stand."""
        while self._next <= until:
            at = UtcMillis(self._next)
            pair = (_on_board(recorded, at), _on_board(forked, at))
            self.samples.append(OnBoard(at=at, recorded=pair[0], forked=pair[1]))
            if len(self.samples) > SAMPLES_MAX:
                self.samples, self._step = self.samples[::2], self._step * 2
            self._next = self.samples[-1].at + self._step

    def days(self) -> tuple[DayTotal, ...]:
        """Give the days on which insulin was given on either side."""
        names = sorted({*self._recorded.days, *self._forked.days})
        found: list[DayTotal] = []
        for name in names:
            there, here = self._recorded.days.get(name), self._forked.days.get(name)
            total = DayTotal(
                day=name,
                basal_recorded=there.basal if there else 0,
                basal_forked=here.basal if here else 0,
                bolus_recorded=there.bolus if there else 0,
                bolus_forked=here.bolus if here else 0,
            )
            found.append(total)
        return tuple(found)


def _on_board(state: BolusState, at: UtcMillis) -> int | None:
    if state.settings is None:
        return None
    return state.doses.on_board(state.settings.insulin, at=at)[1]


Asking = RequestAdvice | AcceptAdvice | OrderBolus | OrderPreset
"""[-] commands that lead to an advice or an order."""

_REFUSALS = (AdviceRefused, AcceptanceRefused, OrderRefused)


def compared(
    asked: Entry, *, recorded: Sequence[Entry], forked: Sequence[Entry], reading: object
) -> Row:
    """Put what both sides said of one command beside each other.

    Args:
        asked: the command, an `Asking`.
        recorded: what was said of it in the record.
        forked: what is said of it in the fork.
        reading: the newest, as recorded; none for none.
    """
    is_advice = isinstance(asked.body, RequestAdvice)
    glucose = MgDl(reading.glucose) if isinstance(reading, GlucoseMeasured) else None
    return Row(
        at=asked.at,
        kind="advice" if is_advice else "order",
        cause=asked.id,
        carbs=asked.body.carbs if isinstance(asked.body, RequestAdvice) else 0,
        glucose=glucose,
        recorded=_side(recorded, is_advice=is_advice),
        forked=_side(forked, is_advice=is_advice),
    )


def _side(said: Sequence[Entry], *, is_advice: bool) -> Side:
    if is_advice:
        advised = next((one.body for one in said if isinstance(one.body, BolusAdvised)), None)
        if advised is not None:
            return _of_advice(advised)
    ordered = [one.body.amount for one in said if isinstance(one.body, BolusOrdered)]
    if ordered:
        return Side(amount=sum(ordered))
    refused = next((one.body for one in said if isinstance(one.body, _REFUSALS)), None)
    if refused is not None:
        return Side(reason=refused.reason, said_by=tag_of(type(refused)))
    return Side(amount=0) if said and not is_advice else Side()


def _of_advice(advised: BolusAdvised) -> Side:
    cuts = (clamp.limit for clamp in advised.clamps)
    other = (limit for limit in cuts if f"clamped_to_{limit}" not in advised.reasons)
    shaped = dict.fromkeys((*advised.reasons, *other))
    return Side(
        amount=advised.amount,
        shaped_by=tuple(shaped),
        terms=tuple((term.name, term.amount) for term in advised.terms),
    )


class Comparison:
    """Both sides beside each other while they go on."""

    def __init__(self, *, since: UtcMillis, day_of: DayOf) -> None:
        """Begin without a difference."""
        self.measures = Measures(day_of, since)
        self._since = since
        self._rows: list[Row] = []
        self._differs_from: UtcMillis | None = None

    def record(self, entries: Iterable[Entry]) -> None:
        """Measure what was heard and said in the record."""
        for entry in entries:
            self.measures.take_recorded(entry)

    def add(self, rows: Iterable[Row]) -> None:
        """Add what was left out elsewhere."""
        self._rows.extend(rows)

    def leave_out(self, entry: Entry) -> None:
        """Note a recorded command that the fork does not hear."""
        text = tag_of(type(entry.body))
        self._rows.append(Row(at=entry.at, kind="left_out", cause=entry.id, text=text))

    def carry(self, eaten: CarbsRecorded, *, at: UtcMillis, cause: str) -> None:
        """Note what was eaten and is kept."""
        text = tag_of(CarbsRecorded)
        self._rows.append(Row(at=at, kind="carried", cause=cause, carbs=eaten.grams, text=text))

    def refuse(self, said: Iterable[Entry]) -> None:
        """Note what the actuator of the fork refuses, and did not refuse in the record."""
        for one in said:
            if not isinstance(one.body, BolusRefused):
                continue
            tag = tag_of(BolusRefused)
            side = Side(reason=one.body.reason, said_by=tag)
            row = Row(at=one.at, kind="refused", cause=one.body.dose, forked=side, text=tag)
            self._rows.append(row)
            self.differ(one.at)

    def compare(
        self, asked: Entry, *, recorded: Sequence[Entry], forked: Sequence[Entry], of: BolusState
    ) -> None:
        """Put what came of a command beside each other; `of` is the recorded state then."""
        if not isinstance(asked.body, Asking):
            return
        row = compared(asked, recorded=recorded, forked=forked, reading=of.reading)
        self._rows.append(row)
        if row.differs:
            self.differ(row.at)

    def differ(self, at: UtcMillis) -> None:
        """Note a difference; the first counts [ms]."""
        if self._differs_from is None:
            self._differs_from = at

    def result(
        self, pump: PumpId, *, until: UtcMillis, basal_differs_from: UtcMillis | None
    ) -> Forked:
        """Give what came of it."""
        return Forked(
            pump=pump,
            since=self._since,
            until=until,
            rows=tuple(sorted(self._rows, key=lambda row: row.at)),
            days=self.measures.days(),
            on_board=tuple(self.measures.samples),
            differs_from=self._differs_from,
            basal_differs_from=basal_differs_from,
        )
