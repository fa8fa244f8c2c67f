"""Whatever was asked in whatever order, corrections among it: each decision is made again alike."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import core.deciders.bolus.events
import core.dosing.insulin_account.dose_account_events
from core.deciders.registry import DECIDERS
from core.dosing.insulin_account.dose_account import BolusPart
from schemas.basal.profiles import SetTemporaryRate
from schemas.bolus.advice import AcceptAdvice, RecordCarbs, RequestAdvice
from schemas.bolus.orders import OrderBolus, RecordInjection
from schemas.corrections import CorrectCarbs, CorrectDose, VoidReading
from schemas.glucose import GlucoseSource, RecordReading
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    EventId,
    Grams,
    Milliseconds,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from services.runtime.audit.redecide import verify_decisions
from services.runtime.replay.replay import replay
from support.simulated.changed_decider import changed
from support.simulated.fake_system import PUMP, FakeSystem

ADVISOR, ACTUATOR, INGEST = "bolus_advisor", "actuator", "glucose_ingest"
SERVICES = ("actuator", "bolus_advisor", "basal_scheduler", "historian", "glucose_ingest")
AGO = st.integers(0, 90).map(lambda minutes: minutes * MINUTE_MS)


class DecidedAgain(RuleBasedStateMachine):
    """What a person says of glucose, insulin and meals, and takes back."""

    @initialize()
    def begin(self) -> None:
        """Nothing is wrong yet."""
        self.system = FakeSystem()
        self.system.set_up()
        self.system.run(ms=2 * HOUR_MS)
        self.readings: list[EventId] = []
        self.voided: set[EventId] = set()
        self.pens: dict[DoseId, MilliUnits] = {}
        self.meals: dict[EventId, Grams] = {}
        self.advice: EventId | None = None

    def _then(self, ago: int) -> UtcMillis:
        return UtcMillis(self.system.clock.now().therapy - ago)

    @rule(glucose=st.integers(40, 400), source=st.sampled_from(("meter", "sensor")), ago=AGO)
    def measure(self, glucose: int, source: GlucoseSource, ago: int) -> None:
        """In order or late, by meter or sensor."""
        reading = RecordReading(
            measured_at=self._then(ago), source=source, unit="mg/dL", received=str(glucose)
        )
        outcome = self.system.ask(reading, to=INGEST)
        if outcome.accepted:
            self.readings.append(outcome.events[0])

    @rule(which=st.integers(0, 9))
    def void(self, which: int) -> None:
        """Take one of the last readings back, perhaps again."""
        for name in self.readings[-1 - which :][:1]:
            outcome = self.system.ask(VoidReading(reading=name), to=INGEST)
            assert outcome.accepted == (name not in self.voided)
            self.voided.add(name)

    @rule(amount=st.integers(1, 20_000).map(MilliUnits), ago=AGO)
    def inject(self, amount: MilliUnits, ago: int) -> None:
        """By pen."""
        asked = RecordInjection(amount=amount, given_at=self._then(ago))
        self.pens[DoseId(self.system.ask(asked, to=ADVISOR).events[0])] = amount

    @rule(which=st.integers(0, 3), amount=st.integers(0, 20_000).map(MilliUnits))
    def correct_pen(self, which: int, amount: MilliUnits) -> None:
        """Say that one was another amount."""
        for dose in list(self.pens)[-1 - which :][:1]:
            self.system.ask(CorrectDose(dose=dose, amount=amount), to=ADVISOR)
            self.pens[dose] = amount

    @rule(grams=st.integers(1, 300).map(Grams), ago=AGO)
    def eat(self, grams: Grams, ago: int) -> None:
        """Without a bolus."""
        asked = RecordCarbs(grams=grams, eaten_at=self._then(ago))
        self.meals[self.system.ask(asked, to=ADVISOR).events[0]] = grams

    @rule(which=st.integers(0, 3), grams=st.integers(0, 300).map(Grams))
    def correct_meal(self, which: int, grams: Grams) -> None:
        """Say that one was another amount."""
        for meal in list(self.meals)[-1 - which :][:1]:
            if self.system.ask(CorrectCarbs(carbs=meal, grams=grams), to=ADVISOR).accepted:
                self.meals[meal] = grams

    @rule(amount=st.integers(1, 80).map(lambda pulses: MilliUnits(50 * pulses)))
    def order(self, amount: MilliUnits) -> None:
        """An amount of one's own; then a person says that it was nothing."""
        self.system.ask(OrderBolus(amount=amount, confirmed=True), to=ADVISOR)
        book = self.system.state(ADVISOR).doses
        for dose in {one.dose for one in (*book.boluses, *book.open)} - set(self.pens):
            said = CorrectDose(dose=DoseId(dose), amount=MilliUnits(0))
            assert "counted_by_pump" == self.system.ask(said, to=ADVISOR).reason

    @rule(carbs=st.integers(0, 90))
    def advise(self, carbs: int) -> None:
        """Ask."""
        outcome = self.system.ask(RequestAdvice(carbs=Grams(carbs)), to=ADVISOR)
        self.advice = outcome.events[0] if outcome.accepted else None

    @rule()
    def accept(self) -> None:
        """Take the newest advice."""
        if self.advice is not None:
            self.system.ask(AcceptAdvice(advice=self.advice, confirmed=True), to=ADVISOR)

    @rule(percent=st.sampled_from((0, 50, 200)))
    def temporary(self, percent: int) -> None:
        """Set another rate."""
        asked = SetTemporaryRate(percent=percent, duration=Milliseconds(HOUR_MS))
        self.system.ask(asked, to="basal_scheduler")

    @rule(name=st.sampled_from(SERVICES))
    def die(self, name: str) -> None:
        """A service is killed and starts on its journal."""
        self.system.restart(name)

    @rule(minutes=st.sampled_from((1, 5, 30, 180)))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.system.run(ms=minutes * MINUTE_MS)

    @invariant()
    def both_accounts_count_what_was_said_last(self) -> None:
        """Of each dose by pen, once; a reading that was voided is nobody's newest."""
        self.system.settle()
        for name in (ADVISOR, ACTUATOR):
            parts: tuple[BolusPart, ...] = self.system.state(name).doses.boluses
            counted = [(one.dose, one.amount) for one in parts if one.is_by_pen]
            assert len(dict(counted)) == len(counted)
            assert all(self.pens[dose] == amount for dose, amount in counted)
        assert self.system.state(ADVISOR).reading_id not in self.voided
        assert sum(self.meals.values()) <= self.system.view(ADVISOR).carbs_total

    def teardown(self) -> None:
        """Each decision again, and the record folds to what lives."""
        if not hasattr(self, "system"):
            return
        system = self.system
        system.run(ms=MINUTE_MS)
        for name, decider in DECIDERS.items():
            assert () == verify_decisions(decider, system.stores[name]).differences
        record = system.stores[Speaker("historian")]
        views = replay(record, pump=PUMP, at=system.clock.now().therapy)
        assert {name: system.view(name) for name in views} == views


TestDecidedAgain = DecidedAgain.TestCase
IS_NIGHTLY = settings().max_examples >= 1_000
TestDecidedAgain.settings = settings(
    max_examples=1_000 if IS_NIGHTLY else 40,
    stateful_step_count=100 if IS_NIGHTLY else 25,
    deadline=None,
)


def a_slip_of_the_pen(life: DecidedAgain) -> None:
    """A reading voided, a dose corrected, an advice from after it."""
    life.begin()
    life.measure(180, "meter", 0)
    life.measure(300, "meter", 0)
    life.inject(MilliUnits(9_000), 0)
    life.void(0)
    life.correct_pen(0, MilliUnits(900))
    life.both_accounts_count_what_was_said_last()
    life.advise(20)


def forgets_a_correction(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        core.dosing.insulin_account.dose_account_events, "_correct", lambda book, *_: book
    )


def keeps_a_voided_reading(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.deciders.bolus.events, "take_out", lambda kept, _: kept)


def test_corrections_in_any_order_begin_with_this_one() -> None:
    """The story that the mutants below break."""
    life = DecidedAgain()
    a_slip_of_the_pen(life)
    life.teardown()


@pytest.mark.parametrize("weaken", [forgets_a_correction, keeps_a_voided_reading])
def test_a_mutant_of_the_corrections_breaks_an_invariant(
    weaken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine above can fail."""
    weaken(monkeypatch)

    with pytest.raises(AssertionError):
        a_slip_of_the_pen(DecidedAgain())


def test_the_mutant_that_decides_nothing_any_more_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is stored and not decided again is a difference, whatever the story was."""
    life = DecidedAgain()
    a_slip_of_the_pen(life)
    decider = DECIDERS[Speaker(ADVISOR)]
    silent = changed(decider, decide=lambda *_: ())
    monkeypatch.setitem(DECIDERS, decider.name, silent)

    with pytest.raises(AssertionError):
        life.teardown()
