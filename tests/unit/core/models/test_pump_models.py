"""What pumps can do, as data."""

import pytest

from core.models.pump_models import (
    PUMP_MODELS,
    Band,
    extended_problem,
    floor_bolus,
    floor_rate,
    floor_to,
    spread_problem,
    spreads_in_words,
    takes_in_words,
    temporary_problem,
)
from schemas.units import MINUTE_MS, Milliseconds, MilliUnits, MilliUnitsPerHour

BANDS = (Band(0, 25), Band(1_000, 50), Band(10_000, 100))


@pytest.mark.parametrize(
    ("value", "floored"),
    [
        (-1, 0),
        (0, 0),
        (24, 0),
        (25, 25),
        (999, 975),
        (1_000, 1_000),
        (1_049, 1_000),
        (1_050, 1_050),
        (9_999, 9_950),
        (10_000, 10_000),
        (10_099, 10_000),
        (10_100, 10_100),
    ],
)
def test_a_value_goes_down_to_the_step_of_its_band(value: int, floored: int) -> None:
    """A pump that rounds up gives insulin that nobody asked for."""
    assert floored == floor_to(BANDS, value)


@pytest.mark.parametrize(
    ("model", "rate", "given"),
    [
        ("omnipod_dash", 49, 0),
        ("omnipod_dash", 30_050, 30_000),
        ("medtronic_754", 1_049, 1_000),
        ("tandem_tslim_x2", 99, 0),
        ("tandem_tslim_x2", 15_001, 15_000),
        ("ypsopump", 15_499, 15_000),
        ("dana_rs", 39, 0),
    ],
)
def test_a_rate_is_cut_to_what_the_model_takes(model: str, rate: int, given: int) -> None:
    """What a pump cannot deliver must not stand in a plan."""
    assert given == floor_rate(PUMP_MODELS[model], MilliUnitsPerHour(rate))


@pytest.mark.parametrize(
    ("model", "amount", "given"),
    [
        ("omnipod_dash", 1_099, 1_050),
        ("omnipod_dash", 30_051, 30_000),
        ("medtronic_522", 199, 100),
        ("accu_chek_insight", 5_199, 5_000),
        ("dana_i", 99_999, 99_950),
    ],
)
def test_a_bolus_is_cut_to_what_the_model_takes(model: str, amount: int, given: int) -> None:
    """R1: the pump's own maximum holds, and steps go down."""
    assert given == floor_bolus(PUMP_MODELS[model], MilliUnits(amount))


def test_there_are_a_dozen_models_and_each_is_coherent() -> None:
    """A table with a slip in it doses wrongly for everybody who has that pump."""
    assert len(PUMP_MODELS) >= 12
    for model in PUMP_MODELS.values():
        for bands in (model.basal_steps, model.bolus_steps):
            assert 0 == bands[0].since
            assert all(band.step > 0 and band.since % band.step == 0 for band in bands)
            assert sorted({band.since for band in bands}) == [band.since for band in bands]
        assert all(band.step % model.pulse == 0 for band in model.bolus_steps)
        assert model.temporary.minutes_max % model.temporary.minutes_step == 0


@pytest.mark.parametrize(
    ("model", "percent", "rate", "minutes", "problem"),
    [
        ("omnipod_dash", 137, None, 17, "duration"),
        ("omnipod_dash", 137, None, 30, None),
        ("omnipod_dash", None, 30_000, 720, None),
        ("omnipod_dash", None, 30_050, 720, "setting"),
        ("omnipod_dash", None, 525, 720, "setting"),
        ("omnipod_dash", None, 500, 750, "duration"),
        ("omnipod_dash", None, 500, 0, "duration"),
        ("tandem_tslim_x2", 250, None, 15, None),
        ("tandem_tslim_x2", 250, None, 16, None),
        ("tandem_tslim_x2", 250, None, 14, "duration"),
        ("tandem_tslim_x2", 251, None, 15, "setting"),
        ("tandem_tslim_x2", None, 500, 30, "kind"),
        ("ypsopump", 500, None, 15, None),
        ("diaconn_g8", 100, None, 30, "kind"),
        ("diaconn_g8", None, 500, 30, None),
    ],
)
def test_a_temporary_rate_is_what_the_model_takes(
    model: str,
    percent: int | None,
    rate: int | None,
    minutes: int,
    problem: str | None,
) -> None:
    """Its kind, its steps, its most, its times."""
    asked = None if rate is None else MilliUnitsPerHour(rate)
    found = temporary_problem(PUMP_MODELS[model], percent=percent, rate=asked, minutes=minutes)

    assert problem == found


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            "tandem_tslim_x2",
            "tandem_tslim_x2 takes 0 to 250 % in steps of 1 %, for 15 to 4320 min in steps of "
            "1 min",
        ),
        (
            "diaconn_g8",
            "diaconn_g8 takes 0 to 15 U/h in steps of 0.01 U/h, for 30 to 1440 min in steps of "
            "30 min",
        ),
        (
            "omnipod_dash",
            "omnipod_dash takes 0 to 30 U/h in steps of 0.05 U/h, or percent of the profile, for "
            "30 to 720 min in steps of 30 min",
        ),
    ],
)
def test_what_a_model_takes_is_said_in_words(model: str, words: str) -> None:
    """Whoever is refused learns what would be taken."""
    assert words == takes_in_words(PUMP_MODELS[model])


@pytest.mark.parametrize(
    ("model", "shortest", "longest", "between"),
    [
        ("basalt_virtual", 30, 480, 31),
        ("omnipod_dash", 30, 480, 60),
        ("tandem_tslim_x2", 15, 480, 45),
        ("accu_chek_combo", 15, 720, 705),
        ("accu_chek_insight", 15, 1_440, 1_425),
        ("diaconn_g8", 10, 300, 20),
    ],
)
def test_a_bolus_is_spread_as_long_as_the_model_takes_it(
    model: str, shortest: int, longest: int, between: int
) -> None:
    """Each model's own bounds and steps, the ends themselves inside."""
    found = PUMP_MODELS[model]
    step = found.extended_minutes_step

    for minutes in (shortest, between, longest):
        assert not spread_problem(model, Milliseconds(minutes * MINUTE_MS), 0)
    for minutes in (shortest - step, longest + step):
        assert extended_problem(found, Milliseconds(minutes * MINUTE_MS))
    assert (step > 1) == spread_problem(model, Milliseconds((shortest + 1) * MINUTE_MS), 0)
    assert spread_problem(model, Milliseconds(shortest * MINUTE_MS + 1), 0)
    assert f"over {shortest} to {longest} min in steps of {step} min" in spreads_in_words(found)
