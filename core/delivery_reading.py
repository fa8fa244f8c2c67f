"""From the pump's own history to events: every pulse once, and unknown doses settled."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from core.alarm_table import PUMP_ALARMS
from core.alarms import Condition, clear_alarm, raise_alarm
from core.decider import is_past
from core.delivery_doubt import doubt, went_back
from core.delivery_state import DeliveryState
from core.delivery_teller import Teller
from core.mechanism import SUSPENDED, missed_while_off, missed_while_suspended, tell_mechanism
from schemas.delivery import (
    BasalDelivered,
    BasalPlanAccepted,
    BasalPlanLoaded,
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusStopped,
    DeliveryGap,
)
from schemas.device import PumpReading, PumpRecord, PumpStatus
from schemas.doubt import (
    BolusReconciled,
)
from schemas.message import Event, Now
from schemas.pump import (
    DeliveryResumed,
    DeliverySuspended,
    PumpChallenged,
    PumpFound,
    ReservoirFilled,
    ResumeRequested,
    SuspendRequested,
)
from schemas.units import HOUR_MS, DoseId, EventId, MilliUnits

RESERVOIR_LOW_MU = MilliUnits(20_000)
"""[mU] below it the reservoir is low; source: Tandem, 20 U by default."""

OWN_ACTOR: Final = "service:actuator"
"""[-] who repeats what a person asked and the pump has not confirmed."""

UNREACHABLE = Condition(
    "pump_unreachable",
    "medium",
    "person",
    "The pump does not answer. It may go on by its plan; no bolus can be given.",
)
RESERVOIR_LOW = Condition("reservoir_low", "low", "person", "The reservoir holds less than 20 U.")
RESERVOIR_EMPTY = Condition(
    "reservoir_empty", "high", "person", "The reservoir is empty: no insulin flows."
)
PLAN_RUNS_OUT = Condition(
    "plan_runs_out",
    "medium",
    "operator",
    "The basal plan ends within 24 h; then the pump repeats its last 24 h.",
)
COUNTS_DIFFER = Condition(
    "counts_differ",
    "high",
    "operator",
    "The pump's odometer is not where its newest record left it. Totals follow the history.",
)

UNASKED = Condition(
    "bolus_unasked",
    "high",
    "person",
    "The pump gave a bolus that nobody here ordered; it counts. Look at the pump.",
)

BALANCE_BROKEN = PUMP_ALARMS["balance_broken"].condition

BATTERY_LOW = PUMP_ALARMS["battery_low"].condition

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


def decide_reading(state: DeliveryState, reading: PumpReading, now: Now) -> tuple[Event, ...]:
    """Account for every record not accounted yet, then compare with the registers.

    Records numbered at or below the last one accounted are dropped; a reading that does not join
    on is left for the next.
    """
    doubted = doubt(state, reading.status)
    if went_back(state, reading.status):
        return doubted
    fresh = [one for one in reading.history if one.sequence > state.history_sequence]
    if fresh and fresh[0].sequence != state.history_sequence + 1:
        return ()
    teller = Teller(state, now)
    teller.tell(*doubted)
    for record in fresh:
        if record.ends_at > state.recount_until:
            _tell_record(teller, record)
    known = fresh[-1].sequence if fresh else state.history_sequence
    if known == reading.status.history_sequence:
        _compare(teller, reading, fresh)
    return tuple(teller.events)


def _tell_record(teller: Teller, record: PumpRecord) -> None:
    match record.kind:
        case "basal":
            teller.tell(
                BasalDelivered(
                    starts_at=record.starts_at,
                    ends_at=record.ends_at,
                    amount=record.amount,
                    odometer=record.odometer,
                    history_sequence=record.sequence,
                    plan=EventId(record.detail) if record.detail else None,
                )
            )
        case "bolus" | "bolus_started" | "bolus_ended":
            _tell_bolus(teller, record)
        case "suspended":
            teller.tell(DeliverySuspended(at=record.starts_at))
        case "resumed":
            missed = missed_while_suspended(teller.state, record.starts_at)
            teller.tell(DeliveryResumed(at=record.starts_at), *missed)
            teller.tell(*clear_alarm(teller.state.common.alarms, SUSPENDED.alarm))
        case "plan_loaded":
            if teller.state.plan is not None and teller.state.plan.plan == record.detail:
                teller.tell(BasalPlanLoaded(plan=EventId(record.detail)))
        case "filled":
            teller.tell(ReservoirFilled(amount=record.amount, at=record.starts_at))
        case "powered":
            if record.starts_at < record.ends_at:
                gap = DeliveryGap(starts_at=record.starts_at, ends_at=record.ends_at)
                teller.tell(gap, *missed_while_off(teller.state, gap))
        case _:
            tell_mechanism(teller, record)


def _tell_bolus(teller: Teller, record: PumpRecord) -> None:
    dose = record.dose or DoseId("")
    opened = next((one for one in teller.state.doses.open if one.dose == dose), None)
    unknown = opened is not None and opened.is_unknown
    before = opened.delivered if opened else dict(teller.state.strangers).get(dose, MilliUnits(0))
    if record.kind == "bolus_started":
        if unknown:
            teller.tell(BolusReconciled(dose=dose, outcome="running", delivered=before))
        elif _is_unasked(teller.state, dose):
            teller.tell(*raise_alarm(teller.state.common.alarms, UNASKED))
        return
    if record.kind == "bolus":
        teller.tell(
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
    known = dict(teller.state.doses.settled)
    requested = opened.amount if opened else known.get(dose, record.amount)
    if _is_unasked(teller.state, dose):
        teller.tell(BolusReconciled(dose=dose, outcome="spontaneous", delivered=record.amount))
    elif unknown or dose in known:
        whole: ReconciledAs = "matched" if record.amount == requested else "partial"
        outcome: ReconciledAs = "blocked" if record.detail == "occlusion" else whole
        teller.tell(BolusReconciled(dose=dose, outcome=outcome, delivered=record.amount))
    if record.detail == "delivered":
        teller.tell(BolusDelivered(dose=dose, requested=requested, delivered=record.amount))
        return
    asked = dose in teller.state.cancelled
    reason = _ENDS.get(record.detail, "cancelled" if asked else "stopped_by_pump")
    teller.tell(
        BolusStopped(dose=dose, requested=requested, delivered=record.amount, reason=reason)
    )


def _is_unasked(state: DeliveryState, dose: DoseId) -> bool:
    """Say whether the pump gave what this service, once it drove the pump, never sent."""
    is_open = any(one.dose == dose for one in state.doses.open)
    return state.epoch > 0 and not is_open and all(dose != one for one, _ in state.doses.settled)


def _compare(teller: Teller, reading: PumpReading, fresh: Sequence[PumpRecord]) -> None:
    status, before = reading.status, teller.state
    for dose in before.doses.unknown:
        if dose.dose in running(status):
            teller.tell(
                BolusReconciled(dose=dose.dose, outcome="running", delivered=dose.delivered)
            )
            continue
        sent = next((one for one in before.sent if one.dose == dose.dose), None)
        if sent is not None and status.epoch > sent.epoch:
            late = is_past(sent.start_by, now=teller.now)
            how: ReconciledAs = "expired" if late else "failed"
            teller.tell(BolusReconciled(dose=dose.dose, outcome=how, delivered=dose.delivered))
    last = fresh[-1].odometer if fresh else None
    if last is not None and last != status.odometer:
        teller.tell(*raise_alarm(teller.state.common.alarms, COUNTS_DIFFER))
    if not before.is_connected:
        found = PumpFound(
            odometer=status.odometer,
            reservoir=status.reservoir,
            suspended=status.suspended,
            plan=status.plan,
        )
        teller.tell(found, *clear_alarm(before.common.alarms, UNREACHABLE.alarm))
    _tell_session(teller, status)
    _tell_alarms(teller, reading)
    _ask_again(teller, reading)


def _tell_session(teller: Teller, status: PumpStatus) -> None:
    """Tell what orders must bear: when the pump drew anew, and each hour for its own time."""
    known, real = teller.state.challenged, teller.now.real
    is_old = known is None or known.challenge != status.challenge
    if status.challenge and (is_old or real - (known.real if known else 0) >= HOUR_MS):
        uptime = status.uptime
        teller.tell(PumpChallenged(challenge=status.challenge, uptime=uptime, real=real))


def _is_balanced(status: PumpStatus) -> bool:
    """Say whether fill = strokes since + what is left; true where the fill is not known."""
    moved = status.odometer - status.filled_at
    return not status.filled or status.filled == moved + status.reservoir


def running(status: PumpStatus) -> tuple[DoseId, ...]:
    """Name the boluses that the pump is giving."""
    return tuple(one.dose for one in (status.extended, status.bolus) if one is not None)


def _tell_alarms(teller: Teller, reading: PumpReading) -> None:
    status = reading.status
    conditions: tuple[tuple[Condition, bool], ...] = (
        (RESERVOIR_EMPTY, "reservoir_empty" in status.alarms),
        (RESERVOIR_LOW, status.reservoir < RESERVOIR_LOW_MU),
        (PLAN_RUNS_OUT, "plan_runs_out" in status.alarms),
        (BATTERY_LOW, "battery_low" in status.alarms),
        (BALANCE_BROKEN, not _is_balanced(status)),
    )
    for condition, holds in conditions:
        alarms = teller.state.common.alarms
        if holds:
            teller.tell(*raise_alarm(alarms, condition))
        else:
            teller.tell(*clear_alarm(alarms, condition.alarm))


def _ask_again(teller: Teller, reading: PumpReading) -> None:
    """Repeat what was asked of the pump and was lost: a plan, a suspension, a cancel."""
    status, state = reading.status, teller.state
    ask: list[Callable[[], Event]] = []
    if "load_plan" not in state.acting and state.plan and status.plan != state.plan.plan:
        plan = state.plan
        ask.append(
            lambda: BasalPlanAccepted(
                plan=EventId(plan.plan), steps=plan.steps, ends_at=plan.ends_at
            )
        )
    elif state.plan and status.plan == state.plan.plan != state.plan_loaded:
        loaded = EventId(state.plan.plan)
        ask.append(lambda: BasalPlanLoaded(plan=loaded))
    wants = state.wants_suspended
    if "suspend" not in state.acting and wants is not None and wants != status.suspended:
        ask.append(
            lambda: (
                SuspendRequested(actor=OWN_ACTOR, ends_at=state.resume_at)
                if wants
                else ResumeRequested(actor=OWN_ACTOR)
            )
        )
    again = [dose for dose in running(status) if dose in state.cancelled]
    if "stop_bolus" not in state.acting:
        teller.tell(*(BolusCancelled(dose=dose, actor=OWN_ACTOR) for dose in again))
    teller.tell(*(make() for make in ask))
