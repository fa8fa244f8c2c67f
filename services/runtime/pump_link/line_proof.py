"""Proof on the pump's line: who sent a frame, that it is of this connection, and that it is new.

Both ends hold the key that was made when the pump was paired. When a line is opened each draws a
nonce; a frame then bears a counter that only rises, and HMAC-SHA256 (RFC 2104) under a key made of
the paired one and both nonces, another one for each direction. Nothing is hidden by it.
"""

import hmac
import secrets
import struct
from typing import Final, NamedTuple

from schemas.units import PumpId
from services.runtime.platform.errors import ReasonError

KEY_BYTES: Final = 32
"""[B] of the key that a pump and its controller share."""

NONCE_BYTES: Final = 16
"""[B] drawn by lot by each end for each connection."""

DOMAIN: Final = b"basalt pump line v3\n"
"""[-] begins what the key of a connection is made of."""

TO_PUMP: Final = b"to the pump"
FROM_PUMP: Final = b"from the pump"

_HEAD = struct.Struct(">Q32s")
_SIGNED = struct.Struct(">HQ")


class FrameRefused(ReasonError):
    """A frame does not prove what it must; `reason` is one of `authentication.py:LineFlaw`."""


class Nonces(NamedTuple):
    """What both ends drew by lot for one connection, hex."""

    controller: str
    pump: str


def new_nonce() -> str:
    """Draw one end's nonce (hex)."""
    return secrets.token_hex(NONCE_BYTES)


def new_key() -> bytes:
    """Draw the key that a pump and its controller share [B, KEY_BYTES]."""
    return secrets.token_bytes(KEY_BYTES)


class LineProof:
    """One end of one connection: seals what it sends and opens what it gets."""

    def __init__(self, key: bytes, *, pump: PumpId, nonces: Nonces, is_pump: bool) -> None:
        """Make the keys of this connection; nothing has been sent or taken on it."""
        said = f"{pump}\n{nonces.controller}\n{nonces.pump}".encode()
        session = hmac.digest(key, DOMAIN + said, "sha256")
        mine, theirs = (FROM_PUMP, TO_PUMP) if is_pump else (TO_PUMP, FROM_PUMP)
        self._seals = hmac.digest(session, mine, "sha256")
        self._opens = hmac.digest(session, theirs, "sha256")
        self._sent = 0
        self._taken = 0

    def seal(self, body: bytes, *, number: int) -> bytes:
        """Give a payload that proves itself: counter, proof and body, for a frame's number."""
        self._sent += 1
        return _HEAD.pack(self._sent, _proof(self._seals, number, self._sent, body)) + body

    def open(self, payload: bytes, *, number: int) -> bytes:
        """Give the body of a payload that the other end sealed for this number.

        Raises:
            FrameRefused: it is not the other end's, or not new.
        """
        if len(payload) < _HEAD.size:
            raise FrameRefused("wrong_proof")
        counter, proof = _HEAD.unpack_from(payload)
        body = payload[_HEAD.size :]
        if not hmac.compare_digest(proof, _proof(self._opens, number, counter, body)):
            raise FrameRefused("wrong_proof")
        if counter <= self._taken:
            raise FrameRefused("repeated_frame")
        self._taken = counter
        return body


def _proof(key: bytes, number: int, counter: int, body: bytes) -> bytes:
    return hmac.digest(key, _SIGNED.pack(number, counter) + body, "sha256")
