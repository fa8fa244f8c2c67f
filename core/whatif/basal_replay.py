"""Basal of a fork: what the scheduler would have planned, and what of it the pump would have given.

The pump of the fork delivers when the pump of the record delivered at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from core.deciders.basal.decider import BASAL_DECIDER
from core.deciders.basal.state import BasalState
from core.kernel.decider import Entry
from core.models.pulses import stretches
from core.whatif.decider_run import Run, moved
from core.whatif.shapes import SAID_TWICE, WHAT_IF, DecisionRecord, ForkRefused, Other, Row, ZoneOf
from schemas.basal.profiles import BasalProfileRefused, SetBasalProfile, SetBasalWeek
from schemas.delivery.delivery import BasalDelivered, DeliveryGap, DeliveryLimitsSet
from schemas.delivery.device import PULSE_MU, PumpPlan
from schemas.delivery.pump import DeliveryResumed, DeliverySuspended
from schemas.message import Event, Now, tag_of
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, PumpId, UtcMillis


@dataclass(frozen=True, slots=True)
class Word:
    """Something that the scheduler says in the fork."""

    entry: Entry
    now: Now
    twin: str | None
    """[-] the recorded event that it stands for; none for one that the record has not."""


@dataclass(slots=True)
class Schedule:
    """All that the scheduler says in the fork, beside its record."""

    words: list[Word] = field(default_factory=list)
    """[-] in order."""
    replaced: set[str] = field(default_factory=set)
    """[-] events of the record from the fork on: without a twin they are not said."""
    rows: list[Row] = field(default_factory=list)
    """[-] what was left out."""


def fork_schedule(
    decisions: Iterable[DecisionRecord],
    *,
    pump: PumpId,
    since: UtcMillis,
    until: UtcMillis | None,
    other: Other,
    limits: DeliveryLimitsSet | None,
    zone_of: ZoneOf,
) -> Schedule:
    """Let the scheduler decide again from an instant on.

    Args:
        turns: of its own journal, all of them, in order.
        pump: whose.
        since: [ms] where the fork begins.
        until: [ms] where it ends; none for the end of the journal.
        other: the other settings.
        limits: the fork's limits, from `since` on; none for those recorded.
        zone_of: looks up zones that the record did not ask for.

    Raises:
        ForkRefused: the profile is refused.
    """
    run = Run(BASAL_DECIDER, pump=pump, zone_of=zone_of)
    schedule = Schedule()
    is_begun = False
    for decision in decisions:
        if decision.now.therapy < since:
            run.share(decision)
            continue
        if until is not None and decision.now.therapy >= until:
            break
        if not is_begun:
            _begin(run, schedule, since, decision.now, other, limits)
            is_begun = True
        _add(schedule, run.wake(until=decision.now.therapy))
        _take(run, schedule, decision, other)
    if not is_begun:
        _begin(run, schedule, since, run.now, other, limits)
    if until is not None:
        _add(schedule, run.wake(until=until))
    return schedule


def _begin(
    run: Run[BasalState],
    schedule: Schedule,
    since: UtcMillis,
    near: Now,
    other: Other,
    limits: DeliveryLimitsSet | None,
) -> None:
    now = moved(near, since)
    if limits is not None:
        run.take(Entry(id=f"{WHAT_IF}:limits", at=since, body=limits))
    if other.profile is None:
        return
    profile = msgspec.structs.replace(other.profile, confirmed=SAID_TWICE)
    asked = Entry(id=f"{WHAT_IF}:profile", at=since, actor=WHAT_IF, body=profile)
    said = run.hear(asked, now)
    for one in said:
        if isinstance(one.body, BasalProfileRefused):
            raise ForkRefused("setting_refused", refusal=one.body)
    _add(schedule, [(one, now) for one in said])


def _take(run: Run[BasalState], schedule: Schedule, decision: DecisionRecord, other: Other) -> None:
    heard = decision.input
    if heard is None:
        run.adopt(decision)
        return
    schedule.replaced.update(one.id for one in decision.said)
    said: list[Entry] = []
    is_awaited = run.is_answer(heard)
    if other.profile is not None and isinstance(heard.body, SetBasalProfile | SetBasalWeek):
        text = tag_of(type(heard.body))
        schedule.rows.append(
            Row(at=decision.now.therapy, kind="left_out", cause=heard.id, text=text)
        )
    elif is_awaited and not (other.limits and isinstance(heard.body, DeliveryLimitsSet)):
        said = run.hear(_said_twice(heard), decision.now, recorded=decision.said)
    run.follow(decision)
    schedule.words.extend(Word(one, decision.now, twin) for one, twin in twins(said, decision.said))


def _said_twice(heard: Entry) -> Entry:
    """Let a recorded change be taken, as it was by a version that did not ask a second time."""
    if not isinstance(heard.body, SetBasalProfile | SetBasalWeek):
        return heard
    body = msgspec.structs.replace(heard.body, confirmed=SAID_TWICE)
    return msgspec.structs.replace(heard, body=body)


def twins(said: Iterable[Entry], recorded: Iterable[Entry]) -> list[tuple[Entry, str | None]]:
    """Name, for each event of the fork, the recorded one that it stands for: the next of its kind.

    Args:
        said: in the fork because of one entry, in order.
        recorded: in the record because of the same entry, in order.
    """
    left = list(recorded)
    found: list[tuple[Entry, str | None]] = []
    for one in said:
        twin = next((known for known in left if type(known.body) is type(one.body)), None)
        if twin is not None:
            left.remove(twin)
        found.append((one, twin.id if twin is not None else None))
    return found


def _add(schedule: Schedule, said: Iterable[tuple[Entry, Now]]) -> None:
    schedule.words.extend(Word(entry, now, None) for entry, now in said)


COUNTED_MS: Final = Milliseconds(5 * MINUTE_MS)
"""[ms] of basal accounted for at once; project's own choice, as often as a sensor reads."""

_PULSE_PARTS: Final = PULSE_MU * HOUR_MS
"""[mU ms/h] of one pulse."""


@dataclass(slots=True)
class Flowing:
    """Basal by the plans of the fork, in whole pulses, what is less than one carried exactly."""

    plan: PumpPlan | None
    """[-] by which it flows now."""
    counted_to: UtcMillis
    """[ms] up to where it is accounted for."""
    is_standing: bool = False
    """[-] suspended."""
    _carried: int = 0

    def change(self, plan: PumpPlan, *, at: UtcMillis) -> list[BasalDelivered]:
        """Flow by another plan from an instant on [ms]."""
        said = self.count(at=at)
        self.plan = plan
        return said

    def count(self, *, at: UtcMillis, least: int = 0) -> list[BasalDelivered]:
        """Account for what flowed until an instant [ms], if it is as long ago as `least` [ms]."""
        if at <= self.counted_to or at - self.counted_to < least:
            return []
        if self.is_standing:
            self.counted_to = at
            return []
        parts = self._carried + sum(
            part.rate * (part.ends_at - part.starts_at)
            for part in stretches(self.plan, starts_at=self.counted_to, ends_at=at)
        )
        pulses, self._carried = divmod(parts, _PULSE_PARTS)
        since, self.counted_to = self.counted_to, at
        return [
            BasalDelivered(
                starts_at=since,
                ends_at=at,
                amount=MilliUnits(pulses * PULSE_MU),
                odometer=MilliUnits(0),
                history_sequence=0,
            )
        ]

    def meet(self, event: Event) -> list[BasalDelivered]:
        """Take a time in which the pump of the record gave nothing."""
        match event:
            case DeliverySuspended(at=at):
                said = self.count(at=at)
                self.is_standing = True
                return said
            case DeliveryResumed(at=at):
                said = self.count(at=at)
                self.is_standing = False
                return said
            case DeliveryGap(starts_at=starts_at, ends_at=ends_at):
                said = self.count(at=starts_at)
                self.counted_to = max(self.counted_to, ends_at)
                return said
            case _:
                return []
