"""The broker's configuration and keys: one nkey user for each service, written once."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import nkeys  # type: ignore[import-untyped]  # it ships no types

from services.runtime.nats.user_keys import public_key_of
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.signing_keys import make_key
from services.supervisor.broker.permissions import Permissions, permissions

KEY_MODE = 0o600
"""[-] only the owner reads a seed."""


def make_keys(folder: DataFolder) -> dict[str, str]:
    """Make the seeds that are missing, that of orders too; give each user's public key.

    Raises:
        BusKeyBroken, OrderKeyBroken: a file that exists is no seed.
        OSError: it cannot be written.
    """
    folder.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    make_key(folder.order_key)
    make_key(folder.record_key)
    return {user: _public_key(folder.seed(user)) for user in permissions()}


def _public_key(path: Path) -> str:
    if not path.exists():
        seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(seed)
    return public_key_of(path)


def broker_config(*, public_keys: Mapping[str, str], host: str, port: int, store: Path) -> str:
    """Write the configuration of nats-server.

    Args:
        public_keys: of each user.
        host: address to listen on; the loopback unless somebody wants it otherwise.
        port: 1 to 65535.
        store: folder of JetStream.
    """
    users = [_user(public_keys[name], allowed) for name, allowed in permissions().items()]
    return "\n".join(
        (
            f"listen: {json.dumps(f'{host}:{port}')}",
            "server_name: basalt",
            "max_payload: 1MB",
            "jetstream {",
            f"  store_dir: {json.dumps(str(store))}",
            "  sync_interval: always",
            "}",
            "authorization {",
            "  users = [",
            *(f"    {user}" for user in users),
            "  ]",
            "}",
            "",
        )
    )


def _user(public_key: str, allowed: Permissions) -> str:
    rules = {"publish": list(allowed.publish), "subscribe": list(allowed.subscribe)}
    return f"{{ nkey: {public_key}, permissions: {json.dumps(rules)} }}"
