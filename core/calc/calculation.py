"""The shape that every calculation has: a scenario in, a result out, nothing else known."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, TypeVar

import msgspec

from core.kernel.errors import ScenarioError
from schemas.basal.profiles import ZoneTransition
from schemas.units import UtcMillis

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""ISO 8601 with Z or an offset; an instant without one is refused."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a calculation is asked; a field that it does not know is refused."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a calculation answers; no float in it is NaN or infinite."""


ZoneLookup = Callable[[str, UtcMillis, UtcMillis], tuple[ZoneTransition, ...]]
"""IANA name, begin and end [ms] to the zone's transitions, sorted, the first at the begin or
before; empty where there is no such zone. Any length of time."""

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
    resolve: Callable[[ScenarioT, ZoneLookup], ScenarioT] | None = None
    """[-] puts what time zones say into the scenario before `run`; core reads no files."""


def millis(at: datetime) -> UtcMillis:
    """Give an instant in whole milliseconds, what is finer cut off."""
    return UtcMillis((at - _EPOCH) // timedelta(milliseconds=1))


def instant(at: UtcMillis) -> datetime:
    """Give the instant that whole milliseconds mean."""
    return _EPOCH + timedelta(milliseconds=at)


def whole_milli(value: float, *, path: str) -> int:
    """Give thousandths of a scenario's number, which must be whole: insulin has no finer unit.

    Raises:
        ScenarioError: the number has more than three decimals.
    """
    thousandths = round(value * 1000)
    if abs(thousandths - value * 1000) > 1e-6:
        raise ScenarioError(path, "more than three decimals")
    return thousandths
