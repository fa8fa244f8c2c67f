"""What was asked of the pump and has no answer yet, and what its answers change."""

from typing import Final, Literal

import msgspec

from core.deciders.delivery.state import AskedAct, Claim, DeliveryState, PrimeAsked
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.delivery.device import PumpAnswered
from schemas.delivery.mechanism import FaultClearRequested, MechanismRefused, PrimeRequested
from schemas.delivery.pump import (
    DeliveryCommandRefused,
    PumpBasalMaximumRequested,
    PumpClaimRequested,
    PumpTakeRequested,
    ReservoirFillRequested,
    ResumeRequested,
    SuspendRequested,
)
from schemas.units import HOUR_MS

ACTS_MAX = 8
"""[-] fills and primes on their way that are remembered."""

ABOVE_MAXIMUM: Final = "above_maximum"
"""[-] the pump's reason against a plan above the maximum basal rate that it holds."""

REQUEST_HANDLERS: Final = EventHandlers[DeliveryState]()
"""[-] what each request to the pump, and each answer of it, does."""


@REQUEST_HANDLERS.register
def _ask_to_suspend(
    state: DeliveryState, asked: SuspendRequested | ResumeRequested, entry: Entry
) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        wants_suspended=isinstance(asked, SuspendRequested),
        resume_at=asked.ends_at if isinstance(asked, SuspendRequested) else None,
        acting=(*state.acting, "suspend"),
        disconnected=isinstance(asked, SuspendRequested) and asked.disconnected,
    )


@REQUEST_HANDLERS.register
def _ask_to_clear(state: DeliveryState, asked: FaultClearRequested, entry: Entry) -> DeliveryState:
    del asked, entry
    return msgspec.structs.replace(state, acting=(*state.acting, "clear_fault"))


@REQUEST_HANDLERS.register
def _ask_to_prime(state: DeliveryState, asked: PrimeRequested, entry: Entry) -> DeliveryState:
    known = msgspec.structs.replace(
        _with_act(state, AskedAct("prime", asked.amount)), acting=(*state.acting, "prime")
    )
    if asked.disconnected and asked.what == "tube":
        return known
    recent = [one for one in state.primes if one.at > entry.at - HOUR_MS]
    return msgspec.structs.replace(
        known, primes=(*recent, PrimeAsked(at=entry.at, amount=asked.amount))
    )


@REQUEST_HANDLERS.register
def _ask_to_claim(state: DeliveryState, asked: PumpClaimRequested, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        claim=Claim(asked.over, asked.by),
        takes=False,
        acting=(*state.acting, "claim"),
    )


@REQUEST_HANDLERS.register
def _ask_to_take(state: DeliveryState, asked: PumpTakeRequested, entry: Entry) -> DeliveryState:
    del asked, entry
    return msgspec.structs.replace(state, takes=True, is_superseded=False)


@REQUEST_HANDLERS.register
def _ask_to_fill(
    state: DeliveryState, asked: ReservoirFillRequested, entry: Entry
) -> DeliveryState:
    del entry
    return _with_act(state, AskedAct("fill", asked.amount))


@REQUEST_HANDLERS.register
def _give_up_act(
    state: DeliveryState, refused: DeliveryCommandRefused | MechanismRefused, entry: Entry
) -> DeliveryState:
    del entry
    if refused.reason != "pump_refused" or refused.name not in ("fill", "prime"):
        return state
    return without_act(state, refused.name)


@REQUEST_HANDLERS.register
def _ask_for_maximum(
    state: DeliveryState, asked: PumpBasalMaximumRequested, entry: Entry
) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state, basal_max=asked.rate, acting=(*state.acting, "limit_basal")
    )


@REQUEST_HANDLERS.register
def _take_answer(state: DeliveryState, answer: PumpAnswered, entry: Entry) -> DeliveryState:
    del entry
    act = answer.act
    done = answer.about if act == "start_bolus" else "suspend" if act == "resume" else act
    acting = tuple(name for name in state.acting if name != done)
    refused = state.plan_refused
    if is_above_maximum(answer):
        refused = answer.about
    elif (act, answer.result) == ("limit_basal", "done"):
        # What was too much for the pump may fit now.
        refused = None
    return msgspec.structs.replace(state, acting=acting, plan_refused=refused)


def is_above_maximum(answer: PumpAnswered) -> bool:
    """Say whether the pump refused a plan for a rate above its maximum."""
    return (answer.act, answer.result, answer.reason) == ("load_plan", "refused", ABOVE_MAXIMUM)


def _with_act(state: DeliveryState, act: AskedAct) -> DeliveryState:
    acts = (*state.acts_asked, act)[-ACTS_MAX:]
    return msgspec.structs.replace(state, acts_asked=acts)


def without_act(state: DeliveryState, kind: Literal["fill", "prime"]) -> DeliveryState:
    """Take out the oldest of a kind: the pump does them one after the other."""
    found = next((act for act in state.acts_asked if act.kind == kind), None)
    if found is None:
        return state
    acts = list(state.acts_asked)
    acts.remove(found)
    return msgspec.structs.replace(state, acts_asked=tuple(acts))
