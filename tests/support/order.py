"""The order in which test files are handed out: the longest first, so that no core waits long."""

from typing import Final

LONGEST_FIRST: Final = (
    "tests/system/deaths/test_system_kills.py",
    "tests/system/faults/test_damaged_files.py",
    "tests/system/deaths/test_failpoints.py",
    "tests/system/faults/test_hostile_world.py",
    "tests/system/security/test_forged_orders.py",
    "tests/system/whole/test_real_day.py",
    "tests/system/faults/test_lost_files.py",
    "tests/system/faults/test_bad_lines.py",
    "tests/system/faults/test_corrupted_files.py",
    "tests/system/whole/test_up.py",
    "tests/system/deaths/test_kill_any.py",
    "tests/system/deaths/test_frozen.py",
    "tests/system/whole/test_postgres_system.py",
    "tests/system/command_line/test_archive.py",
    "tests/system/faults/test_little_room.py",
    "tests/system/command_line/test_command_line.py",
    "tests/system/faults/test_clocks_that_jump.py",
    "tests/system/command_line/test_what_if_command.py",
    "tests/system/faults/test_put_back.py",
    "tests/system/command_line/test_record.py",
    "tests/system/deaths/test_crash_history.py",
)
"""[-] each takes more than 30 s alone; a worker is given its next file two tests before the end of
one, so a long file must not wait behind another while nothing else is left."""

OTHERS = len(LONGEST_FIRST)


def turn_of(path: str) -> int:
    """Give the place of a test by its file: the long ones, the other systems, all the rest."""
    if path in LONGEST_FIRST:
        return LONGEST_FIRST.index(path)
    return OTHERS if path.startswith("tests/system/") else OTHERS + 1
