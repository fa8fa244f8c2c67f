"""A cancel that races the end of a bolus: one recorded state, whoever is first (R31)."""

from collections import Counter

import pytest

import core.pump_machine
from core.pump_memory import PumpMemory, PumpStep
from fake_house import FakeHouse
from schemas.delivery import BolusDelivered, BolusStarted, BolusStopped, CancelBolus
from schemas.doubt import BolusReconciled
from schemas.orders import OrderBolus
from schemas.units import MINUTE_MS, DoseId, MilliUnits

AMOUNT = MilliUnits(150)
"""[mU] three strokes, at 0, 2 and 4 s."""

OFFSETS_MS = range(0, 6_000, 250)
"""[ms] from the order to the cancel: before the first stroke to well after the last."""


def raced(house: FakeHouse, *, offset_ms: int, lost: str | None, is_read_first: bool) -> DoseId:
    """Order, let time pass, cancel; the line may lose the stop or the answer to it."""
    ordered = house.ask(OrderBolus(amount=AMOUNT, confirmed=True), to="bolus_advisor")
    assert ordered.accepted
    if offset_ms:
        house.clock.advance(therapy_ms=offset_ms)
    if is_read_first:
        house.settle()
    if lost is not None:
        house.pump.loses = lost  # type: ignore[assignment]  # one of its two
    house.post(CancelBolus(), to="actuator")
    house.run(ms=MINUTE_MS)
    return DoseId(house.said_of("actuator", BolusStarted)[-1].dose)


def ends_of(house: FakeHouse, dose: DoseId) -> list[int]:
    """Give what each last word about a dose says that was given [mU]."""
    kinds = (BolusDelivered, BolusStopped, BolusReconciled)
    words = [one for kind in kinds for one in house.said_of("actuator", kind)]
    return [one.delivered for one in words if one.dose == dose]


def moved(house: FakeHouse, dose: DoseId) -> int:
    """Add up what the pump's own ledger says of a dose [mU]."""
    ledger = house.pump_store.history(after=0)
    return sum(one.amount for one in ledger if one.kind == "bolus" and one.dose == dose)


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("lost", [None, "request", "answer"])
@pytest.mark.parametrize("is_read_first", [False, True], ids=["cancel first", "pump first"])
def test_a_cancel_at_any_instant_ends_in_one_state(
    lost: str | None, *, is_read_first: bool
) -> None:
    """Stopped or delivered, never both, never neither, and as much as the motor moved."""
    house = FakeHouse()
    house.set_up()
    outcomes: Counter[int] = Counter()
    for offset_ms in OFFSETS_MS:
        dose = raced(house, offset_ms=offset_ms, lost=lost, is_read_first=is_read_first)
        given = ends_of(house, dose)
        assert [moved(house, dose)] == given, offset_ms
        outcomes[given[0]] += 1
    assert not house.state("actuator").doses.open
    assert house.odometer == house.accounted()
    assert {50, 100, 150} == set(outcomes)
    assert () == house.lives().wrong


def test_the_mutant_pump_that_stops_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told again and again, and no state is ever the last."""

    def deaf(memory: PumpMemory, **_: object) -> PumpStep:
        return PumpStep(memory=memory)

    monkeypatch.setattr(core.pump_machine, "stop_bolus", deaf)
    house = FakeHouse()
    house.set_up()

    with pytest.raises(RuntimeError, match="never comes to rest"):
        raced(house, offset_ms=250, lost=None, is_read_first=False)
