"""The life of a dose from order to account: each state, and each step that leads on.

A record in which a dose takes any other step is wrong: no path leads from an unknown outcome to a
second start, to a refusal or to a failure that the pump's own count does not show (I5).
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from core.kernel.decider import Entry
from schemas.bolus.orders import BolusOrdered, BolusOrderSigned, BolusOrderWithdrawn
from schemas.delivery.delivery import (
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStartRequested,
    BolusStopped,
)
from schemas.delivery.unresolved_doses import BolusReconciled, BolusUnknown, DoseSettled
from schemas.units import DoseId, Speaker

DoseState = Literal[
    "unheard_of",
    "ordered",
    "signed",
    "withdrawn",
    "refused",
    "started",
    "running",
    "unknown",
    "settled",
    "found",
    "reconciled",
    "delivered",
    "stopped",
]
Step = Literal[
    "order",
    "sign",
    "withdraw",
    "refuse",
    "start",
    "start_unsigned",
    "count",
    "deliver",
    "stop",
    "lose_sight",
    "settle",
    "find_running",
    "reconcile",
]

STEPS: Final[dict[tuple[DoseState, Step], DoseState]] = {
    ("unheard_of", "order"): "ordered",
    ("ordered", "sign"): "signed",
    ("ordered", "withdraw"): "withdrawn",
    ("ordered", "refuse"): "refused",
    # Records older than signatures.
    ("ordered", "start_unsigned"): "started",
    ("withdrawn", "refuse"): "refused",
    ("signed", "start"): "started",
    ("signed", "refuse"): "refused",
    # The pump's own refusal: not a pulse of it.
    ("started", "refuse"): "refused",
    ("started", "count"): "running",
    ("started", "stop"): "stopped",
    ("started", "lose_sight"): "unknown",
    ("running", "count"): "running",
    ("running", "deliver"): "delivered",
    ("running", "stop"): "stopped",
    ("running", "lose_sight"): "unknown",
    # What the pump counts makes it no better known, until its end is.
    ("unknown", "count"): "unknown",
    ("unknown", "find_running"): "running",
    ("unknown", "reconcile"): "reconciled",
    ("unknown", "settle"): "settled",
    # A person's word stands until the pump tells.
    ("settled", "count"): "settled",
    ("settled", "find_running"): "running",
    ("settled", "reconcile"): "reconciled",
    # What the pump gave and nobody here ordered.
    ("unheard_of", "count"): "found",
    ("found", "count"): "found",
    ("found", "reconcile"): "reconciled",
    ("reconciled", "deliver"): "delivered",
    ("reconciled", "stop"): "stopped",
}
"""[-] state and step to the next state; whatever is not here must not happen."""

SPEAKERS: Final = (Speaker("bolus_advisor"), Speaker("actuator"))
"""[-] who says all that there is to say of a dose."""

OPEN: Final[frozenset[DoseState]] = frozenset(
    {"ordered", "signed", "withdrawn", "started", "running", "unknown", "settled"}
)
"""[-] states that are no end yet."""


class WrongStep(msgspec.Struct, frozen=True, kw_only=True):
    """An event that no dose in its state can have."""

    event: str
    """[-] its id."""
    dose: DoseId
    """[-] of which dose."""
    before: DoseState
    """[-] where the dose stood."""
    step: Step
    """[-] what it says."""


class Lives(msgspec.Struct, frozen=True, kw_only=True):
    """Where each dose of a record stands, and what went wrong on the way."""

    states: dict[DoseId, DoseState]
    """[-] by dose, in order of its first event."""
    wrong: tuple[WrongStep, ...]
    """[-] in the order of the record; empty for a sound one."""

    @property
    def counted(self) -> dict[DoseState, int]:
        """Count doses by state."""
        return dict(Counter(self.states.values()))


def lives_of(entries: Iterable[Entry]) -> Lives:
    """Follow every dose through a record; after a wrong step it goes on from where it stood."""
    states: dict[DoseId, DoseState] = {}
    wrong: list[WrongStep] = []
    for entry in entries:
        found = step_of(entry)
        if found is None:
            continue
        dose, step = found
        before = states.get(dose, "unheard_of")
        after = STEPS.get((before, step))
        if after is None:
            wrong.append(WrongStep(event=entry.id, dose=dose, before=before, step=step))
        else:
            states[dose] = after
    return Lives(states=states, wrong=tuple(wrong))


def step_of(entry: Entry) -> tuple[DoseId, Step] | None:
    """Say which dose an event moves on, and by which step; None where it moves none."""
    match entry.body:
        case BolusOrdered():
            return DoseId(entry.id), "order"
        case BolusOrderSigned(dose=dose):
            return dose, "sign"
        case BolusOrderWithdrawn(dose=dose):
            return dose, "withdraw"
        case BolusRefused(dose=dose):
            return dose, "refuse"
        case BolusStartRequested(dose=dose, signed=signed):
            return dose, "start_unsigned" if signed is None else "start"
        case BolusProgressed(dose=dose):
            return dose, "count"
        case BolusDelivered(dose=dose):
            return dose, "deliver"
        case BolusStopped(dose=dose):
            return dose, "stop"
        case BolusUnknown(dose=dose):
            return dose, "lose_sight"
        case DoseSettled(dose=dose):
            return dose, "settle"
        case BolusReconciled(dose=dose, outcome=outcome):
            return dose, "find_running" if outcome == "running" else "reconcile"
        case _:
            return None
