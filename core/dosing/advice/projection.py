"""Glucose ahead of one person, from the newest reading: for the eye and for an alert."""

from typing import Final

from core.dosing.advice.inputs import AdviceInputs
from core.dosing.advice.meals import carbs_on_board, meals_of
from core.dosing.advice.settings import factors_at
from core.dosing.insulin_account.insulin_history import InsulinRecord, insulin_record
from core.models.carb_absorption import OVERRUN
from core.models.glucose_forecast import (
    Reading,
    carb_effect,
    grid,
    insulin_effect,
    momentum_effect,
    momentum_velocity,
    predict,
)
from core.models.insulin.on_board import action_curve
from schemas.bolus.settings import InsulinAction
from schemas.glucose import ForecastPoint, GlucoseForecast, GlucoseMeasured
from schemas.message import Now
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, UtcMillis

AHEAD_MS: Final = Milliseconds(6 * HOUR_MS)
"""[ms] how far ahead: as long as most insulin acts; source: Loop."""

READING_AGE_MS_MAX: Final = Milliseconds(15 * MINUTE_MS)
"""[ms] of the reading that it starts from; source: LoopAlgorithm.inputDataRecencyInterval."""

CLOSE, APART = 6, 6
"""[-] points of 5 min kept first, and then every which one."""


def forecast(inputs: AdviceInputs, now: Now) -> GlucoseForecast | None:
    """Say where glucose leads; None without settings or a number that is fresh.

    Sources: LoopAlgorithm's effects of insulin, carbs and momentum;
    see `core.models.glucose_forecast`.
    """
    reading, settings = inputs.reading, inputs.settings
    if settings is None or not isinstance(reading, GlucoseMeasured):
        return None
    if now.therapy - reading.measured_at > READING_AGE_MS_MAX:
        return None
    factors = factors_at(settings, inputs.transitions, at=now.therapy)
    if factors is None:
        return None
    at = now.therapy
    record = record_of(inputs, settings.insulin, at=at)
    meals = meals_of(inputs.meals, overrun=OVERRUN)
    instants = grid(reading.measured_at, UtcMillis(reading.measured_at + AHEAD_MS))
    isf, ratio = factors.sensitivity / 1000, factors.carb_ratio / 1000
    velocity = _velocity(inputs, reading)
    found = predict(
        Reading(at=reading.measured_at, mg_dl=float(reading.glucose)),
        effects=[
            insulin_effect(record.parts, instants, isf=isf),
            carb_effect(meals, instants, csf=isf / ratio),
        ],
        momentum=() if velocity is None else momentum_effect(velocity, last=reading.measured_at),
    )
    points = [ForecastPoint(at=one.at, glucose=round(one.mg_dl)) for one in found]
    return GlucoseForecast(
        reading=inputs.reading_id,
        measured_at=reading.measured_at,
        glucose=reading.glucose,
        points=(*points[1 : CLOSE + 1], *points[CLOSE + APART :: APART]),
        lowest=min(points, key=lambda point: point.glucose),
        eventual=points[-1].glucose,
        carbs_on_board=carbs_on_board(meals, at=at),
        velocity=None if velocity is None else round(velocity * 1000),
        is_whole=record.is_whole and inputs.is_record_whole,
    )


def record_of(inputs: AdviceInputs, insulin: InsulinAction, *, at: UtcMillis) -> InsulinRecord:
    """Give all insulin that acts at an instant [ms], relative to the profile."""
    return insulin_record(
        inputs.doses,
        curve=action_curve(insulin),
        profiles=inputs.profiles,
        flows=None if inputs.suspended else inputs.ahead.plan,
        recorded_from=inputs.recorded_from,
        at=at,
    )


def _velocity(inputs: AdviceInputs, reading: GlucoseMeasured) -> float | None:
    """Give the momentum of a sensor's reading; a drop of blood has none of its own."""
    if reading.source != "sensor":
        return None
    readings = [Reading(at=at, mg_dl=float(value)) for at, value in inputs.points]
    return momentum_velocity(readings, at=reading.measured_at)
