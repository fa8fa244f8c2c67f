"""What the limits leave of a basal plan: rates above the profile are cut, the profile never (R5).

Caps on insulin over time and doses that nobody knows stop boluses and rates above the profile.
Programmed basal flows whatever they say. Only the model of the pump may give less than the profile,
and then an alarm says so.
"""

import msgspec

from core.deciders.delivery.programme_checks import profile_alarm
from core.deciders.delivery.state import DeliveryState
from core.dosing.insulin_account.dose_account import AHEAD_MS
from core.dosing.insulin_account.scheduled_basal import (
    BasalAhead,
    profile_of,
    rate_pairs,
    wanted_of,
)
from core.dosing.limits.caps_shapes import Asked, Flow, RateAsked
from core.dosing.limits.caps_twice import rate_twice, rooms_twice
from core.dosing.limits.limits import settled, windows_of
from core.dosing.order_protocol.plan_revisions import next_revision, plan_of, revision_of
from core.kernel.alarms import Condition, clear_alarm, raise_alarm
from core.models.pump_models import PUMP_MODELS, floor_rate
from schemas.basal.plans import BasalCut, BasalCutReason, BasalDoubt, BasalPlanAccepted
from schemas.basal.profiles import BasalPlanMade
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.delivery.device import PlanStep, PumpPlan
from schemas.message import Event, Now
from schemas.units import HOUR_MS, EventId, Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis

MERGED_MS = Milliseconds(HOUR_MS)
"""[ms] of deliveries taken together, as of the last of them: parts count in full, never less."""

BASAL_CAPPED = Condition(
    "basal_capped",
    "reversible",
    "prompt",
    "programmed_basal",
    "person",
    "A basal rate above the profile is cut to what limits and unknown doses leave.",
)
PROFILE_NOT_GIVEN = Condition(
    "profile_not_given",
    "reversible",
    "immediate",
    "as_before",
    "person",
    "This pump model cannot give the profile's basal rate: less insulin flows than programmed.",
)

_BY_MODEL: tuple[BasalCutReason, ...] = ("pump_maximum", "pump_minimum")


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A time at which wanted rate and profile stand still."""

    starts_at: UtcMillis
    """[ms] first instant."""
    ends_at: UtcMillis
    """[ms] first instant after it."""
    wanted: MilliUnitsPerHour
    """[mU/h] by the plan."""
    profile: MilliUnitsPerHour
    """[mU/h] by the profile alone."""


def doubt_of(state: DeliveryState) -> BasalDoubt | None:
    """Name what is not known and stops rates above the profile."""
    if state.doses.unknown:
        return "unknown_dose"
    if not state.common.is_record_whole or state.is_doubted:
        return "history_missing"
    return None


def must_cap_again(state: DeliveryState) -> bool:
    """Say whether the plan the pump has is out of date.

    The pump's clock was set since, a newer plan was made while another controller drove the pump,
    or a doubt came or went and the plan has rates to cut by it.
    """
    if state.plan_heard is None or state.plan is None or state.is_superseded:
        return False
    if state.plan_ahead != state.pump_ahead:
        return True
    if not state.takes and plan_of(state.plan.plan) != state.plan_heard[0]:
        return True  # it was made while another controller drove the pump
    return bool(state.plan_heard[1].profile_steps) and doubt_of(state) != state.plan_doubt


def accepted_again(plan: PumpPlan, state: DeliveryState) -> BasalPlanAccepted:
    """Repeat the acceptance of a plan that the pump does not have."""
    return BasalPlanAccepted(
        plan=plan_of(plan.plan),
        steps=plan.steps,
        ends_at=plan.ends_at,
        capped=bool(state.cuts),
        cuts=state.cuts,
        revision=revision_of(plan.plan),
        pump_ahead=state.plan_ahead,
        doubt=state.plan_doubt,
    )


def accept_plan(
    state: DeliveryState, name: EventId, made: BasalPlanMade, limits: DeliveryLimitsSet, now: Now
) -> tuple[Event, ...]:
    """Accept a plan with its rates cut, and raise or clear the alarms that follow from it."""
    steps, cuts = cap_plan(state, made, limits, now)
    accepted = BasalPlanAccepted(
        plan=name,
        steps=steps,
        ends_at=made.ends_at,
        capped=bool(cuts),
        cuts=cuts,
        revision=next_revision(state.plan, name),
        pump_ahead=state.pump_ahead,
        doubt=doubt_of(state),
    )
    alarms = state.common.alarms
    return (
        accepted,
        *(
            raise_alarm(alarms, BASAL_CAPPED)
            if any(cut.reason not in _BY_MODEL for cut in cuts)
            else clear_alarm(alarms, BASAL_CAPPED.alarm)
        ),
        *(
            raise_alarm(alarms, PROFILE_NOT_GIVEN)
            if model_lacks(limits.pump_model, made)
            else clear_alarm(alarms, PROFILE_NOT_GIVEN.alarm)
        ),
        *profile_alarm(state, made, limits),
    )


def cap_plan(
    state: DeliveryState, made: BasalPlanMade, limits: DeliveryLimitsSet, now: Now
) -> tuple[tuple[PlanStep, ...], tuple[BasalCut, ...]]:
    """Cut each rate above the profile to what is allowed, and each to a step of the pump.

    Args:
        state: the account, and what is not known.
        made: the plan as made.
        limits: in force from now on.
        now: of the decision.

    Returns:
        The steps, and each cut; both sorted.
    """
    flows = _surroundings(state, made, now.therapy)
    steps: list[PlanStep] = []
    cuts: list[BasalCut] = []
    for piece in _pieces(made):
        allowed, reason = _allowed(state, piece, limits, flows, now.therapy)
        if allowed > piece.profile:
            flows = (*flows, *_above(piece, allowed, now.therapy))
        rate, by_model = _by_model(limits, allowed)
        reason = by_model or reason
        steps.append(PlanStep(at=piece.starts_at, rate=rate))
        if reason is not None:
            cut = BasalCut(at=piece.starts_at, before=piece.wanted, after=rate, reason=reason)
            cuts.append(cut)
    return tuple(steps), tuple(cuts)


def model_lacks(pump_model: str, made: BasalPlanMade) -> bool:
    """Say whether a pump model cannot give a rate of the profile, a rounding down left aside."""
    model = PUMP_MODELS[pump_model]
    most = model.basal_max
    return any(
        (most is not None and step.rate > most)
        or (step.rate > 0 and floor_rate(model, step.rate) == 0)
        for step in profile_of(made).steps
    )


def _pieces(made: BasalPlanMade) -> tuple[Piece, ...]:
    pairs = rate_pairs(
        wanted_of(made), profile_of(made), starts_at=made.steps[0].at, ends_at=made.ends_at
    )
    return tuple(
        Piece(starts_at=start, ends_at=end, wanted=wanted, profile=profile)
        for start, end, wanted, profile in pairs
    )


def _surroundings(state: DeliveryState, made: BasalPlanMade, at: UtcMillis) -> tuple[Flow, ...]:
    """Give all other insulin: given, not counted yet, and programmed to come."""
    given = state.doses.given(at=at)
    counted_to = state.doses.basal.ends_at or at
    uncounted = BasalAhead(plan=state.plan).flows(counted_to=counted_to, at=at, ends_at=at)
    programmed = BasalAhead(plan=profile_of(made)).flows(
        counted_to=at, at=at, ends_at=UtcMillis(at + AHEAD_MS)
    )
    return (*settled(given, at=at, merged=MERGED_MS), *uncounted, *programmed)


def _allowed(
    state: DeliveryState,
    piece: Piece,
    limits: DeliveryLimitsSet,
    flows: tuple[Flow, ...],
    at: UtcMillis,
) -> tuple[MilliUnitsPerHour, BasalCutReason | None]:
    """Give the rate that limits and doubts leave, and what cut it most."""
    if piece.wanted <= piece.profile or piece.ends_at <= at:
        return piece.wanted, None
    doubt = doubt_of(state)
    if doubt is not None:
        return piece.profile, doubt
    rate, reason, agree = _capped(piece, limits)
    starts_at = max(piece.starts_at, at)
    asked = Asked(
        starts_at=starts_at,
        ends_at=piece.ends_at,
        flows=flows,
        windows=windows_of(
            limits, state.ahead.midnights, start=starts_at, end=piece.ends_at, boluses=False
        ),
    )
    rooms, agree_rooms = rooms_twice(asked)
    if not (agree and agree_rooms):
        return piece.profile, "limits_disagree"
    for room in rooms:
        above = room.left * HOUR_MS // (piece.ends_at - starts_at)
        if piece.profile + above < rate:
            rate = MilliUnitsPerHour(piece.profile + above)
            reason = _WINDOWS[room.name]
    return rate, reason


def _capped(
    piece: Piece, limits: DeliveryLimitsSet
) -> tuple[MilliUnitsPerHour, BasalCutReason | None, bool]:
    asked = RateAsked(rate=piece.wanted, scheduled=piece.profile, absolute=limits.basal)
    rate, agree = rate_twice(asked)
    return rate, None if rate == piece.wanted else "basal_limit", agree


_WINDOWS: dict[str, BasalCutReason] = {
    "daily_limit": "daily_limit",
    "four_hour_limit": "four_hour_limit",
    "calendar_day_limit": "calendar_day_limit",
}


def _above(piece: Piece, rate: MilliUnitsPerHour, at: UtcMillis) -> tuple[Flow, ...]:
    starts_at = max(piece.starts_at, at)
    if starts_at >= piece.ends_at:
        return ()
    above = (rate - piece.profile) * (piece.ends_at - starts_at)
    amount = MilliUnits(-(-above // HOUR_MS))
    return (Flow(starts_at=starts_at, ends_at=piece.ends_at, amount=amount, is_basal=True),)


def _by_model(
    limits: DeliveryLimitsSet, rate: MilliUnitsPerHour
) -> tuple[MilliUnitsPerHour, BasalCutReason | None]:
    model = PUMP_MODELS[limits.pump_model]
    given = floor_rate(model, rate)
    if model.basal_max is not None and rate > model.basal_max:
        return given, "pump_maximum"
    if given == 0 < rate:
        return given, "pump_minimum"
    return given, None
