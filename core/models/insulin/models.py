"""The models of insulin action that pumps and artificial pancreases use, and their presets."""

import math
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec

from core.models.insulin.curves import Curve, Polynomial, curve, piecewise, stretched
from core.models.insulin.curves import Exponential as ExponentialShape

CURVES_KEPT = 256
"""[-] curves kept ready; each is made from two or three numbers."""

FLATNESS_MIN = 0.3
"""[1] td / tau below which the exponential formula loses digits and its power series is used."""

SERIES_TERMS = 12
"""[-] of that series; the next one is below 1e-15."""

DurationMin = Annotated[float, msgspec.Meta(ge=60, le=1440)]
"""[min] 60 to 1440."""

DelayMin = Annotated[float, msgspec.Meta(ge=0, le=120)]
"""[min] 0 to 120."""


class _Model(msgspec.Struct, frozen=True, kw_only=True, tag_field="model"):
    """What all models have."""

    delay_min: DelayMin = 0.0
    """[min] 0 to 120; before anything acts; Loop takes 10."""


class Exponential(_Model, frozen=True, kw_only=True, tag="exponential", forbid_unknown_fields=True):
    """LoopKit's, oref0's and AAPS's exponential model (after D. Maksimovic)."""

    duration_min: DurationMin
    """[min] 60 to 1440, without the delay."""
    peak_min: Annotated[float, msgspec.Meta(ge=1)]
    """[min] of greatest activity, from the end of the delay; 1 to below half the duration."""


class Bilinear(_Model, frozen=True, kw_only=True, tag="bilinear", forbid_unknown_fields=True):
    """oref0's and Nightscout's model of two parabolas for 3 h, time stretched for others."""

    duration_min: DurationMin
    """[min] 60 to 1440; Nightscout's default is 180."""


class Walsh(_Model, frozen=True, kw_only=True, tag="walsh", forbid_unknown_fields=True):
    """J. Walsh's curves of 3 to 6 h as polynomials (GlucoDyn, LoopKit), time stretched between."""

    duration_min: DurationMin
    """[min] 60 to 1440; by the nearest of 3, 4, 5 and 6 h."""


class Linear(_Model, frozen=True, kw_only=True, tag="linear", forbid_unknown_fields=True):
    """Omnipod's model: the same part in every minute."""

    duration_min: DurationMin
    """[min] 60 to 1440; Omnipod offers 2 to 6 h."""


PresetName = Literal[
    "loop_adult",
    "loop_child",
    "loop_fiasp",
    "loop_lyumjev",
    "loop_afrezza",
    "oref0_rapid_acting",
    "oref0_ultra_rapid",
    "androidaps_lyumjev",
    "nightscout",
]


class Preset(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag="preset",
    tag_field="model",
    forbid_unknown_fields=True,
):
    """A model by the name under which a system offers it."""

    preset: PresetName
    """[-] see `PRESETS`."""


Spelled = Exponential | Bilinear | Walsh | Linear
InsulinModel = Spelled | Preset
"""As a scenario names it: {"model": "exponential", "duration_min": 360, "peak_min": 75}."""


PRESETS: Final[dict[PresetName, Spelled]] = {
    "loop_adult": Exponential(duration_min=360.0, peak_min=75.0, delay_min=10.0),
    "loop_child": Exponential(duration_min=360.0, peak_min=65.0, delay_min=10.0),
    "loop_fiasp": Exponential(duration_min=360.0, peak_min=55.0, delay_min=10.0),
    "loop_lyumjev": Exponential(duration_min=360.0, peak_min=55.0, delay_min=10.0),
    "loop_afrezza": Exponential(duration_min=300.0, peak_min=29.0, delay_min=10.0),
    "oref0_rapid_acting": Exponential(duration_min=300.0, peak_min=75.0),
    "oref0_ultra_rapid": Exponential(duration_min=300.0, peak_min=55.0),
    "androidaps_lyumjev": Exponential(duration_min=300.0, peak_min=45.0),
    "nightscout": Bilinear(duration_min=180.0),
}
"""[min] duration, peak, delay; sources: LoopAlgorithm ExponentialInsulinModelPreset, oref0
lib/iob/total.js, AndroidAPS InsulinLyumjevPlugin, Nightscout lib/plugins/iob.js."""

_WALSH: Final[dict[int, Polynomial]] = {
    3: (0.99951, 9.255e-4, -1.759e-4, 1.354e-6, -3.2030e-9),
    4: (0.99950, -9.086e-4, -5.510e-5, 2.530e-7, -3.310e-10),
    5: (0.99300, 4.490e-4, -5.550e-5, 2.320e-7, -2.950e-10),
    6: (0.99700, 6.365e-4, -4.095e-5, 1.413e-7, -1.493e-10),
}
"""[1] by hours, of minutes; source: GlucoDyn, as in LoopKit's WalshInsulinModel."""

_BILINEAR: Final[tuple[tuple[float, Polynomial], ...]] = (
    # 1 - 0.001852 x^2 + 0.001852 x with x = s / 5 + 1
    (0.0, (1.0, -0.001852 / 5, -0.001852 / 25)),
    # 0.001323 x^2 - 0.054233 x + 0.55556 with x = (s - 75) / 5
    (75.0, (0.55556 + 0.054233 * 15 + 0.001323 * 225, -0.054233 / 5 - 0.001323 * 6, 0.001323 / 25)),
)
"""[1] of minutes s of a duration of 180; source: oref0 lib/iob/calculate.js."""


def spelled(model: InsulinModel) -> Spelled:
    """Give a model as its numbers, also if it was named as a preset."""
    return PRESETS[model.preset] if isinstance(model, Preset) else model


def model_problem(model: InsulinModel) -> tuple[str, str] | None:
    """Name the field that cannot be and why, None when the model is well."""
    if isinstance(model, Exponential) and model.peak_min * 2 >= model.duration_min:
        return "peak_min", "the peak comes before half the duration"
    return None


@lru_cache(maxsize=CURVES_KEPT)
def curve_of(model: InsulinModel) -> Curve:
    """Make the curve of a model; the same model gives the same curve.

    Raises:
        ValueError: the peak is at half the duration or later; see `model_problem`.
    """
    found = spelled(model)
    duration, delay = found.duration_min, found.delay_min
    match found:
        case Exponential(peak_min=peak):
            return exponential_curve(duration_min=duration, peak_min=peak, delay_min=delay)
        case Walsh():
            hours = min(6, max(3, math.floor(duration / 60 + 0.5)))
            pieces = [(0.0, stretched(_WALSH[hours], hours * 60 / duration))]
        case Bilinear():
            pieces = [
                (start * duration / 180, stretched(polynomial, 180 / duration))
                for start, polynomial in _BILINEAR
            ]
        case _:  # Linear
            pieces = [(0.0, (1.0, -1 / duration))]
    shape = piecewise(pieces, duration=duration)
    return curve(shape, duration_min=duration, delay_min=delay)


def exponential_curve(*, duration_min: float, peak_min: float, delay_min: float) -> Curve:
    """Make the exponential curve.

    With the peak near half the duration tau grows without bound and the formula loses its
    digits; there the same function is summed as a power series of td / tau.

    Raises:
        ValueError: the peak is not between 0 and half the duration.
    """
    part = peak_min / duration_min
    if not 0 < part < 0.5:
        raise ValueError("the peak is not between 0 and half the duration")
    flatness = (1 - 2 * part) / (part * (1 - part))
    if flatness < FLATNESS_MIN:
        shape = piecewise([(0.0, _series(flatness, duration_min))], duration=duration_min)
        return curve(shape, duration_min=duration_min, delay_min=delay_min)
    tau = duration_min / flatness
    rise = 2 / flatness
    scale = 1 / (1 - rise + (1 + rise) * math.exp(-flatness))
    exponential = ExponentialShape(duration=duration_min, tau=tau, rise=rise, scale=scale)
    return curve(exponential, duration_min=duration_min, delay_min=delay_min)


def _series(flatness: float, duration: float) -> Polynomial:
    """Sum 1 minus the integral of u (1 - u) exp(-flatness u), for u = t / duration."""
    powers = [0.0] * (SERIES_TERMS + 3)
    for n in range(SERIES_TERMS):
        term = (-flatness) ** n / math.factorial(n)
        powers[n + 2] += term / (n + 2)
        powers[n + 3] -= term / (n + 3)
    whole = math.fsum(powers)
    return stretched((1.0, *(-c / whole for c in powers[1:])), 1 / duration)
