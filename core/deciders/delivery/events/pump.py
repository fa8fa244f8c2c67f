"""How plans, strokes and the line to the pump change what the actuator knows of it."""

from typing import Final

import msgspec

from core.deciders.delivery.events.history_pages import joined
from core.deciders.delivery.events.odometer import dry_at, move, move_plain
from core.deciders.delivery.events.restore_detection import numbers_accepted
from core.deciders.delivery.state import DeliveryState
from core.dosing.order_protocol.plan_revisions import pump_plan, pump_plan_id
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.basal.plans import BasalPlanAccepted, BasalPlanLoaded
from schemas.basal.profiles import BasalPlanMade
from schemas.delivery.delivery import BasalDelivered, DeliveryGap, DeliveryLimitsSet
from schemas.delivery.device import PumpAnswered, PumpRead, PumpReading, PumpSuperseded
from schemas.delivery.mechanism import MotorRanUnasked, PumpPrimed
from schemas.delivery.pump import (
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
from schemas.delivery.unresolved_doses import PumpCountAccepted, PumpDoubted
from schemas.record import Restarted
from schemas.units import EventId

evolve_pump: Final = EventHandlers[DeliveryState]()
"""[-] what each event and report of the pump does to what is known of it."""


@evolve_pump.of
def _limit(state: DeliveryState, limits: DeliveryLimitsSet, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, limits=limits)


@evolve_pump.of
def _hear_plan(state: DeliveryState, made: BasalPlanMade, entry: Entry) -> DeliveryState:
    return msgspec.structs.replace(state, plan_heard=(EventId(entry.id), made))


@evolve_pump.of
def _accept_plan(state: DeliveryState, accepted: BasalPlanAccepted, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        plan=pump_plan(accepted),
        cuts=accepted.cuts,
        plan_doubt=accepted.doubt,
        plan_ahead=accepted.pump_ahead,
        acting=(*state.acting, "load_plan"),
    )


@evolve_pump.of
def _load_plan(state: DeliveryState, loaded: BasalPlanLoaded, entry: Entry) -> DeliveryState:
    del entry
    name = EventId(pump_plan_id(loaded.plan, loaded.revision))
    return msgspec.structs.replace(state, plan_loaded=name)


@evolve_pump.of
def _flow(state: DeliveryState, part: BasalDelivered, entry: Entry) -> DeliveryState:
    del entry
    return move(state, part)


@evolve_pump.of
def _move(state: DeliveryState, moved: PumpPrimed | MotorRanUnasked, entry: Entry) -> DeliveryState:
    del entry
    return move_plain(state, moved, moved.at)


@evolve_pump.of
def _ask_to_suspend(
    state: DeliveryState, asked: SuspendRequested | ResumeRequested, entry: Entry
) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        wants_suspended=isinstance(asked, SuspendRequested),
        resume_at=asked.ends_at if isinstance(asked, SuspendRequested) else None,
        acting=(*state.acting, "suspend"),
    )


@evolve_pump.of
def _suspend(
    state: DeliveryState, said: DeliverySuspended | DeliveryResumed, entry: Entry
) -> DeliveryState:
    del entry
    now_suspended, wanted = isinstance(said, DeliverySuspended), state.wants_suspended
    return msgspec.structs.replace(
        state,
        suspended=now_suspended,
        # The pump ended it by itself; what was asked for since has an end of its own.
        resume_at=state.resume_at if now_suspended or wanted else None,
        wants_suspended=None if wanted == now_suspended else wanted,
    )


@evolve_pump.of
def _fill(state: DeliveryState, filled: ReservoirFilled, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, reservoir=filled.amount, dry_at=None)


@evolve_pump.of
def _count_gap(state: DeliveryState, gap: DeliveryGap, entry: Entry) -> DeliveryState:
    del gap, entry
    return msgspec.structs.replace(state, gaps=state.gaps + 1)


@evolve_pump.of
def _find(state: DeliveryState, found: PumpFound, entry: Entry) -> DeliveryState:
    return msgspec.structs.replace(
        state,
        is_connected=True,
        odometer=found.odometer,
        reservoir=found.reservoir,
        dry_at=dry_at(state, found.reservoir, at=entry.at),
        suspended=found.suspended,
    )


@evolve_pump.of
def _lose(state: DeliveryState, lost: PumpLost, entry: Entry) -> DeliveryState:
    del lost, entry
    return msgspec.structs.replace(state, is_connected=False)


@evolve_pump.of
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


@evolve_pump.of
def _accept_count(state: DeliveryState, accepted: PumpCountAccepted, entry: Entry) -> DeliveryState:
    del accepted, entry
    numbers = numbers_accepted(state)
    return msgspec.structs.replace(state, is_doubted=False, numbers_started=numbers)


@evolve_pump.of
def _read_clock(state: DeliveryState, read: PumpClockRead, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, pump_ahead=read.ahead)


@evolve_pump.of
def _take_challenge(
    state: DeliveryState, challenged: PumpChallenged, entry: Entry
) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, challenged=challenged)


@evolve_pump.of
def _lose_control(state: DeliveryState, lost: PumpControlLost, entry: Entry) -> DeliveryState:
    del lost, entry
    return msgspec.structs.replace(state, is_superseded=True)


@evolve_pump.of
def _restart(state: DeliveryState, restarted: Restarted, entry: Entry) -> DeliveryState:
    del restarted, entry
    return msgspec.structs.replace(state, is_connected=False, is_superseded=False, acting=())


@evolve_pump.of
def _read(state: DeliveryState, read: PumpRead, entry: Entry) -> DeliveryState:
    del entry
    status = read.reading.status
    return msgspec.structs.replace(
        state,
        history_sequence=read_up_to(state.history_sequence, read.reading),
        epoch=status.epoch,
        trusted=status.trusted,
        order_numbers=status.order_numbers,
    )


@evolve_pump.of
def _take_answer(state: DeliveryState, answer: PumpAnswered, entry: Entry) -> DeliveryState:
    del entry
    act = answer.act
    done = answer.about if act == "start_bolus" else "suspend" if act == "resume" else act
    acting = tuple(name for name in state.acting if name != done)
    return msgspec.structs.replace(state, acting=acting)


@evolve_pump.of
def _supersede(state: DeliveryState, superseded: PumpSuperseded, entry: Entry) -> DeliveryState:
    del superseded, entry
    return msgspec.structs.replace(state, acting=())


def read_up_to(known: int, reading: PumpReading) -> int:
    """Give the last record accounted after a reading; one that does not join on adds nothing."""
    taken = joined(reading.history, after=known)
    return taken[-1].sequence if taken else known
