"""What a stroke of the pump changes in the actuator's account: count, reservoir, up to when."""

import msgspec

from core.deciders.delivery.state import DeliveryState
from core.dosing.insulin_account.dose_account import DoseBook
from schemas.delivery.delivery import BasalDelivered, BolusProgressed
from schemas.delivery.device import PULSE_MU
from schemas.delivery.mechanism import MotorRanUnasked, PumpPrimed
from schemas.units import MilliUnits, UtcMillis


def dry_at(state: DeliveryState, left: MilliUnits, *, at: UtcMillis) -> UtcMillis | None:
    """Give since when the reservoir holds no whole pulse [ms], None while it does."""
    if left >= PULSE_MU:
        return None
    return at if state.dry_at is None else state.dry_at


def move(
    state: DeliveryState, part: BasalDelivered | BolusProgressed, *, doses: DoseBook | None = None
) -> DeliveryState:
    """Account for a part of basal or of a bolus, and take the account with it where it is given."""
    return _moved(state, part, part.ends_at, state.doses if doses is None else doses)


def move_plain(
    state: DeliveryState, part: PumpPrimed | MotorRanUnasked, at: UtcMillis
) -> DeliveryState:
    """Account for strokes at an instant `at` [ms] into no body, or that nobody asked for."""
    return _moved(state, part, at, state.doses)


def _moved(
    state: DeliveryState,
    part: BasalDelivered | BolusProgressed | PumpPrimed | MotorRanUnasked,
    at: UtcMillis,
    doses: DoseBook,
) -> DeliveryState:
    """Take insulin out of the reservoir and onto the count, in one step: it is done most often."""
    reservoir, dry = state.reservoir, state.dry_at
    if reservoir is not None:
        reservoir = MilliUnits(reservoir - part.amount)
        dry = dry_at(state, reservoir, at=at)
    return msgspec.structs.replace(
        state,
        doses=doses,
        reservoir=reservoir,
        dry_at=dry,
        odometer=part.odometer,
        counted_until=max(state.counted_until, at),
        history_sequence=max(state.history_sequence, part.history_sequence),
    )
