"""How each entry changes what the actuator knows of one pump."""

from typing import Final

import msgspec

from core.deciders.delivery.events.doses import DOSE_HANDLERS
from core.deciders.delivery.events.pump import PUMP_HANDLERS
from core.deciders.delivery.events.requests import REQUEST_HANDLERS
from core.deciders.delivery.pending_orders import note
from core.deciders.delivery.state import ACTUATOR, DeliveryState
from core.dosing.basal_programme.programme import hear
from core.dosing.insulin_account.dose_account_events import fold_doses
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.kernel.shared_decisions import evolve_common

DELIVERY_EVENTS: Final = EventHandlers[DeliveryState](
    DOSE_HANDLERS, PUMP_HANDLERS, REQUEST_HANDLERS
)
"""[-] the one table of the actuator: each kind of event or report stands in it once."""


def evolve(state: DeliveryState, entry: Entry) -> DeliveryState:
    """Fold one entry; what `view` shows follows from events alone."""
    folded = _fold(state, entry)
    known = note(folded.known, entry, changed=_limits_otherwise(state, folded))
    return folded if known is folded.known else msgspec.structs.replace(folded, known=known)


def _fold(state: DeliveryState, entry: Entry) -> DeliveryState:
    account = fold_doses(state.doses, entry)
    if account is not state.doses:
        state = msgspec.structs.replace(state, doses=account)
    programme = hear(state.programme, entry)
    if programme is not state.programme:
        state = msgspec.structs.replace(state, programme=programme)
    common = evolve_common(state.common, entry, me=ACTUATOR)
    if common is not state.common:
        state = msgspec.structs.replace(state, common=common)
    return DELIVERY_EVENTS(state, entry)


def _limits_otherwise(before: DeliveryState, after: DeliveryState) -> bool:
    """Say whether anything changed that the actuator's limits are computed from."""
    return (
        before.doses is not after.doses
        or before.limits is not after.limits
        or before.plan is not after.plan
        or before.plan_heard is not after.plan_heard
        or before.insulin is not after.insulin
    )
