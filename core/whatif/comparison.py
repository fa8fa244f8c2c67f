"""What a fork comes to beside its record: rows, days, insulin on board, the first difference."""

from collections.abc import Iterable, Sequence

from core.deciders.bolus.state import BolusState
from core.kernel.decider import Entry
from core.record.daily_totals import DayOf
from core.whatif.measuring import Measures
from core.whatif.shapes import Forked, Row, Side
from core.whatif.telling import Asking, compared
from schemas.bolus.advice import CarbsRecorded
from schemas.delivery.delivery import BolusRefused
from schemas.message import tag_of
from schemas.units import PumpId, UtcMillis


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
