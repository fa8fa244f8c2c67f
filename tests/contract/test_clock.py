"""Clock: the machine's and the fake one tell both times, and neither goes back."""

from pathlib import Path

import msgspec
import pytest

from schemas.units import UtcMillis
from services.runtime.platform.clock import (
    Clock,
    ClockRecord,
    FakeClock,
    SystemClock,
    boot_ns,
    read_clock_record,
    wall_ms,
    write_clock_record,
)

RECORD = ClockRecord(real=UtcMillis(1_000_000), therapy=UtcMillis(5_000_000), speed=60)


@pytest.fixture(params=["system", "fake"])
def clock(request: pytest.FixtureRequest) -> Clock:
    if request.param == "system":
        return SystemClock(record=msgspec.structs.replace(RECORD, boot_ns=boot_ns()))
    return FakeClock(therapy=UtcMillis(5_000_000), speed=60)


def test_time_never_goes_back(clock: Clock) -> None:
    """Both times are read together and only grow."""
    seen = [clock.now() for _ in range(1000)]

    assert seen == sorted(seen, key=lambda now: (now.therapy, now.real))
    assert {60} == {now.speed for now in seen}


def test_therapy_time_starts_where_the_record_says(clock: Clock) -> None:
    """A trace of 2017 is lived in 2017."""
    assert 5_000_000 <= clock.now().therapy < 5_000_000 + 60_000


def test_processes_that_share_a_record_share_the_time() -> None:
    """The age of glucose must not depend on which process asks."""
    record = msgspec.structs.replace(RECORD, boot_ns=boot_ns())

    one, other = SystemClock(record=record).now(), SystemClock(record=record).now()

    assert abs(one.therapy - other.therapy) < 60 * 1000
    assert abs(one.real - other.real) < 1000


@pytest.mark.requirement("R85")
def test_a_step_of_the_wall_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delivery uses elapsed time: ten years forward are no pulse."""
    clock = SystemClock()
    before = clock.now()

    monkeypatch.setattr("services.runtime.platform.clock.wall_ms", lambda: UtcMillis(9 * 10**12))

    assert clock.now().therapy - before.therapy < 60_000


def test_without_a_record_therapy_time_is_real_time() -> None:
    """Outside of a simulation there is one time."""
    now = SystemClock().now()

    assert now.therapy == now.real
    assert abs(now.real - wall_ms()) < 60_000


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Replaced in one step: a reader sees the old one or the new one."""
    write_clock_record(tmp_path / "clock.json", RECORD)

    found = read_clock_record(tmp_path / "clock.json")
    assert (RECORD.real, RECORD.therapy, RECORD.speed) == (found.real, found.therapy, found.speed)


def test_the_fake_clock_refuses_to_go_back() -> None:
    """A test that moves time back would test what cannot be."""
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock(therapy=UtcMillis(0)).advance(therapy_ms=-1)


def test_the_mutant_that_counts_by_the_wall_clock_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that asks the wall how long it has been would give ten years of basal at once."""
    wall = [1_800_000_000_000]
    monkeypatch.setattr("services.runtime.platform.clock.boot_ns", lambda: wall[0] * 1_000_000)
    clock = SystemClock()
    before = clock.now()

    wall[0] += 10 * 365 * 86_400_000

    assert clock.now().therapy - before.therapy > 9 * 365 * 86_400_000
