"""Whether a programme of basal and the limits fit: each rate, and the insulin of each window.

A window is looked at wherever it may begin, through the whole week, by the clock on the wall: two
days of different profiles stand beside each other. The hour that a change of the clock adds is left
to the alarm about the insulin of a day.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from core.dosing.basal_programme.programme import Programme
from core.dosing.limits.limits import FOUR_HOURS_MS
from core.models.pump_models import PUMP_MODELS, floor_rate
from core.models.schedules import DAY_MINUTES, segment_at
from schemas.basal.profiles import BasalProfileSet, ProfileSegment
from schemas.delivery.delivery import DeliveryLimitsSet, SetDeliveryLimits
from schemas.setting_checks import Misfit, MisfitReason
from schemas.units import MINUTE_MS, MilliUnits, MilliUnitsPerHour

Limits = SetDeliveryLimits | DeliveryLimitsSet
"""[-] as asked, or in force."""

HOUR_MINUTES = 60
"""[min] in an hour."""

FOUR_HOURS_MINUTES = FOUR_HOURS_MS // MINUTE_MS
"""[min] of the optional limit for a meal and its corrections."""


def misfits_of(programme: Programme, limits: Limits) -> Iterator[Misfit]:
    """Give what does not fit of the profiles in use: rates first, then windows; empty for none."""
    days = [programme.profiles[programme.ids.index(programme.id_of(n))] for n in programme.days]
    for name in dict.fromkeys(programme.days):
        yield from rate_misfits(days[programme.days.index(name)], limits)
    if days:
        yield from _window_misfits(days, limits, is_week=True)


def misfits_kept(profile: BasalProfileSet, limits: Limits) -> Iterator[Misfit]:
    """Give what does not fit of a profile for any one day, whatever stands before and after it."""
    yield from rate_misfits(profile, limits)
    yield from _window_misfits((profile,), limits, is_week=False)


def rate_misfits(profile: BasalProfileSet, limits: Limits) -> Iterator[Misfit]:
    """Give each segment whose rate the limits or the pump model do not leave as it is."""
    for segment in profile.segments:
        reason, bound = rate_problem(segment.rate, limits)
        if reason is not None:
            yield Misfit(
                reason=reason,
                profile=profile.name,
                start_minute=segment.start_minute,
                rate=segment.rate,
                rate_limit=bound,
            )


def rate_problem(
    rate: MilliUnitsPerHour, limits: Limits
) -> tuple[MisfitReason | None, MilliUnitsPerHour | None]:
    """Say what a rate does not fit, and the bound [mU/h]; a rounding down is left aside."""
    model = PUMP_MODELS[limits.pump_model]
    if rate > limits.basal:
        return "above_basal_limit", limits.basal
    if model.basal_max is not None and rate > model.basal_max:
        return "above_pump_maximum", model.basal_max
    if rate > 0 and floor_rate(model, rate) == 0:
        return "below_pump_minimum", model.basal_min
    return None, None


def day_total(segments: Sequence[ProfileSegment]) -> MilliUnits:
    """Give what the segments ask for in a day of 24 h [mU], rounded up."""
    starts = [*(segment.start_minute for segment in segments), DAY_MINUTES]
    lengths = (end - start for start, end in zip(starts, starts[1:], strict=False))
    asked = sum(one.rate * length for one, length in zip(segments, lengths, strict=True))
    return MilliUnits(-(-asked // HOUR_MINUTES))


def _window_misfits(
    days: Sequence[BasalProfileSet], limits: Limits, *, is_week: bool
) -> Iterator[Misfit]:
    sliding: tuple[tuple[MisfitReason, MilliUnits | None, int], ...] = (
        ("above_daily_limit", limits.daily, DAY_MINUTES),
        ("above_four_hour_limit", limits.four_hours, FOUR_HOURS_MINUTES),
    )
    for reason, most, length in sliding:
        if most is not None:
            yield from _too_much(days, reason, most, _starts(days, length, is_week=is_week), length)
    if limits.calendar_day is not None:
        midnights = range(0, len(days) * DAY_MINUTES, DAY_MINUTES)
        yield from _too_much(
            days, "above_calendar_day_limit", limits.calendar_day, midnights, DAY_MINUTES
        )


def _starts(days: Sequence[BasalProfileSet], length: int, *, is_week: bool) -> Sequence[int]:
    """Give where the window that holds most may begin [min]: it has an end where a rate changes.

    Args:
        days: one after the other; the first follows the last in a week.
        length: [min] of the window.
        is_week: it may reach from the last day into the first.
    """
    end = len(days) * DAY_MINUTES
    edges = [
        number * DAY_MINUTES + segment.start_minute
        for number, day in enumerate(days)
        for segment in day.segments
    ]
    starts = {at for edge in (*edges, end) for at in (edge, edge - length)}
    if is_week:
        return sorted({at % end for at in starts})
    return sorted(at for at in starts if 0 <= at <= end - length)


def _too_much(
    days: Sequence[BasalProfileSet],
    reason: MisfitReason,
    most: MilliUnits,
    starts: Sequence[int],
    length: int,
) -> Iterator[Misfit]:
    """Give the window that holds most [mU], where that is more than may be."""
    programmed = _Integral(days)
    worst = max(starts, key=lambda at: programmed.between(at, at + length))
    amount = MilliUnits(-(-programmed.between(worst, worst + length) // HOUR_MINUTES))
    if amount <= most:
        return
    number, minute = divmod(worst, DAY_MINUTES)
    day = days[number]
    yield Misfit(
        reason=reason,
        profile=day.name,
        start_minute=segment_at(day.segments, minute).start_minute,
        amount=amount,
        amount_limit=most,
    )


class _Integral:
    """What days of profiles, over and over, ask for between two minutes."""

    def __init__(self, days: Sequence[BasalProfileSet]) -> None:
        self._length = len(days) * DAY_MINUTES
        steps = [
            (number * DAY_MINUTES + segment.start_minute, segment.rate)
            for number, day in enumerate(days)
            for segment in day.segments
        ]
        self._starts = [at for at, _ in steps]
        self._rates = [rate for _, rate in steps]
        ends = [*self._starts[1:], self._length]
        parts = (
            rate * (end - start)
            for start, end, rate in zip(self._starts, ends, self._rates, strict=True)
        )
        self._sums = [0, *accumulate(parts)]

    def between(self, start: int, end: int) -> int:
        """[mU min/h] from one minute to another, 0 or more and at most the length apart."""
        return self._until(end) - self._until(start)

    def _until(self, minute: int) -> int:
        rounds, rest = divmod(minute, self._length)
        place = bisect_right(self._starts, rest) - 1
        within = self._sums[place] + self._rates[place] * (rest - self._starts[place])
        return rounds * self._sums[-1] + within
