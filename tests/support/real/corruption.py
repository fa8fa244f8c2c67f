"""Files of a data folder that are damaged, and what a system that starts on them has to keep."""

import copy
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.deciders.registry import DECIDERS
from schemas.delivery.device import PumpRecord
from schemas.delivery.unresolved_doses import PumpDoubted
from schemas.units import DoseId
from services.runtime.audit.redecide import verify_decisions
from services.runtime.platform.data_folder import DataFolder, NotRunning
from services.runtime.platform.errors import BasaltError
from support.real.patience import until
from support.real.real_system import RealSystem

BLOCK_BYTES: Final = 512
"""[B] that a disk loses at once; also the most junk that is appended."""

START_S_MAX: Final = 90.0
"""[s] from `basalt up` until it is ready or has said why not; the supervisor waits for 30."""

REST_S_MAX: Final = 30.0
"""[s] from an answer until all that was given is accounted."""

REMEDY: Final = re.compile(
    r"\b(put back|put the journal aside|move|remove|start again|begin a new folder|start with)\b"
)
"""[-] a line that refuses a start says what to do."""


class HasNoEffect(Exception):  # noqa: N818  # no error: another kind is drawn
    """This file cannot be damaged in this way."""


@dataclass(frozen=True)
class Place:
    """A file that is to be damaged, and the folders that it is part of."""

    path: Path
    """[-] the file itself, in a copy of the folder."""
    older: Path
    """[-] the same file of an older copy; there may be none."""
    others: Sequence[Path]
    """[-] all files of the copy."""
    lot: random.Random


def _flip(place: Place) -> None:
    data = bytearray(_some(place.path))
    data[place.lot.randrange(len(data))] ^= 1 << place.lot.randrange(8)
    place.path.write_bytes(data)


def _zero(place: Place) -> None:
    data = bytearray(_some(place.path))
    begins = range(0, len(data), BLOCK_BYTES)
    written = [at for at in begins if any(data[at : at + BLOCK_BYTES])]
    if not written:
        raise HasNoEffect
    begin = place.lot.choice(written)
    data[begin : begin + BLOCK_BYTES] = bytes(len(data[begin : begin + BLOCK_BYTES]))
    place.path.write_bytes(data)


def _cut(place: Place) -> None:
    data = _some(place.path)
    place.path.write_bytes(data[: place.lot.randrange(len(data))])


def _empty(place: Place) -> None:
    _some(place.path)
    place.path.write_bytes(b"")


def _remove(place: Place) -> None:
    place.path.unlink()


def _append(place: Place) -> None:
    with place.path.open("ab") as file:
        file.write(place.lot.randbytes(place.lot.randint(1, BLOCK_BYTES)))


def _turn_into_folder(place: Place) -> None:
    place.path.unlink()
    place.path.mkdir()


def _put_back(place: Place) -> None:
    if not place.older.is_file():
        raise HasNoEffect
    _write(place.path, place.older.read_bytes())


def _swap(place: Place) -> None:
    _write(place.path, place.lot.choice(place.others).read_bytes())


def _some(path: Path) -> bytes:
    data = path.read_bytes()
    if not data:
        raise HasNoEffect
    return data


def _write(path: Path, data: bytes) -> None:
    if data == path.read_bytes():
        raise HasNoEffect
    path.write_bytes(data)


KINDS: Final[Mapping[str, Callable[[Place], None]]] = {
    "bit flipped": _flip,
    "block zeroed": _zero,
    "cut short": _cut,
    "emptied": _empty,
    "removed": _remove,
    "junk appended": _append,
    "a folder instead": _turn_into_folder,
    "older copy": _put_back,
    "bytes of another file": _swap,
}
"""[-] ways to damage a file."""


def files_in(folder: Path) -> list[str]:
    """Name every file of a data folder, sorted."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def corrupt(folder: Path, name: str, *, older: Path, lot: random.Random, kind: str = "") -> str:
    """Damage a file in a way that has an effect, drawn by lot or named; give the kind."""
    others = [folder / one for one in files_in(folder) if one != name]
    place = Place(path=folder / name, older=older / name, others=others, lot=lot)
    kinds = list(KINDS)
    lot.shuffle(kinds)
    for one in [kind] if kind else kinds:
        try:
            KINDS[one](place)
        except HasNoEffect:
            continue
        return one
    raise AssertionError(f"{name} cannot be damaged: {kind}")


@dataclass(frozen=True)
class Lived:
    """What was true of a folder before it was damaged."""

    folder: Path
    older: Path
    pumped: int
    """[mU] moved into the body, by the pump's own history."""
    accounted: int
    """[mU] of it that the actuator had read; of the rest the pump's memory is the only witness."""
    begun: frozenset[DoseId]
    """[-] doses that the motor began."""
    said: Mapping[str, Mapping[int, bytes]]
    """[-] events of each service, by version."""


def copied(folder: Path, to: Path) -> None:
    """Copy a data folder on which nothing runs; the sockets of what was killed are left out."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.sock"))


def lived(system: RealSystem, folder: Path, *, older: Path) -> Lived:
    """Keep what is true of a system that does not run any more, and the folder that is copied."""
    return Lived(
        folder=folder,
        older=older,
        pumped=system.pumped(),
        accounted=system.accounted(),
        begun=frozenset(_begun(system.ledger())),
        said={name: system.own_events(name) for name in DECIDERS},
    )


def _begun(ledger: Sequence[PumpRecord]) -> list[DoseId]:
    return [one.dose for one in ledger if one.kind == "bolus_started" and one.dose is not None]


def _ledger(system: RealSystem) -> list[PumpRecord]:
    """Read the pump's history, none where it cannot be read: a new one begins then."""
    try:
        return system.ledger()
    except (sqlite3.Error, ValueError):
        return []


def try_case(before: Lived, root: Path, *, name: str, lot: random.Random, kind: str = "") -> str:
    """Damage a file of a copy, start on it, order and look; give what is wrong, or nothing.

    What came of it is printed in one line.
    """
    folder = root / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(".log").unlink(missing_ok=True)
    copied(before.folder, folder)
    kind = corrupt(folder, name, older=before.older, lot=lot, kind=kind)
    system = RealSystem(folder, "--speed", "600", "--no-person", "--glucose", "none")
    try:
        came, wrong = _outcome(system, before, name=name)
    finally:
        if system.process.poll() is None:
            system.stop()
    print(f"{name}: {kind}: {'FINDING' if wrong else 'well'}: {wrong or came}", flush=True)
    return f"{name}: {kind}: {wrong}" if wrong else ""


def _outcome(system: RealSystem, before: Lived, *, name: str) -> tuple[str, str]:
    """Give what came of a start, and what is wrong about it."""
    at_start = _ledger(system)
    if not until(lambda: _is_over(system), s=START_S_MAX):
        return "", f"neither up nor ended: {system.text()[-300:]}"
    if system.process.poll() is not None:
        return _refused(system, name=name)
    said = system.basalt("bolus", "0.3", "--confirm", "--no-wait", check=False)
    if "Traceback" in said.stderr:
        return "", f"a command shows its traceback: {said.stderr[-300:]}"
    is_at_rest = until(lambda: _is_at_rest(system), s=REST_S_MAX)
    code = system.stop()
    if code or "Traceback" in system.text():
        return "", f"ended with {code}: {system.text()[-600:]}"
    if not is_at_rest:
        return "", f"never at rest, {said.stderr[-200:]}: {system.text()[-600:]}"
    answer = f"bolus {'given' if said.returncode == 0 else 'refused: ' + said.stderr.strip()}"
    return answer, wrong_about(system, before, at_start)


def _is_over(system: RealSystem) -> bool:
    """Say whether it is up, or has ended."""
    if system.process.poll() is not None:
        return True
    try:
        return system.folder.read_running().pid == system.process.pid
    except (NotRunning, OSError):
        return False


def _is_at_rest(system: RealSystem) -> bool:
    """Say whether delivery is suspended, no dose is open, and the actuator has read all of it."""

    def has_read_all() -> bool:
        state = system.fold("actuator")
        return not state.doses.open and state.odometer == system.ledger()[-1].odometer

    suspended = system.basalt("suspend", check=False).returncode == 0
    return suspended and until(has_read_all, s=REST_S_MAX / 10)


def _refused(system: RealSystem, *, name: str) -> tuple[str, str]:
    """Give the line in which a start was refused, and what is wrong about it."""
    text = system.text().strip()
    return f"refused: {text}", wrong_line(text, system.folder.path, name=name)


def wrong_line(text: str, folder: Path, *, name: str) -> str:
    """Say what is wrong about a refusal; it names the file, and says what to do."""
    line = text.splitlines()[-1] if text else ""
    path = Path(name)
    names = {path.name, path.as_posix(), *(one.as_posix() for one in path.parents)} - {"."}
    if "Traceback" in text:
        return f"a traceback: {text[-600:]}"
    if not any(str(folder / one) in line or path.name in line for one in names):
        return f"refused without a named file: {line}"
    return "" if REMEDY.search(line) else f"refused without a remedy: {line}"


def on_copy(system: RealSystem, folder: Path) -> RealSystem:
    """Give a system that has ended as one that looks into another folder."""
    other = copy.copy(system)
    other.folder = DataFolder(folder)
    return other


def wrong_about(system: RealSystem, before: Lived, at_start: Sequence[PumpRecord]) -> str:
    """Compare what is at rest with what was true before; give the first thing that is wrong."""
    ledger, is_new = system.ledger(), len(at_start)
    given = sum(one.amount for one in ledger[is_new:] if one.kind in ("basal", "bolus"))
    doses, now_begun = _begun(ledger), _begun(ledger[is_new:])
    if len(set(doses)) < len(doses) or before.begun & set(now_begun):
        return f"doubled: {before.begun & set(now_begun) or doses}"
    accounted = system.accounted()
    left = sum(one.amount for one in at_start if one.kind in ("basal", "bolus"))
    known = before.accounted if left < before.pumped else before.pumped
    if accounted < known + given:
        return f"under-counted: {accounted} of {known} and {given} mU"
    if left < before.accounted and not system.said("actuator", PumpDoubted):
        return f"not noticed: the pump has {left} of {before.accounted} mU, and nobody doubts it"
    try:
        return _accepted(system, before)
    except (BasaltError, sqlite3.Error, ValueError, AssertionError) as error:
        return f"a journal cannot be read: {error}"


def _accepted(system: RealSystem, before: Lived) -> str:
    """Say where bytes stand that nobody said, or a decision that is not made again alike."""
    for name, decider in DECIDERS.items():
        own = system.own_events(name)
        old = before.said[name]
        if any(own.get(version) != data for version, data in old.items()):
            return f"accepted: events of {name} are not what was said"
        with system.journal(name) as store:
            if verify_decisions(decider, store).differences:
                return f"accepted: decisions of {name} are not made again alike"
    return ""
