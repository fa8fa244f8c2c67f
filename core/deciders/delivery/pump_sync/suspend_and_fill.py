"""A suspension and a new reservoir, as a person asks for them."""

from core.deciders.delivery.state import DeliveryState
from core.models.pump_models import PUMP_MODELS
from schemas.delivery.device import PULSE_MU
from schemas.delivery.pump import (
    DeliveryCommandRefused,
    FillReservoir,
    ReservoirFillRequested,
    SuspendDelivery,
    SuspendRequested,
)
from schemas.message import Event, Now
from schemas.units import DAY_MS, MINUTE_MS, MilliUnits, UtcMillis

RESERVOIR_MU_MAX = MilliUnits(300_000)
"""[mU] largest reservoir of any pump known; source: Medtronic and Tandem, 300 U."""

CONCENTRATION_U_PER_ML = 100
"""[U/mL] U-100: a stroke of any other insulin would move another dose."""

SUSPENDED_MS_MIN, SUSPENDED_MS_MAX = MINUTE_MS, DAY_MS
"""[ms] shortest and longest suspension that ends by itself; project's own choice."""


def fill(state: DeliveryState, asked: FillReservoir, actor: str) -> tuple[Event, ...]:
    """Tell the pump of a new reservoir, of the one concentration that its strokes are made for."""
    if asked.concentration != CONCENTRATION_U_PER_ML:
        return (DeliveryCommandRefused(name="fill", reason="concentration_not_supported"),)
    if not PULSE_MU <= asked.amount <= _reservoir_of(state):
        return (DeliveryCommandRefused(name="fill", reason="out_of_range"),)
    return (
        ReservoirFillRequested(
            amount=asked.amount,
            actor=actor,
            concentration=asked.concentration,
            because=asked.because,
        ),
    )


def _reservoir_of(state: DeliveryState) -> MilliUnits:
    """Give what the pump's reservoir holds [mU]; before a model is set, the largest known."""
    limits = state.limits
    return RESERVOIR_MU_MAX if limits is None else PUMP_MODELS[limits.pump_model].reservoir


def suspend(
    state: DeliveryState, asked: SuspendDelivery, actor: str, now: Now
) -> tuple[Event, ...]:
    """Stop all insulin, for a time or until somebody resumes; the pump may stand already."""
    duration = asked.duration
    takes_off = asked.disconnected and not state.disconnected
    if state.suspended and state.wants_suspended is None and not takes_off:
        return (DeliveryCommandRefused(name="suspend", reason="already_suspended"),)
    if duration and not SUSPENDED_MS_MIN <= duration <= SUSPENDED_MS_MAX:
        return (DeliveryCommandRefused(name="suspend", reason="duration_out_of_range"),)
    ends_at = UtcMillis(now.therapy + duration) if duration else None
    return (
        SuspendRequested(
            actor=actor,
            ends_at=ends_at,
            because=asked.because,
            pump_ahead=state.pump_ahead,
            disconnected=asked.disconnected,
        ),
    )
