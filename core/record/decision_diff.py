"""How two decisions about the same thing differ: which events, by how much insulin, in what."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, Final

import msgspec

from schemas.basal.plans import BasalPlanAccepted
from schemas.basal.profiles import BasalPlanMade
from schemas.bolus.advice import BolusAdvised
from schemas.bolus.orders import BolusOrdered, InjectionRecorded
from schemas.corrections import DoseCorrected
from schemas.delivery.delivery import (
    BasalDelivered,
    BolusDelivered,
    BolusProgressed,
    BolusStartRequested,
    BolusStopped,
)
from schemas.delivery.mechanism import MotorRanUnasked
from schemas.delivery.unresolved_doses import BolusReconciled, BolusUnknown, DoseSettled
from schemas.message import Event, Refusal, name_of
from schemas.units import HOUR_MS, MilliUnits, UtcMillis
from schemas.wire import codec

FIELDS_MAX: Final = 20
"""[-] told of one event; more are counted."""

_ABSENT: Final = object()

_BY_FIELD: Final[dict[type[Event], str]] = {
    BolusAdvised: "amount",
    BolusOrdered: "amount",
    BolusStartRequested: "amount",
    BolusProgressed: "amount",
    BasalDelivered: "amount",
    InjectionRecorded: "amount",
    BolusDelivered: "delivered",
    BolusStopped: "delivered",
    DoseSettled: "delivered",
    DoseCorrected: "amount",
    MotorRanUnasked: "amount",
    BolusReconciled: "delivered",
    BolusUnknown: "most",
}
"""[-] where an event says how much insulin [mU]; what is not known counts as all of it."""


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that two events say otherwise."""

    field: str
    """[-] where, such as 'terms.1.amount'."""
    stored: str
    """[-] as JSON; empty where it was not said."""
    decided: str
    """[-] the same, by the rules of today."""


class EventChange(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a decision that is said otherwise, not any more, or only now."""

    kind: str
    """[-] its name."""
    stored: MilliUnits | None
    """[mU] of insulin that it stood for; none where it was not said, or is not about insulin."""
    decided: MilliUnits | None
    """[mU] by the rules of today."""
    is_stored: bool
    """[-] it was said."""
    is_decided: bool
    """[-] it is said by the rules of today."""
    fields: tuple[FieldChange, ...] = ()
    """[-] what differs; of what was said only once nothing but its reason."""
    more: int = 0
    """[-] fields that differ beyond these."""

    @property
    def is_dose(self) -> bool:
        """Say whether insulin differs."""
        return self.difference is not None

    @property
    def difference(self) -> int | None:
        """Give how much more insulin it is today [mU]; None where it says as much as before."""
        if self.stored is None and self.decided is None:
            return None
        by = (self.decided or 0) - (self.stored or 0)
        return by if by or self.is_stored != self.is_decided else None


def paired(
    stored: Sequence[Event], decided: Sequence[Event]
) -> Iterator[tuple[int | None, int | None]]:
    """Put events of one kind beside each other; None stands where the other says nothing.

    Returns:
        [-] places in both, in the order of saying.
    """
    before, today = ([name_of(type(event)) for event in side] for side in (stored, decided))
    matcher = SequenceMatcher(None, before, today, autojunk=False)
    for how, first, last, begin, end in matcher.get_opcodes():
        if how == "equal":
            yield from zip(range(first, last), range(begin, end), strict=True)
        else:
            yield from ((one, None) for one in range(first, last))
            yield from ((None, other) for other in range(begin, end))


def change_of(stored: Event | None, decided: Event | None) -> EventChange:
    """Say how an event differs; one of the two at least is there.

    Raises:
        ValueError: neither is.
    """
    said = decided if stored is None else stored
    if said is None:
        raise ValueError("nothing was said and nothing is")
    found = list(_fields(stored, decided))
    return EventChange(
        kind=name_of(type(said)),
        stored=None if stored is None else amount_in(stored),
        decided=None if decided is None else amount_in(decided),
        is_stored=stored is not None,
        is_decided=decided is not None,
        fields=tuple(found[:FIELDS_MAX]),
        more=max(0, len(found) - FIELDS_MAX),
    )


def amount_in(event: Event) -> MilliUnits | None:
    """Give the insulin that an event stands for [mU]; None where it is not about an amount.

    Of a plan it is all that its steps deliver, from the first to the end.
    """
    field = _BY_FIELD.get(type(event))
    if field is not None:
        return MilliUnits(getattr(event, field))
    if isinstance(event, BasalPlanMade | BasalPlanAccepted):
        ends: list[UtcMillis] = [*(step.at for step in event.steps), event.ends_at]
        spans = [until - since for since, until in pairwise(ends)]
        rates = [step.rate for step in event.steps]
        return MilliUnits(
            sum(rate * span for rate, span in zip(rates, spans, strict=True)) // HOUR_MS
        )
    return None


def _fields(stored: Event | None, decided: Event | None) -> Iterator[FieldChange]:
    if stored is not None and decided is not None:
        yield from _differing("", msgspec.to_builtins(stored), msgspec.to_builtins(decided))
        return
    only = stored if decided is None else decided
    if isinstance(only, Refusal):
        text = _text(getattr(only, "reason", _ABSENT))
        yield FieldChange(
            field="reason",
            stored=text if decided is None else "",
            decided="" if decided is None else text,
        )


def _differing(path: str, stored: Any, decided: Any) -> Iterator[FieldChange]:
    if stored == decided:
        return
    keys: Sequence[Any] = ()
    if isinstance(stored, dict) and isinstance(decided, dict):
        keys = list(dict.fromkeys((*stored, *decided)))
    elif isinstance(stored, list | tuple) and isinstance(decided, list | tuple):
        keys = range(max(len(stored), len(decided)))
    if keys:
        for key in keys:
            name = f"{path}.{key}" if path else str(key)
            yield from _differing(name, _at(stored, key), _at(decided, key))
        return
    yield FieldChange(field=path, stored=_text(stored), decided=_text(decided))


def _at(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except (KeyError, IndexError):
        return _ABSENT


def _text(value: Any) -> str:
    return "" if value is _ABSENT else codec.encode(value).decode()
