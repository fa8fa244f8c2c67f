"""What people type after `basalt`: each text has one meaning, or argparse says why it has none.

Every function here is an argparse type: it raises ArgumentTypeError and nothing is sent.
"""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from core.formats import amounts
from core.formats.glucose_values import parse_glucose
from core.formats.timestamps import parse_instants
from core.kernel.errors import AmountError, GlucoseTextError
from schemas.glucose import GlucoseUnit
from schemas.units import (
    SECOND_MS,
    Grams,
    MgDl,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    PumpId,
    UtcMillis,
)
from schemas.wire.subjects import is_token

SPEED_MAX = 600
"""[-] therapy seconds in a real second; as the shared clock allows."""

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_COUNT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)

ParsedT = TypeVar("ParsedT")


@dataclass(frozen=True, slots=True)
class TemporaryRate:
    """What a temporary rate says: exactly one of the two, or neither for 'off'."""

    percent: int | None = None
    rate: MilliUnitsPerHour | None = None

    @property
    def is_off(self) -> bool:
        """Say whether the running one is to end."""
        return self.percent is None and self.rate is None


def units(text: str) -> MilliUnits:
    """Read insulin in U, such as '1.25'."""
    return _parse(amounts.parse_units, text)


def grams(text: str) -> Grams:
    """Read carbohydrate in whole g."""
    return _parse(amounts.parse_grams, text)


def threshold(text: str) -> MgDl:
    """Read glucose in mg/dL, or as '3.9mmol' in mmol/L."""
    unit: GlucoseUnit = "mmol/L" if text.endswith("mmol") else "mg/dL"
    try:
        found = parse_glucose(text.removesuffix("mmol"), unit=unit).glucose
    except GlucoseTextError as error:
        raise ArgumentTypeError(str(error)) from error
    if found is None:
        raise ArgumentTypeError(f"a threshold is a number: {text!r}")
    return found


def thousandths(text: str) -> int:
    """Read a number with up to three decimals as thousandths."""
    return _parse(amounts.parse_ratio, text)


def duration(text: str) -> Milliseconds:
    """Read a duration such as '30m'."""
    return _parse(amounts.parse_duration, text)


def percent(text: str) -> int:
    """Read a percentage such as '40%'."""
    if not text.endswith("%"):
        raise ArgumentTypeError(f"not a percentage such as 40%: {text!r}")
    return _parse(amounts.parse_percent, text)


def units_or_off(text: str) -> MilliUnits:
    """Read insulin in U, or 'off' as none."""
    return MilliUnits(0) if text == "off" else units(text)


def concentration(text: str) -> int:
    """Read 'U-100' as 100 units per mL."""
    found = re.fullmatch(r"U-([0-9]{2,3})", text, re.ASCII)
    if found is None:
        raise ArgumentTypeError(f"not a concentration such as U-100: {text!r}")
    return int(found[1])


def some_time(text: str) -> Milliseconds:
    """Read a duration such as '30m', more than none."""
    found = duration(text)
    if found == 0:
        raise ArgumentTypeError(f"no time at all: {text!r}")
    return found


def seconds(text: str) -> float:
    """Read a duration such as '30s' as seconds, more than none."""
    return some_time(text) / SECOND_MS


def temporary_rate(text: str) -> TemporaryRate:
    """Read '80%', '0.5U/h' or 'off'; a number without its unit could be either, and is neither."""
    if text == "off":
        return TemporaryRate()
    if text.endswith("%"):
        return TemporaryRate(percent=_parse(amounts.parse_percent, text))
    if text.endswith("U/h"):
        return TemporaryRate(rate=_parse(amounts.parse_rate, text.removesuffix("U/h")))
    raise ArgumentTypeError(f"not a rate such as 80% or 0.5U/h, nor off: {text!r}")


def instant(text: str) -> UtcMillis:
    """Read an ISO 8601 instant with its offset, such as 2026-03-01T07:30:00+01:00."""
    if not _INSTANT.fullmatch(text):
        raise ArgumentTypeError(
            f"not an ISO 8601 time with Z or an offset, such as 2026-03-01T07:30:00Z: {text!r}"
        )
    return _parse(lambda known: parse_instants(known, local_to_utc=None)[0], text)


def pump(text: str) -> PumpId:
    """Read a pump's id."""
    if not is_token(text):
        raise ArgumentTypeError(f"a pump's id is 1 to 32 of a-z, 0-9, '-' and '_', not {text!r}")
    return PumpId(text)


ACTOR_KINDS = ("person", "service", "controller", "remote")
"""[-] who may ask, as far as rules depend on it."""


def actor(text: str) -> str:
    """Read who asks, such as 'person:NAME'; rules for controller and remote are stricter."""
    kind, _, name = text.partition(":")
    if kind not in ACTOR_KINDS or not 1 <= len(name) <= 64 or not name.isprintable():
        raise ArgumentTypeError(f"not {':NAME, '.join(ACTOR_KINDS)}:NAME: {text!r}")
    return text


def speed(text: str) -> int:
    """Read how fast therapy time runs."""
    return _count(text, most=SPEED_MAX)


def port(text: str) -> int:
    """Read a TCP port."""
    return _count(text, most=65_535)


def _count(text: str, *, most: int) -> int:
    if not _COUNT.fullmatch(text) or int(text) > most:
        raise ArgumentTypeError(f"not a whole number from 1 to {most}: {text!r}")
    return int(text)


def _parse(read: Callable[[str], ParsedT], text: str) -> ParsedT:
    try:
        return read(text)
    except (AmountError, GlucoseTextError) as error:
        raise ArgumentTypeError(str(error)) from error
