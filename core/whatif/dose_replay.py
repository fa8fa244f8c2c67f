"""Boluses of a fork: each is given in the share, and at the times, of the order it stands for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, cast

import msgspec

from core.dosing.limits.limits import whole_pulses
from core.kernel.decider import Entry
from core.whatif.basal_replay import twins
from schemas.bolus.orders import BolusOrdered
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStartRequested,
    BolusStopped,
)
from schemas.delivery.unresolved_doses import (
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
    OrderAuthenticationFailed,
)
from schemas.message import Event
from schemas.units import MINUTE_MS, DoseId, Milliseconds, MilliUnits, UtcMillis

PART_MS: Final = Milliseconds(5 * MINUTE_MS)
"""[ms] between the parts of an extended bolus that the record has not; project's own choice."""

OfDose = (
    BolusStartRequested
    | BolusProgressed
    | BolusDelivered
    | BolusStopped
    | BolusRefused
    | BolusCancelled
    | BolusUnknown
    | BolusReconciled
    | DoseSettled
    | OrderAuthenticationFailed
)
"""[-] what the actuator says of one dose."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """An order of the fork and the recorded one that it stands for."""

    dose: DoseId
    ordered: MilliUnits
    recorded: MilliUnits


@dataclass(slots=True)
class Doses:
    """Which order of the fork stands for which of the record."""

    _pairs: dict[str, _Pair | None] = field(default_factory=dict)
    _given: dict[str, MilliUnits] = field(default_factory=dict)
    differ: bool = False
    """[-] some order is not the recorded one."""

    def pair(self, said: Iterable[Entry], recorded: Iterable[Entry]) -> list[Entry]:
        """Note the orders of one decision on both sides.

        Returns:
            The orders of the fork that stand for none of the record.
        """
        known = _orders(recorded)
        alone: list[Entry] = []
        for is_extended in (False, True):
            here = [one for one in _orders(said) if (_of(one).duration > 0) == is_extended]
            there = [one for one in known if (_of(one).duration > 0) == is_extended]
            self._pairs.update({one.id: None for one in there})
            for one, twin in twins(here, there):
                if twin is None:
                    alone.append(one)
                    continue
                amount = next(_of(known_one).amount for known_one in there if known_one.id == twin)
                self._pairs[twin] = _Pair(DoseId(one.id), _of(one).amount, amount)
                self.differ = self.differ or one.id != twin or _of(one).amount != amount
            self.differ = self.differ or len(here) != len(there)
        return alone

    def dose_of(self, recorded: str) -> DoseId | None:
        """Give the fork's order for a recorded one; none where it ordered nothing."""
        if recorded not in self._pairs:
            return DoseId(recorded)
        pair = self._pairs[recorded]
        return None if pair is None else pair.dose

    def refuse(self, recorded: DoseId) -> None:
        """Say nothing more of an order of the record: the one that stood for it was refused."""
        self._pairs[recorded] = None
        self.differ = True

    def forked(self, event: OfDose) -> Event | None:
        """Say of the fork's dose what the actuator said of the recorded one."""
        if event.dose not in self._pairs:
            return event
        pair = self._pairs[event.dose]
        if pair is None:
            return None
        named = msgspec.structs.replace(event, dose=pair.dose)
        match named:
            case BolusStartRequested() | BolusRefused():
                return msgspec.structs.replace(named, amount=pair.ordered)
            case BolusProgressed():
                return self._progressed(named, pair)
            case BolusDelivered() | BolusStopped():
                return msgspec.structs.replace(
                    named, requested=pair.ordered, delivered=_share(named.delivered, pair)
                )
            case BolusReconciled():
                return msgspec.structs.replace(named, delivered=_share(named.delivered, pair))
            case BolusUnknown():
                return msgspec.structs.replace(
                    named, least=_share(named.least, pair), most=_share(named.most, pair)
                )
            case DoseSettled():
                return msgspec.structs.replace(
                    named,
                    delivered=_share(named.delivered, pair),
                    counted=_share(named.counted, pair),
                )
            case _:
                return named

    def _progressed(self, event: BolusProgressed, pair: _Pair) -> BolusProgressed:
        before = self._given.get(pair.dose, MilliUnits(0))
        if pair.ordered == pair.recorded:
            return event
        delivered = _share(event.delivered, pair)
        self._given[pair.dose] = delivered
        amount = MilliUnits(max(0, delivered - before))
        return msgspec.structs.replace(event, amount=amount, delivered=delivered)


def _share(delivered: MilliUnits, pair: _Pair) -> MilliUnits:
    """Give the same share of the fork's order, in whole pulses rounded down [mU]."""
    if pair.ordered == pair.recorded or delivered == pair.recorded:
        return MilliUnits(pair.ordered * delivered // pair.recorded)
    return whole_pulses(pair.ordered * delivered // pair.recorded)


def _of(entry: Entry) -> BolusOrdered:
    return cast(BolusOrdered, entry.body)


def _orders(said: Iterable[Entry]) -> list[Entry]:
    return [one for one in said if isinstance(one.body, BolusOrdered)]


def given_alone(order: Entry) -> list[tuple[UtcMillis, Event]]:
    """Give an order in full that the record has no order for: at once, or evenly over its time.

    Returns:
        What the actuator would say, each with its instant [ms]; sorted.
    """
    body, dose = _of(order), DoseId(order.id)
    parts = max(1, body.duration // PART_MS)
    started = BolusStartRequested(
        dose=dose,
        amount=body.amount,
        duration=body.duration,
        odometer=MilliUnits(0),
        epoch=0,
        start_by=body.start_by,
    )
    said: list[tuple[UtcMillis, Event]] = [(order.at, started)]
    given, since = MilliUnits(0), order.at
    for part in range(1, parts + 1):
        at = UtcMillis(order.at + body.duration * part // parts)
        in_all = whole_pulses(body.amount * part // parts)
        progress = BolusProgressed(
            dose=dose,
            starts_at=since,
            ends_at=at,
            amount=MilliUnits(in_all - given),
            delivered=in_all,
            odometer=MilliUnits(0),
            history_sequence=0,
        )
        said.append((at, progress))
        given, since = in_all, at
    said.append((since, BolusDelivered(dose=dose, requested=body.amount, delivered=given)))
    return said
