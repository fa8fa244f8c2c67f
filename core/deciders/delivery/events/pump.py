"""How plans, pulses, the mechanism and the line to the pump change what the actuator knows."""

from typing import Final

import msgspec

from core.deciders.delivery.events.odometer import dry_at, move, move_plain
from core.deciders.delivery.events.requests import without_act
from core.deciders.delivery.history_pages import joined
from core.deciders.delivery.state import DeliveryState
from core.dosing.insulin_account.dose_account_events import count_basal
from core.dosing.order_protocol.plan_revisions import plan_as_sent, pump_plan, pump_plan_id
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.basal.plans import BasalPlanAccepted, BasalPlanLoaded
from schemas.basal.profiles import BasalPlanMade
from schemas.delivery.clock_check import TimeConfirmed, TimeUnproven
from schemas.delivery.delivery import BasalDelivered, DeliveryGap, DeliveryLimitsSet
from schemas.delivery.device import (
    PumpRead,
    PumpReading,
    PumpStatus,
    PumpSuperseded,
    digest_of,
)
from schemas.delivery.mechanism import (
    MotorRanUnasked,
    PumpFaultCleared,
    PumpFaulted,
    PumpPrimed,
)
from schemas.delivery.pump import (
    DeliveryResumed,
    DeliverySuspended,
    PumpChallenged,
    PumpClockRead,
    PumpControlLost,
    PumpFound,
    PumpLost,
    ReservoirFilled,
)
from schemas.delivery.unresolved_doses import PumpCountAccepted, PumpDoubted
from schemas.record import Restarted
from schemas.units import EventId, Milliseconds, MilliUnits, UtcMillis

CYCLES_MAX = 3
"""[-] faults in 10 min that keep the motor off, and that are remembered; source: R69."""

PLANS_MAX = 16
"""[-] plans sent that are remembered; an older one does not lie on the line any more."""

PUMP_HANDLERS: Final = EventHandlers[DeliveryState]()
"""[-] what each event and report about plans, pulses, mechanism and pump line does."""


@PUMP_HANDLERS.register
def _limit(state: DeliveryState, limits: DeliveryLimitsSet, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, limits=limits)


@PUMP_HANDLERS.register
def _hear_plan(state: DeliveryState, made: BasalPlanMade, entry: Entry) -> DeliveryState:
    return msgspec.structs.replace(state, plan_heard=(EventId(entry.id), made))


@PUMP_HANDLERS.register
def _accept_plan(state: DeliveryState, accepted: BasalPlanAccepted, entry: Entry) -> DeliveryState:
    del entry
    sent = plan_as_sent(accepted)
    return msgspec.structs.replace(
        state,
        plan=pump_plan(accepted),
        cuts=accepted.cuts,
        plan_doubt=accepted.doubt,
        plan_ahead=accepted.pump_ahead,
        plans_sent=_with_plan(state.plans_sent, (sent.plan, digest_of(sent))),
        acting=(*state.acting, "load_plan"),
    )


@PUMP_HANDLERS.register
def _load_plan(state: DeliveryState, loaded: BasalPlanLoaded, entry: Entry) -> DeliveryState:
    del entry
    name = EventId(pump_plan_id(loaded.plan, loaded.revision))
    return msgspec.structs.replace(state, plan_loaded=name)


@PUMP_HANDLERS.register
def _flow(state: DeliveryState, part: BasalDelivered, entry: Entry) -> DeliveryState:
    return move(state, part, doses=count_basal(state.doses, part, entry))


@PUMP_HANDLERS.register
def _prime(state: DeliveryState, primed: PumpPrimed, entry: Entry) -> DeliveryState:
    del entry
    moved = move_plain(without_act(state, "prime"), primed, primed.at)
    return msgspec.structs.replace(
        moved,
        primed_total=MilliUnits(state.primed_total + primed.amount),
        primed_since_fill=MilliUnits(state.primed_since_fill + primed.amount),
    )


@PUMP_HANDLERS.register
def _run_unasked(state: DeliveryState, ran: MotorRanUnasked, entry: Entry) -> DeliveryState:
    del entry
    return move_plain(state, ran, ran.at)


@PUMP_HANDLERS.register
def _suspend(state: DeliveryState, said: DeliverySuspended, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        suspended=True,
        stopped_at=state.stopped_at or said.at,
        wants_suspended=None if state.wants_suspended is True else state.wants_suspended,
    )


@PUMP_HANDLERS.register
def _resume(state: DeliveryState, said: DeliveryResumed, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        suspended=False,
        stopped_at=said.at if state.fault is not None else None,
        # The pump ended it by itself; what was asked for since has an end of its own.
        resume_at=state.resume_at if state.wants_suspended else None,
        wants_suspended=None if state.wants_suspended is False else state.wants_suspended,
        disconnected=state.disconnected and state.wants_suspended is True,
    )


@PUMP_HANDLERS.register
def _fault(state: DeliveryState, faulted: PumpFaulted, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        fault=faulted.fault,
        faulted_at=(*state.faulted_at, faulted.at)[-CYCLES_MAX:],
        stopped_at=state.stopped_at or faulted.at,
    )


@PUMP_HANDLERS.register
def _clear_fault(state: DeliveryState, cleared: PumpFaultCleared, entry: Entry) -> DeliveryState:
    del entry
    stopped_at = cleared.at if state.suspended else None
    return msgspec.structs.replace(state, fault=None, stopped_at=stopped_at)


@PUMP_HANDLERS.register
def _fill(state: DeliveryState, filled: ReservoirFilled, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        without_act(state, "fill"),
        reservoir=filled.amount,
        dry_at=None,
        primed_since_fill=MilliUnits(0),
    )


@PUMP_HANDLERS.register
def _count_gap(state: DeliveryState, gap: DeliveryGap, entry: Entry) -> DeliveryState:
    del gap, entry
    return msgspec.structs.replace(state, gaps=state.gaps + 1)


@PUMP_HANDLERS.register
def _find(state: DeliveryState, found: PumpFound, entry: Entry) -> DeliveryState:
    is_off = found.suspended or state.fault is not None
    return msgspec.structs.replace(
        state,
        stopped_at=(state.stopped_at or entry.at) if is_off else None,
        is_connected=True,
        odometer=found.odometer,
        reservoir=found.reservoir,
        dry_at=dry_at(state, found.reservoir, at=entry.at),
        suspended=found.suspended,
    )


@PUMP_HANDLERS.register
def _lose(state: DeliveryState, lost: PumpLost, entry: Entry) -> DeliveryState:
    del lost, entry
    return msgspec.structs.replace(state, is_connected=False)


@PUMP_HANDLERS.register
def _doubt(state: DeliveryState, doubted: PumpDoubted, entry: Entry) -> DeliveryState:
    del entry
    known = msgspec.structs.replace(state, is_doubted=True)
    if doubted.reason != "count_went_back":
        return known
    return msgspec.structs.replace(
        known,
        history_sequence=0,
        odometer=doubted.pump_odometer,
        recount_until=state.counted_until,
    )


@PUMP_HANDLERS.register
def _accept_count(state: DeliveryState, accepted: PumpCountAccepted, entry: Entry) -> DeliveryState:
    del accepted, entry
    numbers = _numbers_accepted(state)
    return msgspec.structs.replace(state, is_doubted=False, numbers_started=numbers)


@PUMP_HANDLERS.register
def _read_clock(state: DeliveryState, read: PumpClockRead, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, pump_ahead=read.ahead)


@PUMP_HANDLERS.register
def _take_challenge(
    state: DeliveryState, challenged: PumpChallenged, entry: Entry
) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, challenged=challenged)


@PUMP_HANDLERS.register
def _lose_control(state: DeliveryState, lost: PumpControlLost, entry: Entry) -> DeliveryState:
    del lost, entry
    return msgspec.structs.replace(state, is_superseded=True)


@PUMP_HANDLERS.register
def _restart(state: DeliveryState, restarted: Restarted, entry: Entry) -> DeliveryState:
    del restarted, entry
    return msgspec.structs.replace(state, is_connected=False, is_superseded=False, acting=())


@PUMP_HANDLERS.register
def _doubt_time(state: DeliveryState, doubted: TimeUnproven, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        time_unproven=Milliseconds(state.time_unproven + doubted.passed),
        time_known_until=UtcMillis(doubted.since + doubted.passed),
    )


@PUMP_HANDLERS.register
def _confirm_time(state: DeliveryState, confirmed: TimeConfirmed, entry: Entry) -> DeliveryState:
    del confirmed, entry
    return msgspec.structs.replace(state, time_unproven=Milliseconds(0))


@PUMP_HANDLERS.register
def _read(state: DeliveryState, read: PumpRead, entry: Entry) -> DeliveryState:
    del entry
    status = read.reading.status
    return msgspec.structs.replace(
        state,
        history_sequence=read_up_to(state.history_sequence, read.reading),
        # What another controller claimed is no epoch of this journal's.
        epoch=state.epoch if state.is_superseded else status.epoch,
        trusted=status.trusted,
        order_numbers=status.order_numbers,
        pump_basal_max=status.basal_max,
        driven_after=_driven_after(state, status),
    )


@PUMP_HANDLERS.register
def _supersede(state: DeliveryState, superseded: PumpSuperseded, entry: Entry) -> DeliveryState:
    del superseded, entry
    return msgspec.structs.replace(state, acting=())


def read_up_to(known: int, reading: PumpReading) -> int:
    """Give the last record accounted after a reading; one that does not join on adds nothing."""
    taken = joined(reading.history, after=known)
    return taken[-1].sequence if taken else known


def _with_plan(
    sent: tuple[tuple[str, str], ...], plan: tuple[str, str]
) -> tuple[tuple[str, str], ...]:
    """Add a plan; one that is sent again is no other."""
    return sent if plan in sent[-1:] else (*sent, plan)[-PLANS_MAX:]


def _driven_after(state: DeliveryState, status: PumpStatus) -> int:
    """Give from where on the pump's history shows what was asked of it here, or was not."""
    if state.pump_basal_max is None and status.basal_max is not None:
        return status.history_sequence
    return state.driven_after


def _numbers_accepted(state: DeliveryState) -> tuple[tuple[str, int], ...]:
    """Give the numbers of orders, by key, that are no news any more once the count is accepted.

    Without the pump's own among them the next reading would doubt it again.
    """
    started = dict(state.numbers_started)
    for key, number in state.order_numbers:
        started[key] = max(number, started.get(key, 0))
    return tuple(sorted(started.items()))
