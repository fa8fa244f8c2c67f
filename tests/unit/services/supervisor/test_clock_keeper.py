"""The shared clock over restarts: it goes on, it never goes back."""

from pathlib import Path

import msgspec
import pytest

from schemas.message import Now
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, UtcMillis
from services.runtime.catch_up.startup import restarted
from services.runtime.platform.clock import (
    ClockRecord,
    SystemClock,
    read_clock_record,
    write_clock_record,
)
from services.runtime.platform.data_folder import DataFolder
from services.supervisor.errors import StartRefused
from services.supervisor.processes.clock_keeper import UNSEEN_MS, ClockKeeper, Machine, resumed

BEGIN = UtcMillis(1_000_000)
REAL = UtcMillis(9_000_000)
MACHINE = Machine(REAL, 77)


def record(therapy: int, *, speed: int = 30, boot: int | None = None) -> ClockRecord:
    return ClockRecord(real=UtcMillis(5_000), therapy=UtcMillis(therapy), speed=speed, boot_ns=boot)


def go_on(
    last: ClockRecord | None = None,
    seen: ClockRecord | None = None,
    *,
    begins_at: UtcMillis | None = BEGIN,
    speed: int | None = None,
    floor: Now | None = None,
    now: Machine = MACHINE,
) -> ClockRecord:
    return resumed(record=last, seen=seen, begins_at=begins_at, speed=speed, now=now, floor=floor)


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


def test_both_files_broken_and_nobody_else_who_knows_is_refused_by_name(tmp_path: Path) -> None:
    """Guessing the time would guess the insulin on board."""
    folder = DataFolder(tmp_path)
    folder.clock.write_text("{")
    (tmp_path / "clock_seen.json").write_text("{}")

    with pytest.raises(StartRefused, match=str(folder.clock)):
        ClockKeeper(folder).start(begins_at=BEGIN, speed=None)


def lived(tmp_path: Path) -> DataFolder:
    """Give a folder whose clock has stood at 2,000,000 ms."""
    folder = DataFolder(tmp_path)
    write_clock_record(folder.clock, record(2_000_000))
    keeper = ClockKeeper(folder)
    keeper.start(begins_at=BEGIN, speed=None)
    keeper.pause()
    return folder


@pytest.mark.requirement("R120")
@pytest.mark.parametrize("damage", ["gone", "cut", "flipped"])
@pytest.mark.parametrize("name", ["clock.json", "clock_seen.json"])
def test_one_file_lost_or_damaged_changes_nothing(tmp_path: Path, name: str, damage: str) -> None:
    """The other one has the time and the speed."""
    folder = lived(tmp_path)
    path = folder.path / name
    if damage == "gone":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data = data[:20] if damage == "cut" else data
        data[17] ^= 1
        path.write_bytes(data)
    keeper = ClockKeeper(folder)

    found = keeper.start(begins_at=BEGIN, speed=None)

    assert 2_000_000 <= found.therapy < 2_000_000 + 30 * UNSEEN_MS + 60_000
    assert 30 == found.speed
    broken = [one for one in keeper.problems if f"{path} is broken" in one]
    assert (damage != "gone") == bool(broken)


@pytest.mark.requirement("R120")
def test_any_flipped_bit_of_the_record_is_noticed(tmp_path: Path) -> None:
    """One of them started the system nine days later, and took insulin off board."""
    folder = lived(tmp_path)
    data = folder.clock.read_bytes()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        folder.clock.write_bytes(flipped)
        with pytest.raises((ValueError, msgspec.DecodeError)):
            read_clock_record(folder.clock)


def test_the_mutant_without_a_checksum_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A digit that changed is a time as any other."""
    folder = lived(tmp_path)
    monkeypatch.setattr("services.runtime.platform.clock._checksum", lambda one: one.checksum)
    folder.clock.write_bytes(folder.clock.read_bytes().replace(b'"therapy":2', b'"therapy":3'))

    assert read_clock_record(folder.clock).therapy >= 3_000_000


@pytest.mark.requirement("R120")
def test_both_files_lost_time_goes_on_where_journals_and_pump_were() -> None:
    """Basal stood still until therapy time had caught up: after a week's run it would be a week."""
    seen = Now(therapy=UtcMillis(8_000_000), real=UtcMillis(REAL + 5), speed=60)

    found = go_on(floor=seen)

    assert (8_000_000, 60, REAL + 5) == (found.therapy, found.speed, found.real)


def test_the_mutant_that_asks_no_journal_is_caught() -> None:
    """Then time begins where the trace does, and stands still for all who have seen more."""
    assert BEGIN == go_on().therapy < 8_000_000


def counted(at_ms: int, *, boot: str = "now") -> ClockRecord:
    """Give a note of a run in real time, written in a boot of the machine."""
    return ClockRecord(
        real=UtcMillis(5_000_000),
        therapy=UtcMillis(5_000_000),
        speed=1,
        boot=boot,
        counted_ns=at_ms * 1_000_000,
    )


@pytest.mark.parametrize("wall", [REAL, REAL + HOUR_MS, REAL + 400 * DAY_MS, UtcMillis(1)])
def test_within_one_boot_real_time_goes_on_by_the_machines_count(wall: int) -> None:
    """A wall clock that is wrong at a restart opens no cap and takes no insulin off board."""
    machine = Machine(UtcMillis(wall), 90_000 * 1_000_000, "now")

    found = go_on(counted(30_000), counted(30_000), begins_at=None, now=machine)

    assert 5_060_000 == found.real == found.therapy


UP_MS = 90_000
"""[ms] that the machine has been on."""


def reboot(wall: int, *, begins_at: UtcMillis | None = None, boot: str = "before") -> ClockRecord:
    """Go on in another boot of the machine, 90 s after it was switched on."""
    machine = Machine(UtcMillis(wall), UP_MS * 1_000_000, "now")
    kept = counted(30_000, boot=boot)
    return go_on(kept, kept, begins_at=begins_at, now=machine)


@pytest.mark.requirement("R129")
@pytest.mark.parametrize(
    ("stood", "asks"),
    [
        (2 * MINUTE_MS, False),
        (UP_MS + 5 * MINUTE_MS, False),
        (UP_MS + 5 * MINUTE_MS + 1, True),
        (8 * HOUR_MS, True),
        (3 * DAY_MS, True),
        (400 * DAY_MS, True),
    ],
)
def test_across_boots_what_only_the_wall_clock_says_is_unproven(stood: int, asks: bool) -> None:
    """Basal follows the wall clock; the time since the machine was switched on is certain."""
    found = reboot(5_000_000 + stood)

    assert (5_000_000 + stood, 5_000_000 + stood) == (found.real, found.therapy)
    proven = (5_000_000 + UP_MS, stood - UP_MS)
    assert (proven if asks else (0, 0)) == (found.unproven_since, found.unproven)


@pytest.mark.requirement("R129")
@pytest.mark.parametrize("stood", [MINUTE_MS, 8 * HOUR_MS, 3 * DAY_MS])
def test_within_one_boot_nothing_is_unproven(stood: int) -> None:
    """However long it stood, whatever the wall clock says."""
    machine = Machine(REAL, (30_000 + stood) * 1_000_000, "now")
    kept = counted(30_000)
    found = go_on(kept, kept, begins_at=None, now=machine)

    assert (5_000_000 + stood, 0) == (found.therapy, found.unproven)


@pytest.mark.requirement("R129")
def test_a_wall_clock_behind_takes_no_time_back_and_proves_the_time_since_the_boot() -> None:
    """As if the machine had been off for a moment."""
    found = reboot(1_000)

    assert (5_000_000 + UP_MS, 0) == (found.therapy, found.unproven)


@pytest.mark.requirement("R129")
def test_a_trace_knows_no_time_between_two_runs() -> None:
    """Therapy time stood still, whatever the clocks say."""
    found = reboot(5_000_000 + 3 * DAY_MS, begins_at=BEGIN)

    assert (5_000_000, 0) == (found.therapy, found.unproven)


@pytest.mark.requirement("R129")
def test_with_both_files_lost_all_since_the_last_line_is_unproven() -> None:
    """Nobody knows in which boot that was."""
    seen = Now(therapy=UtcMillis(5_000_000), real=UtcMillis(5_000_000), speed=1)
    machine = Machine(UtcMillis(5_000_000 + HOUR_MS), UP_MS * 1_000_000, "now")
    found = go_on(begins_at=None, floor=seen, now=machine)

    assert (5_000_000, HOUR_MS) == (found.unproven_since, found.unproven)


@pytest.mark.requirement("R129")
def test_a_machine_that_names_no_boot_proves_nothing() -> None:
    """The last run may have been in this very boot."""
    machine = Machine(UtcMillis(5_000_000 + HOUR_MS), UP_MS * 1_000_000, "")
    found = go_on(counted(30_000, boot=""), begins_at=None, now=machine)

    assert HOUR_MS == found.unproven


def test_the_machines_clock_is_taken_where_a_person_says_so() -> None:
    """A system begun under a wrong clock that is right now; its step is proven by nothing."""
    machine = Machine(UtcMillis(5_060_000 + 8 * HOUR_MS), 90_000 * 1_000_000, "now")
    kept = counted(30_000)
    found = resumed(
        record=kept, seen=kept, begins_at=None, speed=None, now=machine, takes_wall=True
    )

    assert 5_060_000 + 8 * HOUR_MS == found.therapy
    assert (5_060_000, 8 * HOUR_MS) == (found.unproven_since, found.unproven)


@pytest.mark.requirement("R129")
def test_what_is_unproven_is_told_and_reaches_every_service(tmp_path: Path) -> None:
    """By the shared record, with the first report of each process."""
    folder = DataFolder(tmp_path)
    old = ClockRecord(real=REAL, therapy=REAL, speed=1, boot="before")
    folder.clock.write_bytes(msgspec.json.encode(old))
    keeper = ClockKeeper(folder)
    keeper.start(begins_at=None, speed=None)

    clock = SystemClock(record=read_clock_record(folder.clock))
    told = restarted(clock.unproven)
    assert told.unproven > DAY_MS
    assert REAL <= told.unproven_since
    (problem,) = keeper.problems
    assert "'basalt clock passed' or 'basalt clock wrong'" in problem


@pytest.mark.parametrize(("begins_at", "offers"), [(None, True), (BEGIN, False)])
def test_a_wall_clock_far_from_the_count_is_told(
    tmp_path: Path, begins_at: UtcMillis | None, offers: bool
) -> None:
    """Which of the two is right only a person knows."""
    folder = lived(tmp_path)
    keeper = ClockKeeper(folder)
    keeper.start(begins_at=begins_at, speed=None)

    (told,) = keeper.problems
    assert "ahead of this system's" in told
    assert offers == ("--machine-clock" in told)


def test_the_mutant_that_proves_by_the_wall_clock_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it was: the wall clock was believed across boots."""
    monkeypatch.setattr(
        "services.supervisor.processes.clock_keeper.WALL_MS_MAX", Milliseconds(1000 * DAY_MS)
    )

    assert 0 == reboot(5_000_000 + 400 * DAY_MS).unproven


def test_a_pause_keeps_the_therapy_time_for_the_next_start(tmp_path: Path) -> None:
    """Ctrl-C and a start a day later lie next to each other in therapy time."""
    folder = DataFolder(tmp_path)
    write_clock_record(folder.clock, record(2_000_000))
    keeper = ClockKeeper(folder)
    keeper.start(begins_at=BEGIN, speed=None)
    keeper.pause()

    again = ClockKeeper(folder).start(begins_at=BEGIN, speed=None)

    assert 2_000_000 <= again.therapy < 2_000_000 + 60_000
