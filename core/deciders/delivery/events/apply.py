"""How each entry changes what the actuator knows of one pump."""

from typing import Final

import msgspec

from core.deciders.delivery.events.doses import DOSE_HANDLERS
from core.deciders.delivery.events.pump import PUMP_HANDLERS
from core.deciders.delivery.events.requests import REQUEST_HANDLERS
from core.deciders.delivery.pending_orders import SCHEDULER, note
from core.deciders.delivery.state import ACTUATOR, DeliveryState
from core.dosing.basal_programme.programme import HEARD_PROGRAMME
from core.dosing.insulin_account.dose_account_events import fold_doses
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.kernel.fold_table import FoldTable, part, whole
from core.kernel.shared_decisions import COMMON_HANDLERS
from schemas.delivery.delivery import BasalDelivered

DELIVERY_TABLE: Final = FoldTable[DeliveryState](
    part("doses", fold_doses, without={BasalDelivered}),
    part("programme", HEARD_PROGRAMME),
    part("common", COMMON_HANDLERS, of=ACTUATOR),
    whole(EventHandlers[DeliveryState](DOSE_HANDLERS, PUMP_HANDLERS, REQUEST_HANDLERS)),
)
"""[-] the one table of the actuator: what each kind of event or report does, part after part."""


def evolve(state: DeliveryState, entry: Entry) -> DeliveryState:
    """Fold one entry; what `view` shows follows from events alone."""
    folded = DELIVERY_TABLE(state, entry)
    if folded is state and entry.speaker != SCHEDULER:
        return state
    known = note(folded.known, entry, changed=_limits_otherwise(state, folded))
    return folded if known is folded.known else msgspec.structs.replace(folded, known=known)


def _limits_otherwise(before: DeliveryState, after: DeliveryState) -> bool:
    """Say whether anything changed that the actuator's limits are computed from."""
    return (
        before.doses is not after.doses
        or before.limits is not after.limits
        or before.plan is not after.plan
        or before.plan_heard is not after.plan_heard
        or before.insulin is not after.insulin
    )
