"""Why something was said: the tree of what it came from, down to readings, settings and people."""

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import msgspec

from schemas.message import Command, Event, Report, parse_event_id
from schemas.units import Milliseconds, UtcMillis

ORIGINS_MAX: Final = 2_000
"""[-] in one tree; what lies behind them is left out, and said to be."""

CAUSE: Final = "cause"
"""[-] role of what led to a decision; every other role is a field of the event that names it."""

LINE_OF_A_DOSE: Final = frozenset({CAUSE, "advice", "dose", "plan", "profile", "profiles"})
"""[-] roles behind which the story itself goes on; what else is named is ground, and stands still.

Each advice names the doses before it, and each of those an advice: all of them would be the record.
"""

Missing = Literal["not_recorded", "shown_before", "left_out"]
"""[-] why nothing stands behind a name: the record has it not, or the tree has it already."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Something on record: an event, a command or a report."""

    name: str
    """[-] its id."""
    at: UtcMillis
    """[ms] therapy time of the decision that said or heard it."""
    recorded_at: UtcMillis
    """[ms] real time of it."""
    by: str
    """[-] the speaker of an event or a report, the actor of a command."""
    cause: str | None
    """[-] id of what led to it; none for commands and reports, which come from outside."""
    body: Event | Command | Report
    """[-] what was said."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in the tree and what it came from in its turn."""

    role: str
    """[-] CAUSE, or the field that names it; empty for what was asked about."""
    name: str
    """[-] its id."""
    known: Known | None
    """[-] what is on record of it."""
    missing: Missing | None = None
    """[-] why nothing stands here; none where something does."""
    latency: Milliseconds | None = None
    """[ms] of real time from this to what it led to; none for what is no cause."""
    origins: tuple["Origin", ...] = ()
    """[-] what it came from, the cause first."""


Find = Callable[[str, str], Known | None]
"""[-] looks a name up: (its id, the speaker that named it)."""


def named_in(body: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """Give (field, id) of each event that a message names, nested ones too, in its own order."""
    for field in body.__struct_fields__:
        yield from ((field, name) for name in _ids_in(getattr(body, field)))


def _ids_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if is_event_id(value):
            yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _ids_in(one)
    elif isinstance(value, msgspec.Struct):
        for _, name in named_in(value):
            yield name


def is_event_id(text: str) -> bool:
    """Say whether a text has the form of an event's id."""
    try:
        parse_event_id(text)
    except ValueError:
        return False
    return True


def explain(name: str, find: Find) -> Origin:
    """Give the tree behind an event.

    Args:
        name: [-] its id.
        find: looks up what is on record.

    Returns:
        The event itself at the root; each thing stands whole where it is met first.
    """
    return _Explaining(find).origin("", name, speaker="", led_to=None, is_line=True)


class _Explaining:
    """One tree while it grows."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._met: set[str] = set()

    def origin(
        self, role: str, name: str, *, speaker: str, led_to: Known | None, is_line: bool
    ) -> Origin:
        key = name if is_event_id(name) else f"{speaker} {name}"
        if key in self._met:
            return Origin(role=role, name=name, known=None, missing="shown_before")
        if len(self._met) >= ORIGINS_MAX:
            return Origin(role=role, name=name, known=None, missing="left_out")
        self._met.add(key)
        known = self._find(name, speaker)
        if known is None:
            return Origin(role=role, name=name, known=None, missing="not_recorded")
        return Origin(
            role=role,
            name=name,
            known=known,
            latency=_latency(known, led_to) if role == CAUSE and led_to else None,
            origins=tuple(self._behind(known, is_line=is_line)),
        )

    def _behind(self, known: Known, *, is_line: bool) -> Iterator[Origin]:
        roles = {} if known.cause is None else {known.cause: CAUSE}
        if is_line and isinstance(known.body, Event):
            for field, name in named_in(known.body):
                roles.setdefault(name, field)
        roles.pop(known.name, None)
        for name, role in roles.items():
            goes_on = is_line and role in LINE_OF_A_DOSE
            yield self.origin(role, name, speaker=known.by, led_to=known, is_line=goes_on)


def _latency(known: Known, led_to: Known) -> Milliseconds:
    """Give the real time [ms] to what a cause led to; clocks of two machines may make it less."""
    return Milliseconds(led_to.recorded_at - known.recorded_at)
