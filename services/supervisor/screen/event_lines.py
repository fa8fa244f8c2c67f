"""Events as lines of the live screen; what is not worth a line gives none."""

from typing import Final, NamedTuple

from core.formats.display import words
from core.record.event_sentences import sentence
from schemas.basal.plans import BasalPlanAccepted
from schemas.basal.profiles import ZoneLookupRequested
from schemas.delivery.delivery import BolusProgressed
from schemas.delivery.mechanism import FaultClearRequested, PrimeRequested
from schemas.delivery.pump import ReservoirFillRequested, ResumeRequested, SuspendRequested
from schemas.glucose import GlucoseMeasured
from schemas.message import Event, Refusal, name_of
from schemas.units import MilliUnits, UtcMillis
from services.supervisor.screen.text_format import second

PROGRESS_MU = MilliUnits(500)
"""[mU] of a bolus from one line to the next."""

NOT_SHOWN: Final = (
    BasalPlanAccepted,
    ZoneLookupRequested,
    FaultClearRequested,
    PrimeRequested,
    ReservoirFillRequested,
    ResumeRequested,
    SuspendRequested,
)
"""[-] what was asked for; the screen shows what came of it."""


class Line(NamedTuple):
    """One notable change."""

    at: UtcMillis
    """[ms] therapy time."""
    text: str
    """[-] in words."""
    is_routine: bool = False
    """[-] comes so often that the screen shows it elsewhere."""
    times: int = 1
    """[-] that it came in a row."""


def describe(event: Event, *, at: UtcMillis, zone: str) -> Line | None:
    """Write an event as a line.

    Args:
        event: what was published.
        at: [ms] therapy time of the decision.
        zone: IANA name of the local times inside the text.
    """
    if isinstance(event, NOT_SHOWN):
        return None
    if isinstance(event, BolusProgressed) and not _crosses_a_line(event):
        return None
    text = sentence(event, clock=lambda instant: second(instant, zone=zone))
    if text:
        return Line(at, text, isinstance(event, BolusProgressed | GlucoseMeasured))
    if isinstance(event, Refusal):
        reason = words(str(getattr(event, "reason", "")))
        return Line(at, f"{words(name_of(type(event)))}: {reason}")
    return None


def _crosses_a_line(part: BolusProgressed) -> bool:
    return part.delivered // PROGRESS_MU > (part.delivered - part.amount) // PROGRESS_MU
