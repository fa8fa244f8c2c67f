"""The decider of actuator: every order against hard limits once more, and the account."""

from typing import Final

from core.deciders.delivery.effects import delivery_effects
from core.deciders.delivery.enforce_running import halt_extended, hold_again
from core.deciders.delivery.events.apply import evolve
from core.deciders.delivery.events.pending import pending_after
from core.deciders.delivery.orders import (
    cancel,
    doubt_all,
    settle,
    take_answer,
    take_signature,
    withdraw,
)
from core.deciders.delivery.plan_capping import accept_plan, must_cap_again
from core.deciders.delivery.programme_checks import (
    add_day,
    day_alarm,
    limits_problem_of,
    profile_alarm_at_start,
)
from core.deciders.delivery.pump_sync.basal_maximum import request_of_limits
from core.deciders.delivery.pump_sync.conditions import CONTROL_LOST, UNREACHABLE
from core.deciders.delivery.pump_sync.control import refuse_superseded, take
from core.deciders.delivery.pump_sync.history import OWN_ACTOR, decide_reading
from core.deciders.delivery.pump_sync.mechanism import clear_fault, prime, remind, remind_at
from core.deciders.delivery.pump_sync.restore_detection import accept_count
from core.deciders.delivery.pump_sync.suspend_and_fill import fill, suspend
from core.deciders.delivery.state import ACTUATOR, DeliveryState, initial
from core.deciders.delivery.time_check import confirm_time, doubt_time
from core.deciders.delivery.view import DeliveryView, view
from core.deciders.names import SUBSCRIPTIONS
from core.dosing.limits.limits import limits_problem
from core.kernel.alarms import raise_alarm, reannounce, reannounce_at
from core.kernel.decider import Decider, Effect, Entry
from core.kernel.shared_decisions import COMMON_COMMANDS, COMMON_EVENTS, decide_common
from schemas.alarms import AlarmRepeated
from schemas.basal.plans import BasalPlanAccepted, BasalPlanLoaded, BasalPlanRefused
from schemas.basal.profiles import BasalPlanMade
from schemas.bolus.orders import BolusOrderSigned, BolusOrderWithdrawn, InjectionRecorded
from schemas.corrections import DoseCorrected
from schemas.delivery.clock_check import ConfirmTime, TimeConfirmed, TimeUnproven
from schemas.delivery.delivery import (
    BasalDelivered,
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStartRequested,
    BolusStopped,
    CancelBolus,
    DeliveryGap,
    DeliveryLimitsRefused,
    DeliveryLimitsSet,
    SetDeliveryLimits,
)
from schemas.delivery.device import (
    PumpAnswered,
    PumpClaimWanted,
    PumpRead,
    PumpSuperseded,
    PumpUnreachable,
)
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
from schemas.delivery.pump import (
    DeliveryCommandRefused,
    DeliveryResumed,
    DeliverySuspended,
    FillReservoir,
    PumpBasalMaximumRequested,
    PumpChallenged,
    PumpClaimRequested,
    PumpClockRead,
    PumpControlLost,
    PumpFound,
    PumpLost,
    PumpTakeRequested,
    ReservoirFilled,
    ReservoirFillRequested,
    ResumeDelivery,
    ResumeRequested,
    SuspendDelivery,
    SuspendRequested,
    TakePump,
)
from schemas.delivery.unresolved_doses import (
    AcceptPumpCount,
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
    OrderAuthenticationFailed,
    OrderRefusedByPump,
    PumpCountAccepted,
    PumpCountRefused,
    PumpDoubted,
    SettleDose,
    SettlementRefused,
)
from schemas.message import Command, Event, Now
from schemas.record import Restarted, Tick
from schemas.units import EventId, PumpId, UtcMillis

DELIVERY_EVENT_KINDS: Final[tuple[type[Event], ...]] = (
    *COMMON_EVENTS,
    AlarmRepeated,
    DeliveryLimitsSet,
    DeliveryLimitsRefused,
    BolusRefused,
    BolusStartRequested,
    BolusProgressed,
    BolusDelivered,
    BolusStopped,
    BolusUnknown,
    BolusReconciled,
    BolusCancelled,
    BasalDelivered,
    BasalPlanAccepted,
    BasalPlanRefused,
    BasalPlanLoaded,
    DeliveryGap,
    SuspendRequested,
    ResumeRequested,
    DeliverySuspended,
    DeliveryResumed,
    DeliveryCommandRefused,
    ReservoirFillRequested,
    ReservoirFilled,
    PumpLost,
    PumpFound,
    PumpControlLost,
    PumpClaimRequested,
    PumpTakeRequested,
    PumpBasalMaximumRequested,
    TimeUnproven,
    TimeConfirmed,
    PumpChallenged,
    PumpClockRead,
    OrderAuthenticationFailed,
    OrderRefusedByPump,
    DoseSettled,
    SettlementRefused,
    PumpDoubted,
    PumpCountAccepted,
    PumpCountRefused,
    PumpFaulted,
    PumpFaultCleared,
    FaultClearRequested,
    OcclusionReleased,
    PrimeRequested,
    PumpPrimed,
    MotorRanUnasked,
    BasalMissed,
    MechanismRefused,
)
"""[-] events of the actuator."""

DELIVERY_COMMAND_KINDS: Final[tuple[type[Command], ...]] = (
    *COMMON_COMMANDS,
    SetDeliveryLimits,
    CancelBolus,
    SettleDose,
    AcceptPumpCount,
    ClearPumpFault,
    PrimePump,
    SuspendDelivery,
    ResumeDelivery,
    FillReservoir,
    TakePump,
    ConfirmTime,
)
"""[-] commands to the actuator."""


def _decide(state: DeliveryState, entry: Entry, now: Now) -> tuple[Event, ...]:
    shared = decide_common(state.common, entry)
    if shared is not None:
        return shared
    match entry.body:
        case BasalPlanMade() as made:
            return _take_plan(state, EventId(entry.id), made, now)
        case BolusOrderSigned() as by:
            return take_signature(state, by, now)
        case BolusOrderWithdrawn() as withdrawn:
            return withdraw(state, withdrawn)
        case InjectionRecorded() | DoseCorrected():
            known = pending_after(state, now).take(entry).state
            return (*hold_again(known, now), *day_alarm(known, now))
        case PumpRead(reading=reading, read_at=read_at):
            return decide_reading(state, reading, now, read_at=read_at)
        case PumpAnswered() as answer:
            return take_answer(state, answer)
        case PumpUnreachable(reason=reason) if state.is_connected:
            return (PumpLost(reason=reason), *raise_alarm(state.common.alarms, UNREACHABLE))
        case PumpClaimWanted(over=over, by=by) if not state.is_superseded:
            return (PumpClaimRequested(over=over, by=by),)
        case PumpSuperseded(epoch=epoch) if not state.is_superseded:
            alarm = raise_alarm(state.common.alarms, CONTROL_LOST)
            return (PumpControlLost(epoch=epoch), *alarm)
        case Restarted() as restarted:
            doubted = doubt_all(state, "the actuator was restarted")
            time = doubt_time(state, restarted)
            return (*doubted, *time, *profile_alarm_at_start(state))
        case _:
            return _obey(state, entry, now)


def _obey(state: DeliveryState, entry: Entry, now: Now) -> tuple[Event, ...]:
    actor = str(entry.actor)
    if state.is_superseded and (refused := refuse_superseded(entry.body)):
        return refused
    match entry.body:
        case ConfirmTime() as word:
            return confirm_time(state, word, actor)
        case TakePump(because=because):
            return take(state, actor, because)
        case SetDeliveryLimits() as asked:
            return _set_limits(state, asked, actor, now)
        case CancelBolus(dose=dose):
            return cancel(state, dose, actor)
        case SettleDose() as asked:
            return settle(state, asked, actor)
        case AcceptPumpCount() as count:
            return accept_count(state, count, actor)
        case ClearPumpFault() as asked_clear:
            return clear_fault(state, asked_clear, actor, now)
        case PrimePump() as asked_prime:
            return prime(state, asked_prime, actor, now)
        case SuspendDelivery() as asked_stop:
            return suspend(state, asked_stop, actor, now)
        case ResumeDelivery(because=because):
            if not state.suspended and state.wants_suspended is None:
                return (DeliveryCommandRefused(name="resume", reason="not_suspended"),)
            return (ResumeRequested(actor=actor, because=because),)
        case FillReservoir() as asked_fill:
            return fill(state, asked_fill, actor)
        case Tick():
            return _tick(state, now)
        case _:
            return ()


def _wake_at(state: DeliveryState) -> UtcMillis | None:
    wakes = (state.resume_at, remind_at(state), reannounce_at(state.common.alarms))
    if must_cap_again(state):
        return UtcMillis(0)
    return min((at for at in wakes if at is not None), default=None)


def _tick(state: DeliveryState, now: Now) -> tuple[Event, ...]:
    """End a suspension whose time is over, cut a plan anew, remind, call again."""
    resume: tuple[Event, ...] = ()
    if state.resume_at is not None and now.therapy >= state.resume_at:
        resume = (ResumeRequested(actor=OWN_ACTOR),)
    cut: tuple[Event, ...] = ()
    if must_cap_again(state) and state.plan_heard and state.limits:
        cut = accept_plan(state, *state.plan_heard, state.limits, now)
    return (*resume, *cut, *remind(state, now), *reannounce(state.common.alarms, now=now.therapy))


def _set_limits(
    state: DeliveryState, asked: SetDeliveryLimits, actor: str, now: Now
) -> tuple[Event, ...]:
    problem = limits_problem(asked)
    if problem is not None:
        return (DeliveryLimitsRefused(reason="out_of_range", field=problem),)
    refused = limits_problem_of(state, asked)
    if refused is not None:
        return (refused,)
    limits = DeliveryLimitsSet(
        single=asked.single,
        hourly=asked.hourly,
        daily=asked.daily,
        basal=asked.basal,
        actor=actor,
        four_hours=asked.four_hours,
        pump_model=asked.pump_model,
        because=asked.because,
        soft=asked.soft,
        calendar_day=asked.calendar_day,
        on_board=asked.on_board,
        lockout=asked.lockout,
    )
    pending = pending_after(state, now)
    pending.add(limits, *request_of_limits(state, limits, actor))
    pending.add(*halt_extended(pending.state, now))
    add_day(pending)
    heard = state.plan_heard
    if heard is not None:
        pending.add(*accept_plan(state, *heard, limits, now))
    return tuple(pending.events)


def _take_plan(
    state: DeliveryState, name: EventId, made: BasalPlanMade, now: Now
) -> tuple[Event, ...]:
    if state.is_superseded:
        return (BasalPlanRefused(plan=name, reason="superseded"),)
    if state.limits is None:
        return (BasalPlanRefused(plan=name, reason="no_limits"),)
    return accept_plan(state, name, made, state.limits, now)


class DeliveryDecider(Decider[DeliveryState]):
    """The thinking of the service actuator."""

    name = ACTUATOR
    subscribes_to = SUBSCRIPTIONS[name]
    emits = DELIVERY_EVENT_KINDS
    handles = DELIVERY_COMMAND_KINDS

    def initial(self, pump: PumpId) -> DeliveryState:
        """Know nothing yet."""
        return initial(pump)

    def decide(self, state: DeliveryState, entry: Entry, now: Now) -> tuple[Event, ...]:
        """Say what follows from a message."""
        return _decide(state, entry, now)

    def evolve(self, state: DeliveryState, entry: Entry) -> DeliveryState:
        """Fold an entry."""
        return evolve(state, entry)

    def wake_at(self, state: DeliveryState) -> UtcMillis | None:
        """Give when time alone has something to do [ms]."""
        return _wake_at(state)

    def effects(self, entry: Entry) -> tuple[Effect, ...]:
        """Name what must happen in the world."""
        return delivery_effects(entry)

    def view(self, state: DeliveryState, now: Now) -> DeliveryView:
        """Show the state to a person."""
        return view(state, now)


DELIVERY_DECIDER: Final = DeliveryDecider()
"""[-] the thinking of the service actuator."""
