"""One decider that goes on under other settings, beside its own record."""

from collections import Counter
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from core.kernel.decider import Decider, Entry
from core.whatif.shapes import DecisionRecord, ZoneOf
from schemas.basal.profiles import ZoneLookupRequested, ZoneResolved
from schemas.message import Event, Now, event_id, version_of
from schemas.record import Tick
from schemas.units import PumpId, UtcMillis

StateT = TypeVar("StateT")

WAKES_MAX = 1_000
"""[-] ticks between two entries of the record: 250 days of a plan made anew each 6 h."""


class Run(Generic[StateT]):
    """A decider's state as recorded, and as forked.

    Attributes:
        recorded: as the record has it.
        forked: the same until the fork begins.
        version: of the fork's newest own event.
    """

    def __init__(self, decider: Decider[StateT], *, pump: PumpId, zone_of: ZoneOf) -> None:
        """Know nothing yet."""
        self.decider = decider
        self.recorded = self.forked = decider.initial(pump)
        self.version = 0
        self.now = Now(therapy=UtcMillis(0), real=UtcMillis(0), speed=1)
        self._pump = pump
        self._zone_of = zone_of
        self._awaited: Counter[str] = Counter()

    def follow(self, decision: DecisionRecord) -> None:
        """Fold a turn of the record."""
        if decision.input is not None:
            self.recorded = self.decider.evolve(self.recorded, decision.input)
        for said in decision.said:
            self.recorded = self.decider.evolve(self.recorded, said)
        self.now = decision.now

    def share(self, decision: DecisionRecord) -> None:
        """Fold a turn from before the fork: both sides are one."""
        self.follow(decision)
        self.forked = self.recorded
        self._count(decision)

    def adopt(self, decision: DecisionRecord) -> None:
        """Take the same own past over on both sides."""
        self.follow(decision)
        for said in decision.said:
            self.forked = self.decider.evolve(self.forked, said)
        self._count(decision)

    def _count(self, decision: DecisionRecord) -> None:
        for said in decision.said:
            if said.speaker != self.decider.name:
                continue
            self.version = max(self.version, version_of(said.id))
            if isinstance(said.body, ZoneLookupRequested):
                self._awaited[said.body.zone] += 1
        if decision.input is not None:
            self.is_answer(decision.input)

    def is_answer(self, heard: Entry) -> bool:
        """Take a recorded answer of a lookup; false where the fork waits for none such."""
        if not isinstance(heard.body, ZoneResolved):
            return True
        self._awaited[heard.body.zone] -= 1
        return self._awaited[heard.body.zone] >= 0

    def take(self, entry: Entry) -> None:
        """Fold an entry into the fork without deciding on it."""
        self.forked = self.decider.evolve(self.forked, entry)

    def say(self, event: Event, now: Now) -> Entry:
        """Say an event in the fork with the next version of its speaker."""
        self.version += 1
        name = event_id(speaker=self.decider.name, pump=self._pump, version=self.version)
        said = Entry(id=name, at=now.therapy, speaker=self.decider.name, body=event)
        self.take(said)
        return said

    def hear(self, entry: Entry, now: Now, *, recorded: Sequence[Entry] = ()) -> list[Entry]:
        """Decide on an entry in the fork.

        Args:
            entry: heard.
            now: the time to decide by.
            recorded: what was said of it in the record; a zone that it looked up is answered there.

        Returns:
            What the fork says, in order; where the record did not ask for a zone, the answer of
            the lookup is heard at once, and what is said of that is at the end.
        """
        events = self.decider.decide(self.forked, entry, now)
        self.take(entry)
        said = [self.say(event, now) for event in events]
        asked = {one.body.zone for one in recorded if isinstance(one.body, ZoneLookupRequested)}
        for event in events:
            if not isinstance(event, ZoneLookupRequested):
                continue
            if event.zone in asked:
                self._awaited[event.zone] += 1
            else:
                found = Entry(id="report:fork", at=now.therapy, body=self._zone_of(event))
                said.extend(self.hear(found, now, recorded=recorded))
        return said

    def wake(self, *, until: UtcMillis) -> list[tuple[Entry, Now]]:
        """Let time pass up to an instant [ms]: ticks where the fork wakes and the record did not.

        Returns:
            What the fork said, each with its time.
        """
        said: list[tuple[Entry, Now]] = []
        for _ in range(WAKES_MAX):
            at = self.decider.wake_at(self.forked)
            if at is None or at >= until or at == self.decider.wake_at(self.recorded):
                break
            now = moved(self.now, UtcMillis(max(at, self.now.therapy)))
            tick = Entry(id="report:fork", at=now.therapy, body=Tick())
            said.extend((one, now) for one in self.hear(tick, now))
            if self.decider.wake_at(self.forked) == at:
                break
        return said


def moved(now: Now, at: UtcMillis) -> Now:
    """Give the time of an instant of therapy time [ms] by a clock that runs on evenly."""
    real = now.real + (at - now.therapy) // max(1, now.speed)
    return msgspec.structs.replace(now, therapy=at, real=UtcMillis(real))
