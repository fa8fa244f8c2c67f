"""Amounts as people type them: each text has one meaning or none, and never a nearby one (R17)."""

import re

from core.kernel.errors import AmountError
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    Grams,
    MilligramsPerUnit,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
)

WHOLE_DIGITS_MAX = 6
"""[-] digits before the point; longer is a typing error and no amount; source: R17."""

_WHOLE = re.compile(r"0|[1-9][0-9]*")
_DECIMAL = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]{1,3}))?")
_DURATION = re.compile(r"(0|[1-9][0-9]*)([smh])")
_DURATION_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS}


def parse_units(text: str) -> MilliUnits:
    """Read insulin in U, such as '1.25', exactly.

    Raises:
        AmountError: not ASCII digits with a point and 1 to 3 decimals at most.
    """
    return MilliUnits(_thousandths(text))


def parse_rate(text: str) -> MilliUnitsPerHour:
    """Read a basal rate in U/h, such as '0.85', exactly.

    Raises:
        AmountError: not ASCII digits with a point and 1 to 3 decimals at most.
    """
    return MilliUnitsPerHour(_thousandths(text))


def parse_ratio(text: str) -> MilligramsPerUnit:
    """Read a carbohydrate ratio in g/U, such as '12.5', exactly.

    Raises:
        AmountError: not ASCII digits with a point and 1 to 3 decimals at most, or zero.
    """
    ratio = MilligramsPerUnit(_thousandths(text))
    if ratio == 0:
        raise AmountError(reason="a ratio of zero divides by zero", text=text)
    return ratio


def parse_grams(text: str) -> Grams:
    """Read carbohydrate in whole g, such as '45'.

    Raises:
        AmountError: not a whole number of ASCII digits.
    """
    return Grams(_whole(text))


def parse_percent(text: str) -> int:
    """Read a whole percentage, '80' or '80%'.

    Returns:
        [%] 0 or more; the caller knows the highest that makes sense.

    Raises:
        AmountError: not a whole number of ASCII digits.
    """
    digits = text.removesuffix("%")
    try:
        return _whole(digits)
    except AmountError as error:
        raise AmountError(reason=error.reason, text=text) from error


def parse_duration(text: str) -> Milliseconds:
    """Read a duration of whole seconds, minutes or hours: '90s', '30m', '2h'.

    Raises:
        AmountError: not a whole number of ASCII digits followed by s, m or h.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise AmountError(reason="not a whole number followed by s, m or h", text=text)
    return Milliseconds(_bounded(found[1], text=text) * _DURATION_MS[found[2]])


def print_units(amount: MilliUnits) -> str:
    """Write insulin in U with as many decimals as it takes; `parse_units` reads it back the same.

    Raises:
        AmountError: below zero, which no amount of insulin is.
    """
    return _print_thousandths(amount)


def print_rate(rate: MilliUnitsPerHour) -> str:
    """Write a basal rate in U/h; `parse_rate` reads it back the same.

    Raises:
        AmountError: below zero.
    """
    return _print_thousandths(rate)


def print_ratio(ratio: MilligramsPerUnit) -> str:
    """Write a carbohydrate ratio in g/U; `parse_ratio` reads it back the same.

    Raises:
        AmountError: below zero.
    """
    return _print_thousandths(ratio)


def _thousandths(text: str) -> int:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise AmountError(reason="not digits with a point and 1 to 3 decimals", text=text)
    return _bounded(found[1], text=text) * 1_000 + int((found[2] or "").ljust(3, "0"))


def _whole(text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise AmountError(reason="not a whole number", text=text)
    return _bounded(text, text=text)


def _bounded(digits: str, *, text: str) -> int:
    if len(digits) > WHOLE_DIGITS_MAX:
        raise AmountError(reason=f"more than {WHOLE_DIGITS_MAX} digits", text=text[:80])
    return int(digits)


def _print_thousandths(amount: int) -> str:
    if amount < 0:
        raise AmountError(reason="below zero", text=str(amount))
    whole, rest = divmod(amount, 1_000)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")
