"""Seeds of the broker's users: read and judged before anything is connected."""

from pathlib import Path

import nkeys  # type: ignore[import-untyped]  # it ships no types

from services.runtime.platform.errors import BusKeyBroken


def public_key_of(path: Path) -> str:
    """Read a user's seed and give its public key.

    Raises:
        BusKeyBroken: there is none, or it is broken.
    """
    try:
        pair = nkeys.from_seed(bytearray(path.read_bytes().strip()))
        public = bytes(pair.public_key).decode()
    except OSError as error:
        raise BusKeyBroken(str(path), error.strerror or str(error)) from error
    except (nkeys.NkeysError, ValueError, TypeError) as error:
        raise BusKeyBroken(str(path), f"no seed of an nkey ({type(error).__name__})") from error
    return public
