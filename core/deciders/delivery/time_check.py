"""Time that nothing proves: told at the start, and taken on a person's word alone (R129)."""

from typing import Final

from core.deciders.delivery.state import DeliveryState
from core.formats.display import lasting
from core.kernel.alarms import Condition, clear_alarm, raise_alarm
from schemas.delivery.clock_check import ConfirmTime, TimeConfirmed, TimeUnproven
from schemas.delivery.pump import DeliveryCommandRefused
from schemas.message import Event
from schemas.record import Restarted
from schemas.units import Milliseconds

TIME_UNPROVEN: Final = "time_unproven"
"""[-] name of the alarm."""


def time_unproven(passed: Milliseconds) -> Condition:
    """Give the alarm of so much time [ms] that only the clock says has passed."""
    text = (
        f"The clock says that {lasting(passed)} passed while this system stood, and nothing proves "
        "it. Limits and insulin on board count as if they had not; basal goes on. If it is so, "
        "say 'basalt clock passed'; if the clock was set, 'basalt clock wrong'."
    )
    return Condition(TIME_UNPROVEN, "reversible", "prompt", "programmed_basal", "person", text)


def doubt_time(state: DeliveryState, restarted: Restarted) -> tuple[Event, ...]:
    """Tell of a step of the clock that is not known yet; each process of a run brings it again."""
    if restarted.unproven <= 0 or restarted.unproven_since < state.time_known_until:
        return ()
    said = TimeUnproven(since=restarted.unproven_since, passed=restarted.unproven)
    # One that stands is said anew: what it names has grown.
    alarms = state.common.alarms
    ended = clear_alarm(alarms, TIME_UNPROVEN)
    left = tuple(one for one in alarms if one.alarm != TIME_UNPROVEN)
    total = Milliseconds(state.time_unproven + restarted.unproven)
    return (said, *ended, *raise_alarm(left, time_unproven(total)))


def confirm_time(state: DeliveryState, asked: ConfirmTime, actor: str) -> tuple[Event, ...]:
    """Take a person's word on it."""
    if not state.time_unproven:
        return (DeliveryCommandRefused(name="clock", reason="time_is_proven"),)
    said = TimeConfirmed(passed=asked.passed, actor=actor, because=asked.because)
    return (said, *clear_alarm(state.common.alarms, TIME_UNPROVEN))
