"""Boluses: settings, carbs, advice, and the order that follows when a person decides."""

from typing import Final

from core.advice import CARBS_G_MAX, advise
from core.alarms import Condition, raise_alarm
from core.bolus_state import BOLUS_ADVISOR, Advice, BolusState, basis_of, evolve, initial, view
from core.common import COMMON_COMMANDS, COMMON_EVENTS, decide_common
from core.decider import Decider, Entry, is_past, never, no_effects
from core.insulin.on_board import action_problem
from core.limits import breach
from schemas.bolus import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceAccepted,
    AdviceRefused,
    BolusAdvised,
    BolusOrdered,
    BolusSettingsRefused,
    BolusSettingsSet,
    CarbsRecorded,
    CarbsRefused,
    OrderBolus,
    OrderRefused,
    RecordCarbs,
    RequestAdvice,
    SetBolusSettings,
)
from schemas.device import PULSE_MU
from schemas.message import Deadline, Event, Now
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
            return _set_settings(asked, actor)
        case RecordCarbs() as asked:
            return _record_carbs(asked, actor, now)
        case RequestAdvice(carbs=carbs):
            return _advise(state, carbs, now)
        case AcceptAdvice(advice=name):
            return _accept(state, name, actor, now)
        case OrderBolus(amount=amount):
            return _order_own(state, amount, actor, now)
        case _:
            return ()


def _set_settings(asked: SetBolusSettings, actor: str) -> tuple[Event, ...]:
    problem = settings_problem(asked)
    if problem is not None:
        return (BolusSettingsRefused(reason="out_of_range", field=problem),)
    return (
        BolusSettingsSet(
            carb_ratio=asked.carb_ratio,
            sensitivity=asked.sensitivity,
            target_low=asked.target_low,
            target_high=asked.target_high,
            insulin=asked.insulin,
            actor=actor,
        ),
    )


def settings_problem(asked: SetBolusSettings) -> str | None:
    """Name the first setting that is out of range, None when all are well."""
    if not 1_000 <= asked.carb_ratio <= 150_000:
        return "carb_ratio"
    if not 5_000 <= asked.sensitivity <= 500_000:
        return "sensitivity"
    if not 70 <= asked.target_low <= 180:
        return "target_low"
    if not asked.target_low <= asked.target_high <= 180:
        return "target_high"
    return action_problem(asked.insulin)


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
    order = (_order(amount, actor, advice.id, now),) if amount else ()
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
    return (_order(amount, actor, None, now),)


def _order(amount: MilliUnits, actor: str, advice: EventId | None, now: Now) -> BolusOrdered:
    start_by = Deadline(
        therapy=UtcMillis(now.therapy + START_WITHIN_MS),
        real=UtcMillis(now.real + START_WITHIN_REAL_MS),
    )
    return BolusOrdered(amount=amount, actor=actor, advice=advice, start_by=start_by)


BOLUS_DECIDER: Final = Decider(
    name=BOLUS_ADVISOR,
    hears=(Speaker("glucose_ingest"), Speaker("actuator")),
    says=(
        *COMMON_EVENTS,
        BolusSettingsSet,
        BolusSettingsRefused,
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
    wake_at=never,
    effects=no_effects,
    view=view,
)
"""[-] the thinking of the service bolus_advisor."""
