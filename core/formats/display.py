"""Amounts and reasons as a person reads them: two decimals, as a pump's display has them."""

from schemas.units import MilliUnits, MilliUnitsPerHour


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


def words(reason: str) -> str:
    """Write a reason code as words."""
    return reason.replace("_", " ")
