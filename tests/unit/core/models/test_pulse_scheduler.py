"""Pacing of basal, extended and normal boluses on one motor, checked the long way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models import pulse_scheduler
from core.models.pulse_scheduler import Bolus, Flow, Motor, flows, largest_owed, pulses
from core.models.pulses import Parts, Stretch
from schemas.units import HOUR_MS, Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis

PULSE = MilliUnits(50)
MOTOR = Motor(
    pulse=PULSE, bolus_rate=MilliUnitsPerHour(90_000), rate_max=MilliUnitsPerHour(100_000)
)
SECOND = 1_000


def basal(rate: int, *, until: int, since: int = 0) -> Stretch:
    return Stretch(
        starts_at=UtcMillis(since), ends_at=UtcMillis(until), rate=MilliUnitsPerHour(rate)
    )


def bolus(amount: int, *, at: int = 0, over: int = 0, stopped: int | None = None) -> Bolus:
    return Bolus(
        starts_at=UtcMillis(at),
        amount=MilliUnits(amount),
        duration=Milliseconds(over),
        ends_at=None if stopped is None else UtcMillis(stopped),
    )


def summed(found: list[Flow], kind: str) -> int:
    return sum(flow.parts for flow in found if flow.kind == kind)


def rates(found: list[Flow], kind: str) -> list[tuple[int, int, int]]:
    return [(one.starts_at, one.ends_at, one.rate) for one in found if one.kind == kind]


@given(
    rate=st.integers(0, 200_000),
    length=st.integers(1, 400),
    owed=st.integers(0, 49_999),
    pulse=st.sampled_from([1, 50]),
)
def test_the_most_that_is_owed_is_found_without_looking_at_each_instant(
    rate: int, length: int, owed: int, pulse: int
) -> None:
    """A stroke is given as soon as all of it is owed; between two strokes the debt grows."""
    size = pulse * 1_000
    begin = owed % size
    flow = Flow("basal", UtcMillis(0), UtcMillis(length), rate, Parts(rate * length))
    debts = [(begin + rate * instant) % size for instant in range(length + 1)]

    assert max(debts) == largest_owed(flow, owed=begin, size=size)


def test_strokes_come_when_all_of_one_is_owed_and_basal_first() -> None:
    """At 1 U/h a stroke of 0.05 U each 180 s; one of a bolus at the same instant follows it."""
    found = pulses(
        flows([basal(1_000, until=360 * SECOND)], [bolus(100, over=360 * SECOND)], motor=MOTOR),
        pulse=PULSE,
    )

    assert [
        (180 * SECOND, "basal"),
        (180 * SECOND, "extended"),
        (360 * SECOND, "basal"),
        (360 * SECOND, "extended"),
    ] == [(one.at, one.kind) for one in found]


def test_a_stroke_never_comes_early() -> None:
    """At 0.7 U/h 0.05 U are owed after 257142.86 ms: in the first whole one after that."""
    found = pulses(flows([basal(700, until=HOUR_MS)], [], motor=MOTOR), pulse=PULSE)

    assert (257_143, 514_286) == (found[0].at, found[1].at)
    assert 14 == len(found)


def test_a_normal_bolus_takes_what_basal_and_extended_leave() -> None:
    """R7: 100 U/h in all, of which 8 are basal and 4 spread: 88 instead of 90 are left."""
    found = flows(
        [basal(8_000, until=HOUR_MS)],
        [bolus(4_000, over=HOUR_MS), bolus(4_400)],
        motor=MOTOR,
    )

    assert [(0, 180 * SECOND, 88_000)] == rates(found, "bolus")
    assert 4_400 * HOUR_MS == summed(found, "bolus")
    assert 4_000 * HOUR_MS == summed(found, "extended")
    assert {8_000} == {rate for _, _, rate in rates(found, "basal")}


def test_programmed_basal_is_never_slowed() -> None:
    """Where basal needs all that the motor can do, boluses wait."""
    found = flows(
        [basal(100_000, until=60 * SECOND), basal(1_000, since=60 * SECOND, until=HOUR_MS)],
        [bolus(1_000, over=HOUR_MS), bolus(1_500)],
        motor=MOTOR,
    )

    assert (60 * SECOND, 120 * SECOND, 90_000) == rates(found, "bolus")[0]
    assert 60 * SECOND == rates(found, "extended")[0][0]
    assert 100_000 == rates(found, "basal")[0][2]


def test_one_of_each_kind_at_a_time_the_next_follows() -> None:
    """R8: the second extended bolus waits for the end of the first."""
    found = flows(
        [basal(0, until=2 * HOUR_MS)],
        [
            bolus(1_000, over=HOUR_MS // 2),
            bolus(1_000, at=1, over=HOUR_MS // 2),
            bolus(1_500),
            bolus(1_500, at=30 * SECOND),
        ],
        motor=MOTOR,
    )

    assert 2_000 * HOUR_MS == summed(found, "extended")
    assert 3_000 * HOUR_MS == summed(found, "bolus")
    normal = rates(found, "bolus")
    assert (0, 120 * SECOND) == (normal[0][0], normal[-1][1])
    assert {90_000} == {rate for _, _, rate in normal}
    spread = rates(found, "extended")
    assert (0, HOUR_MS) == (spread[0][0], spread[-1][1])


def test_a_stopped_bolus_gives_no_more() -> None:
    """From the instant on."""
    found = flows([basal(0, until=HOUR_MS)], [bolus(1_500, stopped=20 * SECOND)], motor=MOTOR)

    assert [(0, 20 * SECOND, 90_000)] == rates(found, "bolus")


def test_a_bolus_begins_when_it_begins_and_ends_with_its_last_part() -> None:
    """0.05 U at 90 U/h take 2 s; 1 part more takes a millisecond more."""
    found = flows([basal(0, until=HOUR_MS)], [bolus(50, at=7)], motor=MOTOR)
    odd = Motor(pulse=PULSE, bolus_rate=MilliUnitsPerHour(89_999), rate_max=MOTOR.rate_max)
    slower = flows([basal(0, until=HOUR_MS)], [bolus(50, at=7)], motor=odd)

    assert [(7, 2_007, 90_000)] == rates(found, "bolus")
    assert [(7, 2_008, 89_999)] == rates(slower, "bolus")
    assert 50 * HOUR_MS == summed(slower, "bolus")


def test_too_many_changes_of_rate_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before they fill the memory, and not one before."""
    monkeypatch.setattr(pulse_scheduler, "FLOWS_MAX", 3)
    three = [basal(rate, since=rate, until=rate + 1) for rate in range(1, 4)]
    four = [basal(rate, since=rate, until=rate + 1) for rate in range(1, 5)]

    assert 3 == len(flows(three, [], motor=MOTOR))
    with pytest.raises(ValueError, match="more than 3 changes of rate"):
        flows(four, [], motor=MOTOR)


def test_at_the_same_instant_an_extended_stroke_comes_before_a_normal_one() -> None:
    """By precedence and not by the alphabet, nor by which bolus was asked for first."""
    found = pulses(
        flows(
            [basal(0, until=HOUR_MS)],
            [bolus(100), bolus(100, over=4 * SECOND)],
            motor=MOTOR._replace(rate_max=MilliUnitsPerHour(200_000)),
        ),
        pulse=PULSE,
    )

    assert [
        (2 * SECOND, "extended"),
        (2 * SECOND, "bolus"),
        (4 * SECOND, "extended"),
        (4 * SECOND, "bolus"),
    ] == [(one.at, one.kind) for one in found]
