"""What can be said of glucose to come."""

import msgspec

from schemas.message import Event
from schemas.units import EventId, Grams, MgDl, UtcMillis


class ForecastPoint(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Glucose at an instant to come."""

    at: UtcMillis
    """[ms] the instant."""
    glucose: int
    """[mg/dL] may be below zero: what would be without more carbohydrate."""


class GlucoseForecast(Event, frozen=True, kw_only=True, tag="glucose_forecast.v1"):
    """Where insulin, carbohydrate and momentum lead from a reading; said by bolus_advisor.

    Insulin counts relative to the profile, doses of unknown outcome in full. No advice follows
    from it: it is for the eye, and for the alert about a low to come.
    """

    reading: EventId
    """[-] from which it starts."""
    measured_at: UtcMillis
    """[ms] when that was measured."""
    glucose: MgDl
    """[mg/dL] of it."""
    points: tuple[ForecastPoint, ...]
    """[-] every 5 min for half an hour, then every 30 min for 6 h."""
    lowest: ForecastPoint
    """[-] the first lowest of all points, those in between counted."""
    eventual: int
    """[mg/dL] at the end."""
    carbs_on_board: Grams
    """[g] still to be absorbed, rounded down."""
    velocity: int | None = None
    """[ug/dL/min] of momentum; none where the last readings give none."""
    is_whole: bool = True
    """[-] all insulin that can act is on record, and known."""
