"""The account of doses and of basal: what was given, is being given, and is not known.

The advisor and the actuator each keep one, from what they received and said themselves, so that
limits are checked twice from two records. Basal is kept as the pump counted it, for as long as any
limit or any insulin action reaches back.
"""

from itertools import chain
from typing import Final

import msgspec

from core.dosing.insulin_account.scheduled_basal import BasalAhead
from core.dosing.insulin_account.unproven_time import UnprovenSteps, counted, counted_at
from core.dosing.limits.limits import Given
from core.models.insulin.on_board import Delivered, insulin_on_board, still_acts
from schemas.bolus.settings import InsulinAction
from schemas.units import DAY_MS, DoseId, EventId, Milliseconds, MilliUnits, UtcMillis

BLOCK_MAX: Final = 32
"""[-] parts that are added to one by one, then moved over together: of a day's 600 one more part
copies few."""


class BasalCounted(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Counted basal in order of arrival."""

    newest: tuple[Delivered, ...] = ()
    """[-] those that came last, fewer than a block."""
    blocks: tuple[tuple[Delivered, ...], ...] = ()
    """[-] those that came before them."""

    @property
    def parts(self) -> tuple[Delivered, ...]:
        """Give all, in order of arrival."""
        return tuple(chain.from_iterable((*self.blocks, self.newest)))

    @property
    def ends_at(self) -> UtcMillis | None:
        """Give when the newest ended [ms]; None where there is none."""
        last = self.newest or (self.blocks[-1] if self.blocks else ())
        return last[-1].ends_at if last else None

    def with_part(self, part: Delivered, *, kept: Milliseconds) -> "BasalCounted":
        """Add a part, and let go of blocks that ended longer ago than `kept` [ms]."""
        newest = (*self.newest, part)
        if len(newest) < BLOCK_MAX:
            return BasalCounted(newest=newest, blocks=self.blocks)
        since = part.ends_at - kept
        return BasalCounted(
            blocks=(*(one for one in self.blocks if one[-1].ends_at >= since), newest)
        )


AHEAD_MS = 2 * DAY_MS
"""[ms] of basal to come that any window can reach: the longest dose and the longest window."""

NOTHING_AHEAD = BasalAhead()
"""[-] no basal flows by itself."""


class BolusPart(Delivered, frozen=True, gc=False, kw_only=True):
    """A part of a bolus that the pump counted."""

    dose: DoseId
    """[-] its order."""
    meal: MilliUnits = MilliUnits(0)
    """[mU] the part of it that was for carbohydrate, rounded down."""
    by_person: bool = False
    """[-] not counted by the pump: somebody says so, until the pump tells."""
    is_by_pen: bool = False
    """[-] given by pen or syringe: it stands on a person's word alone."""
    correction: EventId | None = None
    """[-] the event that last said another amount or time; none while nobody did."""


class OpenDose(msgspec.Struct, frozen=True, gc=False, kw_only=True):
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


class DoseBook(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Every dose of the last day, and those still open."""

    boluses: tuple[BolusPart, ...] = ()
    """[-] counted parts and injections, in order of arrival."""
    basal: BasalCounted = BasalCounted()
    """[-] counted basal."""
    open: tuple[OpenDose, ...] = ()
    """[-] ordered, running or unknown doses, oldest first."""
    settled: tuple[tuple[DoseId, MilliUnits], ...] = ()
    """[-] doses that a person settled and the pump has not told of yet, and their orders [mU]."""
    bolus_total: MilliUnits = MilliUnits(0)
    """[mU] all boluses that the pump ever counted, and what persons answer for."""
    basal_total: MilliUnits = MilliUnits(0)
    """[mU] all basal ever counted."""
    started_at: UtcMillis | None = None
    """[ms] when the newest bolus was started; none while there was none."""
    unproven: UnprovenSteps = ()
    """[-] steps of the clock that nobody has confirmed; what lies before them ages without them."""

    @property
    def counted(self) -> tuple[BolusPart, ...]:
        """Give the boluses with the times as of which they count."""
        return counted(self.boluses, self.unproven) if self.unproven else self.boluses

    @property
    def counted_basal(self) -> tuple[Delivered, ...]:
        """Give counted basal with the times as of which it counts."""
        return counted(self.basal.parts, self.unproven)

    @property
    def bolus_counts_from(self) -> UtcMillis | None:
        """Give when the newest bolus started [ms], as it counts; none while there was none."""
        return None if self.started_at is None else counted_at(self.started_at, self.unproven)

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
        return close(self, dose)

    def given(
        self,
        *,
        at: UtcMillis,
        ahead: BasalAhead = NOTHING_AHEAD,
        action: InsulinAction | None = None,
    ) -> Given:
        """Give what the limits must count: what is open counts in full, as of `at` [ms].

        Args:
            at: [ms] now.
            ahead: the basal that flows by itself.
            action: how long insulin acts; where nobody has set it all boluses kept are on board.
        """
        still_open = tuple(
            Delivered(starts_at=at, ends_at=at, amount=dose.open_amount) for dose in self.open
        )
        flows = ahead.flows(
            counted_to=self.basal.ends_at or at,
            at=at,
            ends_at=UtcMillis(at + AHEAD_MS),
        )
        boluses = (*self.counted, *still_open)
        most = sum(dose.amount for dose in boluses)
        return Given(
            boluses=boluses,
            basal=self.counted_basal,
            ahead=flows,
            on_board=MilliUnits(most) if action is None else self.on_board(action, at=at)[1],
            midnights=ahead.midnights,
        )

    def on_board(self, action: InsulinAction, *, at: UtcMillis) -> tuple[MilliUnits, MilliUnits]:
        """Give bolus insulin on board [mU] as least and most: without and with what is open."""
        least = insulin_on_board(self.counted, action=action, at=at)
        still_open = sum(dose.open_amount for dose in self.open)
        return least, MilliUnits(least + still_open)

    def meal_on_board(self, action: InsulinAction, *, at: UtcMillis) -> MilliUnits:
        """Give the meals' part of what was counted and still acts [mU], rounded down."""
        parts = (
            Delivered(starts_at=one.starts_at, ends_at=one.ends_at, amount=one.meal)
            for one in self.counted
            if one.meal
        )
        return MilliUnits(max(0, insulin_on_board(parts, action=action, at=at) - 1))

    def acting(self, action: InsulinAction, *, at: UtcMillis) -> tuple[DoseId, ...]:
        """Name the doses that still act and what corrected them, sorted."""
        parts = [part for part in self.counted if still_acts(part, action=action, at=at)]
        names = {part.dose for part in parts}
        names |= {DoseId(part.correction) for part in parts if part.correction is not None}
        return tuple(sorted(names | {dose.dose for dose in self.open}))


def close(book: DoseBook, dose: DoseId) -> DoseBook:
    """Give the account without an open dose."""
    left = tuple(known for known in book.open if known.dose != dose)
    return msgspec.structs.replace(book, open=left)
