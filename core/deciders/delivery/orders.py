"""Orders: checked once more from the actuator's own record, started once, doubted when in doubt."""

from typing import Literal, get_args

from core.deciders.delivery.events.requests import is_above_maximum
from core.deciders.delivery.pending_orders import WaitingOrder, is_heard_equal
from core.deciders.delivery.programme_checks import profile_in_force
from core.deciders.delivery.pump_sync.basal_maximum import add_plan_refused
from core.deciders.delivery.pump_sync.forged_orders import authentication_failed
from core.deciders.delivery.state import DeliveryState
from core.dosing.insulin_account.bolus_lockout import lockout_problem
from core.dosing.limits.limits import LIMITS_DIFFER, WITH_BASAL, breach, used_up_by_basal
from core.dosing.order_protocol.authentication import Session, order_problem, signable
from core.dosing.order_protocol.deadlines import ordered_at
from core.dosing.order_protocol.plan_revisions import plan_of
from core.kernel.alarms import Condition, raise_alarm
from core.kernel.decider import is_past
from schemas.basal.plans import BasalPlanRefused
from schemas.bolus.orders import BolusOrderSigned, BolusOrderWithdrawn
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusRefusal,
    BolusRefused,
    BolusStartRequested,
)
from schemas.delivery.device import PULSE_MU, PumpAnswered, SignedOrder
from schemas.delivery.mechanism import MechanismRefused
from schemas.delivery.pump import DeliveryCommandRefused
from schemas.delivery.unresolved_doses import (
    BolusUnknown,
    DoseSettled,
    SettleDose,
    SettlementRefused,
)
from schemas.limit_names import LimitName
from schemas.message import Event, Now
from schemas.units import DoseId

LIMIT_REASONS = (*get_args(LimitName), "lockout", "no_limits")
"""[-] refusals that the advisor foresees where it knows the same: it orders nothing without limits
either, and counts the wait from the same start."""

ACCOUNTS_DISAGREE = Condition(
    "accounts_disagree",
    "irreversible",
    "prompt",
    "programmed_basal",
    "operator",
    "Advisor and actuator knew the same and do not agree on a limit; the lower one held and "
    "nothing was given.",
)

STARTED_BEFORE = frozenset({"already_executed"})
"""[-] refusals by which the pump says that it has started this very dose: the request came twice
on the line, and the answer to the first of them is lost."""


def take_signature(state: DeliveryState, by: BolusOrderSigned, now: Now) -> tuple[Event, ...]:
    """Authenticate an order; then check it from this service's own record."""
    waiting = next((one for one in state.waiting if one.dose == by.dose), None)
    if waiting is None:
        return authentication_failed(state, by, "no_such_order", now)
    order = waiting.order
    if not state.is_connected and not state.trusted:
        # The pump was not read yet: its challenge is unknown, so no order counts as forged.
        return (BolusRefused(dose=by.dose, amount=order.amount, reason="pump_unreachable"),)
    signed = SignedOrder(order=signable(by.dose, order), key=by.key, signature=by.signature)
    session = Session(
        pump=signed.order.pump,
        trusted=frozenset(state.trusted),
        challenge=state.challenged.challenge if state.challenged else "",
        order_numbers=dict(state.order_numbers),
    )
    problem = order_problem(signed, session=session)
    if problem is None:
        return take_order(state, waiting, signed, now)
    refused = BolusRefused(
        dose=by.dose, amount=order.amount, reason="not_authentic", detail=problem
    )
    return (refused, *authentication_failed(state, by, problem, now))


def withdraw(state: DeliveryState, withdrawn: BolusOrderWithdrawn) -> tuple[Event, ...]:
    """Refuse an order that will never be signed."""
    waiting = next((one for one in state.waiting if one.dose == withdrawn.dose), None)
    if waiting is None:
        return ()
    return (
        BolusRefused(
            dose=withdrawn.dose,
            amount=waiting.order.amount,
            reason="withdrawn",
            detail=withdrawn.reason,
        ),
    )


def take_order(
    state: DeliveryState, waiting: WaitingOrder, signed: SignedOrder, now: Now
) -> tuple[Event, ...]:
    """Check an order from this service's own record; store the intent before the motor moves."""
    dose, order = signed.order.dose, waiting.order
    reason = _why_not(state, waiting, now)
    if reason is None:
        return (
            BolusStartRequested(
                dose=dose,
                amount=order.amount,
                duration=order.duration,
                odometer=state.odometer,
                epoch=state.epoch,
                start_by=order.start_by,
                signed=signed,
            ),
        )
    profile = _profile_that_fills(state, waiting, reason, now)
    refused = BolusRefused(dose=dose, amount=order.amount, reason=reason, profile=profile)
    return (refused, *_disagreement(state, waiting, reason))


def _disagreement(
    state: DeliveryState, waiting: WaitingOrder, reason: BolusRefusal
) -> tuple[Event, ...]:
    """Alarm where the refusal proves a fault; what the advisor could not know yet proves none."""
    if reason == "limits_disagree":
        return raise_alarm(state.common.alarms, LIMITS_DIFFER)
    if reason in LIMIT_REASONS and is_heard_equal(state.known, waiting):
        return raise_alarm(state.common.alarms, ACCOUNTS_DISAGREE)
    return ()


def _profile_that_fills(
    state: DeliveryState, waiting: WaitingOrder, reason: BolusRefusal, now: Now
) -> str:
    """Name the profile whose basal alone leaves no room in a limit; empty where it does."""
    if state.limits is None or reason not in WITH_BASAL:
        return ""
    given = state.doses.given(at=now.therapy, ahead=state.ahead, action=state.insulin)
    lasting = waiting.order.duration
    if not used_up_by_basal(waiting.whole, state.limits, given, at=now.therapy, lasting=lasting):
        return ""
    return profile_in_force(state)


def _why_not(state: DeliveryState, waiting: WaitingOrder, now: Now) -> BolusRefusal | None:
    order = waiting.order
    doses = state.doses.without(waiting.dose)
    if waiting.dose in state.cancelled:
        return "cancelled"
    if is_past(order.start_by, now=now):
        return "expired"
    if state.is_superseded:
        return "superseded"
    if not state.common.is_record_whole:
        return "history_missing"
    if state.limits is None:
        return "no_limits"
    if order.amount <= 0 or order.amount % PULSE_MU:
        return "not_whole_pulses"
    if not state.is_connected:
        return "pump_unreachable"
    if state.is_doubted:
        return "pump_doubted"
    if state.fault is not None:
        return "pump_fault"
    if state.suspended or state.wants_suspended:
        return "suspended"
    if order.duration and doses.extended is not None:
        return "extended_running"
    if not order.duration and doses.running is not None:
        return "bolus_running"
    promised = sum(one.open_amount for one in doses.open if not one.is_unknown)
    if state.reservoir is None or state.reservoir < order.amount + promised:
        return "reservoir"
    asked_at = ordered_at(order.start_by)
    locked = lockout_problem(state.limits, doses, actor=order.actor, asked_at=asked_at)
    if locked is not None:
        return locked
    given = doses.given(at=now.therapy, ahead=state.ahead, action=state.insulin)
    counted = {*(one.dose for one in doses.open), *(one.dose for one in doses.boluses)}
    broken = breach(
        order.amount if waiting.beside in counted else waiting.whole,
        state.limits,
        given,
        at=now.therapy,
        lasting=order.duration,
        whole=waiting.whole,
    )
    return broken.limit if broken is not None else None


def take_answer(state: DeliveryState, answer: PumpAnswered) -> tuple[Event, ...]:
    """Take what came of a command to the pump; no answer makes the dose unknown, never failed."""
    if answer.act == "load_plan" and answer.result == "refused":
        is_early = answer.reason == "not_claimed"
        kept: Literal["pump_not_heard", "pump_refused"] = (
            "pump_not_heard" if is_early else "pump_refused"
        )
        refused = BasalPlanRefused(plan=plan_of(answer.about), reason=kept)
        return add_plan_refused(state, refused) if is_above_maximum(answer) else (refused,)
    if answer.act == "fill" and answer.result != "done":
        why: Literal["pump_refused", "no_answer"] = (
            "pump_refused" if answer.result == "refused" else "no_answer"
        )
        return (DeliveryCommandRefused(name="fill", reason=why),)
    if answer.act in ("prime", "clear_fault") and answer.result != "done":
        name: Literal["prime", "clear_fault"] = "prime" if answer.act == "prime" else "clear_fault"
        what: Literal["pump_refused", "no_answer"] = (
            "pump_refused" if answer.result == "refused" else "no_answer"
        )
        return (MechanismRefused(name=name, reason=what),)
    if answer.act != "start_bolus" or answer.result == "done":
        return ()
    opened = next((one for one in state.doses.open if one.dose == answer.about), None)
    if opened is None or opened.is_unknown:
        return ()
    is_started = answer.reason in STARTED_BEFORE
    if answer.result == "refused" and opened.delivered == 0 and not is_started:
        reason: BolusRefusal = "expired" if answer.reason == "expired" else "pump_refused"
        return (
            BolusRefused(
                dose=opened.dose, amount=opened.amount, reason=reason, detail=answer.reason
            ),
        )
    return (
        BolusUnknown(
            dose=opened.dose,
            least=opened.delivered,
            most=opened.amount,
            reason=answer.reason or "the pump did not answer",
        ),
    )


def doubt_all(state: DeliveryState, reason: str) -> tuple[Event, ...]:
    """Call every dose unknown that was started and has no end."""
    return tuple(
        BolusUnknown(dose=one.dose, least=one.delivered, most=one.amount, reason=reason)
        for one in state.doses.open
        if one.is_started and not one.is_unknown
    )


def settle(state: DeliveryState, asked: SettleDose, actor: str) -> tuple[Event, ...]:
    """Take a person's word for what an unknown dose came to, with their name to it."""
    opened = next((one for one in state.doses.unknown if one.dose == asked.dose), None)
    if opened is None:
        return (SettlementRefused(dose=asked.dose, reason="not_unknown"),)
    if not opened.delivered <= asked.delivered <= opened.amount:
        return (SettlementRefused(dose=asked.dose, reason="out_of_range"),)
    if asked.delivered % PULSE_MU:
        return (SettlementRefused(dose=asked.dose, reason="not_whole_pulses"),)
    return (
        DoseSettled(
            dose=asked.dose,
            delivered=asked.delivered,
            counted=opened.delivered,
            actor=actor,
            because=asked.because,
        ),
    )


def cancel(state: DeliveryState, dose: DoseId | None, actor: str) -> tuple[Event, ...]:
    """Stop a bolus, or whichever is open; what was given by then follows from the pump's count."""
    wanted = [one.dose for one in state.doses.open if dose in (None, one.dose)]
    if not wanted:
        return (DeliveryCommandRefused(name="cancel", reason="no_bolus_runs"),)
    return tuple(BolusCancelled(dose=name, actor=actor) for name in wanted)
