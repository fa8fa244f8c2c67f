"""Two actuators, a frozen or deleted broker, a pump that fails on the line: on real processes."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nats
import nats.errors
import pytest

from core.models.pump_accuracy import MICRO
from schemas.alarms import AlarmRaised
from schemas.delivery.delivery import BolusDelivered, BolusProgressed, BolusStopped
from schemas.delivery.mechanism import PumpFaulted
from schemas.delivery.pump import PumpClockRead, PumpControlLost
from schemas.delivery.unresolved_doses import BolusReconciled, BolusUnknown
from schemas.units import HOUR_MS, MINUTE_MS
from schemas.wire.subjects import STREAM
from services.runtime.journal.entries import read_row
from services.virtual_pump.physical_ledger import read_world, world_path
from support.real.patience import PATIENCE_S
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")
SLOW = ("--speed", "1", "--no-person")


def faults(tmp_path: Path, *what: dict[str, Any]) -> tuple[str, ...]:
    script = tmp_path / "faults.json"
    script.write_text(json.dumps(what))
    return (*QUIET, "--pump-faults", str(script))


ON_THE_LINE = ("lost_answer", "late_answer", "cut_answer", "lost_request")
"""[-] what happens to the first order, to the second, and so on."""


@pytest.mark.requirement("R36")
def test_an_order_whose_answer_fails_is_unknown_and_settled_by_the_count(tmp_path: Path) -> None:
    """Never sent again, never called failed by a timeout, known in the end (A2)."""
    told = faults(
        tmp_path,
        *(
            {"fault": fault, "act": "start_bolus", "late_ms": 2500, "after_bytes": 20}
            for fault in ON_THE_LINE
        ),
    )
    with real_system(tmp_path / "data", *told) as system:
        for number, _ in enumerate(ON_THE_LINE):
            system.basalt("bolus", "0.5", "--confirm", check=False)
            system.wait_until(
                lambda n=number: len(system.said("actuator", BolusUnknown)) > n, "it is unknown"
            )
            system.until_settled()
        system.rest_and_stop()

    unknown = [event.dose for event in system.said("actuator", BolusUnknown)]
    settled = system.said("actuator", BolusReconciled)
    assert len(ON_THE_LINE) == len(set(unknown)) == len(unknown)
    for dose, fault in zip(unknown, ON_THE_LINE, strict=True):
        outcomes = {event.outcome for event in settled if event.dose == dose}
        expected = {"failed", "expired"} if fault == "lost_request" else {"matched", "running"}
        assert outcomes and outcomes <= expected, (fault, outcomes)
    system.assert_accounted()
    system.assert_each_dose_once()


MECHANICAL = ("motor_stuck", "air_in_line", "occlusion")
"""[-] in this order: a blocked line is noticed by its pressure, which takes some insulin."""

FIRST_AT_MU, NEXT_AFTER_MU = 500, 2_000
TOLD_MS_MAX = 10_000
"""[ms] real, from the pump's own record of a fault to its event; source: R48."""


@pytest.mark.requirement("R48")
def test_a_mechanical_fault_is_told_within_ten_seconds_and_cleared_by_a_person(
    tmp_path: Path,
) -> None:
    """The bolus ends with what it gave; nothing flows; `basalt clear` brings it back (A5)."""
    begins = [FIRST_AT_MU + number * NEXT_AFTER_MU for number in range(len(MECHANICAL))]
    told = faults(
        tmp_path,
        *(
            {"fault": fault, "from_odometer": at}
            for fault, at in zip(MECHANICAL, begins, strict=True)
        ),
    )
    with real_system(tmp_path / "data", *told) as system:
        for number, at in enumerate(begins):
            system.basalt("bolus", "6", "--confirm")
            system.wait_until(
                lambda n=number: len(system.said("actuator", BolusStopped)) > n, "it has stopped"
            )
            moved = system.pumped()
            assert at <= moved < at + 6_000
            refused = system.basalt("bolus", "0.5", "--confirm", check=False)
            assert (1, moved) == (refused.returncode, system.pumped())
            system.basalt("clear", "--because", "set changed")
            system.basalt("bolus", "0.5", "--confirm")
            system.until_settled()
        system.rest_and_stop()

    assert [*MECHANICAL] == [event.alarm for event in system.said("actuator", AlarmRaised)]
    assert [*MECHANICAL] == [event.fault for event in system.said("actuator", PumpFaulted)]
    assert all(late_ms <= TOLD_MS_MAX for late_ms in told_after_ms(system)), told_after_ms(system)
    assert all(0 < one.delivered < 6_000 for one in system.said("actuator", BolusStopped))
    system.assert_accounted()
    system.assert_each_dose_once()


def told_after_ms(system: RealSystem) -> list[float]:
    """Give how long after each fault, by the pump's own clock, its event was stored [ms, real]."""
    read = [(one.now, one.entry.body) for one in map(read_row, system.rows("actuator"))]
    return [
        (now.therapy - body.at) / now.speed for now, body in read if isinstance(body, PumpFaulted)
    ]


@pytest.mark.requirement("R45")
def test_power_lost_in_mid_bolus_and_a_line_lost_after_it(tmp_path: Path) -> None:
    """The pump comes back with what its memory held (A3)."""
    told = faults(tmp_path, {"fault": "power_lost", "from_odometer": 1000})
    with real_system(tmp_path / "data", *told) as system:
        system.basalt("bolus", "4", check=False)
        system.wait_until(lambda: system.said("actuator", BolusStopped), "the bolus ended")
        assert system.stop() == 0

    assert ["power_lost"] == [event.reason for event in system.said("actuator", BolusStopped)]
    let_it_rest(system)
    system.assert_accounted()
    system.assert_each_dose_once()


@pytest.mark.requirement("R43")
def test_of_two_actuators_exactly_one_drives(tmp_path: Path) -> None:
    """The later one by its claim; the earlier one knows it and stays silent (A1)."""
    with real_system(tmp_path / "data", *QUIET) as system:
        folder, url = system.folder, system.folder.read_running().url
        journal = tmp_path / "rival.db"
        shutil.copy(folder.journal("actuator"), journal)
        words = Path(f"/proc/{system.pids()['actuator']}/cmdline").read_text().split("\0")
        line = [word for word in words if word.startswith(("--pump=", "--pump-key="))]
        rival = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "services.actuator",
                f"--nats={url}",
                f"--creds={folder.seed('actuator')}",
                f"--store=sqlite:{journal}",
                f"--clock={folder.clock}",
                *line,
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            system.wait_until(
                lambda: system.said("actuator", PumpControlLost) or rival.poll() is not None,
                "one of the two gives way",
            )
            system.basalt("bolus", "1", check=False)
            time.sleep(3)
        finally:
            rival.terminate()
            rival.wait(PATIENCE_S)
        assert system.stop() == 0

    doses = [one.dose for one in system.ledger() if one.kind == "bolus_started"]
    assert len(doses) == len(set(doses)) <= 1


def test_a_broker_that_freezes_is_noticed_and_nothing_is_lost(tmp_path: Path) -> None:
    """A process that is stopped keeps its connections open (B3); basal goes on meanwhile."""
    with real_system(tmp_path / "data", *QUIET) as system:
        system.wait_until(lambda: system.pumped() > 0, "the pump has its plan")
        before = system.pumped()
        os.kill(system.pids()["broker"], signal.SIGSTOP)
        frozen = time.monotonic()  # noqa: TID251  # the age of a test, not of a therapy
        system.wait_until(
            lambda: (
                b"bus.disconnected" in system.folder.log("actuator").read_bytes()
                or b"bus.line_error" in system.folder.log("actuator").read_bytes()
            ),
            "the actuator notices",
            s=15,
        )
        noticed_s = time.monotonic() - frozen  # noqa: TID251  # the same age
        system.wait_until(lambda: system.pumped() > before, "basal goes on")
        os.kill(system.pids()["broker"], signal.SIGCONT)
        system.wait_until(
            lambda: system.basalt("bolus", "0.5", check=False).returncode == 0, "boluses again"
        )
        system.until_settled()
        system.rest_and_stop()

    assert noticed_s < 10
    system.assert_record_is_whole()
    system.assert_accounted()
    system.assert_each_dose_once()


async def _delete_stream(system: RealSystem) -> None:
    """Delete the stream with the one key that may not: the broker's own files are simpler."""
    client = await nats.connect(
        system.folder.read_running().url,
        nkeys_seed=str(system.folder.seed("supervisor")),
        allow_reconnect=False,
        connect_timeout=2,
    )
    try:
        answer = await client.request(f"$JS.API.STREAM.DELETE.{STREAM}", b"", timeout=2)
        raise AssertionError(answer.data)
    except (TimeoutError, nats.errors.Error):
        pass
    finally:
        await client.close()


def challenge(system: RealSystem) -> str:
    """Give the pump's challenge that the advisor orders by."""
    known = system.fold("bolus_advisor").challenged
    return str(known.challenge) if known else ""


def until_challenged(system: RealSystem, *, not_by: str) -> None:
    """Wait until the advisor knows the challenge of the pump's new session."""
    system.wait_until(lambda: challenge(system) not in ("", not_by), "the new session is known")


@pytest.mark.requirement("R104")
def test_nobody_can_delete_the_stream_and_without_it_nothing_is_given_twice(
    tmp_path: Path,
) -> None:
    """No user may; and where its files are gone, the journals are the record (B9, B10)."""
    folder = tmp_path / "data"
    with real_system(folder, *QUIET) as system:
        system.basalt("bolus", "0.5")
        system.until_settled()
        asyncio.run(_delete_stream(system))
        last = challenge(system)
        assert system.stop() == 0
    older = tmp_path / "older"
    shutil.copytree(folder / "broker", older)
    with real_system(folder, *QUIET) as system:
        until_challenged(system, not_by=last)
        system.basalt("bolus", "0.6")
        system.until_settled()
        assert system.stop() == 0
        last = challenge(system)
    shutil.rmtree(folder / "broker")
    shutil.copytree(older, folder / "broker")
    with real_system(folder, *QUIET) as system:
        until_challenged(system, not_by=last)
        system.basalt("bolus", "0.7")
        system.until_settled()
        assert system.stop() == 0
        last = challenge(system)
    shutil.rmtree(folder / "broker")
    with real_system(folder, *QUIET) as system:
        until_challenged(system, not_by=last)
        system.basalt("bolus", "0.8")
        system.until_settled()
        system.rest_and_stop()

    assert [500, 600, 700, 800] == [
        event.delivered for event in system.said("actuator", BolusDelivered)
    ]
    raised = {event.alarm for event in system.said("actuator", AlarmRaised)}
    assert {"runtime_stream_behind", "runtime_stream_replaced"} <= raised
    system.assert_each_dose_once()
    system.assert_accounted()


@pytest.mark.requirement("R22")
def test_what_a_straying_pump_gave_lies_within_its_band_of_what_is_accounted(
    tmp_path: Path,
) -> None:
    """Killed in mid-bolus: counted strokes are accounted, and the world's ledger has each (I1)."""
    told = faults(tmp_path, {"fault": "error_model", "model": "freckmann", "seed": 11})
    with real_system(tmp_path / "data", *told) as system:
        system.basalt("bolus", "3")
        system.until_begun()
        system.kill("virtual_pump")
        system.wait_until(lambda: system.said("actuator", BolusStopped), "the bolus ended")
        system.wait_until(
            lambda: system.basalt("bolus", "1", "--confirm", check=False).returncode == 0,
            "boluses again",
        )
        system.until_settled()
        assert system.stop() == 0
        with real_system(system.folder.path, *told[len(QUIET) :], *SLOW) as again:
            again.wait_until(again.has_come_to_rest, "everybody knows everything")
            assert again.stop() == 0

    system.assert_accounted()
    system.assert_each_dose_once()
    world = read_world(world_path(system.folder.pump_memory(system.pump)))
    given = (world.in_body + world.in_air) / MICRO
    assert system.accounted() == world.counted > 1_000
    assert 0 == world.in_line
    assert given != world.counted
    assert abs(given / world.counted - 1) < 0.3


@pytest.mark.requirement("R85")
def test_a_pump_whose_clock_is_set_gives_no_burst_and_is_accounted(tmp_path: Path) -> None:
    """Two hours on in mid-bolus: what was due in them does not come, and no dose is older (T1)."""
    two_hours = {"fault": "clock_set", "from_odometer": 1_000, "ahead_ms": 2 * HOUR_MS}
    told = faults(tmp_path, two_hours)
    with real_system(tmp_path / "data", *told) as system:
        system.basalt("bolus", "2")
        system.until_settled()
        now = system.last_now().therapy
        system.wait_until(lambda: system.said("actuator", PumpClockRead), "its clock is read")
        system.wait_until(
            lambda: system.fold("actuator").plan_ahead == 2 * HOUR_MS, "the plan is sent anew"
        )
        assert system.stop() == 0
        with real_system(system.folder.path, *told[len(QUIET) :], *SLOW) as again:
            again.wait_until(again.has_come_to_rest, "everybody knows everything")
            assert again.stop() == 0

    (given,) = system.said("actuator", BolusDelivered)
    last = system.said("actuator", BolusProgressed)[-1]
    assert 2_000 == given.delivered
    assert abs(now - last.ends_at) < 10 * MINUTE_MS
    assert "pump_clock_wrong" in {event.alarm for event in system.said("actuator", AlarmRaised)}
    assert system.pumped() < 2_000 + 1_000
    system.assert_accounted()
    system.assert_each_dose_once()
