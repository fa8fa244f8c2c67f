"""The account of doses, where what is heard does not fit what is known."""

from core.dosing.insulin_account.dose_account import DoseBook, OpenDose
from core.dosing.insulin_account.dose_account_events import fold_doses
from core.kernel.decider import Entry
from schemas.delivery.unresolved_doses import DoseSettled
from schemas.units import DoseId, MilliUnits, Speaker, UtcMillis

DOSE = DoseId("bolus_advisor:p1:9")
AT = UtcMillis(1_800_000_000_000)


def settled(book: DoseBook, *, delivered: int, counted: int) -> DoseBook:
    body = DoseSettled(
        dose=DOSE,
        delivered=MilliUnits(delivered),
        counted=MilliUnits(counted),
        actor="person:a",
    )
    entry = Entry(id="actuator:p1:5", at=AT, speaker=Speaker("actuator"), body=body)
    return fold_doses(book, entry)


def test_insulin_that_a_person_answers_for_counts_without_its_order() -> None:
    """An account that never heard of the order must not hold less than was given."""
    book = settled(DoseBook(), delivered=1_200, counted=200)

    (word,) = book.boluses
    assert (DOSE, 1_000, AT, AT, 0, True) == (
        word.dose,
        word.amount,
        word.starts_at,
        word.ends_at,
        word.meal,
        word.by_person,
    )
    assert (1_000, ((DOSE, 1_200),)) == (book.bolus_total, book.settled)


def test_a_dose_that_came_to_nothing_leaves_no_part() -> None:
    """By a person's word, with an order that is known and with one that is not."""
    known = OpenDose(dose=DOSE, amount=MilliUnits(500), since=AT, is_unknown=True)
    for book in (DoseBook(), DoseBook(open=(known,))):
        left = settled(book, delivered=0, counted=0)
        assert ((), (), 0) == (left.boluses, left.open, left.bolus_total)


def test_what_this_account_has_counted_is_not_counted_again() -> None:
    """Its own count decides, with the part that was for a meal."""
    known = OpenDose(
        dose=DOSE,
        amount=MilliUnits(1_000),
        meal=MilliUnits(500),
        delivered=MilliUnits(150),
        since=UtcMillis(AT - 60_000),
        is_unknown=True,
    )

    book = settled(DoseBook(open=(known,)), delivered=750, counted=200)

    (word,) = book.boluses
    assert (600, 300, AT - 60_000, AT) == (word.amount, word.meal, word.starts_at, word.ends_at)
    assert ((), ((DOSE, 1_000),)) == (book.open, book.settled)
