"""The limits are computed twice in each service; where they differ no dose is given (R20)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dosing.limits import caps_sweep as sweep
from core.dosing.limits.caps_shapes import Asked, Room
from core.dosing.limits.caps_twice import rooms_twice
from core.dosing.limits.limits import Given, headrooms
from core.models.insulin.on_board import Delivered
from schemas.alarms import AlarmRaised
from schemas.bolus.advice import BolusAdvised, RequestAdvice
from schemas.bolus.orders import BolusOrdered, OrderBolus
from schemas.delivery.delivery import BolusRefused, BolusStartRequested, DeliveryLimitsSet
from schemas.units import DAY_MS, HOUR_MS, Grams, MilliUnits, Speaker, UtcMillis
from support.simulated.fake_system import LIMITS, FakeSystem

NOW = UtcMillis(30 * DAY_MS)
EDGES = st.sampled_from([0, HOUR_MS, 4 * HOUR_MS, DAY_MS]).flatmap(
    lambda edge: st.integers(edge - 2, edge + 2).map(lambda age: UtcMillis(NOW - age))
)
DOSES = st.lists(
    st.builds(
        lambda end, amount: Delivered(starts_at=end, ends_at=end, amount=MilliUnits(amount)),
        EDGES | st.integers(NOW - 2 * DAY_MS, NOW + HOUR_MS).map(UtcMillis),
        st.integers(0, 9_000),
    ),
    max_size=12,
).map(tuple)


@given(boluses=DOSES, basal=DOSES)
@pytest.mark.requirement("R20")
def test_both_ways_lead_to_the_same(
    boluses: tuple[Delivered, ...], basal: tuple[Delivered, ...]
) -> None:
    """At the edges of hour and day, with future and equal times."""
    limits = DeliveryLimitsSet(
        single=LIMITS.single,
        hourly=LIMITS.hourly,
        daily=LIMITS.daily,
        basal=LIMITS.basal,
        actor="person:a",
    )
    found = headrooms(limits, Given(boluses=boluses, basal=basal), at=NOW)
    more = msgspec.structs.replace(limits, four_hours=LIMITS.hourly)
    four = headrooms(more, Given(boluses=boluses, basal=basal), at=NOW)

    assert ["single_limit", "hourly_limit", "daily_limit"] == [room.limit for room in found]
    assert ["four_hour_limit"] == [room.limit for room in four[3:]]


def _off_by_one(asked: Asked) -> tuple[tuple[Room, ...], bool]:
    return rooms_twice(asked, second=_one_less)


def _one_less(asked: Asked) -> tuple[Room, ...]:
    *others, last = sweep.rooms(asked)
    return (*others, msgspec.structs.replace(last, left=MilliUnits(last.left - 1)))


@pytest.mark.requirement("R20")
def test_a_milliunit_of_difference_stops_the_dose_and_alarms(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: the second way gives one milliunit less."""
    order = OrderBolus(amount=MilliUnits(500))
    monkeypatch.setattr("core.dosing.limits.limits.rooms_twice", _off_by_one)

    assert "limits_disagree" == system.ask(order, to="bolus_advisor").reason
    assert system.ask(RequestAdvice(carbs=Grams(30)), to="bolus_advisor").accepted
    (advised,) = system.said_of("bolus_advisor", BolusAdvised)
    assert 0 == advised.amount
    assert "limits_disagree" in advised.reasons
    raised = [alarm.alarm for alarm in system.said_of("bolus_advisor", AlarmRaised)]
    assert ["limits_disagree"] == raised
    monkeypatch.undo()
    assert system.ask(order, to="bolus_advisor").accepted


@pytest.mark.requirement("R20")
def test_the_actuator_finds_a_difference_of_its_own(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advisor agreed with itself; the actuator does not, and the motor stands."""
    order = OrderBolus(amount=MilliUnits(500))
    system.post(order, to="bolus_advisor")
    while not system.said_of("bolus_advisor", BolusOrdered):
        system.services[Speaker("bolus_advisor")].step()
    monkeypatch.setattr("core.dosing.limits.limits.rooms_twice", _off_by_one)
    system.settle()

    assert ["limits_disagree"] == [
        refused.reason for refused in system.said_of("actuator", BolusRefused)
    ]
    assert "limits_disagree" in [alarm.alarm for alarm in system.said_of("actuator", AlarmRaised)]
    assert [] == system.said_of("actuator", BolusStartRequested)
