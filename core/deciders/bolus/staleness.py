"""What an advice, or who takes it, may not have seen: doses, carbs, settings, voided readings."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from core.dosing.insulin_account.dose_account import DoseBook
from core.kernel.decider import Entry
from schemas.bolus.orders import BolusOrdered, InjectionRecorded
from schemas.corrections import DoseCorrected
from schemas.delivery.delivery import BolusProgressed, BolusStartRequested
from schemas.delivery.mechanism import MotorRanUnasked
from schemas.message import version_of
from schemas.units import Speaker

Unseen = Literal["dose_since", "carbs_since", "settings_since", "reading_voided"]


_NEW_INSULIN: Final = (
    BolusOrdered,
    BolusStartRequested,
    InjectionRecorded,
    DoseCorrected,
    MotorRanUnasked,
)
"""[-] events of insulin that no earlier advice can have counted, or counted otherwise."""


class ChangeCounts(NamedTuple):
    """Counts of what was heard, to see whether anything was heard since."""

    doses: int = 0
    carbs: int = 0
    settings: int = 0
    voided: int = 0


class NewestChanges(NamedTuple):
    """The newest event of each speaker that told of something: its version."""

    doses: tuple[tuple[Speaker, int], ...] = ()
    carbs: tuple[tuple[Speaker, int], ...] = ()
    settings: tuple[tuple[Speaker, int], ...] = ()
    voided: tuple[tuple[Speaker, int], ...] = ()

    @property
    def heard(self) -> dict[str, int]:
        """Give what somebody has seen who sees all of it: by speaker, the newest version."""
        return dict(sorted((*self[0], *self[1], *self[2], *self[3])))


REASONS: tuple[tuple[int, Unseen], ...] = (
    (0, "dose_since"),
    (1, "carbs_since"),
    (2, "settings_since"),
    (3, "reading_voided"),
)
"""[-] place in marks and news, and the refusal of what is unseen there."""


def note(
    newest_changes: NewestChanges, entry: Entry, *, before: ChangeCounts, after: ChangeCounts
) -> NewestChanges:
    """Note an event that moved a mark."""
    speaker, version = Speaker(str(entry.speaker)), version_of(entry.id)
    return NewestChanges(
        *(
            told if was == became else tuple(sorted({**dict(told), speaker: version}.items()))
            for told, was, became in zip(newest_changes, before, after, strict=True)
        )
    )


def unseen(
    newest_changes: NewestChanges,
    *,
    change_counts: ChangeCounts,
    advised: ChangeCounts,
    heard: Mapping[str, int],
) -> Unseen | None:
    """Say what was not seen; None where all was.

    Args:
        news: of now.
        marks: of now.
        advised: when the advice was given; what came since always counts.
        heard: newest version of each speaker that the person had seen; empty for what the advice
            had heard. What they had not seen counts though the advice knew it.
    """
    for place, reason in REASONS:
        is_new = any(heard.get(speaker, 0) < version for speaker, version in newest_changes[place])
        if change_counts[place] != advised[place] or (heard and is_new):
            return reason
    return None


def tells_of_insulin(book: DoseBook, body: object) -> bool:
    """Say whether an event tells of insulin that no earlier advice can have counted.

    The pump's own doings are among it: a bolus that nobody here ordered, strokes without a command.
    """
    if isinstance(body, BolusProgressed):
        return all(body.dose != known.dose for known in book.open)
    return isinstance(body, _NEW_INSULIN)
