"""The account of doses: what was given, what is being given, and what is not known.

The advisor and the actuator each keep one, from what they heard and said themselves, so that
limits are checked twice from two records.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from core.decider import Entry
from core.insulin.on_board import Delivered, insulin_on_board, still_acts
from core.limits import Given
from schemas.delivery import (
    BasalDelivered,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStarted,
    BolusStopped,
)
from schemas.doubt import (
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
)
from schemas.orders import BolusOrdered, BolusOrderWithdrawn, InjectionRecorded
from schemas.therapy import InsulinAction
from schemas.units import DAY_MS, HOUR_MS, DoseId, MilliUnits, UtcMillis

KEPT_MS = DAY_MS + HOUR_MS
"""[ms] deliveries kept: the longest window of a limit, and an hour for late arrivals."""


class BolusPart(Delivered, frozen=True, kw_only=True):
    """A part of a bolus that the pump counted."""

    dose: DoseId
    """[-] its order."""
    meal: MilliUnits = MilliUnits(0)
    """[mU] the part of it that was for carbohydrate, rounded down."""
    by_person: bool = False
    """[-] not counted by the pump: somebody says so, until the pump tells."""


class OpenDose(msgspec.Struct, frozen=True, kw_only=True):
    """A dose that was ordered and whose end is not known yet."""

    dose: DoseId
    """[-] the order."""
    amount: MilliUnits
    """[mU] the most that it can become."""
    meal: MilliUnits = MilliUnits(0)
    """[mU] the part of it that is for carbohydrate."""
    delivered: MilliUnits = MilliUnits(0)
    """[mU] counted so far."""
    since: UtcMillis
    """[ms] when it was ordered or started."""
    is_extended: bool = False
    """[-] spread over time; it may run beside a normal one."""
    is_started: bool = False
    """[-] the motor may have moved."""
    is_unknown: bool = False
    """[-] nobody knows what became of it."""

    @property
    def open_amount(self) -> MilliUnits:
        """Give what may still come, or may have come [mU]."""
        return MilliUnits(max(0, self.amount - self.delivered))


class DoseBook(msgspec.Struct, frozen=True, kw_only=True):
    """Every dose of the last day, and those still open."""

    boluses: tuple[BolusPart, ...] = ()
    """[-] counted parts and injections, in order of arrival."""
    basal: tuple[Delivered, ...] = ()
    """[-] counted basal, in order of arrival."""
    open: tuple[OpenDose, ...] = ()
    """[-] ordered, running or unknown doses, oldest first."""
    settled: tuple[tuple[DoseId, MilliUnits], ...] = ()
    """[-] doses that a person settled and the pump has not told of yet, and their orders [mU]."""
    bolus_total: MilliUnits = MilliUnits(0)
    """[mU] all boluses that the pump ever counted, and what persons answer for."""
    basal_total: MilliUnits = MilliUnits(0)
    """[mU] all basal ever counted."""

    @property
    def running(self) -> OpenDose | None:
        """Give the normal dose that is ordered or being given, unknown ones left out."""
        return next((one for one in self.open if not one.is_unknown and not one.is_extended), None)

    @property
    def extended(self) -> OpenDose | None:
        """Give the extended dose that is ordered or being given, unknown ones left out."""
        return next((one for one in self.open if not one.is_unknown and one.is_extended), None)

    @property
    def is_pressing(self) -> bool:
        """Say whether the next pulse is seconds away or a dose is unknown."""
        return any(one.is_unknown or not one.is_extended for one in self.open)

    @property
    def unknown(self) -> tuple[OpenDose, ...]:
        """Give the doses of which nobody knows what became of them."""
        return tuple(dose for dose in self.open if dose.is_unknown)

    def without(self, dose: DoseId) -> "DoseBook":
        """Give the same account as if a dose had not been ordered yet."""
        return _close(self, dose)

    def given(self, *, at: UtcMillis) -> Given:
        """Give what the limits must count: what is open counts in full, as of `at` [ms]."""
        still_open = tuple(
            Delivered(starts_at=at, ends_at=at, amount=dose.open_amount) for dose in self.open
        )
        return Given(boluses=(*self.boluses, *still_open), basal=self.basal)

    def on_board(self, action: InsulinAction, *, at: UtcMillis) -> tuple[MilliUnits, MilliUnits]:
        """Give bolus insulin on board [mU] as least and most: without and with what is open."""
        least = insulin_on_board(self.boluses, action=action, at=at)
        still_open = sum(dose.open_amount for dose in self.open)
        return least, MilliUnits(least + still_open)

    def meal_on_board(self, action: InsulinAction, *, at: UtcMillis) -> MilliUnits:
        """Give the meals' part of what was counted and still acts [mU], rounded down."""
        parts = (
            Delivered(starts_at=one.starts_at, ends_at=one.ends_at, amount=one.meal)
            for one in self.boluses
            if one.meal
        )
        return MilliUnits(max(0, insulin_on_board(parts, action=action, at=at) - 1))

    def acting(self, action: InsulinAction, *, at: UtcMillis) -> tuple[DoseId, ...]:
        """Name the doses that still act, sorted."""
        names = {part.dose for part in self.boluses if still_acts(part, action=action, at=at)}
        return tuple(sorted(names | {dose.dose for dose in self.open}))


def fold_doses(book: DoseBook, entry: Entry) -> DoseBook:
    """Fold one event about doses."""
    match entry.body:
        case BasalDelivered() as part:
            return _count_basal(book, part)
        case BolusOrdered(amount=amount, meal=meal, duration=duration):
            ordered = OpenDose(
                dose=DoseId(entry.id),
                amount=amount,
                meal=meal,
                since=entry.at,
                is_extended=duration > 0,
            )
            return _open(book, ordered)
        case BolusStarted(dose=dose, amount=amount, duration=duration):
            started = OpenDose(dose=dose, amount=amount, since=entry.at, is_extended=duration > 0)
            opened = _open(book, started)
            return _change(opened, dose, is_started=True)
        case BolusProgressed() as part:
            return _count_bolus(book, part)
        case InjectionRecorded(amount=amount, given_at=given_at):
            injected = BolusPart(
                dose=DoseId(entry.id), starts_at=given_at, ends_at=given_at, amount=amount
            )
            return msgspec.structs.replace(book, boluses=(*book.boluses, injected))
        case BolusUnknown(dose=dose):
            return _change(book, dose, is_unknown=True)
        case BolusReconciled(dose=dose, outcome=outcome):
            if outcome == "running":
                return _change(book, dose, is_unknown=False)
            return _close(book, dose)
        case DoseSettled() as settled:
            return _settle(book, settled, entry.at)
        case BolusDelivered(dose=dose) | BolusStopped(dose=dose):
            return _close(_replace_word(book, dose, None), dose)
        case BolusRefused(dose=dose):
            return _close(book, dose)
        case BolusOrderWithdrawn(dose=dose):
            return _close(book, dose)
        case _:
            return book


def _open(book: DoseBook, opened: OpenDose) -> DoseBook:
    if any(known.dose == opened.dose for known in book.open):
        return book
    return msgspec.structs.replace(book, open=(*book.open, opened))


def _change(
    book: DoseBook,
    dose: DoseId,
    *,
    is_started: bool | None = None,
    is_unknown: bool | None = None,
    delivered: MilliUnits | None = None,
) -> DoseBook:
    changed = tuple(
        msgspec.structs.replace(
            known,
            is_started=known.is_started if is_started is None else is_started,
            is_unknown=known.is_unknown if is_unknown is None else is_unknown,
            delivered=known.delivered if delivered is None else delivered,
        )
        if known.dose == dose
        else known
        for known in book.open
    )
    return msgspec.structs.replace(book, open=changed)


def _close(book: DoseBook, dose: DoseId) -> DoseBook:
    left = tuple(known for known in book.open if known.dose != dose)
    return msgspec.structs.replace(book, open=left)


def _count_bolus(book: DoseBook, part: BolusProgressed) -> DoseBook:
    opened = next((known for known in book.open if known.dose == part.dose), None)
    counted = BolusPart(
        dose=part.dose,
        starts_at=part.starts_at,
        ends_at=part.ends_at,
        amount=part.amount,
        meal=MilliUnits(part.amount * opened.meal // opened.amount if opened else 0),
    )
    book = _replace_word(book, part.dose, part.amount)
    added = msgspec.structs.replace(
        book,
        boluses=(*_recent(book.boluses, part.ends_at), counted),
        bolus_total=MilliUnits(book.bolus_total + part.amount),
    )
    return _change(added, part.dose, delivered=part.delivered)


def _settle(book: DoseBook, settled: DoseSettled, at: UtcMillis) -> DoseBook:
    """Count what a person answers for; as of now where it is not known when it flowed."""
    opened = next((known for known in book.open if known.dose == settled.dose), None)
    if opened is None:
        return book
    extra = MilliUnits(settled.delivered - opened.delivered)
    word = BolusPart(
        dose=opened.dose,
        starts_at=opened.since,
        ends_at=at,
        amount=extra,
        meal=MilliUnits(extra * opened.meal // opened.amount),
        by_person=True,
    )
    added = msgspec.structs.replace(
        book,
        boluses=(*book.boluses, word) if extra else book.boluses,
        settled=(*book.settled, (opened.dose, opened.amount)),
        bolus_total=MilliUnits(book.bolus_total + extra),
    )
    return _close(added, opened.dose)


def _replace_word(book: DoseBook, dose: DoseId, counted: MilliUnits | None) -> DoseBook:
    """Let the pump's count take the place of a person's word; None ends what is left of it."""
    if all(dose != known for known, _ in book.settled):
        return book
    word = next((one for one in book.boluses if one.by_person and one.dose == dose), None)
    taken = 0 if word is None else word.amount if counted is None else min(word.amount, counted)
    boluses = tuple(
        msgspec.structs.replace(one, amount=MilliUnits(one.amount - taken), meal=MilliUnits(0))
        if one is word
        else one
        for one in book.boluses
        if one is not word or one.amount > taken
    )
    settled = book.settled
    if counted is None:
        settled = tuple(known for known in settled if known[0] != dose)
    return msgspec.structs.replace(
        book,
        boluses=boluses,
        settled=settled,
        bolus_total=MilliUnits(book.bolus_total - taken),
    )


def _count_basal(book: DoseBook, part: BasalDelivered) -> DoseBook:
    counted = Delivered(starts_at=part.starts_at, ends_at=part.ends_at, amount=part.amount)
    return msgspec.structs.replace(
        book,
        basal=(*_recent(book.basal, part.ends_at), counted),
        basal_total=MilliUnits(book.basal_total + part.amount),
    )


PartT = TypeVar("PartT", bound=Delivered)


def _recent(parts: Sequence[PartT], at: UtcMillis) -> Sequence[PartT]:
    """Drop from the front what no window reaches any more."""
    keep = 0
    while keep < len(parts) and parts[keep].ends_at < at - KEPT_MS:
        keep += 1
    return parts[keep:]
