"""The advices that were given, and which of them were taken."""

import msgspec

from core.deciders.bolus.staleness import ChangeCounts
from schemas.bolus.advice import BolusAdvised
from schemas.units import EventId

ADVICES_KEPT = 20
"""[-] advices that can still be accepted or recognised as used."""


class Advice(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An advice that was given, and what had been heard when it was."""

    id: EventId
    """[-] its event."""
    advised: BolusAdvised
    """[-] the advice."""
    change_counts: ChangeCounts
    """[-] heard by then."""
    is_used: bool = False
    """[-] accepted already."""


def used(advices: tuple[Advice, ...], name: EventId) -> tuple[Advice, ...]:
    """Mark an advice as taken."""
    return tuple(
        msgspec.structs.replace(advice, is_used=True) if advice.id == name else advice
        for advice in advices
    )
