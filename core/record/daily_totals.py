"""What each day came to: insulin by its kind, carbohydrate, temporary rates, times unknown."""

from collections.abc import Callable
from typing import Final

import msgspec

from schemas.basal.profiles import TemporaryRateStarted
from schemas.bolus.advice import CarbsRecorded
from schemas.bolus.orders import InjectionRecorded
from schemas.corrections import CarbsCorrected, DoseCorrected
from schemas.delivery.delivery import (
    BasalDelivered,
    BolusDelivered,
    BolusProgressed,
    BolusStopped,
    DeliveryGap,
)
from schemas.delivery.mechanism import PumpPrimed
from schemas.delivery.unresolved_doses import BolusReconciled, BolusUnknown, DoseSettled
from schemas.message import Event
from schemas.units import DoseId, MilliUnits, UtcMillis

DayOf = Callable[[UtcMillis], str]
"""[-] the day of a wall clock that an instant falls on, such as '2026-03-01'."""


DAY_KINDS: Final[tuple[type[Event], ...]] = (
    BasalDelivered,
    BolusProgressed,
    BolusDelivered,
    BolusStopped,
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
    InjectionRecorded,
    PumpPrimed,
    CarbsRecorded,
    DoseCorrected,
    CarbsCorrected,
    TemporaryRateStarted,
    DeliveryGap,
)
"""[-] the events that a day is added up from."""


class DayTotals(msgspec.Struct, kw_only=True):
    """One day while it is added up."""

    basal: int = 0
    """[mU] as counted by the pump."""
    bolus: int = 0
    """[mU] given; a dose counts on the day of its last event."""
    unknown: int = 0
    """[mU] of doses that nobody knows the end of: they may have been given."""
    pen: int = 0
    """[mU] by pen or syringe."""
    primed: int = 0
    """[mU] into tube and cannula; in no body."""
    carbs: int = 0
    """[g] eaten."""
    temporary_rates: int = 0
    """[-] begun."""
    gaps: int = 0
    """[-] times in which the pump was off."""


class DayBook:
    """Adds events up by day; each event is taken once, in the order of the record."""

    def __init__(self, day_of: DayOf) -> None:
        """Begin without a day."""
        self.days: dict[str, DayTotals] = {}
        self._day_of = day_of
        self._doses: dict[DoseId, tuple[str, MilliUnits, int]] = {}
        self._told: dict[str, tuple[str, int]] = {}

    def take(self, event: Event, *, at: UtcMillis, name: str = "") -> None:
        """Add one event that was said at an instant [ms].

        Args:
            event: what was said.
            at: [ms] the instant.
            name: [-] its id, by which a correction names it; a correction of what was not added
                changes nothing.
        """
        match event:
            case BasalDelivered(ends_at=when, amount=amount):
                self.take_basal(amount, ends_at=when)
            case BolusProgressed(dose=dose, ends_at=when, delivered=delivered):
                self._dose(dose, when, delivered)
            case (
                BolusDelivered(dose=dose, delivered=delivered)
                | BolusStopped(dose=dose, delivered=delivered)
            ):
                self._dose(dose, at, delivered)
            case (
                BolusReconciled(dose=dose, delivered=delivered)
                | DoseSettled(dose=dose, delivered=delivered)
            ):
                self._dose(dose, at, delivered)
            case BolusUnknown(dose=dose, least=least, most=most):
                self._dose(dose, at, least, unknown=most - least)
            case _:
                self._take_other(event, name)

    def take_basal(self, amount: MilliUnits, *, ends_at: UtcMillis) -> None:
        """Add a part of basal [mU] that ended at an instant [ms]: most events are such."""
        self._day(ends_at).basal += amount

    def _take_other(self, event: Event, name: str) -> None:
        match event:
            case InjectionRecorded(given_at=when, amount=amount):
                self._day(when).pen += amount
                self._told[name] = self._day_of(when), amount
            case PumpPrimed(at=when, amount=amount):
                self._day(when).primed += amount
            case CarbsRecorded(eaten_at=when, grams=grams):
                self._day(when).carbs += grams
                self._told[name] = self._day_of(when), grams
            case DoseCorrected(dose=dose, given_at=when, amount=amount) if dose in self._told:
                day, was = self._told[dose]
                self.days[day].pen -= was
                self._day(when).pen += amount
                self._told[dose] = self._day_of(when), amount
            case CarbsCorrected(carbs=meal, eaten_at=when, grams=grams) if meal in self._told:
                day, was = self._told[meal]
                self.days[day].carbs -= was
                self._day(when).carbs += grams
                self._told[meal] = self._day_of(when), grams
            case TemporaryRateStarted(starts_at=when):
                self._day(when).temporary_rates += 1
            case DeliveryGap(starts_at=when):
                self._day(when).gaps += 1
            case _:
                pass

    def _day(self, at: UtcMillis) -> DayTotals:
        day = self._day_of(at)
        found = self.days.get(day)
        if found is None:
            found = self.days[day] = DayTotals()
        return found

    def _dose(
        self,
        dose: DoseId,
        at: UtcMillis,
        delivered: MilliUnits,
        *,
        unknown: int = 0,
    ) -> None:
        """Let the newest word about a dose stand in place of the one before."""
        before = self._doses.get(dose)
        if before is not None:
            day, given, doubted = before
            self.days[day].bolus -= given
            self.days[day].unknown -= doubted
        day = self._day_of(at)
        totals = self.days.setdefault(day, DayTotals())
        totals.bolus += delivered
        totals.unknown += unknown
        self._doses[dose] = day, delivered, unknown
