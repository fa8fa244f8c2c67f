"""Bolus orders: advice accepted as compare-and-swap, amounts of a person's own, presets."""

from typing import Final, Literal

import msgspec

from core.advice import advise, spread_problem
from core.alarms import Condition, raise_alarm
from core.bolus_settings import BECAUSE_MAX
from core.bolus_state import Advice, BolusState, basis_of
from core.decider import is_past
from core.limits import SINGLE_MU_MAX, breach, whole_pulses
from core.order_signing import in_pump_time, start_within
from core.pump_models import PUMP_MODELS, floor_bolus
from schemas.bolus import (
    AcceptanceRefused,
    AdviceAccepted,
    AdviceRefused,
    BolusAdvised,
    CarbsRecorded,
    RequestAdvice,
)
from schemas.device import PULSE_MU
from schemas.message import Event, Now
from schemas.orders import (
    BolusOrdered,
    BolusPresetRefused,
    BolusPresetSet,
    OrderBolus,
    OrderRefused,
    SetBolusPreset,
)
from schemas.units import EventId, Milliseconds, MilliUnits

SAME_ADVICE_MU = MilliUnits(100)
"""[mU] by which a recomputed advice may differ and the lower of the two still be ordered."""

PRESETS_MAX = 16
"""[-] presets kept; project's own choice, the peers keep 4 to 8."""

PRESET_NAME_MAX = 64
"""[-] characters of a preset's name."""

PresetRefusal = Literal["out_of_range", "not_whole_pulses", "too_many_presets", "no_such_preset"]

LIMITS_DIFFER: Final = Condition(
    "limits_disagree",
    "high",
    "operator",
    "Two computations of a limit differ; no bolus is advised or ordered.",
)


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be given, and how."""

    amount: MilliUnits
    later: MilliUnits
    duration: Milliseconds
    meal: MilliUnits = MilliUnits(0)


def accept(state: BolusState, name: EventId, actor: str, now: Now) -> tuple[Event, ...]:
    """Order what was advised, if nothing that matters has changed since."""
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
    if state.challenged is None:
        return AcceptanceRefused(advice=advice.id, reason="pump_not_heard")
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
    wanted = RequestAdvice(
        carbs=advised.carbs, duration=advised.duration, now_percent=advised.now_percent
    )
    again = advise(basis_of(state), wanted, now)
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
    later = MilliUnits(min(advised.later, again.later, amount))
    meal = MilliUnits(min(again.meal, amount))
    given = _Given(amount=amount, later=later, duration=advised.duration, meal=meal)
    return (accepted, *eaten, *_orders(state, given, actor, now, advice=advice.id))


def order_own(
    state: BolusState, asked: OrderBolus, actor: str, now: Now, *, preset: str = ""
) -> tuple[Event, ...]:
    """Order an amount of a person's own, through the same limits."""
    refused = _own_refusal(state, asked, now)
    if refused is not None:
        if refused.reason == "limits_disagree":
            return (refused, *raise_alarm(state.common.alarms, LIMITS_DIFFER))
        return (refused,)
    at_once = whole_pulses(asked.amount * asked.now_percent // 100)
    later = MilliUnits(asked.amount - at_once if asked.duration else 0)
    given = _Given(amount=asked.amount, later=later, duration=asked.duration)
    return _orders(state, given, actor, now, preset=preset)


def _own_refusal(state: BolusState, asked: OrderBolus, now: Now) -> OrderRefused | None:
    amount = asked.amount
    if not state.common.is_record_whole:
        return OrderRefused(amount=amount, reason="history_missing")
    if amount <= 0:
        return OrderRefused(amount=amount, reason="out_of_range")
    if amount % PULSE_MU:
        return OrderRefused(amount=amount, reason="not_whole_pulses")
    if state.limits is None:
        return OrderRefused(amount=amount, reason="no_limits")
    model = PUMP_MODELS[state.limits.pump_model]
    if model.bolus_max is not None and amount > model.bolus_max:
        return OrderRefused(amount=amount, reason="pump_maximum", limit=model.bolus_max)
    if floor_bolus(model, amount) != amount:
        return OrderRefused(amount=amount, reason="pump_step", limit=floor_bolus(model, amount))
    if spread_problem(model.name, asked.duration, asked.now_percent):
        return OrderRefused(amount=amount, reason="duration_out_of_range")
    if state.suspended:
        return OrderRefused(amount=amount, reason="suspended")
    if state.challenged is None:
        return OrderRefused(amount=amount, reason="pump_not_heard")
    if asked.duration and state.doses.extended is not None:
        return OrderRefused(amount=amount, reason="extended_running")
    is_normal = asked.duration == 0 or asked.now_percent > 0
    if is_normal and state.doses.running is not None:
        return OrderRefused(amount=amount, reason="bolus_running")
    broken = breach(amount, state.limits, state.doses.given(at=now.therapy), at=now.therapy)
    if broken is None:
        return None
    return OrderRefused(amount=amount, reason=broken.limit, limit=broken.amount)


def set_preset(state: BolusState, asked: SetBolusPreset, actor: str) -> tuple[Event, ...]:
    """Keep an amount by a name, or forget it."""
    name = asked.name
    known = {preset.name for preset in state.presets}
    reason: PresetRefusal | None = None
    if not 1 <= len(name) <= PRESET_NAME_MAX or len(asked.because) > BECAUSE_MAX:
        reason = "out_of_range"
    elif asked.amount == 0:
        reason = None if name in known else "no_such_preset"
    elif not 0 < asked.amount <= SINGLE_MU_MAX or asked.duration < 0:
        reason = "out_of_range"
    elif asked.amount % PULSE_MU:
        reason = "not_whole_pulses"
    elif name not in known and len(known) >= PRESETS_MAX:
        reason = "too_many_presets"
    if reason is not None:
        return (BolusPresetRefused(name=name[:PRESET_NAME_MAX], reason=reason),)
    return (
        BolusPresetSet(
            name=name,
            amount=asked.amount,
            duration=asked.duration,
            actor=actor,
            because=asked.because,
        ),
    )


def order_preset(state: BolusState, name: str, actor: str, now: Now) -> tuple[Event, ...]:
    """Order what is kept by a name, like an amount of the person's own."""
    preset = next((known for known in state.presets if known.name == name), None)
    if preset is None:
        return (OrderRefused(amount=0, reason="no_such_preset"),)
    asked = OrderBolus(amount=preset.amount, duration=preset.duration)
    return order_own(state, asked, actor, now, preset=name)


def _orders(
    state: BolusState,
    given: _Given,
    actor: str,
    now: Now,
    *,
    advice: EventId | None = None,
    preset: str = "",
) -> tuple[Event, ...]:
    """Order what comes at once, then what is spread: two doses, each accounted for itself."""
    challenge, not_after = in_pump_time(state.challenged, now)
    start_by = start_within(now)
    meal_later = min(given.meal, given.later)
    parts = (
        (given.amount - given.later, given.meal - meal_later, Milliseconds(0)),
        (given.later, meal_later, given.duration),
    )
    return tuple(
        BolusOrdered(
            amount=MilliUnits(amount),
            actor=actor,
            advice=advice,
            meal=MilliUnits(meal),
            duration=duration,
            preset=preset,
            start_by=start_by,
            challenge=challenge,
            not_after=not_after,
        )
        for amount, meal, duration in parts
        if amount
    )
