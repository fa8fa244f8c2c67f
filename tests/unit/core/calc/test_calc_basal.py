"""`basalt calc basal`: programmes with weekdays, journeys, temporary rates and suspensions."""

from typing import Any

import msgspec
import pytest

from core.calc.basal.compute import BASAL
from core.calc.basal.shapes import BasalResult, BasalScenario
from core.kernel.errors import ScenarioError
from services.runtime.platform.zones import zone_lookup

FLAT = {"name": "flat", "segments": [{"start": "00:00", "u_per_h": 1.0}]}
PARIS = {
    "name": "p",
    "segments": [{"start": "00:00", "u_per_h": 1.0}, {"start": "06:00", "u_per_h": 2.0}],
}


def run(**fields: Any) -> BasalResult:
    given = {
        "start": "2026-03-02T00:00:00Z",
        "end": "2026-03-03T00:00:00Z",
        "wall": {"utc_offset_min": 0},
        "profiles": [FLAT],
        **fields,
    }
    scenario = msgspec.convert(given, BasalScenario)
    if BASAL.resolve is not None:
        scenario = BASAL.resolve(scenario, zone_lookup)
    result = BASAL.run(scenario)
    return msgspec.convert(msgspec.to_builtins(result), BasalResult)


def lasting(minutes: int, **how: float) -> dict[str, Any]:
    return {"start": "2026-03-02T01:00:00Z", "duration_min": minutes, **how}


def rates(result: BasalResult) -> list[tuple[str, float, str]]:
    return [(step.start.strftime("%d %H:%M"), step.u_per_h, step.source) for step in result.steps]


def test_a_flat_day_is_one_step() -> None:
    """The simplest programme that there is."""
    result = run()

    assert [("02 00:00", 1.0, "profile")] == rates(result)
    assert 24.0 == result.total_u
    assert [("2026-03-02", 24.0, 24.0)] == [(d.date, d.hours, d.units) for d in result.days]


@pytest.mark.requirement("R86")
@pytest.mark.parametrize(
    ("day", "instant", "rate"),
    [("2024-03-31", "04:30", 2.0), ("2024-10-27", "04:30", 1.0), ("2024-10-27", "05:30", 2.0)],
)
def test_six_in_the_morning_is_what_the_clock_on_the_wall_shows(
    day: str, instant: str, rate: float
) -> None:
    """On these two days other systems are an hour off; a person means the clock on the wall."""
    result = run(
        start=f"{day}T{instant}:00Z",
        end=f"{day}T{instant}:01Z",
        wall={"zone": "Europe/Paris"},
        profiles=[PARIS],
    )

    assert rate == result.steps[0].u_per_h


@pytest.mark.parametrize(("day", "hours", "units"), [("29", 23.0, 40.0), ("28", 24.0, 42.0)])
def test_a_day_of_23_hours_says_so(day: str, hours: float, units: float) -> None:
    """Totals by day are read by people; a short day must not look like missing insulin."""
    result = run(
        start="2026-03-27T23:00:00Z",
        end="2026-03-29T22:00:00Z",
        wall={"zone": "Europe/Paris"},
        profiles=[PARIS],
    )

    found = next(one for one in result.days if one.date.endswith(day))
    assert (hours, units + (1.0 if day == "29" else 0.0)) == (found.hours, found.units)


def test_each_weekday_has_its_profile() -> None:
    """Working days and days of rest differ."""
    rest = {"name": "rest", "segments": [{"start": "00:00", "u_per_h": 0.5}]}
    result = run(
        start="2026-03-06T12:00:00Z",
        end="2026-03-10T00:00:00Z",
        profiles=[FLAT, rest],
        week=["flat"] * 5 + ["rest"] * 2,
    )

    assert [
        ("06 12:00", 1.0, "profile"),
        ("07 00:00", 0.5, "profile"),
        ("09 00:00", 1.0, "profile"),
    ] == rates(result)


def test_a_journey_moves_the_programme_with_the_clock() -> None:
    """Who lands nine hours to the west has the dawn rate at the dawn of the new place."""
    result = run(
        start="2026-03-02T04:00:00Z",
        end="2026-03-02T18:00:00Z",
        wall={
            "zone": "Europe/Paris",
            "travel": [{"at": "2026-03-02T06:00:00Z", "zone": "America/Los_Angeles"}],
        },
        profiles=[PARIS],
    )

    assert [
        ("02 04:00", 1.0, "profile"),
        ("02 05:00", 2.0, "profile"),
        ("02 08:00", 1.0, "profile"),
        ("02 14:00", 2.0, "profile"),
    ] == rates(result)


def test_a_newer_temporary_rate_ends_the_older_one() -> None:
    """After the newer one comes the profile, not the rest of the older one."""
    result = run(
        temporaries=[
            {"start": "2026-03-02T01:00:00Z", "duration_min": 300, "percent": 50},
            {"start": "2026-03-02T02:00:00Z", "duration_min": 30, "u_per_h": 3.0},
        ]
    )

    assert [
        ("02 00:00", 1.0, "profile"),
        ("02 01:00", 0.5, "temporary"),
        ("02 02:00", 3.0, "temporary"),
        ("02 02:30", 1.0, "profile"),
    ] == rates(result)


def test_a_cancelled_temporary_rate_ends_there() -> None:
    """What was cancelled must not come back."""
    result = run(
        temporaries=[
            {
                "start": "2026-03-02T01:00:00Z",
                "duration_min": 300,
                "percent": 0,
                "cancelled": "2026-03-02T01:07:00Z",
            }
        ]
    )

    assert ("02 01:07", 1.0, "profile") == rates(result)[2]


def test_nothing_flows_while_suspended_and_a_temporary_rate_goes_on_after_it() -> None:
    """Its window goes on running, as on the pumps that people know."""
    result = run(
        temporaries=[{"start": "2026-03-02T01:00:00Z", "duration_min": 120, "percent": 200}],
        suspensions=[
            {"start": "2026-03-02T02:00:00Z", "end": "2026-03-02T02:30:00Z"},
            {"start": "2026-03-02T20:00:00Z"},
        ],
    )

    assert [
        ("02 00:00", 1.0, "profile"),
        ("02 01:00", 2.0, "temporary"),
        ("02 02:00", 0.0, "suspended"),
        ("02 02:30", 2.0, "temporary"),
        ("02 03:00", 1.0, "profile"),
        ("02 20:00", 0.0, "suspended"),
    ] == rates(result)


@pytest.mark.requirement("R9")
def test_a_limit_cuts_temporary_rates_and_never_the_profile() -> None:
    """A cap that stops programmed basal harms whom it should protect."""
    result = run(
        basal_max_u_per_h=0.8,
        temporaries=[{"start": "2026-03-02T01:00:00Z", "duration_min": 60, "percent": 200}],
    )

    assert [1.0, 1.0, 1.0] == [step.u_per_h for step in result.steps]
    assert [(), ("basal_limit",), ()] == [step.clamps for step in result.steps]


def test_a_pump_gets_what_it_can_deliver_and_never_more() -> None:
    """Steps go down, the pump's maximum holds, and both say so."""
    odd = {
        "name": "odd",
        "segments": [{"start": "00:00", "u_per_h": 1.049}, {"start": "12:00", "u_per_h": 31.0}],
    }
    result = run(profiles=[odd], pump="omnipod_dash")

    assert [
        (1.0, ("pump_step",)),
        (30.0, ("pump_maximum",)),
    ] == [(step.u_per_h, step.clamps) for step in result.steps]


@pytest.mark.parametrize(
    ("pump", "rate", "given", "clamps"),
    [
        ("omnipod_dash", 0.049, 0.0, ("pump_minimum",)),
        ("omnipod_dash", 0.05, 0.05, ()),
        ("tandem_tslim_x2", 0.08, 0.0, ("pump_minimum",)),
        ("tandem_tslim_x2", 0.0, 0.0, ()),
        ("dana_rs", 0.039, 0.0, ("pump_minimum",)),
        ("dana_rs", 0.049, 0.04, ("pump_step",)),
    ],
)
def test_a_rate_below_the_least_of_a_pump_says_so(
    pump: str, rate: float, given: float, clamps: tuple[str, ...]
) -> None:
    """No basal at all is more than a step left away."""
    profile = {"name": "low", "segments": [{"start": "00:00", "u_per_h": rate}]}
    result = run(profiles=[profile], pump=pump)

    assert [(given, clamps)] == [(step.u_per_h, step.clamps) for step in result.steps]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"end": "2026-03-02T00:00:00Z"}, "$.end"),
        ({"end": "2028-03-02T00:00:00Z"}, "$.end"),
        ({"wall": {}}, "$.wall"),
        ({"wall": {"utc_offset_min": 0, "zone": "Europe/Paris"}}, "$.wall"),
        ({"wall": {"zone": "Europe/Nowhere"}}, "$.wall.zone"),
        (
            {
                "wall": {
                    "utc_offset_min": 0,
                    "travel": [{"at": "2026-03-02T00:00:00Z", "zone": "x"}],
                }
            },
            "$.wall.travel",
        ),
        (
            {
                "wall": {
                    "zone": "Europe/Paris",
                    "travel": [
                        {"at": "2026-03-02T02:00:00Z", "zone": "Asia/Tokyo"},
                        {"at": "2026-03-02T01:00:00Z", "zone": "Asia/Tokyo"},
                    ],
                }
            },
            "$.wall.travel[1].at",
        ),
        (
            {"wall": {"changes": [{"at": "2026-03-02T01:00:00Z", "offset_s": 0}]}},
            "$.wall.changes[0].at",
        ),
        (
            {
                "wall": {
                    "changes": [
                        {"at": "2026-03-01T01:00:00Z", "offset_s": 0},
                        {"at": "2026-03-01T01:00:00Z", "offset_s": 3600},
                    ]
                }
            },
            "$.wall.changes[1].at",
        ),
        ({"profiles": [FLAT, FLAT]}, "$.profiles[1].name"),
        ({"active": "x"}, "$.active"),
        ({"week": ["flat"] * 6 + ["x"]}, "$.week[6]"),
        ({"week": ["flat"] * 7, "active": "flat"}, "$.active"),
        (
            {"profiles": [{"name": "a", "segments": [{"start": "01:00", "u_per_h": 1}]}]},
            "$.profiles[0].segments",
        ),
        (
            {"profiles": [{"name": "a", "segments": [{"start": "00:00", "u_per_h": 0.0005}]}]},
            "$.profiles[0].segments[0].u_per_h",
        ),
        (
            {"temporaries": [{"start": "2026-03-02T00:00:00Z", "duration_min": 5}]},
            "$.temporaries[0]",
        ),
        (
            {
                "temporaries": [
                    {"start": "2026-03-02T01:00:00Z", "duration_min": 5, "percent": 1},
                    {"start": "2026-03-02T01:00:00Z", "duration_min": 5, "percent": 1},
                ]
            },
            "$.temporaries[1].start",
        ),
        (
            {"suspensions": [{"start": "2026-03-02T01:00:00Z", "end": "2026-03-02T00:00:00Z"}]},
            "$.suspensions[0].end",
        ),
        (
            {
                "suspensions": [
                    {"start": "2026-03-02T01:00:00Z"},
                    {"start": "2026-03-02T02:00:00Z"},
                ]
            },
            "$.suspensions[1].start",
        ),
        ({"pump": "spring and string"}, "$.pump"),
        (
            {"pump": "omnipod_dash", "temporaries": [lasting(7, percent=500)]},
            "$.temporaries[0].duration_min",
        ),
        (
            {"pump": "omnipod_dash", "temporaries": [lasting(30, u_per_h=0.525)]},
            "$.temporaries[0].u_per_h",
        ),
        (
            {"pump": "tandem_tslim_x2", "temporaries": [lasting(30, u_per_h=1)]},
            "$.temporaries[0].u_per_h",
        ),
        (
            {"pump": "tandem_tslim_x2", "temporaries": [lasting(30, percent=251)]},
            "$.temporaries[0].percent",
        ),
        (
            {"pump": "diaconn_g8", "temporaries": [lasting(30, percent=50)]},
            "$.temporaries[0].percent",
        ),
        ({"basal_max_u_per_h": 1.00001}, "$.basal_max_u_per_h"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(fields: dict[str, Any], path: str) -> None:
    """Who writes scenarios by hand must see at once which line is wrong."""
    with pytest.raises(ScenarioError) as caught:
        run(**fields)

    assert path == caught.value.path


def test_a_zone_that_was_not_looked_up_is_no_zone() -> None:
    """Core reads no files: the services bring what zones say."""
    scenario = msgspec.json.decode(BASAL.example, type=BasalScenario)

    with pytest.raises(ScenarioError, match="looked up"):
        BASAL.run(scenario)


@pytest.mark.parametrize("end", ["2020-01-01T00:00:00Z", "9998-11-01T00:00:00Z"])
def test_an_end_that_cannot_be_is_refused_before_any_zone_is_looked_up(end: str) -> None:
    """At its path, and at once: to look up 8,000 years takes half a minute."""
    with pytest.raises(ScenarioError, match="not after the start") as caught:
        run(end=end, wall={"zone": "Europe/Paris"})

    assert "$.end" == caught.value.path
