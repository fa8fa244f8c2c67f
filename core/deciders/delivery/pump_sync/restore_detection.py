"""When pump and record contradict each other: a memory or a store put back from an older copy."""

from core.deciders.delivery.state import DeliveryState
from core.formats.amounts import print_units
from core.kernel.alarms import Condition, clear_alarm, raise_alarm
from schemas.delivery.device import PumpStatus
from schemas.delivery.unresolved_doses import (
    AcceptPumpCount,
    DoubtReason,
    PumpCountAccepted,
    PumpCountRefused,
    PumpDoubted,
)
from schemas.message import Event
from schemas.units import MilliUnits

DOUBTED = "pump_doubted"
"""[-] name of the alarm."""


def doubt(state: DeliveryState, status: PumpStatus, *, has_hole: bool = False) -> tuple[Event, ...]:
    """Tell, once, that the pump's registers cannot be those that were accounted for, or we lag.

    The pump counts in memory of its own; whoever puts it, or everything but it, back from an older
    copy is found by what the other remembers (D5).
    """
    reason = _why(state, status, has_hole=has_hole)
    if reason is None:
        return ()
    behind = max(0, state.odometer - status.odometer)
    ahead = max(0, status.odometer - state.odometer)
    missing = MilliUnits(behind if reason == "count_went_back" else ahead)
    said = PumpDoubted(
        reason=reason,
        pump_odometer=status.odometer,
        accounted=state.odometer,
        missing=missing,
    )
    return (said, *raise_alarm(state.common.alarms, doubted(reason, missing)))


def accept_count(state: DeliveryState, asked: AcceptPumpCount, actor: str) -> tuple[Event, ...]:
    """Go on from the pump's count, in a person's name."""
    if not state.is_doubted:
        return (PumpCountRefused(reason="not_doubted"),)
    if not state.is_connected:
        return (PumpCountRefused(reason="pump_unreachable"),)
    accepted = PumpCountAccepted(pump_odometer=state.odometer, actor=actor, because=asked.because)
    return (accepted, *clear_alarm(state.common.alarms, DOUBTED))


def went_back(state: DeliveryState, status: PumpStatus) -> bool:
    """Say whether the pump's count lies before what was accounted of it."""
    if status.history_sequence != state.history_sequence:
        return status.history_sequence < state.history_sequence
    return status.odometer < state.odometer


def _why(state: DeliveryState, status: PumpStatus, *, has_hole: bool) -> DoubtReason | None:
    if went_back(state, status):
        return "count_went_back"
    if state.is_doubted:
        return None
    if has_hole:
        return "history_hole"
    if not state.epoch:
        return None
    started = dict(state.numbers_started)
    if any(number > started.get(key, 0) for key, number in status.order_numbers):
        return "record_behind"
    return None


def doubted(reason: DoubtReason, missing: MilliUnits) -> Condition:
    """Give the alarm of a pump and a record that do not fit; `missing` [mU] is named in it."""
    amount = print_units(missing)
    if reason == "history_hole":
        text = (
            f"A number is missing in the pump's history, {amount} U at most are not accounted. No "
            "bolus until the pump is replaced; basal goes on."
        )
        return Condition(DOUBTED, "irreversible", "prompt", "programmed_basal", "person", text)
    text = (
        f"The pump's count lies {amount} U below what was accounted: its memory was replaced or is "
        "an older copy. No bolus until somebody has looked; basal goes on."
        if reason == "count_went_back"
        else f"The pump has given orders that the record does not know, {amount} U at most are "
        "missing in it. No bolus until somebody has looked; basal goes on."
    )
    return Condition(DOUBTED, "irreversible", "prompt", "programmed_basal", "person", text)
