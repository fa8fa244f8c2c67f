"""The shared clock over restarts: it goes on, it never goes back."""

from pathlib import Path

import pytest

from schemas.units import HOUR_MS, UtcMillis
from services.runtime.platform.clock import ClockRecord, write_clock_record
from services.runtime.platform.data_folder import DataFolder
from services.supervisor.errors import StartRefused
from services.supervisor.processes.clock_keeper import UNSEEN_MS, ClockKeeper, resumed

BEGIN = UtcMillis(1_000_000)
REAL = UtcMillis(9_000_000)


def record(therapy: int, *, speed: int = 30, boot: int | None = None) -> ClockRecord:
    return ClockRecord(real=UtcMillis(5_000), therapy=UtcMillis(therapy), speed=speed, boot_ns=boot)


def go_on(
    last: ClockRecord | None = None,
    seen: ClockRecord | None = None,
    *,
    begins_at: UtcMillis | None = BEGIN,
    speed: int | None = None,
) -> ClockRecord:
    return resumed(record=last, seen=seen, begins_at=begins_at, speed=speed, real=REAL, boot=77)


def test_a_first_start_begins_with_the_trace_at_speed_30() -> None:
    """The demonstration must be alive in its first minute."""
    assert ClockRecord(real=REAL, therapy=BEGIN, speed=30, boot_ns=77) == go_on()


def test_a_first_start_without_trace_is_real_time() -> None:
    """A person's own readings are measured in the world's time."""
    assert ClockRecord(real=REAL, therapy=REAL, speed=1, boot_ns=77) == go_on(begins_at=None)


def test_after_a_clean_stop_time_goes_on_exactly_where_it_was() -> None:
    """No therapy time passes while everything is off."""
    assert 2_000_000 == go_on(record(2_000_000), record(1_990_000)).therapy


def test_after_a_kill_time_is_past_all_that_anybody_can_have_seen() -> None:
    """Events of the last second before a kill must not come to lie in the future."""
    last, seen = record(1_500_000, boot=3), record(2_000_000)

    assert 2_000_000 + 30 * UNSEEN_MS == go_on(last, seen).therapy


def test_an_anchor_of_another_boot_of_the_machine_is_not_used() -> None:
    """The boot clock starts at zero with the machine: elapsed time would be negative."""
    last = record(1_500_000, boot=10**18)

    assert 1_500_000 == go_on(last, None).therapy


def test_another_speed_is_taken_and_the_time_kept() -> None:
    """A speed is a wish of the moment; therapy time is not."""
    found = go_on(record(2_000_000), speed=600)

    assert (2_000_000, 600) == (found.therapy, found.speed)


def test_the_speed_of_the_last_run_stays_without_another() -> None:
    """Started again means: as it was."""
    assert 60 == go_on(record(2_000_000, speed=60)).speed


@pytest.mark.requirement("R85")
@pytest.mark.parametrize("kept", ["record", "seen"])
def test_a_wall_clock_set_back_takes_no_time_back(kept: str) -> None:
    """What is late stays late: a deadline is past only when both clocks have passed it."""
    last = ClockRecord(real=UtcMillis(REAL + HOUR_MS), therapy=UtcMillis(BEGIN), speed=30)

    found = go_on(last) if kept == "record" else go_on(seen=last)

    assert REAL + HOUR_MS == found.real


def test_real_time_set_back_does_not_set_therapy_back() -> None:
    """A wall clock put back must not make old doses new."""
    assert REAL + 500 == go_on(record(REAL + 500, speed=1), begins_at=None).therapy


@pytest.mark.parametrize("speed", [0, -1, 601])
def test_a_speed_out_of_range_is_refused(tmp_path: Path, speed: int) -> None:
    """A clock that stands or runs back delivers nothing, or everything."""
    with pytest.raises(StartRefused, match=f"speed {speed} is not between 1 and 600"):
        ClockKeeper(DataFolder(tmp_path)).start(begins_at=BEGIN, speed=speed)


def test_a_broken_record_is_refused_by_name(tmp_path: Path) -> None:
    """Guessing the time would guess the insulin on board."""
    folder = DataFolder(tmp_path)
    folder.clock.write_text("{")

    with pytest.raises(StartRefused, match=str(folder.clock)):
        ClockKeeper(folder).start(begins_at=BEGIN, speed=None)


def test_a_pause_keeps_the_therapy_time_for_the_next_start(tmp_path: Path) -> None:
    """Ctrl-C and a start a day later lie next to each other in therapy time."""
    folder = DataFolder(tmp_path)
    write_clock_record(folder.clock, record(2_000_000))
    keeper = ClockKeeper(folder)
    keeper.start(begins_at=BEGIN, speed=None)
    keeper.pause()

    again = ClockKeeper(folder).start(begins_at=BEGIN, speed=None)

    assert 2_000_000 <= again.therapy < 2_000_000 + 60_000
