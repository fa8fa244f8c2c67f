"""Amounts and reasons as a person reads them: two decimals, as a pump's display has them."""

from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
)


def units(amount: MilliUnits | None) -> str:
    """Write insulin in U with two decimals, as a pump's display does."""
    return "-" if amount is None else f"{amount / 1_000:.2f} U"


def rate(amount: MilliUnitsPerHour | None) -> str:
    """Write a rate in U/h."""
    return "none" if amount is None else f"{amount / 1_000:.2f} U/h"


def change(before: MilliUnitsPerHour, after: MilliUnitsPerHour) -> str:
    """Write a change of a rate."""
    return f"{before / 1_000:.2f} to {rate(after)}"


def between(least: MilliUnits | None, most: MilliUnits | None) -> str:
    """Write an interval of insulin, one number where both ends are the same."""
    if least is None or least == most:
        return units(most)
    return f"{least / 1_000:.2f} to {units(most)}"


def of_day(minute: int) -> str:
    """Write a time of day [min after midnight], such as 06:30."""
    return f"{minute // 60:02}:{minute % 60:02}"


def lasting(span: Milliseconds) -> str:
    """Write a span of time, 1 min or longer, by its two largest units: '3 days 4 h', '8 h 5 min'.

    Args:
        span: [ms] 0 or more; less than a minute is written as 0 min.
    """
    days, hours, minutes = span // DAY_MS, span % DAY_MS // HOUR_MS, span % HOUR_MS // MINUTE_MS
    named = ((days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"))
    first = next((index for index, (count, _) in enumerate(named) if count), len(named) - 1)
    kept = [f"{count} {unit}" for count, unit in named[first : first + 2] if count]
    return " ".join(kept) or "0 min"


def words(reason: str) -> str:
    """Write a reason code as words."""
    return reason.replace("_", " ")
