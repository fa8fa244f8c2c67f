"""Keys: a seed for who signs orders or checkpoints, its public half, and what two share."""

import os
import secrets
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from core.dosing.order_protocol.authentication import signed_bytes
from schemas.delivery.device import PumpOrder
from services.runtime.platform.errors import OrderKeyBroken

KEY_MODE = 0o600
"""[-] only the owner reads a seed."""

SEED_BYTES = 32
"""[B] of an Ed25519 seed, and of a public key."""


class OrderSigner:
    """Signs orders; one for each process that may ask for insulin."""

    def __init__(self, seed: bytes) -> None:
        """Hold a seed of SEED_BYTES.

        Raises:
            ValueError: it has another length.
        """
        try:
            self._key = SigningKey(seed)
        except (CryptoError, TypeError) as error:
            raise ValueError(f"a seed has {SEED_BYTES} bytes") from error
        self.public = bytes(self._key.verify_key).hex()
        """[-] the public key, 64 hex digits."""

    def sign(self, order: PumpOrder) -> str:
        """Give the signature over an order, 128 hex digits; the same order, the same digits."""
        return self._key.sign(signed_bytes(order)).signature.hex()


def public_path(path: Path) -> Path:
    """Name the file of the public half that lies beside a seed's."""
    return path.with_suffix(".pub")


def write_key(path: Path, data: bytes) -> None:
    """Write a new file that only its owner reads.

    Raises:
        OSError: it is there, or cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def make_key(path: Path) -> None:
    """Make the seed if it is missing, and the public half beside it.

    Raises:
        OSError: it cannot be written.
        OrderKeyBroken: the file that exists is no seed.
    """
    if not path.exists():
        write_key(path, f"{bytes(SigningKey.generate()).hex()}\n".encode())
    public_path(path).write_text(read_signer(path).public + "\n")


def make_secret(path: Path) -> None:
    """Make a secret of SEED_BYTES if it is missing, for two who share it.

    Raises:
        OSError: it cannot be written.
        OrderKeyBroken: the file that exists holds none.
    """
    if path.exists():
        read_secret(path)
        return
    write_key(path, f"{secrets.token_hex(SEED_BYTES)}\n".encode())


def read_secret(path: Path) -> bytes:
    """Read a secret that two share [B, SEED_BYTES].

    Raises:
        OrderKeyBroken: there is none, or it is broken.
    """
    return bytes.fromhex(_hex(path))


def read_signer(path: Path) -> OrderSigner:
    """Read a seed.

    Raises:
        OrderKeyBroken: there is none, or it is broken.
    """
    return OrderSigner(bytes.fromhex(_hex(path)))


def read_record_key(path: Path) -> SigningKey:
    """Read the seed that checkpoints of the record are signed with.

    Raises:
        OrderKeyBroken: there is none, or it is broken.
    """
    return SigningKey(bytes.fromhex(_hex(path)))


def read_public(path: Path) -> str:
    """Read a public key, 64 hex digits.

    Raises:
        OrderKeyBroken: there is none, or it is broken.
    """
    return _hex(path)


def _hex(path: Path) -> str:
    text, is_key = "", False
    try:
        text = path.read_text().strip().lower()
        is_key = len(bytes.fromhex(text)) == SEED_BYTES
    except OSError as error:
        raise OrderKeyBroken(str(path), f"it cannot be read: {error.strerror}") from error
    except ValueError:
        pass  # letters that are no digits, or no letters at all
    if not is_key:
        raise OrderKeyBroken(str(path), f"it is no key: one has {2 * SEED_BYTES} hex digits")
    return text
