"""Second implementation of the caps: every window looked at, every dose's share of it added up.

Slow and plain, so that nothing can hide in it; it imports nothing of the first.
"""

from collections.abc import Iterable

from core.dosing.limits.caps_shapes import Asked, Flow, RateAsked, Room, WindowCap
from schemas.units import MilliUnits, MilliUnitsPerHour, UtcMillis


def rooms(asked: Asked) -> tuple[Room, ...]:
    """Give what each cap leaves, ceilings first, then windows, each in the order given."""
    found: list[Room] = []
    for name, most, used in asked.ceilings:
        left = most - used
        found.append(Room(name=name, left=MilliUnits(left if left > 0 else 0), used=used))
    for cap in asked.windows:
        counted = [one for one in asked.flows if cap.counts_basal or not one.is_basal]
        found.append(_tightest(asked, cap, counted))
    return tuple(found)


def _tightest(asked: Asked, cap: WindowCap, counted: list[Flow]) -> Room:
    best: Room | None = None
    # Rooms are compared as whole numerators over whole denominators: no rounding on the way.
    best_top, best_bottom = 0, 1
    for start in _starts(asked, cap, counted):
        end = _end(cap, start)
        if end < asked.starts_at or start > asked.ends_at:
            continue
        shared = _overlap(asked.starts_at, asked.ends_at, start, end)
        top, bottom = _sum(counted, start, end)
        if shared == 0:
            # A window that slides can touch the dose from outside: too full there means too full
            # with the first bit of the dose.
            if cap.length is not None and top > cap.most * bottom:
                return Room(
                    name=cap.name,
                    left=MilliUnits(0),
                    used=MilliUnits(-(-top // bottom)),
                    starts_at=UtcMillis(start),
                    ends_at=UtcMillis(end),
                )
            continue
        room_top = (cap.most * bottom - top) * (asked.ends_at - asked.starts_at)
        room_bottom = bottom * shared
        if best is None or room_top * best_bottom < best_top * room_bottom:
            best_top, best_bottom = room_top, room_bottom
            best = Room(
                name=cap.name,
                left=MilliUnits(max(0, room_top // room_bottom)),
                used=MilliUnits(-(-top // bottom)),
                starts_at=UtcMillis(start),
                ends_at=UtcMillis(end),
            )
    return best or Room(name=cap.name, left=cap.most, used=MilliUnits(0))


def _starts(asked: Asked, cap: WindowCap, counted: list[Flow]) -> list[int]:
    if cap.length is None:
        return [start for start, _ in cap.standing]
    corners = {asked.starts_at, asked.ends_at}
    for one in counted:
        corners |= {one.starts_at, one.ends_at}
    return sorted({corner - back for corner in corners for back in (0, cap.length)})


def _end(cap: WindowCap, start: int) -> int:
    if cap.length is not None:
        return start + cap.length
    return next(end for begin, end in cap.standing if begin == start)


def _sum(counted: list[Flow], start: int, end: int) -> tuple[int, int]:
    """Give the insulin in a window as a fraction: numerator [mU] and denominator."""
    top, bottom = 0, 1
    for one in counted:
        if one.ends_at <= start or one.starts_at >= end:
            continue
        if start <= one.starts_at and one.ends_at <= end:
            top += one.amount * bottom
            continue
        length = one.ends_at - one.starts_at
        part = _overlap(one.starts_at, one.ends_at, start, end)
        top, bottom = top * length + one.amount * part * bottom, bottom * length
    return top, bottom


def _overlap(start: int, end: int, since: int, until: int) -> int:
    return max(0, min(end, until) - max(start, since))


def allowed_rate(asked: RateAsked) -> MilliUnitsPerHour:
    """Give the rate that the styles leave [mU/h]: what is above the profile goes, cap by cap."""
    above = asked.rate - asked.scheduled
    if above <= 0:
        return asked.rate
    for base, times in (
        (asked.absolute, 1),
        (asked.scheduled, asked.times_scheduled),
        (asked.largest, asked.times_largest),
    ):
        if base is None or times is None:
            continue
        left = sum([base] * times) - asked.scheduled
        if left < above:
            above = left if left > 0 else 0
    return MilliUnitsPerHour(asked.scheduled + above)


def is_locked(starts: Iterable[UtcMillis], *, at: UtcMillis, wait: int) -> bool:
    """Say whether any bolus began in the time (at - wait, at] [ms]."""
    return any(at - wait < start <= at for start in starts)
