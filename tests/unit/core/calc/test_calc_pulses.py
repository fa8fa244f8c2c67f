"""`basalt calc pulses`: the strokes of any pump, and the tables of accuracy."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calc.pulses.compute import PULSES
from core.calc.pulses.shapes import PulsesResult, PulsesScenario
from core.kernel.errors import ScenarioError
from core.models.pulse_scheduler import Bolus, Motor, flows, pulses
from core.models.pulses import Stretch
from core.models.pump_accuracy import BANDS_PERCENT, ERROR_MODELS, bolus_bands, draws
from core.models.pump_models import PUMP_MODELS
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)

GOLDEN = [0.006248221, 0.092794304, 0.00585502]
"""[1] the first three numbers of one seed, for ever."""

START = "2026-11-01T00:00:00Z"


def run(**fields: Any) -> PulsesResult:
    given_fields = {"start": START, "end": "2026-11-01T02:00:00Z", **fields}
    result = PULSES.run(msgspec.convert(given_fields, PulsesScenario))
    return msgspec.convert(msgspec.to_builtins(result), PulsesResult)


def basal(rate: float) -> list[dict[str, Any]]:
    return [{"start": START, "u_per_h": rate}]


def times(result: PulsesResult, kind: str) -> list[str]:
    return [pulse.at.strftime("%H:%M:%S") for pulse in result.pulses if pulse.kind == kind]


def test_a_stroke_comes_when_all_of_it_is_owed() -> None:
    """0.6 U/h in strokes of 0.05 U is one each five minutes."""
    result = run(basal=basal(0.6), end="2026-11-01T00:16:00Z")

    assert ["00:05:00", "00:10:00", "00:15:00"] == times(result, "basal")
    assert (0.15, 0.16) == (
        result.kinds["basal"].delivered_u,
        result.kinds["basal"].requested_u,
    )


def test_a_change_of_rate_every_four_minutes_does_not_starve_the_basal() -> None:
    """Pumps that begin to count anew at each change deliver nothing at all here."""
    changes = [
        {"start": f"2026-11-01T{m // 60:02d}:{m % 60:02d}:00Z", "u_per_h": 0.6}
        for m in range(0, 120, 4)
    ]
    result = run(basal=changes)

    assert 1.2 == result.kinds["basal"].delivered_u


@pytest.mark.requirement("R28")
def test_a_bolus_goes_at_the_speed_of_its_pump() -> None:
    """1.5 U/min is a stroke of 0.05 U each two seconds."""
    result = run(boluses=[{"start": START, "units": 0.2}], pump="omnipod_dash")

    assert ["00:00:02", "00:00:04", "00:00:06", "00:00:08"] == times(result, "bolus")


@pytest.mark.requirement("R28")
def test_an_extended_bolus_is_even_over_its_duration() -> None:
    """Half a unit over fifty minutes is a stroke each five."""
    result = run(boluses=[{"start": START, "units": 0.5, "duration_min": 50}])

    assert 10 == result.kinds["extended"].pulses
    assert ["00:05:00", "00:50:00"] == [times(result, "extended")[i] for i in (0, -1)]


def test_a_stopped_bolus_gives_no_stroke_more() -> None:
    """R31: what was stopped at four seconds ends there."""
    result = run(boluses=[{"start": START, "units": 1.0, "stopped": "2026-11-01T00:00:05Z"}])

    assert ["00:00:02", "00:00:04"] == times(result, "bolus")


@pytest.mark.requirement("R7")
def test_a_bolus_waits_where_the_motor_cannot_do_more_and_basal_does_not() -> None:
    """Everything together stays below what the pump can move."""
    asked = {"basal": basal(30), "boluses": [{"start": START, "units": 1.0}]}
    alone = run(**asked, combined_max_u_per_h=60, end="2026-11-01T00:02:00Z")
    free = run(**asked, combined_max_u_per_h=120, end="2026-11-01T00:02:00Z")
    choked = run(**asked, combined_max_u_per_h=20, end="2026-11-01T00:02:00Z")

    assert "00:02:00" == times(alone, "bolus")[-1]
    assert times(free, "bolus")[-1] < "00:01:00"
    assert [] == times(choked, "bolus")
    assert times(alone, "basal") == times(free, "basal") == times(choked, "basal")


@pytest.mark.requirement("R8")
def test_a_normal_bolus_beside_an_extended_one_delays_neither_of_them_for_nothing() -> None:
    """The extended bolus keeps its evenness; the normal one takes what is left."""
    result = run(
        boluses=[
            {"start": START, "units": 2.0, "duration_min": 60},
            {"start": "2026-11-01T00:30:00Z", "units": 1.0},
        ]
    )

    assert (40, 20) == (result.kinds["extended"].pulses, result.kinds["bolus"].pulses)
    assert "01:00:00" == times(result, "extended")[-1]


def test_what_changes_too_often_is_refused() -> None:
    """Every loop has a limit with a name."""
    first = datetime.fromisoformat(START)
    changes = [
        {"start": first + timedelta(seconds=second), "u_per_h": 1 + second % 2}
        for second in range(110_000)
    ]
    with pytest.raises(ScenarioError):
        run(basal=changes, end="2026-11-03T00:00:00Z")


@given(
    model=st.sampled_from(sorted(PUMP_MODELS)),
    rates=st.lists(st.tuples(st.integers(1, 5_000_000), st.integers(0, 35_000)), max_size=12),
    doses=st.lists(
        st.tuples(st.integers(0, 10_000_000), st.integers(1, 200), st.integers(0, 240)), max_size=4
    ),
    spare=st.integers(1, 200_000),
)
def test_delivered_and_requested_differ_by_less_than_one_stroke_at_all_times(
    model: str,
    rates: list[tuple[int, int]],
    doses: list[tuple[int, int, int]],
    spare: int,
) -> None:
    """R29: whatever is asked in whatever order; no kind of insulin is ever lost or made up."""
    pulse = PUMP_MODELS[model].pulse
    at, stretches = 0, list[Stretch]()
    for length, rate in [*rates, (20_000_000, 900)]:
        stretches.append(Stretch(UtcMillis(at), UtcMillis(at + length), MilliUnitsPerHour(rate)))
        at += length
    boluses = [
        Bolus(
            starts_at=UtcMillis(start),
            amount=MilliUnits(count * pulse),
            duration=Milliseconds(minutes * MINUTE_MS),
        )
        for start, count, minutes in sorted(doses)
    ]
    motor = Motor(pulse, MilliUnitsPerHour(90_000), MilliUnitsPerHour(spare))
    requested = flows(stretches, boluses, motor=motor)
    found = pulses(requested, pulse=pulse)

    size = pulse * HOUR_MS
    owed = {"basal": 0, "extended": 0, "bolus": 0}
    for flow in requested:
        owed[flow.kind] += flow.parts
        count = sum(1 for one in found if one.kind == flow.kind and one.at <= flow.ends_at)
        assert 0 <= owed[flow.kind] - count * size < size
    whole = sum(bolus.amount for bolus in boluses) * HOUR_MS
    assert owed["extended"] + owed["bolus"] <= whole
    assert [one.at for one in found] == sorted(one.at for one in found)


@pytest.mark.parametrize("model", sorted(ERROR_MODELS))
@pytest.mark.requirement("R24")
def test_the_typical_pump_gives_what_was_asked(model: str) -> None:
    """An error model with a bias would blame or excuse every pump."""
    result = run(
        end="2026-11-01T12:30:00Z",
        basal=basal(1.0),
        list_pulses=False,
        accuracy={"model": model, "pumps": 200, "seed": 3},
    )

    assert result.accuracy is not None
    for total in result.accuracy.basal:
        assert total.programmed_u * 0.97 < total.typical_u < total.programmed_u * 1.03
        assert total.lowest_u <= total.typical_u <= total.highest_u
    assert [1, 6, 12] == [total.hours for total in result.accuracy.basal]
    assert [1.0, 6.0, 12.0] == [total.programmed_u for total in result.accuracy.basal]
    assert all(200 == sum(band.counts.values()) for band in result.accuracy.boluses)


@pytest.mark.requirement("R24")
@pytest.mark.parametrize(("rate", "spread"), [(0.1, 0.217), (1.0, 0.100)])
def test_an_hour_of_basal_strays_as_much_as_it_was_measured_to(rate: float, spread: float) -> None:
    """An actuator that is ideal in tests hides what people live with."""
    result = run(
        end="2026-11-01T13:00:00Z",
        basal=basal(rate),
        list_pulses=False,
        accuracy={"model": "freckmann", "pumps": 1000, "seed": 7},
    )

    assert result.accuracy is not None
    hour = result.accuracy.basal[0]
    assert 5.5 * spread < (hour.highest_u - hour.lowest_u) / hour.programmed_u < 8.0 * spread


@pytest.mark.requirement("R22")
def test_every_band_of_boluses_is_counted_on_its_edges() -> None:
    """A dose on an edge must not fall between two counts."""
    percents = (0, 24, 25, 74, 75, 94, 95, 104, 105, 124, 125, 174, 175, 249, 250, 300)
    bands = [sum(1 for edge in BANDS_PERCENT if percent >= edge) for percent in percents]

    assert [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7] == bands
    ideal = bolus_bands(
        MilliUnits(1000), pulse=MilliUnits(50), model=ERROR_MODELS["ideal"], seed=1, boluses=10
    )
    assert (0, 0, 0, 10, 0, 0, 0, 0) == ideal


def test_the_same_seed_gives_the_same_numbers_on_every_machine() -> None:
    """A table that nobody can make again proves nothing."""
    numbers = draws("basal:1:0")

    assert GOLDEN == [round(next(numbers), 9) for _ in range(3)]
    assert [next(draws("a")) for _ in range(2)] == [next(draws("a")) for _ in range(2)]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"end": START}, "$.end"),
        ({"end": "2027-11-01T00:00:00Z"}, "$.end"),
        ({"pump": "x"}, "$.pump"),
        ({"basal": [{"start": "2026-10-31T00:00:00Z", "u_per_h": 1}]}, "$.basal[0].start"),
        ({"basal": basal(1) * 2}, "$.basal[1].start"),
        ({"basal": basal(0.00001)}, "$.basal[0].u_per_h"),
        ({"boluses": [{"start": "2026-10-31T00:00:00Z", "units": 1}]}, "$.boluses[0].start"),
        (
            {"boluses": [{"start": START, "units": 1, "stopped": "2026-10-31T00:00:00Z"}]},
            "$.boluses[0].stopped",
        ),
        (
            {"boluses": [{"start": START, "units": 1, "duration_min": 7}]},
            "$.boluses[0].duration_min",
        ),
        ({"boluses": [{"start": START, "units": 0.049}]}, "$.boluses[0].units"),
        ({"accuracy": {"model": "x"}}, "$.accuracy.model"),
        ({"combined_max_u_per_h": 0.00001}, "$.combined_max_u_per_h"),
        (
            {"basal": basal(15), "pump": "tandem_tslim_x2", "end": "2026-11-30T00:00:00Z"},
            "$.end",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(fields: dict[str, Any], path: str) -> None:
    """Who writes scenarios by hand must see at once which line is wrong."""
    with pytest.raises(ScenarioError) as caught:
        run(**fields)

    assert path == caught.value.path
