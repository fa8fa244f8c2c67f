"""When a record got a line, held against when its service got the same: could that be so?

A record may get a line late: it was off, or the broker was away. It then gets all that waited at
once. What no outage explains is named.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from schemas.units import MINUTE_MS, UtcMillis
from services.runtime.journal.entries import RowMetadata
from services.runtime.ports import WitnessLine

APART_MS_MAX: Final = 10_000
"""[ms] between the times at which two journals got the same, and by which therapy time may differ
from what real time says; more, and neither journal speaks for the other's time."""

LATE_MS_MAX: Final = MINUTE_MS
"""[ms] by which a record gets a line later than its service did, without an outage: a broker that
is slow takes seconds."""

OUTAGES_MAX: Final = 3
"""[-] in the open lines, one right after the other: while the historian runs, it signs after 5 min,
and after each start."""


class Heard(NamedTuple):
    """What a record heard or said, and when it got it."""

    position: int
    sha256: str
    head: RowMetadata
    begun: UtcMillis
    """[ms] real time at which the historian's run began, as far as the open lines tell."""


class Both(NamedTuple):
    """A line that stands in the record and in its service's own journal."""

    here: Heard
    there: WitnessLine

    @property
    def is_same(self) -> bool:
        """Say whether both have the same words."""
        return self.here.sha256 == self.there.sha256

    @property
    def later_ms(self) -> int:
        """Give by how much real time the record got it later."""
        return self.here.head.real - self.there.real


def is_near(both: Both) -> bool:
    """Say whether both journals got a line at the same time, in both times."""
    return abs(both.later_ms) <= APART_MS_MAX and _is_therapy_near(both)


def _is_therapy_near(both: Both) -> bool:
    therapy_ms = both.here.head.therapy - both.there.therapy
    return abs(therapy_ms - both.later_ms * both.there.speed) <= APART_MS_MAX


def moved(lines: Sequence[Both]) -> Iterator[tuple[int, str]]:
    """Name lines of one service whose times in the record no outage explains, by position.

    Args:
        lines: newest first.
    """
    fit = [one for one in lines if one.is_same and not one.there.is_adopted]
    for one in fit:
        position, is_event = one.here.position, bool(one.there.version)
        if is_event and one.later_ms < -APART_MS_MAX:
            yield position, "the record got it before"
        elif (
            abs(one.later_ms) <= APART_MS_MAX
            and one.there.real >= one.here.begun
            and not _is_therapy_near(one)
        ):
            yield position, "the record got it at another therapy time than"
    late = list(_late_anew([one for one in reversed(fit) if one.there.version]))
    if len(late) >= OUTAGES_MAX:
        yield late[0], "the record got it, and others one by one, long after"


def _late_anew(events: Sequence[Both]) -> Iterator[int]:
    """Name the events that were late by more than one outage: what waits comes all at once.

    Args:
        events: of one service, in order.
    """
    for before, one in zip(events, events[1:], strict=False):
        waited_ms = one.here.head.real - max(before.here.head.real, one.there.real)
        if before.later_ms > LATE_MS_MAX and waited_ms > LATE_MS_MAX:
            yield one.here.position
