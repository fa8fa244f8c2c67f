"""What can go wrong in the runtime, as exceptions with fields."""

from dataclasses import dataclass


class BasaltError(Exception):
    """Anything that the runtime raises by intent."""


@dataclass(eq=False)
class PumpTimeout(BasaltError):
    """The pump did not answer in time; what was asked may or may not have happened."""

    act: str


@dataclass(eq=False)
class PumpRefusedError(BasaltError):
    """The pump answered no, with its reason; nothing was done."""

    reason: str


@dataclass(eq=False)
class PumpSupersededError(BasaltError):
    """The pump obeys a controller with a higher epoch."""

    epoch: int
