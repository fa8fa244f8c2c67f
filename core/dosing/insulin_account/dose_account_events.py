"""How each event changes the account of doses."""

from typing import Final

import msgspec

from core.dosing.insulin_account.dose_account import BolusPart, DoseBook, OpenDose, close
from core.dosing.insulin_account.unproven_time import UnprovenStep, kept_ms, with_step
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.models.insulin.on_board import Delivered
from schemas.bolus.orders import BolusOrdered, BolusOrderWithdrawn, InjectionRecorded
from schemas.corrections import DoseCorrected
from schemas.delivery.clock_check import TimeConfirmed, TimeUnproven
from schemas.delivery.delivery import (
    BasalDelivered,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStartRequested,
    BolusStopped,
)
from schemas.delivery.mechanism import MotorRanUnasked
from schemas.delivery.unresolved_doses import (
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
)
from schemas.units import DoseId, EventId, MilliUnits, UtcMillis

fold_doses: Final = EventHandlers[DoseBook]()
"""[-] what each event does to the account of doses."""


@fold_doses.register
def count_basal(book: DoseBook, part: BasalDelivered, entry: Entry) -> DoseBook:
    """Add a part of basal: nine events of ten are such, and who has more to do with it takes both.

    Args:
        book: the account.
        part: as the pump counted it.
        entry: not looked at.
    """
    del entry
    counted = Delivered(starts_at=part.starts_at, ends_at=part.ends_at, amount=part.amount)
    return msgspec.structs.replace(
        book,
        basal=book.basal.with_part(counted, kept=kept_ms(book.unproven, at=part.ends_at)),
        basal_total=MilliUnits(book.basal_total + part.amount),
    )


@fold_doses.register
def _take_order(book: DoseBook, order: BolusOrdered, entry: Entry) -> DoseBook:
    ordered = OpenDose(
        dose=DoseId(entry.id),
        amount=order.amount,
        meal=order.meal,
        since=entry.at,
        is_extended=order.duration > 0,
    )
    return _open(book, ordered)


@fold_doses.register
def _start(book: DoseBook, begun: BolusStartRequested, entry: Entry) -> DoseBook:
    started = OpenDose(
        dose=begun.dose, amount=begun.amount, since=entry.at, is_extended=begun.duration > 0
    )
    counted = msgspec.structs.replace(_open(book, started), started_at=entry.at)
    return _change(counted, begun.dose, is_started=True)


@fold_doses.register
def _count_bolus(book: DoseBook, part: BolusProgressed, entry: Entry) -> DoseBook:
    del entry
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
        boluses=(*_recent(book, part.ends_at), counted),
        bolus_total=MilliUnits(book.bolus_total + part.amount),
    )
    return _change(added, part.dose, delivered=part.delivered)


@fold_doses.register
def _inject(book: DoseBook, said: InjectionRecorded, entry: Entry) -> DoseBook:
    injected = BolusPart(
        dose=DoseId(entry.id),
        starts_at=said.given_at,
        ends_at=said.given_at,
        amount=said.amount,
        is_by_pen=True,
    )
    return msgspec.structs.replace(book, boluses=(*book.boluses, injected))


@fold_doses.register
def _take_correction(book: DoseBook, corrected: DoseCorrected, entry: Entry) -> DoseBook:
    return _correct(book, corrected, EventId(entry.id))


@fold_doses.register
def _count_unasked(book: DoseBook, ran: MotorRanUnasked, entry: Entry) -> DoseBook:
    unasked = BolusPart(dose=DoseId(entry.id), starts_at=ran.at, ends_at=ran.at, amount=ran.amount)
    return msgspec.structs.replace(
        book,
        boluses=(*book.boluses, unasked),
        bolus_total=MilliUnits(book.bolus_total + ran.amount),
    )


@fold_doses.register
def _doubt(book: DoseBook, doubted: BolusUnknown, entry: Entry) -> DoseBook:
    del entry
    return _change(book, doubted.dose, is_unknown=True)


@fold_doses.register
def _reconcile(book: DoseBook, found: BolusReconciled, entry: Entry) -> DoseBook:
    del entry
    if found.outcome == "running":
        return _change(book, found.dose, is_unknown=False)
    if found.outcome in ("failed", "expired"):
        book = _replace_word(book, found.dose, None)
    return close(book, found.dose)


@fold_doses.register
def _take_settled(book: DoseBook, settled: DoseSettled, entry: Entry) -> DoseBook:
    return _settle(book, settled, entry.at)


@fold_doses.register
def _end(book: DoseBook, ended: BolusDelivered | BolusStopped, entry: Entry) -> DoseBook:
    del entry
    return close(_replace_word(book, ended.dose, None), ended.dose)


@fold_doses.register
def _give_up(book: DoseBook, ended: BolusRefused | BolusOrderWithdrawn, entry: Entry) -> DoseBook:
    del entry
    return close(book, ended.dose)


@fold_doses.register
def _doubt_time(book: DoseBook, doubted: TimeUnproven, entry: Entry) -> DoseBook:
    del entry
    step = UnprovenStep(doubted.since, doubted.passed)
    return msgspec.structs.replace(book, unproven=with_step(book.unproven, step))


@fold_doses.register
def _confirm_time(book: DoseBook, confirmed: TimeConfirmed, entry: Entry) -> DoseBook:
    del entry
    return msgspec.structs.replace(book, unproven=()) if confirmed.passed else book


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


def _settle(book: DoseBook, settled: DoseSettled, at: UtcMillis) -> DoseBook:
    """Count what a person answers for, in an account too that does not know of the order."""
    unheard = OpenDose(
        dose=settled.dose, amount=settled.delivered, delivered=settled.counted, since=at
    )
    opened = next((known for known in book.open if known.dose == settled.dose), unheard)
    extra = MilliUnits(settled.delivered - opened.delivered)
    word = BolusPart(
        dose=opened.dose,
        starts_at=opened.since,
        ends_at=at,
        amount=extra,
        meal=MilliUnits(extra * opened.meal // max(1, opened.amount)),
        by_person=True,
    )
    added = msgspec.structs.replace(
        book,
        boluses=(*book.boluses, word) if extra else book.boluses,
        settled=(*book.settled, (opened.dose, opened.amount)),
        bolus_total=MilliUnits(book.bolus_total + extra),
    )
    return close(added, opened.dose)


def _correct(book: DoseBook, corrected: DoseCorrected, name: EventId) -> DoseBook:
    """Count another amount by pen, also in an account that does not know the first one."""
    said = BolusPart(
        dose=corrected.dose,
        starts_at=corrected.given_at,
        ends_at=corrected.given_at,
        amount=corrected.amount,
        is_by_pen=True,
        correction=name,
    )
    if not any(one.is_by_pen and one.dose == said.dose for one in book.boluses):
        return msgspec.structs.replace(book, boluses=(*book.boluses, said))
    boluses = tuple(
        said if one.is_by_pen and one.dose == said.dose else one for one in book.boluses
    )
    return msgspec.structs.replace(book, boluses=boluses)


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


def _recent(book: DoseBook, at: UtcMillis) -> tuple[BolusPart, ...]:
    """Drop from the front what no window reaches any more."""
    parts = book.boluses
    since, keep = at - kept_ms(book.unproven, at=at), 0
    while keep < len(parts) and parts[keep].ends_at < since:
        keep += 1
    return parts[keep:] if keep else parts
