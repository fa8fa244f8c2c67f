"""What is made of readings: doubtful, late or missing ones, and what a person is reminded of."""

from typing import Literal

import pytest

from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.mechanism import PrimePump
from schemas.delivery.pump import FillReservoir, SuspendDelivery
from schemas.glucose import RecordReading
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    Grams,
    MilliUnits,
    UtcMillis,
)
from support.simulated.fake_system import FakeHouse
from support.simulated.sensor_system import alerts, house_at_noon, sensor


def test_what_the_sensor_shows_is_rated_by_its_noise() -> None:
    """Numbers that jump about are no ground to stand on."""
    house = house_at_noon()
    sensor(house, 120, 121, 122, 123)
    calm = house.view("glucose_ingest").noise
    house.run(ms=HOUR_MS)
    sensor(house, 120, 140, 115, 142)

    assert ("clean", "medium") == (calm, house.view("glucose_ingest").noise)


def test_a_sensor_that_jumps_or_stands_still_is_no_ground_for_a_dose() -> None:
    """The meal alone, and why; a drop of blood is believed."""
    house = house_at_noon()
    sensor(house, 120, 220, 110, 230)
    house.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    noisy = house.said_of("bolus_advisor", BolusAdvised)[-1]
    house.run(ms=HOUR_MS)
    sensor(house, *[200] * 11)
    house.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    flat = house.said_of("bolus_advisor", BolusAdvised)[-1]
    house.glucose("200")
    house.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    blood = house.said_of("bolus_advisor", BolusAdvised)[-1]

    assert ("glucose_noisy", 0) == (noisy.reasons[0], noisy.correction)
    assert ("glucose_flat", 0) == (flat.reasons[0], flat.correction)
    assert 2_000 == blood.correction


def test_readings_that_come_late_fill_the_gap() -> None:
    """A sensor that was out of reach sends what it has; trend and momentum are of all of it."""
    house = house_at_noon()
    sensor(house, 130)
    house.run(ms=15 * MINUTE_MS)
    now = house.clock.now().therapy
    for value, back in ((160, 0), (140, 10), (150, 5), (140, 10)):
        reading = RecordReading(
            measured_at=UtcMillis(now - back * MINUTE_MS),
            source="sensor",
            unit="mg/dL",
            received=str(value),
        )
        house.ask(reading, to="glucose_ingest")

    assert 2_000 == house.view("glucose_ingest").slope
    assert 160 == house.view("glucose_ingest").glucose


@pytest.mark.parametrize(
    ("back", "received", "device"),
    [(10, "300", ""), (65, "300", ""), (8, "300", "another"), (8, "LOW", "")],
)
def test_what_comes_late_and_does_not_belong_bends_no_trend(
    back: int, received: str, device: str
) -> None:
    """A second number of one instant, one of an hour ago, another sensor's, and no number."""
    house = house_at_noon()
    sensor(house, 100, 110, 120, 130)
    before = house.state("glucose_ingest").picture.points
    reading = RecordReading(
        measured_at=UtcMillis(house.clock.now().therapy - back * MINUTE_MS),
        source="sensor",
        unit="mg/dL",
        received=received,
        device=device,
    )
    house.ask(reading, to="glucose_ingest")

    assert before == house.state("glucose_ingest").picture.points
    assert 2_000 == house.view("glucose_ingest").slope


@pytest.mark.requirement("R62")
@pytest.mark.parametrize(
    ("amount", "carbs", "is_correction"), [(None, 0, True), (2_000, None, True), (None, 50, False)]
)
def test_high_for_two_hours_after_a_correction_asks_for_set_and_ketones(
    amount: int | None, carbs: int | None, is_correction: bool
) -> None:
    """By advice or in an amount of one's own; a meal at a good value is none."""
    house = house_at_noon()
    house.glucose("300" if is_correction else "110")
    if amount is not None:
        house.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor")
    else:
        house.ask(RequestAdvice(carbs=Grams(carbs or 0)), to="bolus_advisor")
        advice = house.view("bolus_advisor").advice
        assert house.ask(AcceptAdvice(advice=advice), to="bolus_advisor").accepted
    for _ in range(5):
        house.run(ms=30 * MINUTE_MS)
        house.glucose("300")

    assert is_correction == ("glucose_high_after_correction" in alerts(house))


def test_who_has_never_measured_is_reminded_too() -> None:
    """The first measurement is the one that is most due."""
    house = FakeHouse()
    house.set_up()
    house.run(ms=7 * HOUR_MS)

    assert "measure_due" in alerts(house)


@pytest.mark.parametrize("what", ["cannula", "tube"])
def test_a_prime_is_a_change_of_set_as_a_new_cartridge_is(what: Literal["tube", "cannula"]) -> None:
    """The reminder of the old set ends, and the new one is two days old only in two days."""
    house = house_at_noon()
    assert house.ask(FillReservoir(amount=MilliUnits(200_000)), to="actuator").accepted
    house.run(ms=49 * HOUR_MS)
    due = "set_change_due" in alerts(house)
    house.ask(SuspendDelivery(), to="actuator")
    house.run(ms=MINUTE_MS)
    assert house.ask(PrimePump(amount=MilliUnits(500), what=what), to="actuator").accepted
    house.run(ms=MINUTE_MS)
    changed = "set_change_due" in alerts(house)
    house.run(ms=49 * HOUR_MS)

    assert (True, False, True) == (due, changed, "set_change_due" in alerts(house))


def test_measurements_entered_late_count() -> None:
    """Four a day are four, in whatever order somebody types them."""
    house = house_at_noon()
    house.run(ms=12 * HOUR_MS)
    now = house.clock.now().therapy
    for hours in (0, 2, 8, 14, 20):
        house.glucose("110", at=UtcMillis(now - hours * HOUR_MS))
    house.run(ms=HOUR_MS)

    assert "measure_due" not in alerts(house)
    assert 5 == len(house.state("glucose_ingest").picture.measured)
