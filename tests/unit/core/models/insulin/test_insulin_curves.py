"""The curves of insulin action against published values and against their own integrals."""

import math

import pytest

from core.models.insulin.curves import Curve
from core.models.insulin.models import (
    PRESETS,
    Bilinear,
    Exponential,
    InsulinModel,
    Linear,
    Preset,
    Walsh,
    curve_of,
    exponential_curve,
    model_problem,
    spelled,
)


def exponential(duration: float, peak: float, delay: float = 0) -> Exponential:
    return Exponential(duration_min=duration, peak_min=peak, delay_min=delay)


MINUTES = (30, 60, 120, 180, 240)
GOLDEN: dict[InsulinModel, tuple[float, ...]] = {
    exponential(360, 75, 10): (
        *(0.965974655005, 0.833799340963, 0.500576816550, 0.240573615809, 0.088977053881),
    ),
    exponential(360, 65, 10): (
        *(0.957452510299, 0.800260938005, 0.439578318310, 0.191449442727, 0.064123061635),
    ),
    exponential(360, 55, 10): (
        *(0.944465782738, 0.752568106052, 0.363810529999, 0.137900539866, 0.040215685882),
    ),
    exponential(300, 29, 10): (
        *(0.844567840379, 0.474489370695, 0.094854561235, 0.013196018566, 0.001118484094),
    ),
    exponential(300, 75): (
        *(0.924970185631, 0.764005703558, 0.410579942148, 0.158796415373, 0.032924868797),
    ),
    exponential(300, 55): (
        *(0.884316691921, 0.667938566668, 0.288254250031, 0.088383167443, 0.014588049085),
    ),
    exponential(300, 45): (
        *(0.846070737186, 0.588178567539, 0.208824788035, 0.052359886962, 0.007122678069),
    ),
    Bilinear(duration_min=180): (0.922216, 0.711088, 0.174626, 0.0, 0.0),
    Bilinear(duration_min=240): (0.954163, 0.833320, 0.404768, 0.095276, 0.0),
    Walsh(duration_min=180): (0.90292857, 0.67275312, 0.25314792, 0.0, 0.0),
    Walsh(duration_min=240, delay_min=10): (
        *(0.96125904, 0.84587625, 0.52112529, 0.21918249, 0.02770929),
    ),
    Walsh(duration_min=300): (0.96254505, 0.8664288, 0.5874048, 0.3189648, 0.1323888),
    Walsh(duration_min=360): (0.982934167, 0.916355872, 0.696907552, 0.452122432, 0.249029632),
    Linear(duration_min=240): (0.875, 0.75, 0.5, 0.25, 0.0),
}

MODELS = (*GOLDEN, Walsh(duration_min=270), exponential(120, 59), exponential(360, 179.999))


def quadrature(curve: Curve, low: float, high: float) -> float:
    """Integrate by Simpson's rule between the places where a curve bends or jumps."""
    starts = getattr(curve.shape, "starts", (0.0,))
    bends = {curve.delay_min + start for start in starts} | {curve.end_min}
    edges = sorted({low, high} | {bend for bend in bends if low < bend < high})
    parts: list[float] = []
    for one, other in zip(edges, edges[1:], strict=False):
        step, count = (other - one) / 2_000, 2_000
        # A curve may jump where two pieces meet; what counts is the value inside.
        inside = (other - one) * 1e-13
        values = [curve.fraction(one + inside)]
        values += [curve.fraction(one + step * n) for n in range(1, count)]
        values += [curve.fraction(other - inside)]
        weights = [1, *(4 if n % 2 else 2 for n in range(1, count)), 1]
        parts.append(step / 3 * math.fsum(w * v for w, v in zip(weights, values, strict=True)))
    return math.fsum(parts)


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    ("model", "minute", "expected"),
    [
        (model, minute, value)
        for model, values in GOLDEN.items()
        for minute, value in zip(MINUTES, values, strict=True)
    ],
)
def test_every_model_is_the_published_one(
    model: InsulinModel, minute: int, expected: float
) -> None:
    """Loop, oref0, AAPS, Nightscout, LoopKit's Walsh and Omnipod: numbers of their formulas."""
    found = curve_of(model).fraction(minute)

    assert math.isclose(expected, found, abs_tol=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize(("low", "high"), [(-5, 3), (0, 33), (8, 171), (100, 500), (-20, 700)])
def test_the_closed_integral_is_the_area_under_the_curve(
    model: InsulinModel, low: float, high: float
) -> None:
    """A constant rate is integrated exactly; a wrong antiderivative would bias every basal."""
    curve = curve_of(model)

    found = curve.mean_fraction(low, high) * (high - low)

    assert math.isclose(quadrature(curve, low, high), found, abs_tol=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("minute", [11.5, 40.0, 119.0])
def test_activity_is_how_fast_the_fraction_falls(model: InsulinModel, minute: float) -> None:
    """Activity and insulin on board must tell the same story."""
    curve, step = curve_of(model), 1e-3

    slope = (curve.fraction(minute - step) - curve.fraction(minute + step)) / (2 * step)

    assert math.isclose(slope, curve.activity(minute), abs_tol=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_before_the_delay_all_is_left_and_at_the_end_nothing(model: InsulinModel) -> None:
    """The edges of every curve are exact."""
    curve = curve_of(model)

    assert 1.0 == curve.fraction(-3.0) == curve.fraction(curve.delay_min)
    assert 0.0 == curve.fraction(curve.end_min) == curve.activity(curve.end_min)
    assert 0.0 == curve.activity(0.0)
    assert curve.integral(curve.end_min) == curve.integral(curve.end_min + 1_000)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_moment_is_the_limit_of_a_short_span(model: InsulinModel) -> None:
    """A pulse of a millisecond is computed at its middle, one of a second by integrals."""
    curve = curve_of(model)

    for minute in (5.0, 60.0, 150.0):
        long = curve.mean_fraction(minute - 0.002, minute + 0.002)
        assert math.isclose(curve.mean_fraction(minute, minute), long, abs_tol=1e-9)
        active = curve.mean_activity(minute - 0.002, minute + 0.002)
        assert math.isclose(curve.mean_activity(minute, minute), active, abs_tol=1e-7)


def test_a_peak_near_half_the_duration_loses_no_digits() -> None:
    """The formula divides by (1 - 2 peak / duration); the parabola is its limit."""
    found = exponential_curve(duration_min=300, peak_min=149.9999999, delay_min=0)

    for minute in range(0, 301, 20):
        part = minute / 300
        assert math.isclose(1 - 3 * part**2 + 2 * part**3, found.fraction(minute), abs_tol=1e-8)


def test_formula_and_series_of_the_exponential_meet() -> None:
    """Which of the two is taken must not be seen in a result."""
    part = (2.3 - math.sqrt(2.3**2 - 1.2)) / 0.6  # where td / tau is 0.3
    series, formula = (
        exponential_curve(duration_min=300, peak_min=300 * (part + side), delay_min=0)
        for side in (1e-13, -1e-13)
    )

    assert type(series.shape) is not type(formula.shape)
    for minute in (1, 50, 150, 299):
        assert math.isclose(series.fraction(minute), formula.fraction(minute), abs_tol=1e-12)


@pytest.mark.parametrize("peak", [0.0, -1.0, 150.0, 200.0])
def test_a_peak_that_cannot_be_has_no_curve(peak: float) -> None:
    """Beyond half the duration the formula gives numbers that mean nothing."""
    with pytest.raises(ValueError, match="peak"):
        exponential_curve(duration_min=300, peak_min=peak, delay_min=0)


def test_a_model_that_cannot_be_is_named() -> None:
    """A scenario is told which field is wrong."""
    assert ("peak_min", "the peak comes before half the duration") == model_problem(
        exponential(300, 150)
    )
    assert model_problem(exponential(300, 149)) is None


def test_a_preset_is_its_numbers() -> None:
    """A person may write the name that Loop, oref0, AAPS or Nightscout show."""
    assert exponential(360, 75, 10) == spelled(Preset(preset="loop_adult"))
    for name, model in PRESETS.items():
        assert curve_of(model).fraction(77) == curve_of(Preset(preset=name)).fraction(77)


def test_a_curve_is_cut_where_its_formula_leaves_what_can_be() -> None:
    """Bilinear dips below zero near its end, Walsh's 3 h rises above one at its begin."""
    bilinear, walsh = curve_of(Bilinear(duration_min=180)), curve_of(Walsh(duration_min=180))

    assert 0.0 == bilinear.fraction(177.0) == bilinear.activity(177.0)
    assert 1.0 == walsh.fraction(2.6)
