"""Where one system keeps everything on a disk: keys, clock, journals, the pump's memory, logs."""

import os
from pathlib import Path

import msgspec

from schemas.units import PumpId, UtcMillis
from services.runtime.platform.errors import BasaltError


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What a second terminal must know of a system that runs."""

    pid: int
    """[-] process of the supervisor."""
    url: str
    """[-] of the broker."""
    pump: PumpId
    """[-] the pump that people's tools mean when they name none."""
    speed: int
    """[-] therapy seconds in a real second."""
    started: UtcMillis
    """[ms] real time of the start."""
    glucose: str
    """[-] where glucose comes from, in words."""


class NotRunning(BasaltError):
    """No system runs on this folder."""


class DataFolder:
    """The layout of the folder; makes nothing by itself but what `make` says."""

    def __init__(self, path: Path) -> None:
        """Name the folder; it need not exist."""
        self.path = path
        self.clock = path / "clock.json"
        self.keys = path / "keys"
        self.broker = path / "broker"
        self.journals = path / "journals"
        self.pump = path / "pump"
        self.logs = path / "logs"
        self.checkpoints = path / "checkpoints"
        self.snapshots = path / "snapshots.db"
        self.states = path / "states"
        self.lock = path / "up.lock"
        self.running = path / "running.json"
        self.store = path / "store"

    def make(self) -> None:
        """Make the folders that are missing, readable by the owner alone.

        Raises:
            OSError: the path is a file, or cannot be written.
        """
        for folder in (self.path, self.broker, self.journals, self.pump, self.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def journal(self, service: str) -> Path:
        """Name the journal of a service."""
        return self.journals / f"{service}.db"

    def database(self) -> str:
        """Read the URL of the database that the journals are in; empty: in files."""
        try:
            return self.store.read_text().strip()
        except FileNotFoundError:
            return ""

    def store_of(self, service: str) -> str:
        """Give the URL of the store of a service's journal."""
        return self.database() or f"sqlite:{self.journal(service)}"

    def pump_memory(self, pump: PumpId) -> Path:
        """Name the non-volatile memory of a virtual pump."""
        return self.pump / f"{pump}.nvm"

    def state(self, service: str) -> Path:
        """Name the snapshot of a service's own state."""
        return self.states / f"{service}.state"

    def log(self, process: str) -> Path:
        """Name the log of a process."""
        return self.logs / f"{process}.log"

    def seed(self, user: str) -> Path:
        """Name the file with the seed of a user's key."""
        return self.keys / f"{user}.nk"

    def pump_key(self, pump: PumpId) -> Path:
        """Name the file with the key that a pump and its actuator share."""
        return self.keys / f"pump_{pump}.key"

    @property
    def order_key(self) -> Path:
        """Name the file with the seed that bolus orders are signed with; beside it its `.pub`."""
        return self.keys / "bolus_orders.key"

    @property
    def record_key(self) -> Path:
        """Name the file with the seed that checkpoints are signed with; beside it its `.pub`."""
        return self.keys / "record.key"

    def write_running(self, running: Running) -> None:
        """Tell second terminals where the system is."""
        draft = self.running.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(running))
        draft.replace(self.running)

    def read_running(self) -> Running:
        """Find the system that runs on this folder.

        Raises:
            NotRunning: none does, in a sentence that says what to do.
        """
        try:
            running = msgspec.json.decode(self.running.read_bytes(), type=Running)
            os.kill(running.pid, 0)
        except (FileNotFoundError, ProcessLookupError, msgspec.DecodeError) as error:
            raise NotRunning(
                f"nothing runs on {self.path}; start it with 'make run' or 'basalt up'"
            ) from error
        return running
