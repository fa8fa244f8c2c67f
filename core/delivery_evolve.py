"""How each entry changes what the actuator knows of one pump."""

import msgspec

from core.authentic import number_of
from core.belief_evolve import evolve_belief
from core.common import evolve_common
from core.decider import Entry
from core.delivery_doubt import numbers_accepted
from core.delivery_moves import dry_at, move, move_plain
from core.delivery_state import ACTUATOR, DeliveryState, Sent
from core.dose_fold import fold_doses
from core.last_dose import LastDose, LastDoseState
from core.mechanism_evolve import evolve_mechanism
from core.plan_ids import pump_plan, pump_plan_id
from core.pump_pages import joined
from core.waiting_orders import COUNTED, note, with_order
from schemas.basal import BasalPlanMade
from schemas.delivery import (
    BasalDelivered,
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStarted,
    BolusStopped,
    DeliveryGap,
    DeliveryLimitsSet,
)
from schemas.device import PumpAnswered, PumpRead, PumpReading, PumpSuperseded
from schemas.doubt import (
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
    PumpCountAccepted,
    PumpDoubted,
)
from schemas.mechanism import MotorRanUnasked, PumpPrimed
from schemas.orders import BolusOrdered, BolusOrderWithdrawn
from schemas.plans import BasalPlanAccepted, BasalPlanLoaded
from schemas.pump import (
    DeliveryResumed,
    DeliverySuspended,
    PumpChallenged,
    PumpClockRead,
    PumpControlLost,
    PumpFound,
    PumpLost,
    ReservoirFilled,
    ResumeRequested,
    SuspendRequested,
)
from schemas.record import Restarted
from schemas.therapy import BolusSettingsSet
from schemas.units import (
    DoseId,
    EventId,
    MilliUnits,
)


def evolve(state: DeliveryState, entry: Entry) -> DeliveryState:
    """Fold one entry; what `view` shows follows from events alone."""
    folded = _fold(state, entry)
    changed = any(getattr(state, name) is not getattr(folded, name) for name in COUNTED)
    known = note(folded.known, entry, changed=changed)
    return folded if known is folded.known else msgspec.structs.replace(folded, known=known)


def _fold(state: DeliveryState, entry: Entry) -> DeliveryState:
    doses = fold_doses(state.doses, entry)
    if doses is not state.doses:
        state = msgspec.structs.replace(state, doses=doses)
    state = evolve_belief(state, entry)
    common = evolve_common(state.common, entry, me=ACTUATOR)
    if common is not state.common:
        return msgspec.structs.replace(state, common=common)
    return _evolve_pump(_evolve_dose(evolve_mechanism(state, entry), entry), entry)


def _evolve_dose(state: DeliveryState, entry: Entry) -> DeliveryState:
    match entry.body:
        case BolusOrdered() as order:
            waiting = with_order(state.waiting, entry, order)
            return msgspec.structs.replace(state, waiting=waiting)
        case BolusSettingsSet(insulin=insulin):
            return msgspec.structs.replace(state, insulin=insulin)
        case BolusOrderWithdrawn(dose=dose) | BolusRefused(dose=dose):
            return _end(_no_more_waiting(state, dose), dose)
        case BolusStarted(dose=dose, amount=amount, duration=duration) as begun:
            started = LastDose(
                dose=dose,
                requested=amount,
                delivered=MilliUnits(0),
                state="started",
                at=entry.at,
                duration=duration,
            )
            return msgspec.structs.replace(
                _no_more_waiting(state, dose),
                last_dose=state.last_dose if duration else started,
                last_extended=started if duration else state.last_extended,
                acting=(*state.acting, dose),
                sent=(*state.sent, Sent(dose, begun.epoch, begun.start_by)),
                numbers_started=_numbered(state, begun),
            )
        case BolusProgressed(dose=dose, delivered=delivered) as part:
            moved = move(state, part)
            if all(known.dose != dose for known in state.doses.open):
                return _stranger(moved, dose, delivered)
            return _last(moved, dose, "running", delivered)
        case DoseSettled(dose=dose, delivered=delivered, counted=counted):
            settled = _last(state, dose, "settled", delivered)
            return _stranger(settled, dose, counted)
        case BolusReconciled(dose=dose, outcome="failed" | "expired", delivered=delivered):
            return _end(_last(_known(state, dose), dose, "stopped", delivered), dose)
        case BolusUnknown(dose=dose, least=least):
            return _last(state, dose, "unknown", least)
        case BolusDelivered(dose=dose, delivered=delivered):
            return _end(_last(_known(state, dose), dose, "delivered", delivered), dose)
        case BolusStopped(dose=dose, delivered=delivered):
            return _end(_last(_known(state, dose), dose, "stopped", delivered), dose)
        case BolusCancelled(dose=dose):
            others = tuple(known for known in state.cancelled if known != dose)
            return msgspec.structs.replace(
                state, cancelled=(*others, dose), acting=(*state.acting, "stop_bolus")
            )
        case _:
            return state


def _numbered(state: DeliveryState, begun: BolusStarted) -> tuple[tuple[str, int], ...]:
    if begun.signed is None:
        return state.numbers_started
    known = dict(state.numbers_started)
    return tuple(sorted({**known, begun.signed.key: number_of(begun.dose)}.items()))


def _no_more_waiting(state: DeliveryState, dose: DoseId) -> DeliveryState:
    waiting = tuple(known for known in state.waiting if known.dose != dose)
    return msgspec.structs.replace(state, waiting=waiting)


def _last(
    state: DeliveryState, dose: DoseId, how: LastDoseState, delivered: MilliUnits
) -> DeliveryState:
    for slot, last in (("last_dose", state.last_dose), ("last_extended", state.last_extended)):
        if last is not None and last.dose == dose:
            changed = msgspec.structs.replace(last, state=how, delivered=delivered)
            return msgspec.structs.replace(state, **{slot: changed})
    return state


def _end(state: DeliveryState, dose: DoseId) -> DeliveryState:
    return msgspec.structs.replace(
        state,
        cancelled=tuple(known for known in state.cancelled if known != dose),
        sent=tuple(known for known in state.sent if known.dose != dose),
    )


def _known(state: DeliveryState, dose: DoseId) -> DeliveryState:
    others = tuple(known for known in state.strangers if known[0] != dose)
    return msgspec.structs.replace(state, strangers=others)


def _stranger(state: DeliveryState, dose: DoseId, counted: MilliUnits) -> DeliveryState:
    strangers = (*_known(state, dose).strangers, (dose, counted))
    return msgspec.structs.replace(state, strangers=strangers)


def _evolve_pump(state: DeliveryState, entry: Entry) -> DeliveryState:
    match entry.body:
        case DeliveryLimitsSet() as limits:
            return msgspec.structs.replace(state, limits=limits)
        case BasalPlanMade() as made:
            return msgspec.structs.replace(state, plan_heard=(EventId(entry.id), made))
        case BasalPlanAccepted(cuts=cuts, doubt=doubt) as accepted:
            return msgspec.structs.replace(
                state,
                plan=pump_plan(accepted),
                cuts=cuts,
                plan_doubt=doubt,
                plan_ahead=accepted.pump_ahead,
                acting=(*state.acting, "load_plan"),
            )
        case BasalPlanLoaded(plan=name, revision=revision):
            return msgspec.structs.replace(state, plan_loaded=EventId(pump_plan_id(name, revision)))
        case BasalDelivered() as part:
            return move(state, part)
        case PumpPrimed(at=at) | MotorRanUnasked(at=at):
            return move_plain(state, entry.body, at)
        case SuspendRequested() | ResumeRequested():
            resume_at = entry.body.ends_at if isinstance(entry.body, SuspendRequested) else None
            return msgspec.structs.replace(
                state,
                wants_suspended=isinstance(entry.body, SuspendRequested),
                resume_at=resume_at,
                acting=(*state.acting, "suspend"),
            )
        case DeliverySuspended() | DeliveryResumed():
            now_suspended = isinstance(entry.body, DeliverySuspended)
            return msgspec.structs.replace(
                state,
                suspended=now_suspended,
                # The pump ended it by itself; what was asked for since has an end of its own.
                resume_at=state.resume_at if now_suspended or state.wants_suspended else None,
                wants_suspended=None
                if state.wants_suspended == now_suspended
                else state.wants_suspended,
            )
        case ReservoirFilled(amount=amount):
            return msgspec.structs.replace(state, reservoir=amount, dry_at=None)
        case DeliveryGap():
            return msgspec.structs.replace(state, gaps=state.gaps + 1)
        case _:
            return _evolve_line(state, entry)


def _evolve_line(state: DeliveryState, entry: Entry) -> DeliveryState:
    match entry.body:
        case PumpFound(odometer=odometer, reservoir=reservoir, suspended=suspended):
            return msgspec.structs.replace(
                state,
                is_connected=True,
                odometer=odometer,
                reservoir=reservoir,
                dry_at=dry_at(state, reservoir, at=entry.at),
                suspended=suspended,
            )
        case PumpLost():
            return msgspec.structs.replace(state, is_connected=False)
        case PumpDoubted(reason=reason, pump_odometer=pump_odometer):
            doubted = msgspec.structs.replace(state, is_doubted=True)
            if reason != "count_went_back":
                return doubted
            return msgspec.structs.replace(
                doubted,
                history_sequence=0,
                odometer=pump_odometer,
                recount_until=state.counted_until,
            )
        case PumpCountAccepted():
            return msgspec.structs.replace(
                state, is_doubted=False, numbers_started=numbers_accepted(state)
            )
        case PumpClockRead(ahead=ahead):
            return msgspec.structs.replace(state, pump_ahead=ahead)
        case PumpChallenged() as challenged:
            return msgspec.structs.replace(state, challenged=challenged)
        case PumpControlLost():
            return msgspec.structs.replace(state, is_superseded=True)
        case Restarted():
            return msgspec.structs.replace(
                state, is_connected=False, is_superseded=False, acting=()
            )
        case PumpRead(reading=reading):
            return msgspec.structs.replace(
                state,
                history_sequence=read_up_to(state.history_sequence, reading),
                epoch=reading.status.epoch,
                trusted=reading.status.trusted,
                order_numbers=reading.status.order_numbers,
            )
        case PumpAnswered(act=act, about=about):
            done = about if act == "start_bolus" else "suspend" if act == "resume" else act
            return msgspec.structs.replace(
                state, acting=tuple(name for name in state.acting if name != done)
            )
        case PumpSuperseded():
            return msgspec.structs.replace(state, acting=())
        case _:
            return state


def read_up_to(known: int, reading: PumpReading) -> int:
    """Give the last record accounted after a reading; one that does not join on adds nothing."""
    taken = joined(reading.history, after=known)
    return taken[-1].sequence if taken else known
