"""Damage on the disk while the system runs, and a disk that is full: on real processes."""

import os
import resource
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from schemas.alarms import AlarmCleared, AlarmRaised
from support.real.crash_system import assert_sound, look
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")


REPORTS = "FROM stored_events WHERE topic = 'heard pump_read.v1' ORDER BY rowid"


def reports(path: Path) -> int:
    """How many reports of the pump a journal holds [-]."""
    with closing(sqlite3.connect(path)) as file:
        return len(file.execute(f"SELECT rowid {REPORTS}").fetchall())


def flip(path: Path) -> None:
    """Turn a digit of a report in the middle of a journal, as a failing disk might."""
    file = sqlite3.connect(path)
    (row, state) = file.execute(f"SELECT rowid, state {REPORTS} LIMIT 1 OFFSET 2").fetchone()
    changed = bytearray(state)
    changed[changed.index(b'"odometer":') + len(b'"odometer":')] ^= 1
    file.execute("UPDATE stored_events SET state = ? WHERE rowid = ?", (bytes(changed), row))
    file.commit()
    file.close()


def alarms_of(system: RealSystem, kind: type) -> list[str]:
    return [event.alarm for event in system.said("historian", kind)]


@pytest.mark.requirement("R46")
@pytest.mark.requirement("R70")
def test_a_flipped_bit_is_told_and_nothing_is_dosed_upon_it(tmp_path: Path) -> None:
    """One clear line, one alarm, basal goes on; with the journal put aside all is well (B8)."""
    with real_system(tmp_path / "data", *QUIET) as system:
        system.basalt("bolus", "0.5")
        system.wait_until(lambda: "bolus delivered" in system.text(), "the bolus is given")
        path = system.folder.journal("actuator")
        system.wait_until(lambda: reports(path) > 4, "there is a middle")
        flip(path)
        os.kill(system.pids()["actuator"], signal.SIGKILL)
        system.wait_until(
            lambda: "process_down_actuator" in alarms_of(system, AlarmRaised), "alarm"
        )
        flowed = system.pumped()
        refused = system.basalt("bolus", "0.5", check=False)
        system.wait_until(lambda: system.pumped() > flowed, "basal goes on")
        verified = system.basalt("verify", "decisions", "--service", "actuator", check=False)
        for one in path.parent.glob("actuator.db*"):
            one.rename(tmp_path / one.name)
        system.wait_until(
            lambda: "process_down_actuator" in alarms_of(system, AlarmCleared), "over"
        )
        system.wait_until(
            lambda: system.basalt("bolus", "0.6", "--confirm", check=False).returncode == 0,
            "boluses again",
        )
        system.until_settled()
        system.rest_and_stop()

    assert refused.returncode != 0
    assert (1, True) == (verified.returncode, "it is not what was written there" in verified.stderr)
    assert "it is not what was written there" in system.text()
    assert ["process_down_actuator"] == [
        one for one in alarms_of(system, AlarmRaised) if one.startswith("process_down")
    ]
    system.assert_each_dose_once_by_ledger()
    system.assert_accounted()
    system.assert_orders_are_sound()


def limit(pid: int, size: int) -> None:
    """Let a process, and those that it starts from now on, write no file beyond a size [B]."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


FULL = {
    "actuator": (60_000, "cannot be written"),
    "virtual_pump": (40_000, "not written"),
    "broker": (60_000, "the broker was started anew"),
}
"""[-] whose disk is full, from which size [B] on, and the line that tells of it."""


@pytest.mark.requirement("R46")
@pytest.mark.requirement("R50")
@pytest.mark.parametrize(
    "name",
    ["actuator", "virtual_pump", pytest.param("broker", marks=pytest.mark.nightly)],
)
def test_a_full_disk_is_told_and_nothing_is_given_twice_or_lost(tmp_path: Path, name: str) -> None:
    """In mid-bolus, until there is room again (D1); a start anew does not make room."""
    size, line = FULL[name]
    with real_system(tmp_path / "data", *QUIET) as system:
        system.basalt("bolus", "0.5")
        system.basalt("bolus", "6", "--confirm")
        for pid in (system.process.pid, system.pids()[name]):
            limit(pid, size)
        if name == "broker":
            system.wait_until(lambda: not system.fold("actuator").doses.open, "the bolus is over")
        else:
            system.wait_until(lambda: line in system.text(), "the full disk is told")
        look(system)
        refused = system.basalt("bolus", "0.5", "--confirm", check=False)
        look(system)
        for pid in (system.process.pid, *system.pids().values()):
            limit(pid, resource.RLIM_INFINITY)
        system.wait_until(
            lambda: system.basalt("bolus", "0.6", "--confirm", check=False).returncode == 0,
            "boluses again",
        )
        system.wait_until(lambda: line in system.text(), "the full disk is told")
        system.until_settled()
        system.rest_and_stop()

    assert name != "actuator" or refused.returncode != 0
    assert 500 + 600 < system.pumped()
    assert_sound(system)
