"""What a stroke of the pump changes in the actuator's account: count, reservoir, up to when."""

import msgspec

from core.deciders.delivery.state import DeliveryState
from schemas.delivery.delivery import BasalDelivered, BolusProgressed
from schemas.delivery.device import PULSE_MU
from schemas.delivery.mechanism import MotorRanUnasked, PumpPrimed
from schemas.units import MilliUnits, UtcMillis


def _take_out(state: DeliveryState, amount: MilliUnits, *, at: UtcMillis) -> DeliveryState:
    if state.reservoir is None:
        return state
    left = MilliUnits(state.reservoir - amount)
    return msgspec.structs.replace(state, reservoir=left, dry_at=dry_at(state, left, at=at))


def dry_at(state: DeliveryState, left: MilliUnits, *, at: UtcMillis) -> UtcMillis | None:
    """Give since when the reservoir holds no whole pulse [ms], None while it does."""
    if left >= PULSE_MU:
        return None
    return at if state.dry_at is None else state.dry_at


def move(state: DeliveryState, part: BasalDelivered | BolusProgressed) -> DeliveryState:
    """Account for a part of basal or of a bolus."""
    return msgspec.structs.replace(
        _take_out(state, part.amount, at=part.ends_at),
        odometer=part.odometer,
        counted_until=max(state.counted_until, part.ends_at),
        history_sequence=max(state.history_sequence, part.history_sequence),
    )


def move_plain(
    state: DeliveryState, part: PumpPrimed | MotorRanUnasked, at: UtcMillis
) -> DeliveryState:
    """Account for strokes at an instant `at` [ms] into no body, or that nobody asked for."""
    return msgspec.structs.replace(
        _take_out(state, part.amount, at=at),
        odometer=part.odometer,
        counted_until=max(state.counted_until, at),
        history_sequence=max(state.history_sequence, part.history_sequence),
    )
