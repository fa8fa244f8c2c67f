"""How a checkpoint is written: so many events of a speaker had this root, signed by the record.

The text is that of C2SP tlog-checkpoint in a C2SP signed-note, so that other tools read it. An
extension line says how many lines the whole record had, and the root over them: commands, actors
and times stand in no tree of a speaker. Checkpoints of older releases have no such line.
A copy of it that lies elsewhere turns a record put back or cut short into an error.
"""

import base64
import hashlib
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from core.kernel.errors import CheckpointBroken
from core.record.merkle_tree import HASH_BYTES
from schemas.units import PumpId, Speaker

LINES_MAX: Final = 6
"""[-] of a note: origin, size, root, the record's lines, an empty one, the signature."""

SIGNER: Final = "basalt-record"
"""[-] name of the key in the signature's line."""

_RECORD: Final = "lines"
"""[-] first word of the extension line."""

_ED25519: Final = b"\x01"
_DASH: Final = "\u2014 "
_HINT_BYTES: Final = 4


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """So many events of a speaker about a pump had this root."""

    pump: PumpId
    """[-] whose record."""
    speaker: Speaker
    """[-] whose events."""
    size: int
    """[-] events 1 to here."""
    root: bytes
    """[-] of the Merkle tree over them, 32 bytes."""
    lines: int = 0
    """[-] of the whole record of the pump at that time; 0 in checkpoints of older releases."""
    lines_root: bytes = b""
    """[-] of the Merkle tree over those lines, 32 bytes; empty without any."""


def signed(checkpoint: Checkpoint, *, public: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Write a checkpoint as a signed note of LINES_MAX lines at most.

    Args:
        checkpoint: what is stated.
        public: [-] the Ed25519 key, 32 bytes.
        sign: gives the signature over bytes, 64 bytes.
    """
    text = _text(checkpoint)
    signature = base64.b64encode(_hint(public) + sign(text.encode())).decode()
    return f"{text}\n{_DASH}{SIGNER} {signature}\n"


def read(note: str, *, public: bytes) -> Checkpoint:
    """Read a signed note.

    Raises:
        CheckpointBroken: it is none, or this key has not signed it.
    """
    text, _, signatures = note.partition("\n\n")
    try:
        VerifyKey(public).verify(f"{text}\n".encode(), _signature(signatures, public))
    except (CryptoError, ValueError, TypeError) as error:
        raise CheckpointBroken("it is not signed by the key of the record") from error
    try:
        origin, size, root, *more = text.split("\n")
        name, pump, speaker = origin.split("/")
        if name != "basalt":
            raise ValueError(origin)
        lines, lines_root = _record_in(more)
        return Checkpoint(
            pump=PumpId(pump),
            speaker=Speaker(speaker),
            size=_count(size),
            root=_root(root),
            lines=lines,
            lines_root=lines_root,
        )
    except (ValueError, Base64Error) as error:
        raise CheckpointBroken(f"it says something else than a checkpoint: {text!r}") from error


def _record_in(extension: Sequence[str]) -> tuple[int, bytes]:
    """Read how many lines the record had, and their root; 0 where nothing is said of them."""
    if not extension:
        return 0, b""
    (line,) = extension
    word, lines, root = line.split(" ")
    if word != _RECORD:
        raise ValueError(line)
    return _count(lines), _root(root)


def _count(text: str) -> int:
    if str(int(text)) != text:
        raise ValueError(text)
    return int(text)


def _root(text: str) -> bytes:
    hashed = base64.b64decode(text, validate=True)
    if len(hashed) != HASH_BYTES:
        raise ValueError(text)
    return hashed


def _text(checkpoint: Checkpoint) -> str:
    root = base64.b64encode(checkpoint.root).decode()
    text = f"basalt/{checkpoint.pump}/{checkpoint.speaker}\n{checkpoint.size}\n{root}\n"
    if not checkpoint.lines:
        return text
    lines_root = base64.b64encode(checkpoint.lines_root).decode()
    return f"{text}{_RECORD} {checkpoint.lines} {lines_root}\n"


def _signature(lines: str, public: bytes) -> bytes:
    """Find the signature of this key among the lines of a note."""
    begin = f"{_DASH}{SIGNER} "
    for line in lines.splitlines():
        if line.startswith(begin):
            found = base64.b64decode(line.removeprefix(begin), validate=True)
            if found[:_HINT_BYTES] == _hint(public):
                return found[_HINT_BYTES:]
    raise ValueError("no signature of this key")


def _hint(public: bytes) -> bytes:
    """Give the first bytes of a key's hash, by which a reader finds the line that is for it."""
    return hashlib.sha256(SIGNER.encode() + b"\n" + _ED25519 + public).digest()[:_HINT_BYTES]
