"""The whole life of orders against the virtual pump, in any order of anything that can happen."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import core.deciders.delivery.pump_sync.history
from core.record.dose_lifecycle import OPEN
from schemas.basal.profiles import SetTemporaryRate
from schemas.bolus.advice import AcceptAdvice, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import CancelBolus
from schemas.delivery.mechanism import ClearPumpFault
from schemas.delivery.pump import FillReservoir, ResumeDelivery, SuspendDelivery
from schemas.delivery.unresolved_doses import SettleDose
from schemas.units import HOUR_MS, MINUTE_MS, EventId, Grams, Milliseconds, MilliUnits
from support.simulated.fake_system import LIMITS, FakeSystem

SERVICES = ("actuator", "bolus_advisor", "basal_scheduler", "historian", "glucose_ingest")
PULSES = st.integers(1, 120).map(lambda pulses: MilliUnits(50 * pulses))


class OrderLife(RuleBasedStateMachine):
    """Orders, cancels, losses of line, power and process, and time."""

    @initialize()
    def begin(self) -> None:
        """A system that may give boluses."""
        self.system = FakeSystem()
        self.system.set_up()
        self.advice: EventId | None = None

    @rule(amount=PULSES, confirmed=st.booleans())
    def order(self, amount: MilliUnits, confirmed: bool) -> None:
        """Order an amount of one's own."""
        self.system.ask(OrderBolus(amount=amount, confirmed=confirmed), to="bolus_advisor")

    @rule(amount=PULSES, now_percent=st.sampled_from((0, 30)))
    def spread(self, amount: MilliUnits, now_percent: int) -> None:
        """Order one that is spread, or a dual one."""
        asked = OrderBolus(
            amount=amount,
            duration=Milliseconds(30 * MINUTE_MS),
            now_percent=now_percent,
            confirmed=True,
        )
        self.system.ask(asked, to="bolus_advisor")

    @rule(carbs=st.integers(0, 90), glucose=st.integers(50, 300))
    def advise(self, carbs: int, glucose: int) -> None:
        """Measure and ask."""
        self.system.glucose(str(glucose))
        outcome = self.system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor")
        self.advice = outcome.events[0] if outcome.accepted else None

    @rule(twice=st.booleans())
    def accept(self, twice: bool) -> None:
        """Accept the newest advice, perhaps twice."""
        for _ in range(1 + twice):
            if self.advice is not None:
                self.system.ask(
                    AcceptAdvice(advice=self.advice, confirmed=True), to="bolus_advisor"
                )

    @rule()
    def cancel(self) -> None:
        """Stop whatever runs."""
        self.system.ask(CancelBolus(), to="actuator")

    @rule(suspends=st.booleans())
    def switch(self, suspends: bool) -> None:
        """Suspend or resume."""
        self.system.ask(SuspendDelivery() if suspends else ResumeDelivery(), to="actuator")

    @rule(percent=st.sampled_from((0, 50, 200)))
    def temporary(self, percent: int) -> None:
        """Set another rate."""
        asked = SetTemporaryRate(percent=percent, duration=Milliseconds(HOUR_MS))
        self.system.ask(asked, to="basal_scheduler")

    @rule()
    def fill(self) -> None:
        """Put a new reservoir in."""
        self.system.ask(FillReservoir(amount=MilliUnits(200_000)), to="actuator")

    @rule()
    def clear(self) -> None:
        """Clear whatever stopped the motor."""
        self.system.ask(ClearPumpFault(), to="actuator")

    @rule(loses=st.sampled_from(("request", "answer")))
    def lose(self, loses: Any) -> None:
        """The line loses the next request, or its answer."""
        self.system.pump.loses = loses

    @rule(cut=st.booleans())
    def line(self, cut: bool) -> None:
        """Nobody looks at the pump, or somebody does again."""
        self.system.line_is_cut = cut

    @rule(name=st.sampled_from(SERVICES))
    def die(self, name: str) -> None:
        """A service is killed and starts on its journal."""
        self.system.restart(name)

    @rule()
    def power(self) -> None:
        """The pump loses its power."""
        self.system.pump.host.power_on(now=self.system.clock.now())

    @rule(seconds=st.sampled_from((1, 7, 31, 100, 600, 3600)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.system.run(ms=seconds * 1_000)

    @rule(part=st.integers(0, 100))
    def settle(self, part: int) -> None:
        """A person answers for an unknown dose, truly or not."""
        for dose in self.system.state("actuator").doses.unknown:
            room = (dose.amount - dose.delivered) * part // 100 // 50 * 50
            word = MilliUnits(dose.delivered + room)
            self.system.ask(SettleDose(dose=dose.dose, delivered=word), to="actuator")

    @invariant()
    def nothing_is_given_twice_or_beyond_a_limit(self) -> None:
        """By the pump's own ledger."""
        records = self.system.pump_store.history(after=0)
        started = [one for one in records if one.kind == "bolus_started"]
        assert len({one.dose for one in started}) == len(started)
        assert all(one.amount <= LIMITS.single for one in started)
        for one in started:
            given = sum(r.amount for r in records if r.kind == "bolus" and r.dose == one.dose)
            assert given <= one.amount

    @invariant()
    def no_bolus_is_counted_less_than_it_was_given(self) -> None:
        """What is open counts in full; a person's word is replaced, and until then is theirs."""
        state = self.system.state("actuator")
        if state.doses.settled:
            return
        records = self.system.pump_store.history(after=state.history_sequence)
        unread = sum(one.amount for one in records if one.kind == "bolus")
        promised = sum(one.open_amount for one in state.doses.open)
        assert unread <= promised

    def teardown(self) -> None:
        """Line back, half an hour of rest: the record equals the pump's ledger."""
        if not hasattr(self, "system"):
            return
        system = self.system
        system.line_is_cut = False
        system.pump.loses = None
        system.run(ms=HOUR_MS)
        assert system.odometer == system.accounted()
        assert () == system.state("actuator").doses.unknown
        lives = system.lives()
        assert () == lives.wrong
        assert OPEN.isdisjoint(lives.states.values())
        assert (
            system.state("bolus_advisor").doses.bolus_total == system.view("actuator").bolus_total
        )


TestOrderLife = OrderLife.TestCase
IS_NIGHTLY = settings().max_examples >= 1_000
TestOrderLife.settings = settings(
    max_examples=1_000 if IS_NIGHTLY else 60,
    stateful_step_count=200 if IS_NIGHTLY else 30,
    deadline=None,
)


def never_got_it(life: OrderLife) -> None:
    """An order lost on the line, settled by a person, and the line back: found by this machine."""
    life.begin()
    life.line(cut=True)
    life.lose("request")
    life.order(MilliUnits(5_000), confirmed=True)
    life.settle(part=1)


def lost_and_undone(life: OrderLife) -> None:
    """A suspension lost on the line, and undone before it came: found by this machine."""
    life.begin()
    life.line(cut=True)
    life.lose("request")
    life.switch(suspends=True)
    life.line(cut=False)
    life.switch(suspends=False)


@pytest.mark.parametrize("story", [never_got_it, lost_and_undone])
def test_what_was_found_once_stays_mended(story: Callable[[OrderLife], None]) -> None:
    """Each was a failure of the machine above."""
    life = OrderLife()
    story(life)
    life.teardown()


def test_the_mutant_that_keeps_a_persons_word_for_ever_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the comparison the record says more than the pump ever gave."""
    monkeypatch.setattr(core.deciders.delivery.pump_sync.history, "_compare_words", lambda *_: None)
    life = OrderLife()
    never_got_it(life)

    with pytest.raises(AssertionError):
        life.teardown()
