"""`basalt calc glucose`: alerts and reminders over time."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from core.calc.glucose.compute import GLUCOSE
from core.calc.glucose.shapes import GlucoseResult, GlucoseScenario
from core.kernel.errors import ScenarioError

NOON = datetime.fromisoformat("2026-11-01T12:00:00Z")


def when(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def sensor(*values: int | str, start: float = 0, every: float = 5) -> list[dict[str, Any]]:
    return [
        {"at": when(start + index * every), "received": str(value), "source": "sensor"}
        for index, value in enumerate(values)
    ]


def meter(minutes: float, value: int) -> dict[str, Any]:
    return {"at": when(minutes), "received": str(value), "source": "meter"}


def run(at: float, readings: list[dict[str, Any]], **fields: Any) -> GlucoseResult:
    given = {"at": when(at), "readings": readings, **fields}
    result = GLUCOSE.run(msgspec.convert(given, GlucoseScenario))
    return msgspec.convert(msgspec.to_builtins(result), GlucoseResult)


def happened(result: GlucoseResult, alert: str = "") -> list[tuple[float, str, str]]:
    return [
        ((one.at - NOON).total_seconds() / 60, one.alert, one.what)
        for one in result.history
        if alert in one.alert
    ]


def stands(result: GlucoseResult) -> list[str]:
    return [one.alert for one in result.alerts]


@pytest.mark.parametrize(
    ("values", "alerts"),
    [
        ((72, 71, 70), []),
        ((72, 71, 69), ["glucose_low"]),
        ((69, 74), ["glucose_low"]),
        ((69, 75), []),
        ((60, 54), ["glucose_low"]),
        ((60, 53), ["glucose_urgent_low", "glucose_low"]),
        ((53, 58), ["glucose_urgent_low", "glucose_low"]),
        ((53, 59), ["glucose_low"]),
        ((240, 250), []),
        ((245, 251), ["glucose_high"]),
        ((251, 246), ["glucose_high"]),
        ((251, 245), []),
        (("LOW", "LOW"), ["glucose_urgent_low", "glucose_low"]),
        (("HIGH", "HIGH"), ["glucose_high"]),
    ],
)
def test_a_threshold_lets_go_only_beyond_it(
    values: tuple[int | str, ...], alerts: list[str]
) -> None:
    """An alert that flutters on its threshold is switched off by those who need it."""
    result = run(5 * len(values) - 5, sensor(*values))

    assert sorted(alerts) == sorted(stands(result))


def test_a_low_alert_stands_without_news() -> None:
    """Silence of the sensor does not make a low better."""
    result = run(60, sensor(65))

    assert ["glucose_low", "glucose_missing"] == stands(result)


@pytest.mark.parametrize(
    ("values", "alert"),
    [
        ((100, 110, 120, 130), "glucose_rising"),
        ((200, 190, 180, 170), "glucose_falling"),
        ((110, 100, 91, 82), "glucose_predicted_low"),
    ],
)
def test_where_glucose_leads_is_told(values: tuple[int, ...], alert: str) -> None:
    """There is time to act before it is low."""
    assert alert in stands(run(15, sensor(*values)))
    assert alert not in stands(run(15, sensor(*[values[-1]] * 4)))


def test_a_low_that_is_there_is_no_prediction() -> None:
    """One thing is told once."""
    assert "glucose_predicted_low" not in stands(run(15, sensor(90, 82, 75, 68)))
    assert [] == stands(run(15, sensor(95, 95, 95, "LOW")))[2:]


@pytest.mark.parametrize(("age", "count"), [(20, 0), (20.01, 1), (24 * 60, 1), (24 * 60 + 1, 0)])
def test_a_silent_sensor_is_told_until_it_is_no_sensor_any_more(age: float, count: int) -> None:
    """After a day without a sensor people measure, and are reminded to."""
    result = run(age, sensor(120))

    assert count == stands(result).count("glucose_missing")


@pytest.mark.requirement("R62")
def test_a_low_of_an_hour_doubts_the_sensor() -> None:
    """False lows for hours have hurt people who followed them."""
    lows = sensor(*[65] * 13)

    assert "glucose_low_persists" not in stands(run(59, lows[:12]))
    assert "glucose_low_persists" in stands(run(60, lows))
    assert "glucose_low_persists" not in stands(run(60, [*lows[:6], meter(28, 90), *lows[6:]]))
    assert "glucose_low_persists" not in stands(run(90, lows))


def test_high_for_two_hours_after_a_correction_asks_for_set_and_ketones() -> None:
    """Insulin that does not work has not arrived."""
    high = sensor(*[280] * 25)

    assert "glucose_high_after_correction" not in stands(run(119, high[:24], corrections=[when(0)]))
    assert "glucose_high_after_correction" in stands(run(120, high, corrections=[when(0)]))
    assert "glucose_high_after_correction" not in stands(run(120, high))
    dipped = [*high[:10], meter(47, 200), *high[10:]]
    assert "glucose_high_after_correction" not in stands(run(120, dipped, corrections=[when(0)]))


@pytest.mark.parametrize(
    ("measured", "at", "due"),
    [
        ([0], 359, False),
        ([0], 360, True),
        ([0, 60, 120, 180], 180 + 361, False),
        ([0, 60, 120], 120 + 360, True),
        ([], 360, False),
    ],
)
def test_who_wears_no_sensor_is_reminded_to_measure(
    measured: list[int], at: float, due: bool
) -> None:
    """Four times a day, unless that was done."""
    result = run(at, [meter(minute, 120) for minute in measured])

    assert due == ("measure_due" in stands(result))
    off = run(at, [meter(minute, 120) for minute in measured], settings={"measurements_a_day": 0})
    assert "measure_due" not in stands(off)


@pytest.mark.parametrize(
    ("field", "alert"),
    [("meals", "measure_after_meal"), ("set_changes", "measure_after_set_change")],
)
def test_two_hours_after_a_meal_or_a_new_set_a_measurement_is_asked_for(
    field: str, alert: str
) -> None:
    """For an hour, until it is made, and not from who wears a sensor."""
    first = [meter(0, 120)]

    assert alert not in stands(run(119, first, **{field: [when(0)]}))
    assert alert in stands(run(120, first, **{field: [when(0)]}))
    assert alert not in stands(run(180, first, **{field: [when(0)]}))
    assert alert not in stands(run(125, [*first, meter(95, 120)], **{field: [when(0)]}))
    assert alert not in stands(run(125, sensor(*[120] * 26), **{field: [when(0)]}))


def test_a_set_is_due_after_two_days_and_overdue_after_three() -> None:
    """An old set delivers less and infects."""
    change = {"set_changes": [when(0)], "since": when(0)}
    alerts = {
        hours: [(one.alert, one.priority) for one in run(hours * 60, [], **change).alerts]
        for hours in (47, 48, 71, 73, 79)
    }

    assert ("set_change_due", "low") not in alerts[47]
    assert ("set_change_due", "low") in alerts[48]
    assert ("set_change_due", "medium") in alerts[79]


def test_an_alert_sounds_again_and_then_louder_while_nobody_reacts() -> None:
    """Somebody else must hear it when the person cannot."""
    result = run(20, sensor(*[65] * 5))

    assert [
        (0, "glucose_low", "raised"),
        (5, "glucose_low", "repeated"),
        (10, "glucose_low", "repeated"),
        (15, "glucose_low", "escalated"),
        (20, "glucose_low", "repeated"),
    ] == happened(result)
    assert ["high"] == [one.priority for one in result.alerts]


@pytest.mark.parametrize(("value", "alert", "silence"), [(65, "low", 15), (300, "high", 30)])
def test_a_snoozed_alert_comes_back(value: int, alert: str, silence: int) -> None:
    """Fifteen minutes for a low, thirty for a high; nothing is silenced for ever."""
    snooze = [{"at": when(2), "alert": f"glucose_{alert}"}]
    result = run(45, sensor(*[value] * 10), snoozes=snooze)

    found = [(minute, what) for minute, _, what in happened(result, f"glucose_{alert}")][:3]
    assert [(0, "raised"), (2, "snoozed"), (2 + silence, "repeated")] == [
        one for one in found if one[1] != "x"
    ]


def test_a_snooze_of_what_does_not_stand_is_nothing() -> None:
    """Nobody silences an alert that is still to come."""
    result = run(10, sensor(100, 65, 65), snoozes=[{"at": when(2), "alert": "glucose_low"}])

    assert (5, "glucose_low", "raised") in happened(result)
    assert result.alerts[0].snoozed_until is None


def test_an_alert_that_sounds_once_does_so() -> None:
    """Falling fast is news once."""
    result = run(40, sensor(300, 285, 270, 255, 240, 225, 210, 195, 180))

    assert [(10, "glucose_falling", "raised")] == happened(result, "falling")


def test_a_reading_that_came_late_was_not_known_before() -> None:
    """What was told then is judged by what was known then."""
    late = {**sensor(60, start=0)[0], "arrived": when(30)}
    result = run(30, [*sensor(120, 120, start=5, every=15), late])

    assert [] == happened(result, "low")
    assert ["taken", "taken", "backfill"] == [one.verdict for one in result.readings]


def test_nothing_known_is_nothing_said() -> None:
    """No reading is not a reading of zero."""
    result = run(0, [])

    assert (None, None, "NotComputable") == (
        result.newest,
        result.mg_dl_per_min,
        result.arrow,
    )
    assert all(result.stale.values())
    assert () == result.alerts


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"readings": [{"at": when(0), "received": "0,5", "source": "meter"}]},
            "$.readings[0].received",
        ),
        ({"readings": [meter(1, 120)]}, "$.readings[0].at"),
        ({"readings": [{**meter(0, 120), "arrived": when(1)}]}, "$.readings[0].arrived"),
        ({"settings": {"urgent_low_mg_dl": 70}}, "$.settings"),
        ({"settings": {"set_due_h": 80}}, "$.settings.set_overdue_h"),
        ({"since": when(1)}, "$.since"),
        ({"meals": [when(0), when(-1)]}, "$.meals[1]"),
        ({"corrections": [when(1)]}, "$.corrections[0]"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(fields: dict[str, Any], path: str) -> None:
    """Who writes scenarios by hand must see at once which line is wrong."""
    with pytest.raises(ScenarioError) as caught:
        run(0, fields.pop("readings", []), **fields)

    assert path == caught.value.path


def test_more_instants_than_anybody_can_look_at_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every loop has a limit with a name."""
    monkeypatch.setattr("core.calc.glucose.compute.LOOKS_MAX", 3)

    with pytest.raises(ScenarioError):
        run(60, sensor(*[120] * 10))
