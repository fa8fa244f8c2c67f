"""Is insulin counted as given that does not arrive? A suspicion from glucose, by no pressure.

Pumps notice a blocked line by its pressure after hours, at low rates after a day (R72). Glucose
that rises for an hour although nothing was eaten and insulin was counted all the time is the same
news earlier. Unannounced meals look alike: it asks to look, and changes no delivery.
"""

from typing import Final

import msgspec

from core.models.glucose_quality import Point
from schemas.units import HOUR_MS, MINUTE_MS, MgDl, Milliseconds, MilliUnits, UtcMillis

ABOVE_MG_DL: Final = MgDl(180)
"""[mg/dL] nothing is suspected up to here; source: upper end of the consensus target."""

RISEN_MG_DL: Final = MgDl(40)
"""[mg/dL] in an hour at least; project's own choice: 20 g of carbohydrate raise so in most."""

RISE_MS: Final = Milliseconds(HOUR_MS)
"""[ms] over which the rise is looked at."""

STEP_MS: Final = Milliseconds(5 * MINUTE_MS)
"""[ms] between two readings that are kept."""

POINTS_MAX: Final = 16
"""[-] readings kept: an hour and a quarter."""

MEAL_MS: Final = Milliseconds(3 * HOUR_MS)
"""[ms] after a meal a rise is its own; source: AndroidAPS's least absorption time of meals."""

GIVEN_MS: Final = Milliseconds(3 * HOUR_MS)
"""[ms] in which insulin was counted that should act now; peak and body of rapid insulins."""

GIVEN_MU_MIN: Final = MilliUnits(200)
"""[mU] counted in that time at least; project's own choice: 0.07 U/h, a small child's basal."""

SLOT_MS: Final = Milliseconds(15 * MINUTE_MS)
"""[ms] of insulin that is added up."""

Given = tuple[UtcMillis, MilliUnits]
"""Start of a slot [ms] and the insulin counted in it [mU]."""


class Watched(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a suspicion is made of."""

    points: tuple[Point, ...] = ()
    """[-] numbers of the sensor, STEP_MS apart, sorted."""
    given: tuple[Given, ...] = ()
    """[-] insulin as counted, sorted."""


def watch_reading(watched: Watched, *, at: UtcMillis, glucose: MgDl | None) -> Watched:
    """Keep a number of the sensor; without one, or after a gap, looking begins anew."""
    points = watched.points
    if glucose is None:
        return msgspec.structs.replace(watched, points=())
    if points and at - points[-1][0] < STEP_MS:
        return watched
    if points and at - points[-1][0] > 3 * STEP_MS:
        points = ()
    return Watched(points=(*points, (at, glucose))[-POINTS_MAX:], given=watched.given)


def watch_insulin(watched: Watched, *, at: UtcMillis, amount: MilliUnits) -> Watched:
    """Add insulin up that was counted as given."""
    slot, known = UtcMillis(at // SLOT_MS * SLOT_MS), watched.given
    if known and known[-1][0] == slot:  # nearly always: this is done at each stroke of the pump
        added = MilliUnits(known[-1][1] + amount)
        return Watched(points=watched.points, given=(*known[:-1], (slot, added)))
    sums = dict(known)
    sums[slot] = MilliUnits(sums.get(slot, 0) + amount)
    given = tuple(sorted(one for one in sums.items() if one[0] > at - GIVEN_MS - SLOT_MS))
    return Watched(points=watched.points, given=given)


def is_suspected(
    watched: Watched, *, meals: tuple[UtcMillis, ...], now: UtcMillis, active: bool
) -> bool:
    """Say whether insulin may not arrive.

    Args:
        watched: glucose and insulin of the last hours.
        meals: [ms] when something was eaten, a meal in the next hour included.
        now: [ms] instant.
        active: it is suspected already: then it is until glucose falls, or something explains it.
    """
    if any(at > now - MEAL_MS for at in meals):
        return False
    points = watched.points
    if not points or points[-1][1] <= ABOVE_MG_DL:
        return False
    before = [number for at, number in points if at <= points[-1][0] - RISE_MS]
    if not before:
        return active
    risen = points[-1][1] - before[-1]
    if active:
        return risen >= 0
    counted = sum(amount for at, amount in watched.given if at > now - GIVEN_MS)
    return risen >= RISEN_MG_DL and counted >= GIVEN_MU_MIN
