"""Basal of a fork: what its accepted plans give while the pump of the record delivered at all."""

from dataclasses import dataclass
from typing import Final

from core.models.pulses import stretches
from schemas.delivery.delivery import BasalDelivered, DeliveryGap
from schemas.delivery.device import PULSE_MU, PumpPlan
from schemas.delivery.pump import DeliveryResumed, DeliverySuspended
from schemas.message import Event
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, UtcMillis

COUNTED_MS: Final = Milliseconds(5 * MINUTE_MS)
"""[ms] of basal accounted for at once; project's own choice, as often as a sensor reads."""

_PULSE_PARTS: Final = PULSE_MU * HOUR_MS
"""[mU ms/h] of one pulse."""


@dataclass(slots=True)
class Flowing:
    """Basal by the plans of the fork, in whole pulses, what is less than one carried exactly."""

    plan: PumpPlan | None
    """[-] by which it flows now."""
    counted_to: UtcMillis
    """[ms] up to where it is accounted for."""
    is_standing: bool = False
    """[-] suspended."""
    _carried: int = 0

    def change(self, plan: PumpPlan, *, at: UtcMillis) -> list[BasalDelivered]:
        """Flow by another plan from an instant on [ms]."""
        said = self.count(at=at)
        self.plan = plan
        return said

    def count(self, *, at: UtcMillis, least: int = 0) -> list[BasalDelivered]:
        """Account for what flowed until an instant [ms], if it is as long ago as `least` [ms]."""
        if at <= self.counted_to or at - self.counted_to < least:
            return []
        if self.is_standing:
            self.counted_to = at
            return []
        parts = self._carried + sum(
            part.rate * (part.ends_at - part.starts_at)
            for part in stretches(self.plan, starts_at=self.counted_to, ends_at=at)
        )
        pulses, self._carried = divmod(parts, _PULSE_PARTS)
        since, self.counted_to = self.counted_to, at
        return [
            BasalDelivered(
                starts_at=since,
                ends_at=at,
                amount=MilliUnits(pulses * PULSE_MU),
                odometer=MilliUnits(0),
                history_sequence=0,
            )
        ]

    def meet(self, event: Event) -> list[BasalDelivered]:
        """Take a time in which the pump of the record gave nothing."""
        match event:
            case DeliverySuspended(at=at):
                said = self.count(at=at)
                self.is_standing = True
                return said
            case DeliveryResumed(at=at):
                said = self.count(at=at)
                self.is_standing = False
                return said
            case DeliveryGap(starts_at=starts_at, ends_at=ends_at):
                said = self.count(at=starts_at)
                self.counted_to = max(self.counted_to, ends_at)
                return said
            case _:
                return []
