"""Temporary rates: which may be set, by anybody, by a controller, and on one model of pump."""

from typing import Final, Literal

from core.kernel.actors import CONTROLLER, origin_of
from core.models.pump_models import PUMP_MODELS, TemporaryProblem, takes_in_words, temporary_problem
from core.models.schedules import RATE_MU_PER_H_MAX
from schemas.basal.profiles import SetTemporaryRate, TemporaryRateRefused
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds

TEMPORARY_MS_MIN = Milliseconds(15 * MINUTE_MS)
"""[ms] shortest temporary rate; source: Tandem."""

TEMPORARY_MS_MAX = Milliseconds(24 * HOUR_MS)
"""[ms] longest rate of any model: a plan of 48 h, made every 6 h, holds its end (R54)."""

CONTROLLER_MS_MAX = Milliseconds(30 * MINUTE_MS)
"""[ms] longest rate that a controller may set: none outlives its controller; source: R54."""

_NOT_TAKEN: Final[
    dict[TemporaryProblem, Literal["pump_model_kind", "pump_model_setting", "pump_model_duration"]]
] = {
    "kind": "pump_model_kind",
    "setting": "pump_model_setting",
    "duration": "pump_model_duration",
}

PERCENT_MAX = 500
"""[%] of the profile, by any model; source: Accu-Chek Combo and YpsoPump."""

TEMPORARY_PERCENT_MAX = 250
"""[%] of the profile where the pump model names no bound of its own; source: Tandem."""


def refused_rate(
    asked: SetTemporaryRate, actor: str, *, pump_model: str | None
) -> TemporaryRateRefused | None:
    """Say why a temporary rate may not be set; None when it may.

    Args:
        asked: by the command.
        actor: who asks; a controller's rate lasts half an hour at most.
        pump_model: whose temporary rates these are; None while no limits are set.
    """
    if (asked.percent is None) == (asked.rate is None):
        return TemporaryRateRefused(reason="one_of_percent_and_rate")
    if (
        not 0 <= (asked.percent or 0) <= _percent_max(pump_model)
        or not 0 <= (asked.rate or 0) <= RATE_MU_PER_H_MAX
        or not TEMPORARY_MS_MIN <= asked.duration <= TEMPORARY_MS_MAX
        or asked.duration % MINUTE_MS
    ):
        return TemporaryRateRefused(reason="out_of_range")
    if origin_of(actor) == CONTROLLER and asked.duration > CONTROLLER_MS_MAX:
        return TemporaryRateRefused(reason="controller_too_long")
    return _not_taken(pump_model, asked)


def _percent_max(pump_model: str | None) -> int:
    names_own = pump_model is not None and PUMP_MODELS[pump_model].temporary.kind == "percent"
    return PERCENT_MAX if names_own else TEMPORARY_PERCENT_MAX


def _not_taken(pump_model: str | None, asked: SetTemporaryRate) -> TemporaryRateRefused | None:
    """Refuse what the pump model does not take; what it would round is not what was asked for."""
    if pump_model is None:
        return None
    model = PUMP_MODELS[pump_model]
    problem = temporary_problem(
        model, percent=asked.percent, rate=asked.rate, minutes=asked.duration // MINUTE_MS
    )
    if problem is None:
        return None
    return TemporaryRateRefused(reason=_NOT_TAKEN[problem], takes=takes_in_words(model))
