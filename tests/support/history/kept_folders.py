"""Kept folders: a data folder of every released version, packed, to be started on for ever.

`make folder` writes that of the version that is being made: a system lives a few minutes of therapy
by real processes, told by commands that every version knows. One of a released version is never
written again: the changelog says which are released, and a test holds the hash of each. The keys in
them were made for them and open nothing else.

`0.1.0-unsigned` is of the first days of 0.1.0, when orders bore no signature and journals did not
say where they end.
"""

import io
import json
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.release import version
from support.history.golden_history import versions
from support.real.patience import until
from support.repository import DATA

ROOM: Final = DATA / "folders"

LEFT_OUT: Final = frozenset({"logs", "running.json", "up.lock", "nats.conf"})
"""[-] names of what every start makes anew, and of what holds paths of the machine."""

LEFT_OUT_SUFFIXES: Final = frozenset({".lock", ".sock", ".draft"})

PROFILE: Final = {
    "name": "kept",
    "zone": "UTC",
    "segments": [{"start": "00:00", "rate": 0.7}, {"start": "06:00", "rate": 1.1}],
}

SPEED: Final = 60
"""[-] therapy seconds in a real second: a bolus takes seconds, and basal flows meanwhile."""


def path_of(name: str) -> Path:
    return ROOM / f"{name}.tar.xz"


def unpack(name: str, into: Path) -> DataFolder:
    """Lay a kept folder out."""
    with tarfile.open(path_of(name)) as archive:
        archive.extractall(into, filter="data")
    return DataFolder(into)


def files_in(name: str) -> Iterator[tuple[str, bytes]]:
    """Give every file of a kept folder."""
    with tarfile.open(path_of(name)) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read()


def pack(folder: Path) -> bytes:
    """Pack what a system goes on with; without names, times and paths of this machine."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9) as archive:
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if LEFT_OUT.isdisjoint(parts) and path.suffix not in LEFT_OUT_SUFFIXES:
                member = archive.gettarinfo(path, arcname="/".join(parts))
                member.uid = member.gid = member.mtime = 0
                member.uname = member.gname = ""
                data = io.BytesIO(path.read_bytes()) if path.is_file() else None
                archive.addfile(member, data)
    return packed.getvalue()


class _Told:
    """A system of some version, told by its own command line."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder
        arguments = f"--no-screen --no-person --glucose none --zone UTC --speed {SPEED}".split()
        self._up = subprocess.Popen(
            [program, "up", "--data", folder, *arguments], stdin=subprocess.DEVNULL
        )
        self._wait(lambda: (folder / "running.json").exists())

    def basalt(self, *words: str) -> str:
        """Run a command; refusals are part of the story."""
        command = [str(self._program), words[0], "--data", str(self._folder), *words[1:]]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        print(" ".join(words), "->", done.returncode, done.stdout, done.stderr, sep=" ")
        return str(done.stdout)

    def until_said(self, kind: str, *, times: int = 1) -> None:
        """Wait until so many events of a kind are on record."""
        words = ("history", "events", "--kind", kind, "--json")
        self._wait(lambda: len(self.basalt(*words).splitlines()) >= times)

    def stop(self) -> None:
        self._up.send_signal(signal.SIGINT)
        assert self._up.wait() == 0

    def _wait(self, holds: Callable[[], object]) -> None:
        assert until(holds), "the system did not do what the story tells"


def live(program: Path, folder: Path) -> None:
    """Live the story: settings, three boluses of which one is stopped, one refused, a suspension.

    Args:
        program: the `basalt` of the version that the folder is to be of.
        folder: does not exist yet.
    """
    told = _Told(program, folder)
    profile = folder / "logs" / "profile.json"
    profile.write_text(json.dumps(PROFILE))
    told.basalt("glucose", "115")
    told.basalt("profile", str(profile))
    told.basalt("bolus", "0.5")
    told.until_said("bolus_delivered", times=1)
    told.basalt("bolus", "1", "--over", "1h")
    told.until_said("bolus_progressed", times=11)
    told.basalt("suspend")
    told.until_said("bolus_stopped")
    told.basalt("bolus", "0.3")
    told.basalt("resume")
    told.basalt("carbs", "30")
    told.basalt("bolus", "0.2")
    told.until_said("bolus_delivered", times=2)
    told.basalt("suspend")
    told.until_said("delivery_suspended", times=2)
    told.stop()


def write(name: str, program: Path) -> None:
    """Write the kept folder of a version.

    Raises:
        SystemExit: it is of a released version and stands already.
    """
    if versions().get(name, False) and path_of(name).exists():
        raise SystemExit(f"{name} is released: its kept folder is never written again")
    with tempfile.TemporaryDirectory() as room:
        live(program, Path(room) / "data")
        data = pack(Path(room) / "data")
    ROOM.mkdir(exist_ok=True)
    path_of(name).write_bytes(data)
    print(f"{path_of(name)}: {len(data) // 1024} KiB")


if __name__ == "__main__":
    here = Path(sys.executable).parent / "basalt"
    name, program = sys.argv[1:3] if len(sys.argv) > 1 else (version(), here)
    write(name, Path(program))
