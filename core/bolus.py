"""Boluses: settings, carbs, advice, and the order that follows when a person decides."""

from typing import Final

from core.advice import CARBS_G_MAX, advise
from core.alarms import Condition, raise_alarm
from core.bolus_settings import settings_problem
from core.bolus_state import BOLUS_ADVISOR, Advice, BolusState, basis_of, evolve, initial, view
from core.common import COMMON_COMMANDS, COMMON_EVENTS, decide_common
from core.decider import Decider, Effect, Entry, is_past
from core.effects import ResolveZone
from core.limits import breach
from core.local_clock import decide_clock
from core.pump_models import PUMP_MODELS, floor_bolus
from schemas.basal import ZoneLookupRequested
from schemas.bolus import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceAccepted,
    AdviceRefused,
    BolusAdvised,
    CarbsRecorded,
    CarbsRefused,
    RecordCarbs,
    RequestAdvice,
)
from schemas.device import PULSE_MU
from schemas.message import Deadline, Event, Now
from schemas.orders import BolusOrdered, OrderBolus, OrderRefused
from schemas.therapy import BolusSettingsRefused, BolusSettingsSet, SetBolusSettings
from schemas.units import (
    HOUR_MS,
    SECOND_MS,
    EventId,
    Grams,
    Milliseconds,
    MilliUnits,
    Speaker,
    UtcMillis,
)

SAME_ADVICE_MU = MilliUnits(100)
"""[mU] by which a recomputed advice may differ and the lower of the two still be ordered."""

START_WITHIN_MS = Milliseconds(30 * SECOND_MS)
"""[ms] therapy time in which an order must start; source: R39."""

START_WITHIN_REAL_MS = Milliseconds(5 * SECOND_MS)
"""[ms] real time that an order has at least: transport is not faster at speed 600."""

NO_INSULIN = MilliUnits(0)
"""[mU] nothing."""

CARBS_BEFORE_MS = Milliseconds(12 * HOUR_MS)
"""[ms] before now that carbohydrate may have been eaten."""

CARBS_AHEAD_MS = Milliseconds(HOUR_MS)
"""[ms] after now that carbohydrate may be eaten."""

LIMITS_DIFFER: Final = Condition(
    "limits_disagree",
    "high",
    "operator",
    "Two computations of a limit differ; no bolus is advised or ordered.",
)


def _decide(state: BolusState, entry: Entry, now: Now) -> tuple[Event, ...]:
    shared = decide_common(state.common, entry)
    if shared is not None:
        return shared
    actor = str(entry.actor)
    match entry.body:
        case SetBolusSettings() as asked:
            return _set_settings(asked, actor, now)
        case RecordCarbs() as asked:
            return _record_carbs(asked, actor, now)
        case RequestAdvice(carbs=carbs):
            return _advise(state, carbs, now)
        case AcceptAdvice(advice=name):
            return _accept(state, name, actor, now)
        case OrderBolus(amount=amount):
            return _order_own(state, amount, actor, now)
        case _:
            return decide_clock(state.clock, state.common.alarms, entry, now)


def _set_settings(asked: SetBolusSettings, actor: str, now: Now) -> tuple[Event, ...]:
    refused = settings_problem(asked)
    if refused is not None:
        return (refused,)
    taken = BolusSettingsSet(
        zone=asked.zone,
        carb_ratios=asked.carb_ratios,
        sensitivities=asked.sensitivities,
        targets=asked.targets,
        insulin=asked.insulin,
        rules=asked.rules,
        actor=actor,
        because=asked.because,
    )
    return (taken, ZoneLookupRequested(zone=asked.zone, since=now.therapy))


def _record_carbs(asked: RecordCarbs, actor: str, now: Now) -> tuple[Event, ...]:
    if not 1 <= asked.grams <= CARBS_G_MAX:
        return (CarbsRefused(reason="out_of_range", grams=asked.grams),)
    if not -CARBS_BEFORE_MS <= asked.eaten_at - now.therapy <= CARBS_AHEAD_MS:
        return (CarbsRefused(reason="time_out_of_range", grams=asked.grams),)
    return (CarbsRecorded(grams=asked.grams, eaten_at=asked.eaten_at, actor=actor),)


def _advise(state: BolusState, carbs: Grams, now: Now) -> tuple[Event, ...]:
    found = advise(basis_of(state), carbs, now)
    if isinstance(found, BolusAdvised):
        if "limits_disagree" in found.reasons:
            return (found, *raise_alarm(state.common.alarms, LIMITS_DIFFER))
        return (found,)
    return (AdviceRefused(reason=found, carbs=carbs),)


def _accept(state: BolusState, name: EventId, actor: str, now: Now) -> tuple[Event, ...]:
    advice = next((known for known in state.advices if known.id == name), None)
    if advice is None:
        return (AcceptanceRefused(advice=name, reason="no_such_advice"),)
    reason = _why_not(state, advice, now)
    if reason is not None:
        return (reason,)
    return _order_advised(state, advice, actor, now)


def _why_not(state: BolusState, advice: Advice, now: Now) -> AcceptanceRefused | None:
    """Compare and swap: what the advice had not heard refuses it, glucose aside."""
    expires = advice.advised.expires
    if advice.is_used:
        return AcceptanceRefused(advice=advice.id, reason="already_used")
    if is_past(expires, now=now):
        return AcceptanceRefused(advice=advice.id, reason="expired")
    if state.doses.running is not None:
        return AcceptanceRefused(advice=advice.id, reason="bolus_running")
    if state.suspended:
        return AcceptanceRefused(advice=advice.id, reason="suspended")
    if advice.marks.doses != state.marks.doses:
        return AcceptanceRefused(advice=advice.id, reason="dose_since")
    if advice.marks.carbs != state.marks.carbs:
        return AcceptanceRefused(advice=advice.id, reason="carbs_since")
    if advice.marks.settings != state.marks.settings:
        return AcceptanceRefused(advice=advice.id, reason="settings_since")
    return None


def _order_advised(state: BolusState, advice: Advice, actor: str, now: Now) -> tuple[Event, ...]:
    """Compute again with the glucose of now; order the lower amount, or hand the new one back."""
    advised = advice.advised
    again = advise(basis_of(state), advised.carbs, now)
    if not isinstance(again, BolusAdvised):
        return (
            AcceptanceRefused(advice=advice.id, reason="advice_withdrawn"),
            AdviceRefused(reason=again, carbs=advised.carbs),
        )
    if abs(again.amount - advised.amount) > SAME_ADVICE_MU:
        return (AcceptanceRefused(advice=advice.id, reason="advice_changed"), again)
    amount = min(again.amount, advised.amount)
    if amount == 0 and advised.carbs == 0:
        return (AcceptanceRefused(advice=advice.id, reason="nothing_to_give"),)
    recomputed = again.amount if again.amount != advised.amount else None
    accepted = AdviceAccepted(advice=advice.id, actor=actor, recomputed=recomputed)
    eaten: tuple[Event, ...] = ()
    if advised.carbs:
        eaten = (CarbsRecorded(grams=advised.carbs, eaten_at=now.therapy, actor=actor),)
    meal = MilliUnits(min(again.meal, amount))
    order = (_order(amount, actor, now, advice=advice.id, meal=meal),) if amount else ()
    return (accepted, *eaten, *order)


def _order_own(state: BolusState, amount: MilliUnits, actor: str, now: Now) -> tuple[Event, ...]:
    if not state.common.is_record_whole:
        return (OrderRefused(amount=amount, reason="history_missing"),)
    if amount <= 0:
        return (OrderRefused(amount=amount, reason="out_of_range"),)
    if amount % PULSE_MU:
        return (OrderRefused(amount=amount, reason="not_whole_pulses"),)
    if state.limits is None:
        return (OrderRefused(amount=amount, reason="no_limits"),)
    model = PUMP_MODELS[state.limits.pump_model]
    if model.bolus_max is not None and amount > model.bolus_max:
        return (OrderRefused(amount=amount, reason="pump_maximum", limit=model.bolus_max),)
    if floor_bolus(model, amount) != amount:
        return (OrderRefused(amount=amount, reason="pump_step", limit=floor_bolus(model, amount)),)
    if state.suspended:
        return (OrderRefused(amount=amount, reason="suspended"),)
    if state.doses.running is not None:
        return (OrderRefused(amount=amount, reason="bolus_running"),)
    given = state.doses.given(at=now.therapy)
    broken = breach(amount, state.limits, given, at=now.therapy)
    if broken is not None:
        refused = OrderRefused(amount=amount, reason=broken.limit, limit=broken.amount)
        if broken.limit == "limits_disagree":
            return (refused, *raise_alarm(state.common.alarms, LIMITS_DIFFER))
        return (refused,)
    return (_order(amount, actor, now),)


def _order(
    amount: MilliUnits,
    actor: str,
    now: Now,
    *,
    advice: EventId | None = None,
    meal: MilliUnits = NO_INSULIN,
) -> BolusOrdered:
    start_by = Deadline(
        therapy=UtcMillis(now.therapy + START_WITHIN_MS),
        real=UtcMillis(now.real + START_WITHIN_REAL_MS),
    )
    return BolusOrdered(amount=amount, actor=actor, advice=advice, meal=meal, start_by=start_by)


def _wake_at(state: BolusState) -> UtcMillis | None:
    return state.clock.renew_at


def _effects(event: Event) -> tuple[Effect, ...]:
    if isinstance(event, ZoneLookupRequested):
        return (ResolveZone(zone=event.zone, since=event.since),)
    return ()


BOLUS_DECIDER: Final = Decider(
    name=BOLUS_ADVISOR,
    hears=(Speaker("glucose_ingest"), Speaker("basal_scheduler"), Speaker("actuator")),
    says=(
        *COMMON_EVENTS,
        BolusSettingsSet,
        BolusSettingsRefused,
        ZoneLookupRequested,
        CarbsRecorded,
        CarbsRefused,
        BolusAdvised,
        AdviceRefused,
        AdviceAccepted,
        AcceptanceRefused,
        BolusOrdered,
        OrderRefused,
    ),
    obeys=(
        *COMMON_COMMANDS,
        SetBolusSettings,
        RecordCarbs,
        RequestAdvice,
        AcceptAdvice,
        OrderBolus,
    ),
    initial=initial,
    decide=_decide,
    evolve=evolve,
    wake_at=_wake_at,
    effects=_effects,
    view=view,
)
"""[-] the thinking of the service bolus_advisor."""
