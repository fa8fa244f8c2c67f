"""Three meals, each advised, accepted and given; and rules that would have advised half as much."""

from typing import Any

import pytest

import core.dosing.advice.advise
from schemas.bolus.advice import AcceptAdvice, RequestAdvice
from schemas.units import HOUR_MS, EventId, Grams, MilliUnits, Speaker
from support.simulated.fake_system import FakeSystem

ADVISOR = Speaker("bolus_advisor")


def three_meals() -> FakeSystem:
    """Live nine hours; the advisor is started anew before, so that its release is on record."""
    system = FakeSystem()
    system.set_up()
    system.restart(ADVISOR)
    for value, carbs in (("110", 40), ("180", 20), ("150", 60)):
        system.glucose(value)
        advised = system.ask(RequestAdvice(carbs=Grams(carbs)), to=ADVISOR)
        system.ask(AcceptAdvice(advice=EventId(advised.events[0])), to=ADVISOR)
        system.run(ms=3 * HOUR_MS)
    return system


def half_as_much(patch: pytest.MonkeyPatch) -> None:
    """Advise half as much from now on."""
    guarded = core.dosing.advice.advise._guarded

    def halved(*given: Any) -> Any:
        amount, cuts = guarded(*given)
        return MilliUnits(amount // 100 * 50), cuts

    patch.setattr(core.dosing.advice.advise, "_guarded", halved)
