"""Bolus orders: advice accepted as compare-and-swap, amounts of a person's own."""

from collections.abc import Collection

import msgspec

from core.deciders.bolus.advice_log import Advice
from core.deciders.bolus.order_signing import in_pump_time
from core.deciders.bolus.staleness import unseen
from core.deciders.bolus.state import BolusState, advice_inputs_of
from core.dosing.advice.advise import advise, safe_minimum
from core.dosing.advice.confirmation import Wish, confirm_reasons
from core.dosing.insulin_account.bolus_lockout import lockout_problem
from core.dosing.limits.limits import (
    LIMITS_DIFFER,
    WITH_BASAL,
    breach,
    used_up_by_basal,
    whole_pulses,
)
from core.dosing.order_protocol.deadlines import start_within
from core.kernel.alarms import raise_alarm
from core.kernel.decider import is_past
from core.models.pump_models import PUMP_MODELS, floor_bolus, spread_problem, spreads_in_words
from schemas.bolus.advice import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceAccepted,
    AdviceRefused,
    BolusAdvised,
    CarbsRecorded,
    ConfirmReason,
    RequestAdvice,
)
from schemas.bolus.orders import (
    BolusOrdered,
    OrderBolus,
    OrderPreset,
    OrderRefused,
)
from schemas.delivery.device import PULSE_MU
from schemas.message import Event, Now
from schemas.units import EventId, Milliseconds, MilliUnits

SAME_ADVICE_MU = MilliUnits(100)
"""[mU] by which a recomputed advice may differ and the lower of the two still be ordered."""


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be given, and how."""

    amount: MilliUnits
    later: MilliUnits
    duration: Milliseconds
    meal: MilliUnits = MilliUnits(0)
    confirmed: tuple[ConfirmReason, ...] = ()


def accept(state: BolusState, asked: AcceptAdvice, actor: str, now: Now) -> tuple[Event, ...]:
    """Order what was advised, if nothing that matters has changed since."""
    name = asked.advice
    advice = next((known for known in state.advices if known.id == name), None)
    if advice is None:
        return (AcceptanceRefused(advice=name, reason="no_such_advice"),)
    reason = _why_not(state, advice, asked, actor, now)
    if reason is not None:
        return (reason,)
    return _order_advised(state, advice, asked, actor, now)


def _why_not(
    state: BolusState, advice: Advice, asked: AcceptAdvice, actor: str, now: Now
) -> AcceptanceRefused | None:
    """Compare and swap: what advice or person had not heard refuses it, glucose aside."""
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
    if state.is_pump_doubted:
        return AcceptanceRefused(advice=advice.id, reason="pump_doubted")
    not_seen = unseen(
        state.newest_changes,
        change_counts=state.change_counts,
        advised=advice.change_counts,
        heard=asked.versions_seen,
    )
    if not_seen is not None:
        return AcceptanceRefused(advice=advice.id, reason=not_seen)
    locked = lockout_problem(state.limits, state.doses, actor=actor, asked_at=now.therapy)
    return None if locked is None else AcceptanceRefused(advice=advice.id, reason=locked)


def _order_advised(
    state: BolusState, advice: Advice, asked: AcceptAdvice, actor: str, now: Now
) -> tuple[Event, ...]:
    """Compute again with the glucose of now; order the lower amount, or hand the new one back."""
    advised = advice.advised
    wanted = RequestAdvice(
        carbs=advised.carbs, duration=advised.duration, now_percent=advised.now_percent
    )
    again = advise(advice_inputs_of(state), wanted, now)
    if not isinstance(again, BolusAdvised):
        return (
            AcceptanceRefused(advice=advice.id, reason="advice_withdrawn"),
            AdviceRefused(reason=again, carbs=advised.carbs),
        )
    differs = "limits_disagree" in again.reasons
    if differs or abs(again.amount - advised.amount) > SAME_ADVICE_MU:
        changed = AcceptanceRefused(advice=advice.id, reason="advice_changed")
        return (changed, again, *disagreement(state, again.reasons))
    amount = min(again.amount, advised.amount)
    difference = 0
    chosen = chosen_amount(asked, advised=advised.amount, lower=amount)
    if chosen is not None:
        refused = _changed_refusal(state, advised, chosen, actor, now)
        if refused is not None:
            return (refused, *disagreement(state, (refused.reason,)))
        amount, difference = chosen, chosen - advised.amount
    if amount == 0 and advised.carbs == 0:
        return (AcceptanceRefused(advice=advice.id, reason="nothing_to_give"),)
    confirm = _confirm(state, amount, now, advised=advised.amount if difference else amount)
    if confirm and not asked.confirmed:
        unsure = AcceptanceRefused(advice=advice.id, reason="confirmation_needed", confirm=confirm)
        return (unsure,)
    recomputed = again.amount if again.amount != advised.amount else None
    accepted = AdviceAccepted(
        advice=advice.id, actor=actor, recomputed=recomputed, difference=difference
    )
    eaten: tuple[Event, ...] = ()
    if advised.carbs:
        eaten = (CarbsRecorded(grams=advised.carbs, eaten_at=now.therapy, actor=actor),)
    later = MilliUnits(min(advised.later, again.later, amount))
    meal = MilliUnits(min(again.meal, amount))
    given = _Given(
        amount=amount, later=later, duration=advised.duration, meal=meal, confirmed=confirm
    )
    return (accepted, *eaten, *_orders(state, given, actor, now, advice=advice.id))


def chosen_amount(
    asked: AcceptAdvice, *, advised: MilliUnits, lower: MilliUnits
) -> MilliUnits | None:
    """Give the amount [mU] that a person chose instead of the advice, None where they took it.

    Who names the advised amount takes the advice, and gets the lower one if it has sunk since.
    """
    return None if asked.amount in (None, advised, lower) else asked.amount


def disagreement(state: BolusState, reasons: Collection[str]) -> tuple[Event, ...]:
    """Raise the alarm where two computations of a limit differ; nothing for other reasons."""
    if "limits_disagree" not in reasons:
        return ()
    return raise_alarm(state.common.alarms, LIMITS_DIFFER)


def _changed_refusal(
    state: BolusState, advised: BolusAdvised, amount: MilliUnits, actor: str, now: Now
) -> OrderRefused | None:
    """Hold another amount than was advised against the same limits."""
    if amount == 0:
        return None
    wanted = OrderBolus(amount=amount, duration=advised.duration, now_percent=advised.now_percent)
    return _own_refusal(state, wanted, actor, now)


def _confirm(
    state: BolusState, amount: MilliUnits, now: Now, *, advised: MilliUnits | None = None
) -> tuple[ConfirmReason, ...]:
    wish = Wish(
        amount=amount,
        advised=advised,
        soft=state.limits.soft if state.limits else None,
        reading=state.reading,
        safe_minimum=safe_minimum(state.settings),
        recent=state.recent,
    )
    return confirm_reasons(wish, at=now.therapy)


def order_own(
    state: BolusState, asked: OrderBolus, actor: str, now: Now, *, preset: str = ""
) -> tuple[Event, ...]:
    """Order an amount of a person's own, through the same limits."""
    refused = _own_refusal(state, asked, actor, now)
    if refused is not None:
        return (refused, *disagreement(state, (refused.reason,)))
    confirm = _confirm(state, asked.amount, now)
    if confirm and not asked.confirmed:
        unsure = OrderRefused(amount=asked.amount, reason="confirmation_needed", confirm=confirm)
        return (unsure,)
    at_once = whole_pulses(asked.amount * asked.now_percent // 100)
    later = MilliUnits(asked.amount - at_once if asked.duration else 0)
    given = _Given(amount=asked.amount, later=later, duration=asked.duration, confirmed=confirm)
    return _orders(state, given, actor, now, preset=preset)


def _own_refusal(state: BolusState, asked: OrderBolus, actor: str, now: Now) -> OrderRefused | None:
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
        takes = spreads_in_words(model)
        return OrderRefused(amount=amount, reason="duration_out_of_range", takes=takes)
    if state.suspended:
        return OrderRefused(amount=amount, reason="suspended")
    if state.challenged is None:
        return OrderRefused(amount=amount, reason="pump_not_heard")
    if state.is_pump_doubted:
        return OrderRefused(amount=amount, reason="pump_doubted")
    if asked.duration and state.doses.extended is not None:
        return OrderRefused(amount=amount, reason="extended_running")
    is_normal = asked.duration == 0 or asked.now_percent > 0
    if is_normal and state.doses.running is not None:
        return OrderRefused(amount=amount, reason="bolus_running")
    locked = lockout_problem(state.limits, state.doses, actor=actor, asked_at=now.therapy)
    if locked is not None:
        return OrderRefused(amount=amount, reason=locked)
    insulin = None if state.settings is None else state.settings.insulin
    given = state.doses.given(at=now.therapy, ahead=state.ahead, action=insulin)
    broken = breach(amount, state.limits, given, at=now.therapy, lasting=asked.duration)
    if broken is None:
        return None
    is_basal = broken.limit in WITH_BASAL and used_up_by_basal(
        amount, state.limits, given, at=now.therapy, lasting=asked.duration
    )
    profile = state.profile_in_force if is_basal else ""
    return OrderRefused(amount=amount, reason=broken.limit, limit=broken.amount, profile=profile)


def order_preset(state: BolusState, wanted: OrderPreset, actor: str, now: Now) -> tuple[Event, ...]:
    """Order what is kept by a name, like an amount of the person's own."""
    name = wanted.name
    preset = next((known for known in state.presets if known.name == name), None)
    if preset is None:
        return (OrderRefused(amount=0, reason="no_such_preset"),)
    asked = OrderBolus(amount=preset.amount, duration=preset.duration, confirmed=wanted.confirmed)
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
            confirmed=given.confirmed,
            start_by=start_by,
            challenge=challenge,
            not_after=not_after,
        )
        for amount, meal, duration in parts
        if amount
    )
