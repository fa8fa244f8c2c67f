"""Which readings of the pump are reported, how soon to read again, and when to claim it anew."""

from core.deciders.delivery.state import DeliveryState
from schemas.delivery.device import PumpReading, PumpStatus


def is_foreign(state: DeliveryState, status: PumpStatus) -> bool:
    """Say whether another controller drives the pump, by all that the journal knows.

    Its own are the epoch under which it read the pump last and the claim that it recorded before
    it was sent; over these it claims by itself, over any other only where a person takes the pump.
    """
    if state.takes or status.epoch <= state.epoch:
        return False
    claim = state.claim
    if claim is None:
        return True
    own = (claim.over + 1, claim.by)
    return status.epoch != claim.over and (status.epoch, status.claimed_by) != own


def holds_own_plan(state: DeliveryState, status: PumpStatus) -> bool:
    """Say whether the pump runs the very plan that was sent last: a name alone proves nothing."""
    return is_own_plan(state, status.plan, status.plan_digest)


def is_own_plan(state: DeliveryState, name: str | None, digest: str) -> bool:
    """Say whether this is the plan that was accepted last, by its name and what is in it.

    Args:
        state: of the actuator.
        name: of a plan at the pump.
        digest: of it; empty for a pump that tells none.
    """
    if state.plan is None or name != state.plan.plan:
        return False
    return not digest or (name, digest) in state.plans_sent


def must_fence(state: DeliveryState, *, epoch: int) -> bool:
    """Say whether a dose is unknown under the epoch [-] that still drives the pump.

    Only a later epoch makes the pump's word on it final: no command sent before can act then.
    """
    doubtful = {dose.dose for dose in state.doses.unknown}
    doubtful |= {dose for dose, _ in state.doses.settled}
    return any(one.dose in doubtful and one.epoch == epoch for one in state.sent)


def must_report(reading: PumpReading, state: DeliveryState, *, reported: PumpStatus | None) -> bool:
    """Say whether a reading changes anything that the actuator decides by.

    Args:
        reading: of now.
        state: of the actuator.
        reported: the status that was reported last; None after a silence.
    """
    if reading.history or not state.is_connected or state.doses.unknown or reported is None:
        return True
    after = reading.status
    if _registers(reported) != _registers(after) or _is_unconfirmed(state):
        return True
    if state.plan is None or state.is_superseded or state.acting:
        return False
    return state.plan.plan != state.plan_refused and not holds_own_plan(state, after)


def must_read_soon(reading: PumpReading, state: DeliveryState) -> bool:
    """Say whether insulin is on its way, or the actuator has not accounted for all records."""
    is_behind = reading.status.history_sequence > state.history_sequence
    return is_behind or reading.status.bolus is not None or state.doses.is_pressing


def _registers(status: PumpStatus) -> tuple[object, ...]:
    """Give what the actuator decides by, whenever it changes."""
    plan = status.plan, status.plan_digest
    return status.suspended, plan, status.alarms, status.epoch, status.basal_max


def _is_unconfirmed(state: DeliveryState) -> bool:
    """Say whether something was asked of the pump that it has not confirmed."""
    if state.acting:
        return False
    plan = state.plan
    plan_waits = plan is not None and plan.plan not in (state.plan_loaded, state.plan_refused)
    maximum_waits = state.basal_max is not None and state.pump_basal_max != state.basal_max
    return plan_waits or maximum_waits or state.wants_suspended is not None or bool(state.cancelled)
