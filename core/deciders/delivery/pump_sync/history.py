"""From the pump's own history to events: every pulse once, and unknown doses settled."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from core.deciders.delivery.events.pending import DeliveryEvents, pending_after
from core.deciders.delivery.history_pages import joined, newer
from core.deciders.delivery.plan_capping import accepted_again
from core.deciders.delivery.poll_rules import holds_own_plan, is_own_plan
from core.deciders.delivery.programme_checks import add_day
from core.deciders.delivery.pump_sync.basal_maximum import PLAN_ABOVE, add_maximum
from core.deciders.delivery.pump_sync.clock_offset import (
    add_ahead,
    add_clock,
    add_session,
    by_our_clock,
)
from core.deciders.delivery.pump_sync.conditions import (
    BROKEN_OFF,
    CONTROL_LOST,
    COUNTS_DIFFER,
    UNASKED,
    UNREACHABLE,
    add_conditions,
)
from core.deciders.delivery.pump_sync.forged_orders import add_refused_by_pump
from core.deciders.delivery.pump_sync.mechanism import (
    PRIMED_MUCH,
    SUSPENDED,
    add_mechanism,
    missed_while_dry,
    missed_while_off,
    missed_while_suspended,
)
from core.deciders.delivery.pump_sync.restore_detection import doubt, went_back
from core.deciders.delivery.pump_sync.unasked_acts import add_unasked
from core.deciders.delivery.state import DeliveryState
from core.dosing.order_protocol.plan_revisions import plan_of, revision_of
from core.kernel.alarms import clear_alarm, raise_alarm
from core.kernel.decider import is_past
from schemas.basal.plans import BasalPlanLoaded
from schemas.delivery.delivery import (
    BasalDelivered,
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusStopped,
    DeliveryGap,
)
from schemas.delivery.device import PumpPlan, PumpReading, PumpRecord, PumpStatus
from schemas.delivery.pump import (
    DeliveryResumed,
    DeliverySuspended,
    PumpFound,
    ReservoirFilled,
    ResumeRequested,
    SuspendRequested,
)
from schemas.delivery.unresolved_doses import (
    BolusReconciled,
)
from schemas.message import Event, Now
from schemas.units import DoseId, Milliseconds, MilliUnits

OWN_ACTOR: Final = "service:actuator"
"""[-] who repeats what a person asked and the pump has not confirmed."""

StopReason = Literal[
    "cancelled",
    "suspended",
    "reservoir_empty",
    "power_lost",
    "stopped_by_pump",
    "occlusion",
    "pump_fault",
]

ReconciledAs = Literal["matched", "partial", "failed", "blocked", "expired"]

_ENDS: Final[dict[str, StopReason]] = {
    "suspended": "suspended",
    "reservoir_empty": "reservoir_empty",
    "power_lost": "power_lost",
    "occlusion": "occlusion",
    "fault": "pump_fault",
}


def decide_reading(
    state: DeliveryState, reading: PumpReading, now: Now, *, read_at: Now | None = None
) -> tuple[Event, ...]:
    """Account for every record not accounted yet, then compare with the registers.

    Records numbered at or below the last one accounted are dropped; of those after a number that
    is missing nothing is accounted, and the pump is doubted.
    """
    fresh = joined(reading.history, after=state.history_sequence)
    has_hole = fresh != newer(reading.history, after=state.history_sequence)
    doubted = doubt(state, reading.status, has_hole=has_hole)
    if went_back(state, reading.status):
        return doubted
    pending = pending_after(state, now)
    pending.add(*doubted)
    add_clock(pending, reading.status, fresh, read_at)
    for told in fresh:
        record = by_our_clock(pending, told)
        if record.ends_at > state.recount_until:
            _add_record(pending, record)
        if told.kind == "clock_set":
            set_on = told.ends_at - told.starts_at
            add_ahead(pending, Milliseconds(pending.state.pump_ahead + set_on))
    known = fresh[-1].sequence if fresh else state.history_sequence
    if known == reading.status.history_sequence:
        _compare(pending, reading, fresh, read_at)
    return tuple(pending.events)


def _add_record(pending: DeliveryEvents, record: PumpRecord) -> None:
    add_unasked(pending, record)
    match record.kind:
        case "basal":
            pending.add(
                BasalDelivered(
                    starts_at=record.starts_at,
                    ends_at=record.ends_at,
                    amount=record.amount,
                    odometer=record.odometer,
                    history_sequence=record.sequence,
                    plan=plan_of(record.detail) if record.detail else None,
                )
            )
        case "bolus" | "bolus_started" | "bolus_ended":
            _add_bolus(pending, record)
        case "suspended":
            pending.add(DeliverySuspended(at=record.starts_at))
        case "resumed":
            missed = missed_while_suspended(pending.state, record.starts_at)
            pending.add(DeliveryResumed(at=record.starts_at), *missed)
            pending.add(*clear_alarm(pending.state.common.alarms, SUSPENDED.alarm))
        case "plan_loaded":
            if is_own_plan(pending.state, record.detail, record.digest):
                pending.add(_loaded(record.detail))
                pending.add(*clear_alarm(pending.state.common.alarms, PLAN_ABOVE.alarm))
        case "filled":
            missed = missed_while_dry(pending.state, record.starts_at)
            pending.add(ReservoirFilled(amount=record.amount, at=record.starts_at), *missed)
            pending.add(*clear_alarm(pending.state.common.alarms, PRIMED_MUCH.alarm))
        case "powered":
            # An older memory does not know that the pump ran after it was copied.
            off_at = max(record.starts_at, pending.state.recount_until)
            if off_at < record.ends_at:
                gap = DeliveryGap(starts_at=off_at, ends_at=record.ends_at)
                pending.add(gap, *missed_while_off(pending.state, gap))
        case "order_refused":
            add_refused_by_pump(pending, record)
        case _:
            add_mechanism(pending, record)


def _add_bolus(pending: DeliveryEvents, record: PumpRecord) -> None:
    dose = record.dose or DoseId("")
    opened = next((one for one in pending.state.doses.open if one.dose == dose), None)
    unknown = opened is not None and opened.is_unknown
    before = opened.delivered if opened else dict(pending.state.strangers).get(dose, MilliUnits(0))
    if record.kind == "bolus_started":
        if unknown:
            pending.add(BolusReconciled(dose=dose, outcome="running", delivered=before))
        elif _is_unasked(pending.state, dose):
            pending.add(*raise_alarm(pending.state.common.alarms, UNASKED))
        return
    if record.kind == "bolus":
        pending.add(
            BolusProgressed(
                dose=dose,
                starts_at=record.starts_at,
                ends_at=record.ends_at,
                amount=record.amount,
                delivered=MilliUnits(before + record.amount),
                odometer=record.odometer,
                history_sequence=record.sequence,
            )
        )
        return
    if opened is None and _is_told(pending.state, record):
        return
    known = dict(pending.state.doses.settled)
    requested = opened.amount if opened else known.get(dose, record.amount)
    if _is_unasked(pending.state, dose):
        pending.add(BolusReconciled(dose=dose, outcome="spontaneous", delivered=record.amount))
    elif unknown or dose in known:
        whole: ReconciledAs = "matched" if record.amount == requested else "partial"
        outcome: ReconciledAs = "blocked" if record.detail == "occlusion" else whole
        pending.add(BolusReconciled(dose=dose, outcome=outcome, delivered=record.amount))
    if record.detail == "delivered":
        pending.add(BolusDelivered(dose=dose, requested=requested, delivered=record.amount))
        return
    asked = dose in pending.state.cancelled
    reason = _ENDS.get(record.detail, "cancelled" if asked else "stopped_by_pump")
    pending.add(
        BolusStopped(dose=dose, requested=requested, delivered=record.amount, reason=reason)
    )
    if reason in ("power_lost", "stopped_by_pump"):
        # Whatever else ends a bolus was asked for, or has an alarm of its own.
        pending.add(*raise_alarm(pending.state.common.alarms, BROKEN_OFF))


def _is_told(state: DeliveryState, ended: PumpRecord) -> bool:
    """Say whether exactly this end of a bolus was told before.

    A service that has taken its past over knows what it said, not up to which record it had read.
    """
    was = "delivered" if ended.detail == "delivered" else "stopped"
    return any(
        last is not None
        and (last.dose, last.delivered, last.state) == (ended.dose, ended.amount, was)
        for last in (state.last_dose, state.last_extended)
    )


def _loaded(name: str) -> BasalPlanLoaded:
    return BasalPlanLoaded(plan=plan_of(name), revision=revision_of(name))


def _is_unasked(state: DeliveryState, dose: DoseId) -> bool:
    """Say whether the pump gave what this service, once it drove the pump, never sent."""
    is_open = any(one.dose == dose for one in state.doses.open)
    return state.epoch > 0 and not is_open and all(dose != one for one, _ in state.doses.settled)


def _compare(
    pending: DeliveryEvents, reading: PumpReading, fresh: Sequence[PumpRecord], read_at: Now | None
) -> None:
    status, before = reading.status, pending.state
    for dose in before.doses.unknown:
        if dose.dose in running(status):
            pending.add(
                BolusReconciled(dose=dose.dose, outcome="running", delivered=dose.delivered)
            )
            continue
        sent = next((one for one in before.sent if one.dose == dose.dose), None)
        if sent is not None and status.epoch > sent.epoch:
            late = is_past(sent.start_by, now=pending.now)
            how: ReconciledAs = "expired" if late else "failed"
            pending.add(BolusReconciled(dose=dose.dose, outcome=how, delivered=dose.delivered))
    _compare_words(pending, status)
    last = fresh[-1].odometer if fresh else None
    if last is not None and last != status.odometer:
        pending.add(*raise_alarm(pending.state.common.alarms, COUNTS_DIFFER))
    if not before.is_connected:
        found = PumpFound(
            odometer=status.odometer,
            reservoir=status.reservoir,
            suspended=status.suspended,
            plan=status.plan,
        )
        pending.add(found, *clear_alarm(before.common.alarms, UNREACHABLE.alarm))
    if not before.is_superseded:
        # Who reads under an epoch of its own again is not superseded any more.
        pending.add(*clear_alarm(pending.state.common.alarms, CONTROL_LOST.alarm))
        add_session(pending, status, read_at)
    add_conditions(pending, reading.status)
    add_day(pending)
    if not before.is_superseded:
        _ask_again(pending, reading)


def _compare_words(pending: DeliveryEvents, status: PumpStatus) -> None:
    """Let the pump end what a person answered for and it never got."""
    state = pending.state
    for dose, _ in state.doses.settled:
        sent = next((one for one in state.sent if one.dose == dose), None)
        is_over = sent is not None and status.epoch > sent.epoch
        if is_over and dose not in running(status):
            counted = dict(state.strangers).get(dose, MilliUnits(0))
            pending.add(BolusReconciled(dose=dose, outcome="failed", delivered=counted))


def running(status: PumpStatus) -> tuple[DoseId, ...]:
    """Name the boluses that the pump is giving."""
    return tuple(one.dose for one in (status.extended, status.bolus) if one is not None)


def _may_send(state: DeliveryState, plan: PumpPlan) -> bool:
    """Say whether a plan may be sent: none is on its way, and the pump has not refused this one."""
    return "load_plan" not in state.acting and plan.plan != state.plan_refused


def _ask_again(pending: DeliveryEvents, reading: PumpReading) -> None:
    """Repeat what was asked of the pump and was lost: a plan, a suspension, a cancel."""
    add_maximum(pending, reading.status, OWN_ACTOR)
    status, state = reading.status, pending.state
    ask: list[Callable[[], Event]] = []
    plan = state.plan
    if plan and not holds_own_plan(state, status) and _may_send(state, plan):
        ask.append(lambda: accepted_again(plan, state))
    elif plan and holds_own_plan(state, status) and plan.plan != state.plan_loaded:
        loaded = _loaded(plan.plan)
        ask.append(lambda: loaded)
    wants = state.wants_suspended
    if "suspend" not in state.acting and wants is not None and wants == status.suspended:
        # It was lost on the way, and then the contrary was asked for: the pump is there already.
        there = DeliverySuspended if wants else DeliveryResumed
        ask.append(lambda: there(at=pending.now.therapy))
    elif "suspend" not in state.acting and wants is not None:
        ask.append(
            lambda: (
                SuspendRequested(
                    actor=OWN_ACTOR,
                    ends_at=state.resume_at,
                    pump_ahead=state.pump_ahead,
                    disconnected=state.disconnected,
                )
                if wants
                else ResumeRequested(actor=OWN_ACTOR)
            )
        )
    again = [dose for dose in running(status) if dose in state.cancelled]
    if "stop_bolus" not in state.acting:
        pending.add(*(BolusCancelled(dose=dose, actor=OWN_ACTOR) for dose in again))
    pending.add(*(make() for make in ask))
