"""The shape that every calculation has: a scenario in, a result out, nothing else known."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, TypeVar

import msgspec

from schemas.units import MilliUnits, UtcMillis

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""ISO 8601 with Z or an offset; an instant without one is refused."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a calculation is asked; a field that it does not know is refused."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a calculation answers; no float in it is NaN or infinite."""


ScenarioT = TypeVar("ScenarioT", bound=Scenario)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[ScenarioT]):
    """One calculation; `run` raises ScenarioError with the path of what cannot be."""

    name: str
    """[-] as in `basalt calc NAME`."""
    text: str
    """[-] what it computes, in one line."""
    scenario: type[ScenarioT]
    """[-] the struct that it takes."""
    result: type[Result]
    """[-] the struct that it gives."""
    example: str
    """[-] a scenario in JSON that a person can start from."""
    run: Callable[[ScenarioT], Result]
    """[-] the calculation itself, pure."""


def millis(at: datetime) -> UtcMillis:
    """Give an instant in whole milliseconds, what is finer cut off."""
    return UtcMillis((at - _EPOCH) // timedelta(milliseconds=1))


def instant(at: UtcMillis) -> datetime:
    """Give the instant that whole milliseconds mean."""
    return _EPOCH + timedelta(milliseconds=at)


def milli_units(units: float) -> MilliUnits:
    """Give insulin in whole milliunits, the nearest."""
    return MilliUnits(round(units * 1000))
