"""What pumps can do: steps, maxima, speeds and reservoirs, as data; nothing is ever rounded up.

A figure that its maker does not publish, or that no source at hand states, is None and is not
checked. Sources: AndroidAPS PumpType.kt and DoseStepSize.kt (steps, temporary rates, durations),
OmniBLE Pod.swift (Omnipod), oref0 round-basal.js and the makers' guides (maxima, reservoirs).
"""

from typing import Final, Literal

import msgspec

from schemas.units import MINUTE_MS, Milliseconds, MilliUnits, MilliUnitsPerHour

TemporaryProblem = Literal["kind", "setting", "duration"]


class Band(msgspec.Struct, frozen=True):
    """Amounts or rates from here on, up to the next band, go in these steps."""

    since: int
    """[mU or mU/h] first value of the band."""
    step: int
    """[mU or mU/h] 1 or more."""


class TemporaryRates(msgspec.Struct, frozen=True, kw_only=True):
    """What temporary rates a pump takes."""

    kind: Literal["percent", "rate", "both"]
    """[-] of the profile, instead of it, or either."""
    step: int
    """[% or mU/h] between two settings, of the first kind it takes."""
    most: int
    """[% or mU/h] largest setting, of the first kind it takes."""
    minutes_min: int
    """[min] shortest duration."""
    minutes_step: int
    """[min] between two durations."""
    minutes_max: int
    """[min] longest duration."""


class PumpModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model of pump."""

    name: str
    """[-] as scenarios and settings call it."""
    maker: str
    """[-] who builds it."""
    basal_steps: tuple[Band, ...]
    """[mU/h] sorted, the first from 0."""
    basal_min: MilliUnitsPerHour
    """[mU/h] smallest rate above 0; what is less becomes 0."""
    basal_max: MilliUnitsPerHour | None
    """[mU/h] largest rate."""
    bolus_steps: tuple[Band, ...]
    """[mU] sorted, the first from 0."""
    bolus_max: MilliUnits | None
    """[mU] largest bolus."""
    bolus_mu_per_min: int | None
    """[mU/min] speed of a bolus."""
    pulse: MilliUnits
    """[mU] one stroke, as far as the steps show it."""
    reservoir: MilliUnits
    """[mU] full."""
    temporary: TemporaryRates
    """[-] what it takes."""
    extended_minutes_min: int
    """[min] shortest extended bolus."""
    extended_minutes_step: int
    """[min] between two durations of an extended bolus."""
    extended_minutes_max: int
    """[min] longest extended bolus, 0 where it has none."""


def floor_to(bands: tuple[Band, ...], value: int) -> int:
    """Round down to the step of the value's band; a negative value is 0."""
    if value <= 0:
        return 0
    band = next(band for band in reversed(bands) if band.since <= value)
    return value // band.step * band.step


def floor_rate(model: PumpModel, rate: MilliUnitsPerHour) -> MilliUnitsPerHour:
    """Give the largest rate of a model that is not above the one wanted [mU/h]."""
    most = rate if model.basal_max is None else min(rate, model.basal_max)
    floored = floor_to(model.basal_steps, most)
    return MilliUnitsPerHour(0 if floored < model.basal_min else floored)


def floor_bolus(model: PumpModel, amount: MilliUnits) -> MilliUnits:
    """Give the largest bolus of a model that is not above the one wanted [mU]."""
    most = amount if model.bolus_max is None else min(amount, model.bolus_max)
    return MilliUnits(floor_to(model.bolus_steps, most))


def extended_problem(model: PumpModel, duration: Milliseconds) -> bool:
    """Say whether a model cannot spread a bolus over a duration [ms]."""
    minutes, rest = divmod(duration, MINUTE_MS)
    if rest or not model.extended_minutes_min <= minutes <= model.extended_minutes_max:
        return True
    return bool(minutes % model.extended_minutes_step)


def spread_problem(pump_model: str, duration: Milliseconds, now_percent: int) -> bool:
    """Say whether a bolus cannot be spread so: by that model, over that time, with that part."""
    if duration == 0:
        return now_percent != 0
    out_of_range = not 0 <= now_percent < 100
    return out_of_range or extended_problem(PUMP_MODELS[pump_model], duration)


def temporary_problem(
    model: PumpModel, *, percent: int | None, rate: MilliUnitsPerHour | None, minutes: int
) -> TemporaryProblem | None:
    """Say what of a temporary rate a model does not take; None if it takes it.

    Args:
        model: which.
        percent: [%] of the profile; this or `rate`.
        rate: [mU/h] instead of the profile.
        minutes: [min] for how long.
    """
    takes = model.temporary
    if (percent is not None and takes.kind == "rate") or (
        rate is not None and takes.kind == "percent"
    ):
        return "kind"
    asked = percent if takes.kind == "percent" else rate
    if asked is not None and (asked > takes.most or asked % takes.step):
        return "setting"
    if not takes.minutes_min <= minutes <= takes.minutes_max or minutes % takes.minutes_step:
        return "duration"
    return None


def spreads_in_words(model: PumpModel) -> str:
    """Say over which times a model spreads a bolus."""
    return (
        f"{model.name} spreads a bolus over {model.extended_minutes_min} to "
        f"{model.extended_minutes_max} min in steps of {model.extended_minutes_step} min"
    )


def takes_in_words(model: PumpModel) -> str:
    """Say what temporary rates a model takes."""
    takes = model.temporary
    percent = f"0 to {takes.most} % in steps of {takes.step} %"
    rate = f"0 to {takes.most / 1000:g} U/h in steps of {takes.step / 1000:g} U/h"
    kinds = {"percent": percent, "rate": rate, "both": f"{rate}, or percent of the profile"}
    return (
        f"{model.name} takes {kinds[takes.kind]}, for {takes.minutes_min} to {takes.minutes_max} "
        f"min in steps of {takes.minutes_step} min"
    )


# What stands here is run once, at import, before a mutant is chosen.
# pragma: no mutate start
def _steps(*pairs: tuple[int, int]) -> tuple[Band, ...]:
    return tuple(Band(since, step) for since, step in pairs)


def _percent(
    step: int, most: int, minutes_step: int, hours_max: int, *, minutes_min: int = 0
) -> TemporaryRates:
    return TemporaryRates(
        kind="percent",
        step=step,
        most=most,
        minutes_min=minutes_min or minutes_step,
        minutes_step=minutes_step,
        minutes_max=hours_max * 60,
    )


def _rate(
    step: int, most: int, hours_max: int, *, both: bool = False, minutes: tuple[int, int] = (30, 30)
) -> TemporaryRates:
    return TemporaryRates(
        kind="both" if both else "rate",
        step=step,
        most=most,
        minutes_min=minutes[0],
        minutes_step=minutes[1],
        minutes_max=hours_max * 60,
    )


def _model(
    name: str,
    maker: str,
    *,
    basal: tuple[Band, ...],
    basal_range: tuple[int, int | None],
    bolus: tuple[Band, ...],
    bolus_max: int | None,
    speed: int | None,
    pulse: int,
    reservoir_u: int,
    temporary: TemporaryRates,
    extended: tuple[int, int, int],
) -> PumpModel:
    most = basal_range[1]
    return PumpModel(
        name=name,
        maker=maker,
        basal_steps=basal,
        basal_min=MilliUnitsPerHour(basal_range[0]),
        basal_max=None if most is None else MilliUnitsPerHour(most),
        bolus_steps=bolus,
        bolus_max=None if bolus_max is None else MilliUnits(bolus_max),
        bolus_mu_per_min=speed,
        pulse=MilliUnits(pulse),
        reservoir=MilliUnits(reservoir_u * 1000),
        temporary=temporary,
        extended_minutes_min=extended[0],
        extended_minutes_step=extended[1],
        extended_minutes_max=extended[2] * 60,
    )


# pragma: no mutate end
_VEO = _steps((0, 25), (1_000, 50), (10_000, 100))
_COMBO = _steps((0, 10), (1_000, 50), (10_000, 100))
_INSIGHT_BOLUS = _steps((0, 50), (2_000, 100), (5_000, 200), (10_000, 500))
_INSIGHT_BASAL = _steps((0, 10), (5_000, 100))
_YPSO = _steps((0, 10), (1_000, 20), (2_000, 100), (15_000, 500))
_FIFTY = _steps((0, 50))
_HUNDRED = _steps((0, 100))
_TEN = _steps((0, 10))

# fmt: off
_ALL: Final = (
    _model("basalt_virtual", "Basalt", basal=_steps((0, 1)), basal_range=(1, 35_000),
           bolus=_FIFTY, bolus_max=25_000, speed=1_500, pulse=50, reservoir_u=300,
           temporary=_rate(1, 35_000, 24, both=True, minutes=(15, 1)), extended=(30, 1, 8)),
    _model("omnipod_dash", "Insulet", basal=_FIFTY, basal_range=(50, 30_000),
           bolus=_FIFTY, bolus_max=30_000, speed=1_500, pulse=50, reservoir_u=200,
           temporary=_rate(50, 30_000, 12, both=True), extended=(30, 30, 8)),
    _model("omnipod_eros", "Insulet", basal=_FIFTY, basal_range=(50, 30_000),
           bolus=_FIFTY, bolus_max=30_000, speed=1_500, pulse=50, reservoir_u=200,
           temporary=_rate(50, 30_000, 12, both=True), extended=(30, 30, 8)),
    _model("omnipod_5", "Insulet", basal=_FIFTY, basal_range=(50, 30_000),
           bolus=_FIFTY, bolus_max=30_000, speed=1_500, pulse=50, reservoir_u=200,
           temporary=_rate(50, 30_000, 12, both=True), extended=(30, 30, 8)),
    _model("medtronic_522", "Medtronic", basal=_FIFTY, basal_range=(50, 35_000),
           bolus=_HUNDRED, bolus_max=25_000, speed=1_500, pulse=50, reservoir_u=176,
           temporary=_rate(50, 35_000, 24, both=True), extended=(30, 30, 8)),
    _model("medtronic_722", "Medtronic", basal=_FIFTY, basal_range=(50, 35_000),
           bolus=_HUNDRED, bolus_max=25_000, speed=1_500, pulse=50, reservoir_u=300,
           temporary=_rate(50, 35_000, 24, both=True), extended=(30, 30, 8)),
    _model("medtronic_754", "Medtronic", basal=_VEO, basal_range=(25, 35_000),
           bolus=_FIFTY, bolus_max=25_000, speed=2_000, pulse=25, reservoir_u=300,
           temporary=_rate(25, 35_000, 24, both=True), extended=(30, 30, 8)),
    _model("medtronic_640g", "Medtronic", basal=_VEO, basal_range=(25, 35_000),
           bolus=_steps((0, 25)), bolus_max=25_000, speed=1_500, pulse=25, reservoir_u=300,
           temporary=_rate(25, 35_000, 24, both=True), extended=(30, 30, 8)),
    _model("tandem_tslim_x2", "Tandem", basal=_steps((0, 1)), basal_range=(100, 15_000),
           bolus=_TEN, bolus_max=25_000, speed=None, pulse=1, reservoir_u=300,
           temporary=_percent(1, 250, 1, 72, minutes_min=15), extended=(15, 15, 8)),
    _model("ypsopump", "Ypsomed", basal=_YPSO, basal_range=(20, 40_000),
           bolus=_HUNDRED, bolus_max=30_000, speed=None, pulse=10, reservoir_u=160,
           temporary=_percent(1, 500, 15, 24), extended=(15, 15, 12)),
    _model("dana_rs", "Sooil", basal=_TEN, basal_range=(40, None),
           bolus=_FIFTY, bolus_max=None, speed=5_000, pulse=10, reservoir_u=300,
           temporary=_percent(10, 200, 60, 24), extended=(30, 30, 8)),
    _model("dana_i", "Sooil", basal=_TEN, basal_range=(40, None),
           bolus=_FIFTY, bolus_max=None, speed=5_000, pulse=10, reservoir_u=300,
           temporary=_percent(10, 200, 60, 24), extended=(30, 30, 8)),
    _model("accu_chek_combo", "Roche", basal=_COMBO, basal_range=(10, None),
           bolus=_HUNDRED, bolus_max=None, speed=None, pulse=10, reservoir_u=315,
           temporary=_percent(10, 500, 15, 12), extended=(15, 15, 12)),
    _model("accu_chek_insight", "Roche", basal=_INSIGHT_BASAL, basal_range=(20, None),
           bolus=_INSIGHT_BOLUS, bolus_max=None, speed=None, pulse=10, reservoir_u=160,
           temporary=_percent(10, 250, 15, 24), extended=(15, 15, 24)),
    _model("diaconn_g8", "G2e", basal=_TEN, basal_range=(50, 3_000),
           bolus=_TEN, bolus_max=None, speed=None, pulse=10, reservoir_u=300,
           temporary=_rate(10, 15_000, 24), extended=(10, 10, 5)),
    _model("eopatch2", "Eoflow", basal=_FIFTY, basal_range=(50, 15_000),
           bolus=_FIFTY, bolus_max=25_000, speed=None, pulse=50, reservoir_u=200,
           temporary=_rate(50, 15_000, 12), extended=(30, 30, 8)),
)
# fmt: on

PUMP_MODELS: Final = {model.name: model for model in _ALL}
"""[-] by name."""
