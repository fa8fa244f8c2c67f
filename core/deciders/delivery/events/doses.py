"""How orders and doses change what the actuator knows: waiting, open, unknown, ended, forged."""

from typing import Final

import msgspec

from core.deciders.delivery.events.odometer import move
from core.deciders.delivery.pending_orders import with_order
from core.deciders.delivery.state import DeliveryState, Sent
from core.dosing.insulin_account.last_bolus import LastDose, LastDoseState
from core.dosing.order_protocol.authentication import LATE, number_of
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.alarms import AlarmCleared
from schemas.bolus.orders import BolusOrdered, BolusOrderWithdrawn
from schemas.bolus.settings import BolusSettingsSet
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStartRequested,
    BolusStopped,
)
from schemas.delivery.unresolved_doses import (
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
    OrderAuthenticationFailed,
    OrderRefusedByPump,
)
from schemas.units import DoseId, MilliUnits, UtcMillis

NOT_BELIEVED_ALARM: Final = "orders_not_believed"
"""[-] name of the alarm."""

NOT_BELIEVED_MAX: Final = 3
"""[-] orders that failed authentication before an alarm is raised; source: R110."""

DOSE_HANDLERS: Final = EventHandlers[DeliveryState]()
"""[-] what each event and report about orders and doses does."""


@DOSE_HANDLERS.register
def _wait(state: DeliveryState, order: BolusOrdered, entry: Entry) -> DeliveryState:
    waiting = with_order(state.waiting, entry, order)
    return msgspec.structs.replace(state, waiting=waiting)


@DOSE_HANDLERS.register
def _set_insulin(state: DeliveryState, settings: BolusSettingsSet, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, insulin=settings.insulin)


@DOSE_HANDLERS.register
def _give_up(
    state: DeliveryState, ended: BolusOrderWithdrawn | BolusRefused, entry: Entry
) -> DeliveryState:
    del entry
    return _end(_no_more_waiting(state, ended.dose), ended.dose)


@DOSE_HANDLERS.register
def _start(state: DeliveryState, begun: BolusStartRequested, entry: Entry) -> DeliveryState:
    started = LastDose(
        dose=begun.dose,
        requested=begun.amount,
        delivered=MilliUnits(0),
        state="started",
        at=entry.at,
        duration=begun.duration,
    )
    return msgspec.structs.replace(
        _no_more_waiting(state, begun.dose),
        last_dose=state.last_dose if begun.duration else started,
        last_extended=started if begun.duration else state.last_extended,
        acting=(*state.acting, begun.dose),
        sent=(*state.sent, Sent(begun.dose, begun.epoch, begun.start_by)),
        numbers_started=_numbered(state, begun),
    )


@DOSE_HANDLERS.register
def _progress(state: DeliveryState, part: BolusProgressed, entry: Entry) -> DeliveryState:
    del entry
    moved = move(state, part)
    if all(known.dose != part.dose for known in state.doses.open):
        return _stranger(moved, part.dose, part.delivered)
    return _last(moved, part.dose, "running", part.delivered)


@DOSE_HANDLERS.register
def _settle(state: DeliveryState, settled: DoseSettled, entry: Entry) -> DeliveryState:
    del entry
    answered = _last(state, settled.dose, "settled", settled.delivered)
    return _stranger(answered, settled.dose, settled.counted)


@DOSE_HANDLERS.register
def _reconcile(state: DeliveryState, found: BolusReconciled, entry: Entry) -> DeliveryState:
    del entry
    if found.outcome not in ("failed", "expired"):
        return state
    return _over(state, found, "stopped")


@DOSE_HANDLERS.register
def _doubt(state: DeliveryState, doubted: BolusUnknown, entry: Entry) -> DeliveryState:
    del entry
    return _last(state, doubted.dose, "unknown", doubted.least)


@DOSE_HANDLERS.register
def _finish(
    state: DeliveryState, ended: BolusDelivered | BolusStopped, entry: Entry
) -> DeliveryState:
    del entry
    return _over(state, ended, "delivered" if isinstance(ended, BolusDelivered) else "stopped")


@DOSE_HANDLERS.register
def _cancel(state: DeliveryState, cancelled: BolusCancelled, entry: Entry) -> DeliveryState:
    del entry
    others = tuple(known for known in state.cancelled if known != cancelled.dose)
    return msgspec.structs.replace(
        state, cancelled=(*others, cancelled.dose), acting=(*state.acting, "stop_bolus")
    )


@DOSE_HANDLERS.register
def _doubt_order(
    state: DeliveryState, doubted: OrderAuthenticationFailed, entry: Entry
) -> DeliveryState:
    return _counted(state, doubted.count, doubted.reason, at=entry.at)


@DOSE_HANDLERS.register
def _pump_refused(state: DeliveryState, refused: OrderRefusedByPump, entry: Entry) -> DeliveryState:
    read = max(state.history_sequence, refused.history_sequence)
    known = msgspec.structs.replace(state, history_sequence=read)
    return _counted(known, refused.count, refused.reason, at=entry.at)


@DOSE_HANDLERS.register
def _begin_anew(state: DeliveryState, cleared: AlarmCleared, entry: Entry) -> DeliveryState:
    del entry
    if cleared.alarm != NOT_BELIEVED_ALARM:
        return state
    return msgspec.structs.replace(state, not_believed=0, late_at=())


def _numbered(state: DeliveryState, begun: BolusStartRequested) -> tuple[tuple[str, int], ...]:
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


def _over(
    state: DeliveryState,
    ended: BolusDelivered | BolusStopped | BolusReconciled,
    how: LastDoseState,
) -> DeliveryState:
    known = _known(state, ended.dose)
    return _end(_last(known, ended.dose, how, ended.delivered), ended.dose)


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


def _counted(state: DeliveryState, count: int, reason: str, *, at: UtcMillis) -> DeliveryState:
    late_at = (*state.late_at, at)[-NOT_BELIEVED_MAX:] if reason in LATE else state.late_at
    return msgspec.structs.replace(state, not_believed=count, late_at=late_at)
