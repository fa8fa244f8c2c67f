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
from support.simulated.fake_system import FakeSystem
from support.simulated.sensor_system import alerts, sensor, system_at_noon


def test_what_the_sensor_shows_is_rated_by_its_noise() -> None:
    """Numbers that jump about are no ground to stand on."""
    system = system_at_noon()
    sensor(system, 120, 121, 122, 123)
    calm = system.view("glucose_ingest").noise
    system.run(ms=HOUR_MS)
    sensor(system, 120, 140, 115, 142)

    assert ("clean", "medium") == (calm, system.view("glucose_ingest").noise)


def test_a_sensor_that_jumps_or_stands_still_is_no_ground_for_a_dose() -> None:
    """The meal alone, and why; a drop of blood is believed."""
    system = system_at_noon()
    sensor(system, 120, 220, 110, 230)
    system.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    noisy = system.said_of("bolus_advisor", BolusAdvised)[-1]
    system.run(ms=HOUR_MS)
    sensor(system, *[200] * 11)
    system.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    flat = system.said_of("bolus_advisor", BolusAdvised)[-1]
    system.glucose("200")
    system.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    blood = system.said_of("bolus_advisor", BolusAdvised)[-1]

    assert ("glucose_noisy", 0) == (noisy.reasons[0], noisy.correction)
    assert ("glucose_flat", 0) == (flat.reasons[0], flat.correction)
    assert 2_000 == blood.correction


def test_readings_that_come_late_fill_the_gap() -> None:
    """A sensor that was out of reach sends what it has; trend and momentum are of all of it."""
    system = system_at_noon()
    sensor(system, 130)
    system.run(ms=15 * MINUTE_MS)
    now = system.clock.now().therapy
    for value, back in ((160, 0), (140, 10), (150, 5), (140, 10)):
        reading = RecordReading(
            measured_at=UtcMillis(now - back * MINUTE_MS),
            source="sensor",
            unit="mg/dL",
            received=str(value),
        )
        system.ask(reading, to="glucose_ingest")

    assert 2_000 == system.view("glucose_ingest").slope
    assert 160 == system.view("glucose_ingest").glucose


@pytest.mark.parametrize(
    ("back", "received", "device"),
    [(10, "300", ""), (65, "300", ""), (8, "300", "another"), (8, "LOW", "")],
)
def test_what_comes_late_and_does_not_belong_bends_no_trend(
    back: int, received: str, device: str
) -> None:
    """A second number of one instant, one of an hour ago, another sensor's, and no number."""
    system = system_at_noon()
    sensor(system, 100, 110, 120, 130)
    before = system.state("glucose_ingest").snapshot.points
    reading = RecordReading(
        measured_at=UtcMillis(system.clock.now().therapy - back * MINUTE_MS),
        source="sensor",
        unit="mg/dL",
        received=received,
        device=device,
    )
    system.ask(reading, to="glucose_ingest")

    assert before == system.state("glucose_ingest").snapshot.points
    assert 2_000 == system.view("glucose_ingest").slope


@pytest.mark.requirement("R62")
@pytest.mark.parametrize(
    ("amount", "carbs", "is_correction"), [(None, 0, True), (2_000, None, True), (None, 50, False)]
)
def test_high_for_two_hours_after_a_correction_asks_for_set_and_ketones(
    amount: int | None, carbs: int | None, is_correction: bool
) -> None:
    """By advice or in an amount of one's own; a meal at a good value is none."""
    system = system_at_noon()
    system.glucose("300" if is_correction else "110")
    if amount is not None:
        system.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor")
    else:
        system.ask(RequestAdvice(carbs=Grams(carbs or 0)), to="bolus_advisor")
        advice = system.view("bolus_advisor").advice
        assert system.ask(AcceptAdvice(advice=advice), to="bolus_advisor").accepted
    for _ in range(5):
        system.run(ms=30 * MINUTE_MS)
        system.glucose("300")

    assert is_correction == ("glucose_high_after_correction" in alerts(system))


def test_who_has_never_measured_is_reminded_too() -> None:
    """The first measurement is the one that is most due."""
    system = FakeSystem()
    system.set_up()
    system.run(ms=7 * HOUR_MS)

    assert "measure_due" in alerts(system)


@pytest.mark.parametrize("what", ["cannula", "tube"])
def test_a_prime_is_a_change_of_set_as_a_new_cartridge_is(what: Literal["tube", "cannula"]) -> None:
    """The reminder of the old set ends, and the new one is two days old only in two days."""
    system = system_at_noon()
    assert system.ask(FillReservoir(amount=MilliUnits(200_000)), to="actuator").accepted
    system.run(ms=49 * HOUR_MS)
    due = "set_change_due" in alerts(system)
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    assert system.ask(PrimePump(amount=MilliUnits(500), what=what), to="actuator").accepted
    system.run(ms=MINUTE_MS)
    changed = "set_change_due" in alerts(system)
    system.run(ms=49 * HOUR_MS)

    assert (True, False, True) == (due, changed, "set_change_due" in alerts(system))


def test_measurements_entered_late_count() -> None:
    """Four a day are four, in whatever order somebody types them."""
    system = system_at_noon()
    system.run(ms=12 * HOUR_MS)
    now = system.clock.now().therapy
    for hours in (0, 2, 8, 14, 20):
        system.glucose("110", at=UtcMillis(now - hours * HOUR_MS))
    system.run(ms=HOUR_MS)

    assert "measure_due" not in alerts(system)
    assert 5 == len(system.state("glucose_ingest").snapshot.measured)
