"""The pump's mechanism as the actuator sees it: faults, primes, strokes unasked, basal missed."""

from typing import Literal

from core.deciders.delivery.events.pending import DeliveryEvents
from core.deciders.delivery.events.pump import CYCLES_MAX
from core.deciders.delivery.state import DeliveryState
from core.kernel.alarm_catalogue import PUMP_ALARMS, condition_of
from core.kernel.alarms import clear_alarm, is_active, raise_alarm
from core.models.pulses import stretches
from schemas.delivery.delivery import DeliveryGap
from schemas.delivery.device import PULSE_MU, PumpPlan, PumpRecord
from schemas.delivery.mechanism import (
    BasalMissed,
    ClearPumpFault,
    FaultClearRequested,
    MechanismRefused,
    MotorRanUnasked,
    OcclusionReleased,
    PrimePump,
    PrimeRequested,
    PumpFaultCleared,
    PumpFaulted,
    PumpPrimed,
)
from schemas.message import Event, Now
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, UtcMillis

CYCLE_MS = Milliseconds(10 * MINUTE_MS)
"""[ms] in which so many faults are the same thing again; source: R69."""

FORGOTTEN_MS = Milliseconds(15 * MINUTE_MS)
"""[ms] of a suspension until somebody is reminded of it; source: Omnipod and Medtronic, 15 min."""

PRIME_MU_MAX = MilliUnits(30_000)
"""[mU] largest prime at once."""

PRIMED_PER_HOUR_MU_MAX = MilliUnits(5_000)
"""[mU] of primes in any 60 min that may enter a body, and no more than the hourly limit of boluses;
project's own choice: a cannula and the rest of a tube. Source of the rule: R134."""

PRIMED_OF_FILL_MU_MAX = MilliUnits(40_000)
"""[mU] of one reservoir that may be primed until somebody must look; project's own choice, three of
the longest tubes."""

SUSPENDED = PUMP_ALARMS["suspended_long"]

REPEATED = PUMP_ALARMS["repeated_fault"]

PRIMED_MUCH = PUMP_ALARMS["primed_much"]


def clear_fault(
    state: DeliveryState, asked: ClearPumpFault, actor: str, now: Now
) -> tuple[Event, ...]:
    """Let the motor turn again, unless the same thing has come back three times in 10 min."""
    if state.fault is None:
        return (MechanismRefused(name="clear_fault", reason="no_fault"),)
    if not state.is_connected:
        return (MechanismRefused(name="clear_fault", reason="pump_unreachable"),)
    since = state.faulted_at[0] if len(state.faulted_at) == CYCLES_MAX else None
    if since is not None and now.therapy - since < CYCLE_MS:
        refused = MechanismRefused(name="clear_fault", reason="repeated_fault")
        return (refused, *raise_alarm(state.common.alarms, REPEATED))
    requested = FaultClearRequested(actor=actor, because=asked.because)
    return (requested, *clear_alarm(state.common.alarms, REPEATED.alarm))


def prime(state: DeliveryState, asked: PrimePump, actor: str, now: Now) -> tuple[Event, ...]:
    """Fill tube or cannula; only while the pump stands, so that nothing enters a body unseen.

    The tube of a pump that a person has taken off the body is filled without a bound. What may
    enter a body is bounded for each hour, and a cannula is in one (R134).
    """
    if not state.is_connected:
        return (MechanismRefused(name="prime", reason="pump_unreachable"),)
    if not state.suspended:
        return (MechanismRefused(name="prime", reason="not_suspended"),)
    if not PULSE_MU <= asked.amount <= PRIME_MU_MAX:
        return (MechanismRefused(name="prime", reason="out_of_range"),)
    if asked.amount % PULSE_MU:
        return (MechanismRefused(name="prime", reason="not_whole_pulses"),)
    is_off = state.disconnected and asked.what == "tube"
    left = prime_room(state, now)
    if not is_off and asked.amount > left:
        return (MechanismRefused(name="prime", reason="hourly_prime_limit", limit=left),)
    return (
        PrimeRequested(
            amount=asked.amount, what=asked.what, actor=actor, disconnected=state.disconnected
        ),
    )


def prime_room(state: DeliveryState, now: Now) -> MilliUnits:
    """Give what may be primed now into what may be a body [mU], 0 or more."""
    most = PRIMED_PER_HOUR_MU_MAX
    if state.limits is not None:
        most = min(most, state.limits.hourly)
    primed = sum(one.amount for one in state.primes if one.at > now.therapy - HOUR_MS)
    return MilliUnits(max(0, most - primed))


def remind_at(state: DeliveryState) -> UtcMillis | None:
    """Give when a suspension has lasted so long that it may be forgotten [ms]."""
    since = state.stopped_at if state.suspended and state.fault is None else None
    if since is None or is_active(state.common.alarms, SUSPENDED.alarm):
        return None
    return UtcMillis(since + FORGOTTEN_MS)


def remind(state: DeliveryState, now: Now) -> tuple[Event, ...]:
    """Remind of a suspension that nobody has ended (R76); it goes on."""
    due = remind_at(state)
    if due is None or now.therapy < due:
        return ()
    return raise_alarm(state.common.alarms, SUSPENDED)


def add_mechanism(pending: DeliveryEvents, record: PumpRecord) -> None:
    """Tell what a record of the pump's history says of its mechanism."""
    at, amount = record.starts_at, record.amount
    match record.kind:
        case "primed":
            pending.add(
                PumpPrimed(
                    amount=amount,
                    what="cannula" if record.detail == "cannula" else "tube",
                    at=at,
                    odometer=record.odometer,
                    history_sequence=record.sequence,
                )
            )
            if pending.state.primed_since_fill > PRIMED_OF_FILL_MU_MAX:
                pending.add(*raise_alarm(pending.state.common.alarms, PRIMED_MUCH))
        case "unasked":
            pending.add(
                MotorRanUnasked(
                    amount=amount,
                    at=at,
                    odometer=record.odometer,
                    history_sequence=record.sequence,
                )
            )
        case "fault":
            condition = condition_of(record.detail)
            pending.add(
                PumpFaulted(fault=record.detail, at=at),
                *raise_alarm(pending.state.common.alarms, condition),
            )
        case "fault_cleared":
            missed = _missed(pending.state, at, "fault")
            condition = condition_of(record.detail)
            pending.add(PumpFaultCleared(fault=record.detail, at=at), *missed)
            pending.add(*clear_alarm(pending.state.common.alarms, condition.alarm))
        case "released":
            pending.add(OcclusionReleased(amount=amount, at=at))
        case _:
            return


def missed_while_suspended(state: DeliveryState, at: UtcMillis) -> tuple[Event, ...]:
    """Name the programmed basal that did not flow while the pump stood."""
    return _missed(state, at, "suspended")


def missed_while_off(state: DeliveryState, gap: DeliveryGap) -> tuple[Event, ...]:
    """Name the programmed basal that did not flow while the pump was off."""
    if state.stopped_at is not None or state.dry_at is not None:
        return ()
    return _basal(state.plan, gap.starts_at, gap.ends_at, "off")


def missed_while_dry(state: DeliveryState, at: UtcMillis) -> tuple[Event, ...]:
    """Name the programmed basal that an empty reservoir could not give."""
    until = at if state.stopped_at is None else min(at, state.stopped_at)
    if state.dry_at is None or until <= state.dry_at:
        return ()
    return _basal(state.plan, state.dry_at, until, "reservoir_empty")


def _missed(
    state: DeliveryState, at: UtcMillis, reason: Literal["suspended", "fault"]
) -> tuple[Event, ...]:
    if state.stopped_at is None:
        return ()
    return _basal(state.plan, state.stopped_at, at, reason)


def _basal(
    plan: PumpPlan | None,
    starts_at: UtcMillis,
    ends_at: UtcMillis,
    reason: Literal["suspended", "fault", "off", "reservoir_empty"],
) -> tuple[Event, ...]:
    parts = stretches(plan, starts_at=starts_at, ends_at=ends_at)
    owed = sum(part.rate * (part.ends_at - part.starts_at) for part in parts)
    amount = MilliUnits(owed // HOUR_MS // PULSE_MU * PULSE_MU)
    if not amount:
        return ()
    return (BasalMissed(starts_at=starts_at, ends_at=ends_at, amount=amount, reason=reason),)
