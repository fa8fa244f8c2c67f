"""How each entry changes what the actuator knows of one pump."""

import msgspec

from core.deciders.delivery.events.doses import evolve_dose
from core.deciders.delivery.events.mechanism import evolve_mechanism
from core.deciders.delivery.events.pump import evolve_pump
from core.deciders.delivery.events.trust import evolve_trust
from core.deciders.delivery.pending_orders import note
from core.deciders.delivery.state import ACTUATOR, DeliveryState
from core.dosing.insulin_account.dose_account_events import fold_doses
from core.kernel.decider import Entry
from core.kernel.shared_decisions import evolve_common


def evolve(state: DeliveryState, entry: Entry) -> DeliveryState:
    """Fold one entry; what `view` shows follows from events alone."""
    folded = _fold(state, entry)
    known = note(folded.known, entry, changed=_limits_otherwise(state, folded))
    return folded if known is folded.known else msgspec.structs.replace(folded, known=known)


def _fold(state: DeliveryState, entry: Entry) -> DeliveryState:
    doses = fold_doses(state.doses, entry)
    if doses is not state.doses:
        state = msgspec.structs.replace(state, doses=doses)
    state = evolve_trust(state, entry)
    common = evolve_common(state.common, entry, me=ACTUATOR)
    if common is not state.common:
        return msgspec.structs.replace(state, common=common)
    return evolve_pump(evolve_dose(evolve_mechanism(state, entry), entry), entry)


def _limits_otherwise(before: DeliveryState, after: DeliveryState) -> bool:
    """Say whether anything changed that the actuator's limits are computed from."""
    return (
        before.doses is not after.doses
        or before.limits is not after.limits
        or before.plan is not after.plan
        or before.plan_heard is not after.plan_heard
        or before.insulin is not after.insulin
    )
