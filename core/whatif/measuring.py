"""What a fork is measured by: insulin of each day, insulin on board, the first difference."""

from dataclasses import dataclass, field
from typing import Final

from core.deciders.bolus.state import BolusState
from core.kernel.decider import Entry
from core.record.daily_totals import DayBook, DayOf
from core.whatif.shapes import DayTotal, OnBoard
from schemas.message import Event
from schemas.units import MINUTE_MS, Milliseconds, UtcMillis

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
