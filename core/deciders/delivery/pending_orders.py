"""Orders that wait for their signature, and whether advisor and actuator knew the same of them.

A refusal by a limit proves a fault only at equal `versions_seen`: the advisor knew, when it
ordered, all that the actuator's limits are computed from now. What it had not heard yet it could
not count; such an order is refused with the limit's name and nobody is alarmed.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from core.kernel.decider import Entry
from core.kernel.pending_events import PENDING_ID_PREFIX
from schemas.bolus.orders import BolusOrdered, BolusOrderSigned, BolusOrderWithdrawn
from schemas.message import version_of
from schemas.units import DoseId, MilliUnits, Speaker

ADVISOR: Final = Speaker("bolus_advisor")
SCHEDULER: Final = Speaker("basal_scheduler")

ORDERS: Final = (BolusOrdered, BolusOrderSigned, BolusOrderWithdrawn)
"""[-] no news to the advisor: each of them was checked with those before it counted."""


class WaitingOrder(NamedTuple):
    """An order heard that nobody has signed yet."""

    dose: DoseId
    """[-] its name."""
    order: BolusOrdered
    """[-] what is to be given."""
    versions_seen: Mapping[str, int]
    """[-] newest version of each other speaker that the advisor knew; empty in drafts and tests."""
    beside: DoseId | None = None
    """[-] the other half of a dual bolus."""
    whole: MilliUnits = MilliUnits(0)
    """[mU] both halves."""


class Known(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How far the record was known by which the limits are computed."""

    counted: tuple[tuple[Speaker, int], ...] = ()
    """[-] newest event of each speaker that changed what the limits are computed from."""
    scheduler: int = 0
    """[-] newest event heard of the scheduler; the actuator itself is never behind itself."""


def with_order(
    waiting: tuple[WaitingOrder, ...], entry: Entry, order: BolusOrdered
) -> tuple[WaitingOrder, ...]:
    """Add an order; the two halves of a dual bolus, said one after the other, know each other."""
    new = WaitingOrder(DoseId(entry.id), order, entry.versions_seen, whole=order.amount)
    if not waiting or not _is_other_half(waiting[-1], new):
        return (*waiting, new)
    first, whole = waiting[-1], MilliUnits(waiting[-1].order.amount + order.amount)
    return (
        *waiting[:-1],
        first._replace(beside=new.dose, whole=whole),
        new._replace(beside=first.dose, whole=whole),
    )


def _is_other_half(first: WaitingOrder, second: WaitingOrder) -> bool:
    """One decision says both, at the same time: what comes at once, then what is spread."""
    one, other = first.order, second.order
    follows = version_of(second.dose) == version_of(first.dose) + 1
    same = one.start_by == other.start_by and one.actor == other.actor
    return follows and same and one.duration == 0 < other.duration


def note(known: Known, entry: Entry, *, changed: bool) -> Known:
    """Note an event of a speaker, and whether it changed what the limits are computed from."""
    if entry.speaker is None or entry.id.startswith(PENDING_ID_PREFIX):
        return known
    counts = changed and not isinstance(entry.body, ORDERS)
    if not counts and entry.speaker != SCHEDULER:
        return known
    speaker, version = entry.speaker, version_of(entry.id)
    if speaker == SCHEDULER:
        known = msgspec.structs.replace(known, scheduler=version)
    if not counts:
        return known
    if len(known.counted) == 1 and known.counted[0][0] == speaker:  # nearly always
        counted: tuple[tuple[Speaker, int], ...] = ((speaker, version),)
    else:
        counted = tuple(sorted({**dict(known.counted), speaker: version}.items()))
    return msgspec.structs.replace(known, counted=counted)


def is_heard_equal(known: Known, waiting: WaitingOrder) -> bool:
    """Say whether the advisor, when it ordered, knew what the limits here are computed from.

    Equal means: of the actuator and of the scheduler it had heard the newest event that counts
    here, of the scheduler none that the actuator lacks, and it said nothing that counts after the
    order itself. An order that says nothing of what was heard is taken at its word.
    """
    if not waiting.versions_seen:
        return True
    heard = {**waiting.versions_seen, ADVISOR: version_of(waiting.dose)}
    is_behind = any(heard.get(speaker, 0) < version for speaker, version in known.counted)
    return not is_behind and heard.get(SCHEDULER, 0) <= known.scheduler
