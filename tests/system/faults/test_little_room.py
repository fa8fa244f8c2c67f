"""A flood of readings, and processes with few descriptors or little memory (N6, K4)."""

import asyncio
import resource
from pathlib import Path

import pytest
from nats.aio.client import Client

from schemas.delivery.delivery import BolusDelivered
from schemas.glucose import RecordReading
from schemas.message import CommandEnvelope, Deadline, name_of
from schemas.units import Actor, CommandId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.subjects import command_subject
from services.runtime.journal.causal_order import read_past
from services.runtime.journal.entries import IMPORTED, INPUT, split
from services.runtime.nats.connection import ConnectionEvents, Credentials, connect
from support.real.crash_system import assert_sound, look
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")
READINGS = 10_000
BURST = 500
TAKEN_S = 120.0
"""[s] for the broker to take a burst, on a busy machine."""

MEMORY_KB_MAX = 400_000
"""[kB] resident, of one process."""

FAR = Deadline(therapy=UtcMillis(10**14), real=UtcMillis(10**14))


async def nothing(*_: object) -> None:
    """Take no notice."""


async def flood(system: RealSystem) -> None:
    """Send readings as fast as the broker takes them, all of one second of therapy.

    What is sent without the broker's answer is lost where it is started anew: nobody would have
    taken it, and nobody would have to judge it.
    """
    client: Client = await connect(
        url=system.folder.read_running().url,
        credentials=Credentials("glucose_player", system.folder.seed("glucose_player")),
        events=ConnectionEvents(nothing, nothing, nothing),
    )
    ingest = Speaker("glucose_ingest")
    subject = command_subject(pump=system.pump, service=ingest, name=name_of(RecordReading))
    at = system.last_now().therapy

    def command(number: int) -> bytes:
        reading = RecordReading(
            measured_at=UtcMillis(at + number % 1_000),
            source="meter",
            unit="mg/dL",
            received=str(100 + number % 50),
        )
        envelope = CommandEnvelope(
            id=CommandId(f"flood-{number}"),
            actor=Actor("device:mad"),
            expires=FAR,
            command=codec.encode_raw(reading),
        )
        return codec.encode(envelope)

    for first in range(0, READINGS, BURST):
        numbers = range(first, first + BURST)
        await asyncio.gather(
            *(client.request(subject, command(one), timeout=TAKEN_S) for one in numbers)
        )
    await client.close()


def resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


@pytest.mark.requirement("R63")
def test_a_flood_of_readings_is_answered_whole_and_stops_nobody(tmp_path: Path) -> None:
    """Not one is lost in silence, memory is bounded, a bolus in the middle of it is given (N6)."""
    with real_system(tmp_path / "data", *QUIET) as system:
        pids, before = system.pids(), system.pumped()
        asyncio.run(flood(system))
        system.wait_until(
            lambda: system.basalt("bolus", "0.5", check=False).returncode == 0, "a bolus is taken"
        )
        judged = Judged(system)
        system.wait_until(lambda: judged.count() == READINGS, "all are judged", s=TAKEN_S)
        look(system)
        system.until_settled()
        system.wait_until(lambda: system.pumped() > before, "basal flows")
        sizes = {name: resident_kb(pid) for name, pid in system.pids().items()}
        assert pids == system.pids()
        system.rest_and_stop()

    assert all(size < MEMORY_KB_MAX for size in sizes.values()), sizes
    assert [500] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    system.assert_record_is_whole()
    system.assert_accounted()


class Judged:
    """Counts the readings of the flood that were answered by an event; reads each line once."""

    def __init__(self, system: RealSystem) -> None:
        self._system = system
        self._row = 0
        self._causes: set[str | None] = set()

    def count(self) -> int:
        with self._system.journal("glucose_ingest") as store:
            for number, row in store.rows(after_row=self._row):
                self._row = number
                if not row.topic.startswith((INPUT, IMPORTED)) and b'"cause":"flood-' in row.state:
                    self._causes.add(read_past(split(row.state)[1]).envelope.cause)
        return len(self._causes)


LITTLE = {
    "descriptors": (resource.RLIMIT_NOFILE, 12),
    "memory": (resource.RLIMIT_AS, 64 * 1024 * 1024),
}
"""[-] which limit, and how low: what a process that runs already uses nearly up."""


@pytest.mark.requirement("R44")
@pytest.mark.parametrize(
    ("name", "little"),
    [
        ("actuator", "descriptors"),
        pytest.param("virtual_pump", "memory", marks=pytest.mark.nightly),
        pytest.param("actuator", "memory", marks=pytest.mark.nightly),
        pytest.param("virtual_pump", "descriptors", marks=pytest.mark.nightly),
    ],
)
def test_a_process_that_gets_no_more_of_it_ends_or_goes_on_and_is_made_good(
    tmp_path: Path, name: str, little: str
) -> None:
    """In mid-bolus; nothing twice, nothing lost, and all is well when there is room (K4)."""
    which, size = LITTLE[little]
    free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    with real_system(tmp_path / "data", *QUIET) as system:
        system.basalt("bolus", "5")
        pid = system.pids()[name]
        before = resource.prlimit(pid, which)
        resource.prlimit(pid, which, (size, before[1]))
        for amount in ("0.1", "0.2"):
            system.basalt("bolus", amount, "--confirm", check=False)
            look(system)
        if system.pids().get(name) == pid:
            resource.prlimit(pid, which, before if before != free else free)
        system.wait_until(
            lambda: system.basalt("bolus", "0.6", "--confirm", check=False).returncode == 0,
            "boluses again",
        )
        system.until_settled()
        system.rest_and_stop()

    assert_sound(system)
