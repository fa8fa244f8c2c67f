"""Glucose ahead: as `basalt calc forecast` computes it, in the record, and in the alert."""

import math
from typing import Any

import msgspec
import pytest

import core.deciders.glucose.decider
import core.deciders.glucose.events
from core.calc.compute import compute
from core.calc.registry import KINDS
from core.deciders.bolus.state import advice_inputs_of
from core.dosing.advice.advise import beside
from core.dosing.advice.projection import record_of
from core.models.insulin.on_board import on_board
from schemas.basal.profiles import SetTemporaryRate
from schemas.bolus.advice import BolusAdvised, RecordCarbs, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.bolus.settings import SensitivitySegment
from schemas.delivery.pump import ResumeDelivery, SuspendDelivery
from schemas.glucose import GlucoseForecast
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    Grams,
    MicrogramsPerDlPerUnit,
    Milliseconds,
    MilliUnits,
    UtcMillis,
)
from schemas.wire.headers import iso_time
from services.command_line.output.event_messages import moment
from support.simulated.fake_system import START, FakeSystem, whole_day
from support.simulated.sensor_system import FIVE, alerts, sensor, system_at_noon


def newest(system: FakeSystem) -> GlucoseForecast:
    found = system.said_of("bolus_advisor", GlucoseForecast)[-1]
    assert isinstance(found, GlucoseForecast)
    return found


def no_zones(name: str, start: int, end: int) -> Any:
    raise AssertionError(f"nobody asked for {name}")


def calc(kind: str, **scenario: Any) -> Any:
    asked = msgspec.convert(scenario, type=KINDS[kind].scenario)
    return msgspec.to_builtins(compute(KINDS[kind], asked, zones=no_zones))


def hour(number: int) -> str:
    """Write an hour after the start; at the fifth Berlin has 06:00."""
    return iso_time(UtcMillis(START + number * HOUR_MS))


def dosing(system: FakeSystem) -> dict[str, Any]:
    """Write what the actuator accounted for as a scenario of `basalt calc`."""
    book = system.state("actuator").doses
    at = system.clock.now().therapy
    doses = [
        {
            "kind": kind,
            "start": iso_time(one.starts_at),
            "end": iso_time(one.ends_at),
            "units": one.amount / 1000,
        }
        for kind, parts in (("bolus", book.boluses), ("basal", book.basal.parts))
        for one in parts
    ]
    return {
        "at": iso_time(at),
        "insulin": {"model": "exponential", "duration_min": 360, "peak_min": 75, "delay_min": 10},
        "covered_from": iso_time(START),
        "doses": doses,
        "basal": [
            {"start": hour(-1), "end": hour(5), "u_per_h": 0.8},
            {"start": hour(5), "end": hour(48), "u_per_h": 1.2},
        ],
    }


def test_the_forecast_is_that_of_calc() -> None:
    """Bolus, meal, a temporary rate and momentum: the services and the runner agree to 2 mg/dL."""
    system = system_at_noon()
    rate = SetTemporaryRate(percent=150, duration=Milliseconds(HOUR_MS))
    assert system.ask(rate, to="basal_scheduler").accepted
    eaten = system.clock.now().therapy
    system.ask(RecordCarbs(grams=Grams(30), eaten_at=eaten), to="bolus_advisor")
    system.ask(OrderBolus(amount=MilliUnits(3_000)), to="bolus_advisor")
    system.run(ms=20 * MINUTE_MS)
    sensor(system, 140, 146, 150, 152)

    ahead = newest(system)
    at = system.clock.now().therapy
    expected = calc(
        "forecast",
        **dosing(system),
        discretisation="exact",
        glucose=[
            {"at": iso_time(UtcMillis(at - back * FIVE)), "mg_dl": value}
            for back, value in ((3, 140), (2, 146), (1, 150), (0, 152))
        ],
        isf_mg_dl_per_u=40,
        cr_g_per_u=10,
        carbs=[{"at": iso_time(eaten), "grams": 30}],
        horizon_min=360,
    )

    wanted = {point["at"]: point["mg_dl"] for point in expected["points"]}
    found = {moment(point.at): point.glucose for point in ahead.points}
    assert found == {at: pytest.approx(wanted[at], abs=2) for at in found}
    assert 17 == len(ahead.points)
    assert abs(expected["lowest"]["mg_dl"] - ahead.lowest.glucose) <= 2
    assert int(expected["cob_g"]) == ahead.carbs_on_board
    assert round(expected["velocity_mg_dl_per_min"] * 1000) == ahead.velocity
    assert ahead.is_whole


def test_a_young_record_says_so_and_a_drop_of_blood_has_no_momentum() -> None:
    """What was given before the record may still act."""
    system = FakeSystem()
    system.set_up()
    system.glucose("150")
    young = newest(system)
    system.run(ms=7 * HOUR_MS)
    system.glucose("150")

    assert (False, None) == (young.is_whole, young.velocity)
    assert newest(system).is_whole
    assert 150 == newest(system).eventual, "the profile holds glucose"


def test_a_suspended_pump_lets_glucose_rise() -> None:
    """Basal that does not flow is insulin that is missing."""
    system = system_at_noon()
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=2 * HOUR_MS)
    system.glucose("120")
    missed = newest(system)
    record = dosing(system)
    stood = {"kind": "basal", "start": hour(12), "end": record["at"], "units": 0}
    missing = calc("iob", **{**record, "doses": [*record["doses"], stood]})["iob_u"]
    system.ask(ResumeDelivery(), to="actuator")
    system.run(ms=10 * MINUTE_MS)
    system.glucose("120")

    assert -40 * missing == pytest.approx(missed.eventual - 120, abs=2)
    assert newest(system).eventual > 185, "what was missed goes on missing"


def test_without_settings_or_with_an_old_reading_there_is_none() -> None:
    """A forecast out of nothing is a guess."""
    system = FakeSystem()
    system.run(ms=MINUTE_MS)
    system.glucose("150")
    late = FakeSystem()
    late.set_up()
    late.glucose("150", at=UtcMillis(late.clock.now().therapy - 20 * MINUTE_MS))

    assert [] == system.said_of("bolus_advisor", GlucoseForecast)
    assert [] == late.said_of("bolus_advisor", GlucoseForecast)


def test_without_a_clock_on_the_wall_no_factor_is_guessed() -> None:
    """Settings that differ by the hour mean nothing until the zone is looked up."""
    system = FakeSystem()
    system.set_up()
    by_hour = msgspec.structs.replace(
        whole_day(),
        zone="Mars/Olympus",
        sensitivities=(
            SensitivitySegment(start_minute=0, sensitivity=MicrogramsPerDlPerUnit(40_000)),
            SensitivitySegment(start_minute=360, sensitivity=MicrogramsPerDlPerUnit(50_000)),
        ),
    )
    system.ask(by_hour, to="bolus_advisor")
    system.glucose("150")

    assert [] == system.said_of("bolus_advisor", GlucoseForecast)


def a_low_that_no_line_shows(system: FakeSystem) -> None:
    """A large bolus begins to act while glucose stands still."""
    system.ask(OrderBolus(amount=MilliUnits(9_000)), to="bolus_advisor")
    system.run(ms=45 * MINUTE_MS)
    sensor(system, 71, 71, 71, 71)


def test_a_low_that_insulin_will_make_is_told_before_it_shows() -> None:
    """The straight line through the readings says that nothing moves."""
    system = system_at_noon()
    a_low_that_no_line_shows(system)

    assert 0 == system.view("glucose_ingest").slope
    assert "glucose_predicted_low" in alerts(system)


def test_the_mutant_that_looks_at_the_line_alone_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would say nothing until glucose falls."""
    monkeypatch.setattr(core.deciders.glucose.events, "fold_forecast", lambda snapshot, _: snapshot)
    system = system_at_noon()
    a_low_that_no_line_shows(system)

    assert "glucose_predicted_low" not in alerts(system)


def test_the_next_reading_takes_the_place_of_the_forecast() -> None:
    """A forecast of an older reading is no news."""
    system = system_at_noon()
    a_low_that_no_line_shows(system)
    system.glucose("180")

    assert "glucose_predicted_low" not in alerts(system)


def test_aaps_counts_trend_carbs_and_basal_on_board() -> None:
    """Each as the record shows it, and basal as `calc iob` does."""
    system = system_at_noon()
    system.ask(whole_day(rules="aaps"), to="bolus_advisor")
    rate = SetTemporaryRate(percent=200, duration=Milliseconds(2 * HOUR_MS))
    system.ask(rate, to="basal_scheduler")
    system.run(ms=HOUR_MS)
    eaten = system.clock.now().therapy
    system.ask(RecordCarbs(grams=Grams(40), eaten_at=eaten), to="bolus_advisor")
    system.run(ms=30 * MINUTE_MS)
    sensor(system, 150, 155, 160, 165)

    system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    advised = system.said_of("bolus_advisor", BolusAdvised)[-1]
    terms = {term.name: term.amount for term in advised.terms}
    at = system.clock.now().therapy
    basal = calc("iob", **dosing(system))["basal_iob_u"]
    carbs = calc("cob", at=iso_time(at), carbs=[{"at": iso_time(eaten), "grams": 40}], overrun=1)[
        "cob_g"
    ]

    assert {"trend_not_counted", "basal_not_counted"}.isdisjoint(advised.reasons)
    assert 375 == pytest.approx(terms["trend"], abs=2), "15 min of 1 mg/dL/min by 40 mg/dL/U"
    assert int(carbs) * 100 == terms["carbs_on_board"]
    assert -1000 * basal == pytest.approx(terms["basal_insulin_on_board"], abs=30)


def test_aaps_counts_a_trend_to_the_milliunit_and_a_drop_of_blood_has_none() -> None:
    """3 mg/dL/min for 15 min by 40 mg/dL/U are 1.125 U."""
    system = system_at_noon()
    system.ask(whole_day(rules="aaps"), to="bolus_advisor")
    sensor(system, 150, 165, 180, 195)
    system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    by_sensor = system.said_of("bolus_advisor", BolusAdvised)[-1]
    system.run(ms=MINUTE_MS)
    system.glucose("198")
    system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    by_meter = system.said_of("bolus_advisor", BolusAdvised)[-1]

    assert 1_125 == {term.name: term.amount for term in by_sensor.terms}["trend"]
    assert "trend" not in {term.name for term in by_meter.terms}
    assert "trend_not_counted" in by_meter.reasons


def test_basal_on_board_is_rounded_up() -> None:
    """What takes insulin away is never overlooked."""
    system = system_at_noon()
    system.ask(whole_day(rules="aaps"), to="bolus_advisor")
    rate = SetTemporaryRate(percent=200, duration=Milliseconds(2 * HOUR_MS))
    system.ask(rate, to="basal_scheduler")
    system.run(ms=HOUR_MS)
    basis, settings = (
        advice_inputs_of(system.state("bolus_advisor")),
        system.state("bolus_advisor").settings,
    )
    small = 0
    for minutes in range(20):
        at = UtcMillis(system.clock.now().therapy + minutes * MINUTE_MS)
        exact = on_board(record_of(basis, settings.insulin, at=at).parts, at=at).basal * 1000
        small += 0.1 < exact % 1 < 0.4

        assert math.ceil(exact) == beside(basis, settings, None, at=at).basal
    assert small


def test_a_forecast_costs_no_state_that_a_replay_lacks() -> None:
    """The view follows from events alone, as all views do."""
    system = system_at_noon()
    sensor(system, 120, 125, 130)

    shown = msgspec.to_builtins(system.view("bolus_advisor").forecast)
    assert shown == msgspec.to_builtins(newest(system))
