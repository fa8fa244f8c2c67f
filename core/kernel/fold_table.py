"""The fold of a decider as one table, composed at import: each kind's effects, in their order.

A state has parts with handlers of their own (the account of doses, alarms, the programme). Asking
each of them for each event costs more than what they do: most events concern one. So the table is
composed once, and an event that no part knows changes nothing and costs one look.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Generic, NamedTuple

import msgspec

from core.kernel.decider import Entry, StateT
from core.kernel.event_handlers import EventHandlers
from schemas.units import Speaker

Fold = Callable[[Any, Any, Entry], Any]
"""[-] (state, message, entry) to the state after it; the same where nothing changes."""

Put = Callable[[Any, Any, Any, Entry], Any]
"""[-] (state, changed part, message, entry) to the state with it."""


class Step(NamedTuple):
    """What one part does with one kind."""

    fold: Fold
    is_last: bool
    """[-] where it changed something, no later step is taken."""


class FoldTable(Generic[StateT]):
    """What each kind of message does to a state, part after part."""

    def __init__(self, *parts: Mapping[type, Step]) -> None:
        """Compose the parts; for each kind their steps are taken in this order."""
        by_kind: dict[type, list[Step]] = {}
        for part in parts:
            for kind, step in part.items():
                by_kind.setdefault(kind, []).append(step)
        self.by_kind: Final = {kind: _one(tuple(steps)) for kind, steps in by_kind.items()}
        """[-] a kind that is not in it changes nothing."""

    def __call__(self, state: StateT, entry: Entry) -> StateT:
        """Fold one entry; the same state comes back where nothing changes."""
        body = entry.body
        fold = self.by_kind.get(type(body))
        return state if fold is None else fold(state, body, entry)


def _one(steps: tuple[Step, ...]) -> Fold:
    """Make one fold of the steps of a kind; nearly every kind has a single one."""
    if len(steps) == 1:
        return steps[0].fold

    def each(state: Any, body: Any, entry: Entry) -> Any:
        for fold, is_last in steps:
            after = fold(state, body, entry)
            if after is not state and is_last:
                return after
            state = after
        return state

    return each


def whole(handlers: EventHandlers[Any]) -> Mapping[type, Step]:
    """Give the steps of handlers that take the whole state."""
    return {kind: Step(fold, is_last=False) for kind, fold in handlers.by_kind.items()}


def part(
    name: str,
    handlers: EventHandlers[Any],
    *,
    put: Mapping[type, Put] | None = None,
    is_last: bool = False,
    of: Speaker | None = None,
    without: Collection[type] = (),
) -> Mapping[type, Step]:
    """Give the steps of handlers that take one part of the state.

    Args:
        name: of the part, an attribute of the state.
        handlers: of the part.
        put: by kind, how a changed part enters the state where it does more than take the place of
            the old one.
        is_last: where the part changed, no later step is taken.
        of: whose events alone are folded; None for everybody's.
        without: kinds whose effect on the part is stated elsewhere, with all else that they do.
    """
    puts = put or {}
    return {
        kind: Step(_of_part(name, fold, puts.get(kind), of), is_last)
        for kind, fold in handlers.by_kind.items()
        if kind not in without
    }


def _of_part(name: str, fold: Fold, put: Put | None, of: Speaker | None) -> Fold:
    def replaced(state: Any, body: Any, entry: Entry) -> Any:
        if of is not None and entry.speaker != of:
            return state
        before = getattr(state, name)
        after = fold(before, body, entry)
        if after is before:
            return state
        if put is not None:
            return put(state, after, body, entry)
        return msgspec.structs.replace(state, **{name: after})

    return replaced
