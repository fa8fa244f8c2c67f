"""Messages about time that a clock says has passed and nothing proves."""

from schemas.message import Command, Event
from schemas.units import Milliseconds, UtcMillis


class TimeUnproven(Event, frozen=True, kw_only=True, tag="time_unproven.v1"):
    """The clock says that time passed between two runs, and nothing but the clock says so.

    Until a person confirms it, limits and insulin on board count as if it had not passed.
    Published by actuator, consumed by bolus_advisor.
    """

    since: UtcMillis
    """[ms] the last instant that is known."""
    passed: Milliseconds
    """[ms] by which the clock has gone on from there without a proof; more than 0."""


class ConfirmTime(Command, frozen=True, kw_only=True, tag="confirm_time.v1"):
    """A person says whether that time has passed; handled by actuator."""

    passed: bool
    """[-] it has; else the clock was wrong, before or now, and insulin ages from now on."""
    because: str = ""
    """[-] the person's reason, in words."""


class TimeConfirmed(Event, frozen=True, kw_only=True, tag="time_confirmed.v1"):
    """A person said whether time that nothing proved has passed.

    Published by actuator, consumed by bolus_advisor.
    """

    passed: bool
    """[-] it has; else it never counts as passed for insulin given before it."""
    actor: str
    """[-] who said so."""
    because: str = ""
    """[-] the person's reason, in words."""
