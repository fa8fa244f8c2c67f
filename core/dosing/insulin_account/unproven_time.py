"""Time that a clock says has passed and nothing proves: insulin given before it ages without it.

A clock that was wrong when a system started neither opens a limit nor takes insulin off board
(R129): what was given before such a step counts as if the step had taken no time.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from core.models.insulin.on_board import Delivered
from schemas.units import DAY_MS, HOUR_MS, Milliseconds, UtcMillis

KEPT_MS: Final = Milliseconds(DAY_MS + HOUR_MS)
"""[ms] deliveries kept: the longest window of a limit, and an hour for late arrivals."""

STEPS_MAX: Final = 8
"""[-] steps remembered; the two oldest become one, which counts for no less."""

PartT = TypeVar("PartT", bound=Delivered)


class UnprovenStep(NamedTuple):
    """A step of therapy time that nothing but a clock vouches for."""

    since: UtcMillis
    """[ms] the last instant known before it."""
    passed: Milliseconds
    """[ms] its length."""

    @property
    def until(self) -> UtcMillis:
        """Give the instant after it [ms]."""
        return UtcMillis(self.since + self.passed)


UnprovenSteps = tuple[UnprovenStep, ...]
"""[-] oldest first."""


def with_step(steps: UnprovenSteps, step: UnprovenStep) -> UnprovenSteps:
    """Add a step, and join the oldest two where there are too many."""
    added = (*steps, step)
    if len(added) <= STEPS_MAX:
        return added
    first, second, *others = added
    joined = UnprovenStep(second.since, Milliseconds(first.passed + second.passed))
    return (joined, *others)


def counted_at(at: UtcMillis, steps: UnprovenSteps) -> UtcMillis:
    """Give the instant [ms] as of which something given at `at` [ms] counts."""
    return UtcMillis(at + sum(step.passed for step in steps if at <= step.since))


def counted(parts: Sequence[PartT], steps: UnprovenSteps) -> tuple[PartT, ...]:
    """Move what was given before each step over it; what came later stays."""
    if not steps:
        return tuple(parts)
    moved: list[PartT] = []
    for part in parts:
        by = counted_at(part.ends_at, steps) - part.ends_at
        moved.append(
            msgspec.structs.replace(
                part,
                starts_at=UtcMillis(part.starts_at + by),
                ends_at=UtcMillis(part.ends_at + by),
            )
            if by
            else part
        )
    return tuple(moved)


def kept_ms(steps: UnprovenSteps, *, at: UtcMillis) -> Milliseconds:
    """Give how long deliveries are kept [ms] at an instant [ms]: longer after a step."""
    if not steps:
        return KEPT_MS
    lately = (step.passed for step in steps if step.until + KEPT_MS > at)
    return Milliseconds(KEPT_MS + sum(lately))
