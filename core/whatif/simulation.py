"""A fork of one pump's history: the real deciders go on from an instant under other settings.

What came from outside (readings, commands of persons, the pump's doings) is taken from the record;
what the services said is decided anew. Two journals are enough: the scheduler's, and the advisor's,
which hears all that the actuator says.
"""

from collections.abc import Iterable, Iterator

from core.deciders.basal.state import BASAL_SCHEDULER
from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.bolus.state import BOLUS_ADVISOR
from core.deciders.delivery.state import ACTUATOR
from core.kernel.decider import Entry
from core.record.daily_totals import DayOf
from core.whatif.actuator_replay import ForkedDelivery
from core.whatif.basal_replay import Schedule, Word, fork_schedule
from core.whatif.comparison import Comparison
from core.whatif.decider_run import Run, moved
from core.whatif.dose_replay import given_alone
from core.whatif.person_replay import People, Waiting, settings_asked, settings_of
from core.whatif.shapes import (
    WHAT_IF,
    DecisionRecord,
    Forked,
    ForkRefused,
    Other,
    ZoneOf,
)
from schemas.basal.profiles import BasalPlanMade
from schemas.bolus.advice import AcceptAdvice, CarbsRecorded
from schemas.bolus.orders import OrderSigned
from schemas.bolus.settings import BolusSettingsRefused, SetBolusSettings
from schemas.delivery.delivery import BolusRefused
from schemas.message import Event, Now
from schemas.units import DoseId, PumpId, UtcMillis

_ACCOUNTED = (BASAL_SCHEDULER, BOLUS_ADVISOR, ACTUATOR)
"""[-] speakers whose events the actuator's account is made of."""


def fork(
    *,
    scheduler: Iterable[DecisionRecord],
    advisor: Iterable[DecisionRecord],
    pump: PumpId,
    since: UtcMillis,
    until: UtcMillis | None,
    other: Other,
    zone_of: ZoneOf,
    day_of: DayOf,
) -> Forked:
    """Go on from an instant under other settings, and compare with what was recorded.

    Args:
        scheduler: all turns of basal_scheduler's journal, in order.
        advisor: all turns of bolus_advisor's journal, in order.
        pump: whose.
        since: [ms] therapy time of the fork; within the record.
        until: [ms] end of what is compared; none for the end of the record.
        other: the settings that hold instead of those recorded.
        zone_of: looks up zones that the record did not ask for.
        day_of: names the days that totals are for.

    Raises:
        ForkRefused: the record does not reach there, or a setting is refused.
    """
    decisions = iter(advisor)
    simulation = _Simulation(pump, since=since, other=other, zone_of=zone_of, day_of=day_of)
    first = simulation.share(decisions)
    simulation.begin(first.now)
    schedule = fork_schedule(
        scheduler,
        pump=pump,
        since=since,
        until=until,
        other=other,
        limits=simulation.delivery.limits,
        zone_of=zone_of,
    )
    simulation.schedule(schedule)
    for decision in _with(first, decisions):
        if until is not None and decision.now.therapy >= until:
            break
        simulation.take(decision)
    return simulation.end(until)


def _with(first: DecisionRecord, decisions: Iterator[DecisionRecord]) -> Iterator[DecisionRecord]:
    yield first
    yield from decisions


class _Simulation:
    """Advisor and actuator of the fork, and the scheduler's words on their way."""

    def __init__(
        self, pump: PumpId, *, since: UtcMillis, other: Other, zone_of: ZoneOf, day_of: DayOf
    ) -> None:
        self.run = Run(BOLUS_DECIDER, pump=pump, zone_of=zone_of)
        self.delivery = ForkedDelivery(pump)
        self._pump, self._since, self._other = pump, since, other
        self._people = People(self.delivery.doses)
        self._both = Comparison(since=since, day_of=day_of)
        self._waiting = Waiting()

    def share(self, decisions: Iterator[DecisionRecord]) -> DecisionRecord:
        """Fold what came before the fork; give the first turn after it."""
        began: UtcMillis | None = None
        for decision in decisions:
            if began is None:
                began = decision.now.therapy
                if self._since < began:
                    raise ForkRefused("before_record", at=began)
            if decision.now.therapy >= self._since:
                return decision
            self.run.share(decision)
            for entry in (decision.input, *decision.said):
                if entry is not None and entry.speaker in _ACCOUNTED:
                    self.delivery.take(entry)
        raise ForkRefused("after_record", at=self.run.now.therapy)

    def begin(self, near: Now) -> None:
        """Let the other settings be decided on."""
        now = moved(near, self._since)
        self._people.see(self.run.recorded, self.run.forked)
        if self._other.limits is not None:
            for entry in self.delivery.set_limits(
                self._other.limits, now, profile=self._other.profile
            ):
                self._tell(entry, now)
        asked = self._settings()
        if asked is None:
            return
        command = Entry(id=f"{WHAT_IF}:settings", at=now.therapy, actor=WHAT_IF, body=asked)
        for one in self.run.hear(command, now):
            if isinstance(one.body, BolusSettingsRefused):
                raise ForkRefused("setting_refused", refusal=one.body)
            self.delivery.take(one)

    def _settings(self) -> SetBolusSettings | None:
        other, known = self._other, self.run.forked.settings
        if other.settings is not None:
            return settings_asked(other.settings, other)
        if other.rules is None and other.insulin is None:
            return None
        return None if known is None else settings_of(known, other)

    def schedule(self, schedule: Schedule) -> None:
        """Take the scheduler's words: each at the place of the recorded one, or at its time."""
        self._both.add(schedule.rows)
        self._waiting.schedule(schedule)

    def take(self, decision: DecisionRecord) -> None:
        """Go on by one turn of the advisor's record."""
        now = decision.now
        self._pass_time(now)
        heard = decision.input
        if heard is None:
            self.run.adopt(decision)
            return
        self._both.record((heard, *decision.said))
        said: list[Entry] = []
        for entry in self._in_the_fork(heard, now):
            said.extend(self._tell(entry, now, recorded=decision.said))
        said.extend(self._carried(heard, decision, said))
        self._pair(heard, decision, said)
        self.run.follow(decision)
        self._people.see(self.run.recorded, self.run.forked)

    def _pass_time(self, now: Now) -> None:
        """Say what the fork says between two entries of the record."""
        for word in self._waiting.due(until=now.therapy):
            self._both.measures.look(self.run.recorded, self.run.forked, until=word.now.therapy)
            self._hear_word(word)
        self._both.measures.look(self.run.recorded, self.run.forked, until=now.therapy)
        for one, _ in self.run.wake(until=now.therapy):
            self._hear_own(one)
        for entry in self.delivery.pass_time(now):
            self._tell(entry, now)

    def _hear_word(self, word: Word) -> None:
        """Hear what the record has not: of the scheduler, or of a dose given on its own."""
        entry, now = word.entry, word.now
        if entry.speaker == ACTUATOR and isinstance(entry.body, Event):
            entry = self.delivery.say(entry.body, now)
            self._both.refuse([entry])
        elif isinstance(entry.body, BasalPlanMade):
            self._tell(entry, now)
            self._both.differ(now.therapy)
            for answer in self.delivery.take_plan(entry, now):
                self._tell(answer, now)
            return
        else:
            self.delivery.take(entry)
        self._tell(entry, now)

    def _in_the_fork(self, heard: Entry, now: Now) -> list[Entry]:
        """Give what is heard in the fork in place of a recorded entry."""
        if heard.speaker == ACTUATOR and isinstance(heard.body, Event):
            said = self.delivery.hear(heard, heard.body, now)
            self._both.refuse(() if isinstance(heard.body, BolusRefused) else said)
            return said
        if heard.speaker == BASAL_SCHEDULER:
            return self._scheduled(heard)
        if isinstance(heard.body, SetBolusSettings):
            return self._set_later(heard, heard.body)
        asked = self._people.asked(heard) if self.run.is_answer(heard) else None
        return [] if asked is None else [asked]

    def _scheduled(self, heard: Entry) -> list[Entry]:
        entry = self._waiting.instead_of(heard)
        if entry is None:
            return []
        if entry.body != heard.body:
            self.delivery.plans_differ = True
            self._both.differ(heard.at)
        self.delivery.take(entry)
        return [entry]

    def _set_later(self, heard: Entry, asked: SetBolusSettings) -> list[Entry]:
        """Let the other settings hold on where the record has a change of them."""
        if self._other.settings is not None:
            self._both.leave_out(heard)
            return []
        changed = settings_asked(asked, self._other)
        return [Entry(id=heard.id, at=heard.at, actor=heard.actor, body=changed)]

    def _tell(self, entry: Entry, now: Now, *, recorded: tuple[Entry, ...] = ()) -> list[Entry]:
        """Let the advisor hear something in the fork; give what it says."""
        self._both.measures.take_forked(entry)
        said = self.run.hear(entry, now, recorded=recorded)
        for one in said:
            self._hear_own(one)
        return said

    def _hear_own(self, said: Entry) -> None:
        self._both.measures.take_forked(said)
        self.delivery.take(said)

    def _carried(self, heard: Entry, decision: DecisionRecord, said: list[Entry]) -> list[Entry]:
        """Keep what was eaten, though the fork refused what it was recorded with."""
        if not isinstance(heard.body, AcceptAdvice):
            return []
        eaten = [one.body for one in decision.said if isinstance(one.body, CarbsRecorded)]
        has_said = any(isinstance(one.body, CarbsRecorded) for one in said)
        if has_said or self.run.forked.carbs_total > self.run.recorded.carbs_total:
            return []
        kept: list[Entry] = []
        for meal in eaten:
            kept.append(self.run.say(meal, decision.now))
            self._hear_own(kept[-1])
            self._both.carry(meal, at=decision.now.therapy, cause=heard.id)
        return kept

    def _pair(self, asked: Entry, decision: DecisionRecord, said: list[Entry]) -> None:
        """Put the advices and orders of both sides beside each other."""
        self._people.note(said, decision.said)
        for order in self.delivery.doses.pair(said, decision.said):
            self._give_alone(order, decision.now)
        self._both.compare(asked, recorded=decision.said, forked=said, of=self.run.recorded)

    def _give_alone(self, order: Entry, now: Now) -> None:
        """Sign and give an order that the record has not."""
        signed = OrderSigned(dose=DoseId(order.id), key=WHAT_IF)
        self._tell(Entry(id="report:fork", at=now.therapy, body=signed), now)
        refused = self.delivery.check(DoseId(order.id), now)
        for at, event in [(now.therapy, refused)] if refused else given_alone(order):
            entry = Entry(id=f"{WHAT_IF}:dose", at=at, speaker=ACTUATOR, body=event)
            self._waiting.add(Word(entry, moved(now, at), None))

    def end(self, until: UtcMillis | None) -> Forked:
        """Give what came of it.

        Raises:
            ForkRefused: rule set or insulin should be other, and no settings ever held.
        """
        wanted = self._other.rules is not None or self._other.insulin is not None
        if wanted and self.run.forked.settings is None:
            raise ForkRefused("no_settings", at=self._since)
        at = self.run.now.therapy if until is None else min(until, self.run.now.therapy)
        end = moved(self.run.now, max(at, self._since))
        self._pass_time(end)
        if self.delivery.flowing is not None:
            for part in self.delivery.flowing.count(at=end.therapy):
                self._both.measures.take_forked(self.delivery.say(part, end))
        return self._both.result(
            self._pump, until=end.therapy, basal_differs_from=self.delivery.flows_since
        )
