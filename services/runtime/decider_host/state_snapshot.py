"""What a service knew at a line of its journal, kept so that a start folds only what came after.

It is no record: it follows from the journal, is made anew when it is lost, and is used only where
the journal has the very lines that it was made at and the rules are those of today.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from core.kernel.decider import Decider
from schemas.message import Now
from schemas.units import PumpId, Speaker
from services.runtime.journal.hash_chain import link_in
from services.runtime.platform.atomic_files import whole
from services.runtime.platform.release import thinking
from services.runtime.platform.zones import tzdata_version
from services.runtime.ports import Store, StreamHead

FORMAT: Final = 1
"""[-] of the file; raised where what the host keeps of a pump changes."""

DIGEST_BYTES: Final = 32
"""[B] HMAC-SHA-256 over the rest, at the front."""

StateT = TypeVar("StateT")


@dataclass(slots=True)
class Remembered(Generic[StateT]):
    """What is known of one pump, at a line."""

    pump: PumpId
    state: StateT
    position: int
    link: str
    heads: dict[Speaker, StreamHead]
    heard: dict[str, int]
    forked: set[Speaker]


class _Pump(msgspec.Struct, frozen=True):
    state: msgspec.Raw
    position: int
    link: str
    heads: dict[str, tuple[int, str]]
    heard: dict[str, int]
    forked: list[str]


class _File(msgspec.Struct, frozen=True):
    format: int
    service: str
    thinking: str
    tzdata: str
    row: int
    now: Now
    pumps: dict[PumpId, _Pump]


class Found(NamedTuple):
    """A snapshot that fits, decoded."""

    row: int
    """[-] number of the newest line in it, in the order of storing."""
    now: Now
    """[-] that the newest decision in it got."""
    pumps: Mapping[PumpId, Remembered[Any]]


class Unusable(Exception):
    """A snapshot does not fit; all of the journal is folded instead."""


_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")
_files: Final = msgspec.msgpack.Decoder(_File)


def packed(
    decider: Decider[Any],
    pumps: Mapping[PumpId, Remembered[Any]],
    *,
    row: int,
    now: Now,
    key: bytes = b"",
) -> bytes:
    """Write what a service knows; equal knowledge gives equal bytes.

    Args:
        decider: whose state it is.
        pumps: what is known of each.
        row: number of the newest line in it.
        now: that the newest decision in it got.
        key: the service's own secret: whoever has it not can make no snapshot.

    Raises:
        Unusable: a state would not be read back as it is.
    """
    states = msgspec.msgpack.Decoder(type(decider.initial(PumpId(""))))
    found: dict[PumpId, _Pump] = {}
    for pump, known in pumps.items():
        data = _encoder.encode(known.state)
        if not _is_read_back(states, data, known.state):
            raise Unusable(f"the state of {pump} is not read back as it was written")
        found[pump] = _Pump(
            state=msgspec.Raw(data),
            position=known.position,
            link=known.link,
            heads={name: (head.version, head.sha256) for name, head in known.heads.items()},
            heard=dict(known.heard),
            forked=sorted(known.forked),
        )
    body = _encoder.encode(
        _File(FORMAT, decider.name, thinking(), tzdata_version(), row, now, found)
    )
    return _digest(body, key) + body


def _is_read_back(states: msgspec.msgpack.Decoder[Any], data: bytes, state: object) -> bool:
    try:
        return bool(states.decode(data) == state)
    except msgspec.DecodeError:
        return False


def _digest(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")


def unpacked(data: bytes, decider: Decider[Any], store: Store, *, key: bytes = b"") -> Found:
    """Read a snapshot and hold it against the journal.

    Raises:
        Unusable: it is damaged, of other rules or time zones, or not of this journal.
    """
    digest, body = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    if not hmac.compare_digest(_digest(body, key), digest):
        raise Unusable("it is damaged, or of another key")
    try:
        file = _files.decode(body)
        of_today = (FORMAT, decider.name, thinking(), tzdata_version())
        if (file.format, file.service, file.thinking, file.tzdata) != of_today:
            raise Unusable("it was made by other code, or with other time-zone data")
        states = msgspec.msgpack.Decoder(type(decider.initial(PumpId(""))))
        pumps = {
            pump: Remembered(
                pump,
                states.decode(kept.state),
                kept.position,
                kept.link,
                {Speaker(name): StreamHead(*head) for name, head in kept.heads.items()},
                dict(kept.heard),
                {Speaker(name) for name in kept.forked},
            )
            for pump, kept in file.pumps.items()
        }
        _hold_against(store, file.row, pumps)
    except (msgspec.DecodeError, TypeError, OverflowError) as error:
        raise Unusable(f"it cannot be read: {error}") from error
    return Found(file.row, file.now, pumps)


def _hold_against(store: Store, row: int, pumps: Mapping[PumpId, Remembered[Any]]) -> None:
    """Find the lines that the snapshot was made at: each pump's last, and the newest of all."""
    for pump, known in pumps.items():
        line = next(iter(store.rows_from(pump, known.position, count=1)), None)
        is_it = line is not None and line.position == known.position
        if line is None or not is_it or not known.link or link_in(line) != known.link:
            raise Unusable(f"the journal has another line {known.position} of {pump}")
    newest = next(store.rows(after_row=row - 1), None)
    if newest is None or newest[0] != row:
        raise Unusable(f"the journal has no line number {row}")
    last = newest[1]
    if last.pump not in pumps or pumps[last.pump].position != last.position:
        raise Unusable(f"line number {row} of the journal is another one")


class StateFile(NamedTuple):
    """Where the snapshot of a service's state is kept."""

    path: Path
    key: bytes = b""
    """[-] the service's own secret."""


def read_snapshot(file: StateFile, decider: Decider[Any], store: Store) -> Found:
    """Read a snapshot from its file.

    Raises:
        Unusable: it does not fit.
        FileNotFoundError: there is none.
        OSError: it cannot be read.
    """
    return unpacked(file.path.read_bytes(), decider, store, key=file.key)


def write_snapshot(path: Path, data: bytes) -> None:
    """Replace the snapshot in one step.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole(path) as draft:
        draft.write_bytes(data)
