"""The advisor's own record as parts of insulin relative to the profile, basal included."""

from collections.abc import Iterator, Sequence

import msgspec

from core.dosing.insulin_account.dose_account import BolusPart, DoseBook
from core.models.insulin.curves import Curve
from core.models.insulin.history import Dose, History, Part, Rate, parts_of
from core.models.insulin.on_board import DELAY_MS_MAX, DURATION_MS_MAX, Delivered
from core.models.pulses import stretches
from schemas.delivery.device import PumpPlan
from schemas.units import HOUR_MS, MINUTE_MS, DoseId, MilliUnits, UtcMillis

ACTS_MS = DURATION_MS_MAX + DELAY_MS_MAX
"""[ms] for which any insulin that may be set acts."""

PROFILES_MAX = 100
"""[-] newest profiles that are remembered; one is made every 6 h and with each temporary rate."""

MERGED_MS = 15 * MINUTE_MS
"""[ms] of basal taken together as of one rate."""


class InsulinRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All insulin that acts at an instant, relative to the profile."""

    parts: tuple[Part, ...]
    """[-] boluses, and basal less what the profile asks for."""
    is_whole: bool
    """[-] nothing that can act is missing or unknown."""
    is_basal_whole: bool
    """[-] no basal that can act is missing."""


def remember_profile(known: tuple[PumpPlan, ...], made: PumpPlan) -> tuple[PumpPlan, ...]:
    """Add what the profile asks for from now on, and forget what no insulin that acts was of."""
    since = made.steps[0].at - ACTS_MS
    first = 0
    while first + 1 < len(known) and known[first + 1].steps[0].at <= since:
        first += 1
    return (*known[first:], made)[-PROFILES_MAX:]


def insulin_record(
    book: DoseBook,
    *,
    curve: Curve,
    profiles: Sequence[PumpPlan],
    flows: PumpPlan | None,
    recorded_from: UtcMillis | None,
    at: UtcMillis,
) -> InsulinRecord:
    """Give all insulin that acts.

    Args:
        book: the account; what is open counts in full, unknown or not.
        curve: how it acts.
        profiles: what the profile alone asked for, oldest first.
        flows: by what basal flows since the newest basal accounted for; none while it stands.
        recorded_from: [ms] since when doses are recorded.
        at: [ms] now.
    """
    since = UtcMillis(at - round(curve.end_min * MINUTE_MS))
    schedule = tuple(_schedule(profiles, until=at))
    known_from = schedule[0].start if schedule else at
    basal = _basal(book.basal.parts, flows, since=max(since, known_from), at=at)
    doses = (*_boluses(book, at=at, curve=curve), *_as_doses(basal, curve))
    history = History(at=at, curve=curve, doses=doses, schedule=schedule)
    began = at if recorded_from is None else recorded_from
    is_basal_whole = max(known_from, began) <= since
    return InsulinRecord(
        parts=tuple(parts_of(history, until=at)),
        is_whole=is_basal_whole and not book.unknown,
        is_basal_whole=is_basal_whole,
    )


def _schedule(profiles: Sequence[PumpPlan], *, until: UtcMillis) -> Iterator[Rate]:
    ends = [*(after.steps[0].at for after in profiles[1:]), until]
    for profile, end in zip(profiles, ends, strict=False):
        for part in stretches(profile, starts_at=profile.steps[0].at, ends_at=min(end, until)):
            yield Rate(start=part.starts_at, end=part.ends_at, u_per_h=part.rate / 1000)


def _basal(
    counted: Sequence[Delivered], flows: PumpPlan | None, *, since: UtcMillis, at: UtcMillis
) -> Iterator[Delivered]:
    """Give basal without holes: where the pump counted nothing, nothing flowed."""
    last = since
    for part in counted:
        if part.ends_at <= last or part.starts_at >= at:
            continue
        is_inside = last <= part.starts_at < part.ends_at <= at
        inside = part if is_inside else _inside(part, last, at)
        if inside.starts_at > last:
            yield _nothing(last, inside.starts_at)
        yield inside
        last = inside.ends_at
    for stretch in stretches(flows, starts_at=last, ends_at=at):
        amount = stretch.rate * (stretch.ends_at - stretch.starts_at) // HOUR_MS
        yield msgspec.structs.replace(_nothing(stretch.starts_at, stretch.ends_at), amount=amount)


def _inside(part: Delivered, since: UtcMillis, until: UtcMillis) -> Delivered:
    """Cut what reaches out of the time looked at; what is counted in a moment takes 1 ms."""
    starts_at = min(part.starts_at, UtcMillis(part.ends_at - 1))
    start, end = max(starts_at, since), min(part.ends_at, until)
    amount = part.amount * (end - start) // (part.ends_at - starts_at)
    return Delivered(starts_at=start, ends_at=end, amount=MilliUnits(amount))


def _nothing(starts_at: UtcMillis, ends_at: UtcMillis) -> Delivered:
    return Delivered(starts_at=starts_at, ends_at=ends_at, amount=MilliUnits(0))


def _as_doses(basal: Iterator[Delivered], curve: Curve) -> Iterator[Dose]:
    """Take neighbours together where both or neither brought insulin."""
    open_: Delivered | None = None
    for part in basal:
        joins = (
            open_ is not None
            and (open_.amount > 0) == (part.amount > 0)
            and part.ends_at - open_.starts_at <= MERGED_MS
        )
        if open_ is not None and joins:
            open_ = Delivered(
                starts_at=open_.starts_at,
                ends_at=part.ends_at,
                amount=MilliUnits(open_.amount + part.amount),
            )
            continue
        if open_ is not None:
            yield _dose(open_, curve)
        open_ = part
    if open_ is not None:
        yield _dose(open_, curve)


def _dose(part: Delivered, curve: Curve) -> Dose:
    return Dose(
        kind="basal",
        start=part.starts_at,
        end=part.ends_at,
        units=part.amount / 1000,
        curve=curve,
    )


def _boluses(book: DoseBook, *, at: UtcMillis, curve: Curve) -> Iterator[Dose]:
    """Give each bolus as one dose, and what is open as given now."""
    by_dose: dict[DoseId, list[BolusPart]] = {}
    for part in book.counted:
        by_dose.setdefault(part.dose, []).append(part)
    for parts in by_dose.values():
        yield Dose(
            kind="bolus",
            start=min(part.starts_at for part in parts),
            end=max(part.ends_at for part in parts),
            units=sum(part.amount for part in parts) / 1000,
            curve=curve,
        )
    for dose in book.open:
        yield Dose(
            kind="bolus",
            start=at,
            end=at,
            units=dose.open_amount / 1000,
            curve=curve,
            is_certain=not dose.is_unknown,
        )
