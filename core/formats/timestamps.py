"""Instants as files write them: ISO 8601 with or without a zone, and seconds or ms since 1970."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from core.formats.glucose_readings import LocalToUtc
from core.kernel.errors import GlucoseTextError
from schemas.units import MINUTE_MS, UtcMillis

FIRST_INSTANT = UtcMillis(946_684_800_000)
"""[ms] 2000-01-01; no sensor is older, and seconds taken for ms fall before it."""

LAST_INSTANT = UtcMillis(4_102_444_800_000)
"""[ms] 2100-01-01; ms taken for seconds fall after it."""

_ISO = re.compile(
    r"([0-9]{4})([-/])([0-9]{2})\2([0-9]{2})[T ]"
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r" ?(Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_SECONDS = re.compile(r"[1-9][0-9]{8,9}")
_MILLIS = re.compile(r"([1-9][0-9]{11,12})(?:\.[0-9]{1,9})?")


def looks_like_time(text: str) -> bool:
    """Say whether a text has the form of an instant, be it one or not."""
    return any(form.fullmatch(text) for form in (_ISO, _SECONDS, _MILLIS))


def has_no_zone(text: str) -> bool:
    """Say whether a text is a local time, which names no instant by itself."""
    found = _ISO.fullmatch(text)
    return found is not None and found[9] is None


def parse_instants(text: str, *, local_to_utc: LocalToUtc | None) -> tuple[UtcMillis, ...]:
    """Read an instant; fractions of a ms are cut off.

    Args:
        text: ISO 8601, or 9 to 10 digits of seconds, or 12 to 13 of ms since 1970.
        local_to_utc: what a local time names; None refuses local times.

    Returns:
        One instant, or two where the clock was put back, the first one first.

    Raises:
        GlucoseTextError: no instant, none between 2000 and 2100, or a local time that names none.
    """
    try:
        instants = _instants(text, local_to_utc=local_to_utc)
    except (ValueError, OverflowError) as error:
        raise GlucoseTextError(reason=f"no such time ({error})", text=text[:80]) from error
    if not all(FIRST_INSTANT <= at < LAST_INSTANT for at in instants):
        raise GlucoseTextError(reason="a time before 2000 or after 2099", text=text[:80])
    return instants


def settle(candidates: Sequence[tuple[UtcMillis, ...]]) -> list[UtcMillis]:
    """Choose between the two instants of a local hour that came twice, by the order of the file.

    The first is taken, unless the reading before lies between the two: then time went on.

    Args:
        candidates: for each reading in the order of the file its one or two instants; newest first
            is an order as well.
    """
    backwards = len(candidates) > 1 and candidates[0][0] > candidates[-1][0]
    chosen: list[UtcMillis] = []
    for both in reversed(candidates) if backwards else candidates:
        went_on = len(chosen) > 0 and both[0] <= chosen[-1] < both[-1]
        chosen.append(both[-1] if went_on else both[0])
    return chosen[::-1] if backwards else chosen


def _instants(text: str, *, local_to_utc: LocalToUtc | None) -> tuple[UtcMillis, ...]:
    if _SECONDS.fullmatch(text):
        return (UtcMillis(int(text) * 1_000),)
    if (millis := _MILLIS.fullmatch(text)) is not None:
        return (UtcMillis(int(millis[1])),)
    found = _ISO.fullmatch(text)
    if found is None:
        raise GlucoseTextError(reason="not a time (ISO 8601 or ms since 1970)", text=text[:80])
    year, month, day, hour, minute, second = (int(found[i] or 0) for i in (1, 3, 4, 5, 6, 7))
    fraction_ms = int((found[8] or "0")[:3].ljust(3, "0"))
    wall = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if found[9] is not None:
        wall_ms = (wall - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        return (UtcMillis(wall_ms - _offset_ms(found[9]) + fraction_ms),)
    if local_to_utc is None:
        raise GlucoseTextError(reason="a local time without a zone", text=text)
    instants = local_to_utc(year, month, day, hour, minute, second)
    if not instants:
        raise GlucoseTextError(
            reason="a local time that did not exist, for the clock was put forward", text=text
        )
    return tuple(UtcMillis(at + fraction_ms) for at in instants)


def _offset_ms(text: str) -> int:
    if text in "Zz":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 14 or minutes > 59:
        raise ValueError(f"offset {text}")
    return (hours * 60 + minutes) * MINUTE_MS * (-1 if text.startswith("-") else 1)
