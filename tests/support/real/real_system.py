"""The whole system for real: `basalt up` with its processes, killed and looked into by tests."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from core.deciders.registry import DECIDERS
from core.record.dose_lifecycle import SPEAKERS, lives_of
from schemas.delivery.delivery import BolusStartRequested
from schemas.delivery.device import PumpRecord
from schemas.message import Event, Now, parse_event_id
from schemas.units import PumpId, Speaker
from services.runtime.audit.findings import VerificationReport
from services.runtime.audit.redecide import verify_decisions
from services.runtime.journal.causal_order import recorded
from services.runtime.journal.entries import IMPORTED, INPUT, read_row
from services.runtime.journal.open_store import store_to_read
from services.runtime.platform.data_folder import DataFolder
from services.runtime.ports import Row, Store
from services.runtime.replay.replay import replay
from support.history.fork_checks import assert_fork_is_the_record
from support.real.patience import PATIENCE_S, until
from support.real.system_on_record import assert_replays

BIN = Path(sys.executable).parent


class RealSystem:
    """A system that runs on a folder of its own."""

    def __init__(
        self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = DataFolder(folder)
        self.pump = PumpId("demo")
        self.log = folder.with_suffix(".log")
        self.environment = {**os.environ, **(environment or {})}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [BIN / "basalt", "up", "--data", folder, "--no-screen", *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environment,
            )

    def wait_ready(self) -> None:
        self.wait_until(lambda: self.folder.running.exists(), "the system is ready")

    def wait_until(self, holds: Any, what: str, *, s: float = PATIENCE_S) -> None:
        """Poll for something that other processes do; fail with the log when it never comes."""
        if not until(holds, s=s, first=self._assert_it_runs):
            raise AssertionError(f"never: {what}; {self.text()[-3000:]}")

    def _assert_it_runs(self) -> None:
        if self.process.poll() is not None:
            raise AssertionError(f"basalt up ended: {self.text()}")

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def basalt(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Use the command line as a person would."""
        command: list[str | Path] = [
            BIN / "basalt",
            arguments[0],
            "--data",
            self.folder.path,
            *arguments[1:],
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            env=self.environment,
        )
        if check:
            assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    def pids(self) -> dict[str, int]:
        """Name the child processes by what they run."""
        found: dict[str, int] = {}
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in listing.read_text().split():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it died a moment ago
            for word in words:
                if word.startswith("services."):
                    found[word.removeprefix("services.")] = int(pid)
            if words[0].endswith("nats-server"):
                found["broker"] = int(pid)
        return found

    def kill(self, name: str) -> None:
        """Kill -9 one process and wait until another stands in its place."""
        before = self.pids()[name]
        os.kill(before, signal.SIGKILL)
        self.wait_until(lambda: self.pids().get(name, before) != before, f"{name} is started again")

    def stop(self) -> int:
        """Ctrl-C, and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=PATIENCE_S)

    def rest_and_stop(self) -> None:
        """Suspend, so that no pulse comes any more; wait until everybody knows everything; stop.

        Otherwise a pulse between the last look and the stop is in the pump's ledger alone.
        """
        self.wait_until(
            lambda: self.basalt("suspend", check=False).returncode == 0, "delivery is suspended"
        )
        self.wait_until(self.has_come_to_rest, "everybody knows everything")
        assert self.stop() == 0

    @contextmanager
    def journal(self, name: str) -> Iterator[Store]:
        """Open a journal and close it again.

        A test that copies a file of SQLite while its own process has it open takes the locks off
        it: another process then removes the log of what this one still reads.
        """
        store = store_to_read(self.folder.store_of(name), service=name)
        try:
            yield store
        finally:
            store.close()

    def rows(self, name: str) -> list[Row]:
        """Read all rows of a service's journal about the pump."""
        with self.journal(name) as store:
            return [row for _, row in store.rows(pump=self.pump)]

    def own_events(self, name: str) -> dict[int, bytes]:
        """Give what a service said, by version, from its own journal."""
        return self._events(name, lambda topic: not topic.startswith((INPUT, IMPORTED)), name)

    def recorded_events(self, name: str) -> dict[int, bytes]:
        """Give what the historian keeps of a service, by version."""
        return self._events("historian", lambda topic: topic.startswith(INPUT), name)

    def _events(self, journal: str, wanted: Any, speaker: str) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for row in self.rows(journal):
            if not wanted(row.topic):
                continue
            read = read_row(row)
            if read.entry.speaker == speaker:
                version = parse_event_id(read.entry.id)[2]
                assert version not in found, f"{read.entry.id} stands twice"
                found[version] = read.data
        return found

    def said(self, name: str, kind: type[Event]) -> list[Any]:
        """Give a service's events of one kind, in order."""
        own = (row for row in self.rows(name) if not row.topic.startswith((INPUT, IMPORTED)))
        read = [read_row(row) for row in own]
        return [one.entry.body for one in read if isinstance(one.entry.body, kind)]

    def ledger(self) -> list[PumpRecord]:
        """Read the pump's own history out of its memory, whether the pump runs or not."""
        file = sqlite3.connect(f"file:{self.folder.pump_memory(self.pump)}?mode=ro", uri=True)
        try:
            rows = file.execute("SELECT record FROM history ORDER BY sequence")
            return [msgspec.json.decode(record, type=PumpRecord) for (record,) in rows]
        finally:
            file.close()

    def pumped(self) -> int:
        """Add up what the pump's own ledger says that the motor moved [mU]."""
        return sum(one.amount for one in self.ledger() if one.kind in ("basal", "bolus"))

    def views(self, now: Now) -> dict[str, Any]:
        """Fold each service's own journal and show its state at an instant."""
        return {name: one.view(self.fold(name), now) for name, one in DECIDERS.items()}

    def last_now(self) -> Now:
        """Give the latest time that any service decided at."""
        times: list[Now] = []
        for name in DECIDERS:
            with self.journal(name) as store:
                times.extend(read_row(row).now for _, row in store.rows())
        return max(times, key=lambda now: now.therapy)

    def until_begun(self) -> None:
        """Wait until the actuator gives a bolus."""
        self.wait_until(lambda: self.fold("actuator").doses.open, "a bolus has begun")

    def until_settled(self) -> None:
        """Wait until the actuator has heard all that the advisor said, and no dose is open."""
        self.wait_until(self._is_settled, "every order is heard and no dose is open")

    def _is_settled(self) -> bool:
        with self.journal("actuator") as store:
            heard = store.heads().get((self.pump, Speaker("bolus_advisor")))
        said = max(self.own_events("bolus_advisor"), default=0)
        is_input = (heard.version if heard else 0) >= said
        return is_input and not self.fold("actuator").doses.open

    def has_come_to_rest(self) -> bool:
        """Say whether no bolus is open and the historian has every event of everybody."""
        return self.is_accounted() and all(
            self.own_events(name) == self.recorded_events(name)
            for name in DECIDERS
            if name != "historian"
        )

    def is_accounted(self) -> bool:
        """Say whether no bolus is open and the account is what the pump's own ledger says."""
        pumped, doses = self.pumped(), self.fold("actuator").doses
        return not doses.open and pumped == doses.basal_total + doses.bolus_total

    def accounted(self) -> int:
        """Add up what the actuator accounted for [mU]."""
        doses = self.fold("actuator").doses
        return int(doses.basal_total + doses.bolus_total)

    def fold(self, name: str) -> Any:
        """Fold a service's own journal."""
        decider = DECIDERS[Speaker(name)]
        state = decider.initial(self.pump)
        for row in self.rows(name):
            state = decider.evolve(state, read_row(row).entry)
        return state

    def replayed(self, now: Now) -> dict[str, Any]:
        """Fold the historian's record instead."""
        with self.journal("historian") as store:
            return dict(replay(store, pump=self.pump, at=now.therapy))

    def reports(self) -> dict[Speaker, VerificationReport]:
        """Make every decision again."""
        found: dict[Speaker, VerificationReport] = {}
        for name, decider in DECIDERS.items():
            with self.journal(name) as store:
                found[name] = verify_decisions(decider, store)
        return found

    def assert_record_is_whole(self) -> None:
        """No version is missing or doubled, and the historian keeps the same bytes."""
        for name in DECIDERS:
            own = self.own_events(name)
            assert list(range(1, len(own) + 1)) == sorted(own)
            if name != "historian":
                assert own == self.recorded_events(name)

    def assert_each_dose_once(self) -> None:
        """By the pump's own ledger each order moved the motor once at most."""
        self.assert_each_dose_once_by_ledger()
        started = [one.dose for one in self.ledger() if one.kind == "bolus_started"]
        intents = [event.dose for event in self.said("actuator", BolusStartRequested)]
        assert len(set(intents)) == len(intents)
        assert set(started) <= set(intents)

    def assert_each_dose_once_by_ledger(self) -> None:
        """By the pump's own ledger alone each order moved the motor once at most."""
        started = [one.dose for one in self.ledger() if one.kind == "bolus_started"]
        assert started
        assert len(set(started)) == len(started)

    def assert_accounted(self) -> None:
        """The record equals the pump's own ledger, to the pulse."""
        assert self.pumped() == self.accounted()
        assert self.ledger()[-1].odometer == self.pumped()

    def assert_orders_are_sound(self) -> None:
        """By the historian's record: every dose went a way that there is."""
        with self.journal("historian") as store:
            wrong = lives_of(recorded(store, pump=self.pump, speakers=SPEAKERS)).wrong
        assert () == wrong, wrong

    def assert_replay_agrees(self) -> None:
        """The record shows what each service knows, and every decision is made again alike."""
        self.assert_orders_are_sound()
        now = self.last_now()
        assert self.views(now) == self.replayed(now)
        for name, report in self.reports().items():
            assert report.decisions > 0
            assert () == report.differences, name
        self.assert_forks_to_itself()

    def assert_forks_to_itself(self) -> None:
        """With no other settings a fork of what was lived is what was lived."""
        with self.journal("basal_scheduler") as scheduler, self.journal("bolus_advisor") as advisor:
            assert_fork_is_the_record(scheduler, advisor, pump=self.pump)


def let_it_rest(stopped: RealSystem) -> None:
    """Start again at speed 1, without a person, until everybody knows everything; then stop."""
    quiet = ("--speed", "1", "--no-person")
    with real_system(stopped.folder.path, *quiet, environment=stopped.environment) as system:
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        assert system.stop() == 0


@contextmanager
def real_system(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    replays: bool = True,
) -> Iterator[RealSystem]:
    """Start a system; whatever happens, nothing of it is left running.

    What lived must replay, unless the test says that it has damaged what is on record.
    """
    system = RealSystem(folder, *arguments, environment=environment)
    try:
        system.wait_ready()
        yield system
    finally:
        if system.process.poll() is None:
            try:
                system.stop()
            except subprocess.TimeoutExpired:
                system.process.kill()
                system.process.wait()
    if replays:
        assert_replays(system)
