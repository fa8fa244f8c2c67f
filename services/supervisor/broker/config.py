"""The broker's configuration and keys: one nkey user for each service, written once."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import nkeys  # type: ignore[import-untyped]  # it ships no types

from core.deciders.registry import DECIDERS
from schemas.units import PumpId
from schemas.wire.subjects import BROKER_API, CLIENT_API, request_inbox
from services.runtime.nats.user_keys import public_key_of
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.signing_keys import make_key, make_secret, write_key
from services.supervisor.broker.permissions import DISCOVERY, Permissions, permissions

ACCOUNT = "BASALT"
"""[-] the broker's account of the services and the stream; each client has one of its own."""


def make_keys(folder: DataFolder, *, pumps: Sequence[PumpId]) -> dict[str, str]:
    """Make the keys that are missing, of orders and pumps too; give each user's public key.

    Raises:
        BusKeyBroken, OrderKeyBroken: a file that exists is no seed.
        OSError: it cannot be written.
    """
    folder.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    make_key(folder.order_key)
    make_key(folder.record_key)
    for pump in pumps:
        make_secret(folder.pump_key(pump))
    return {user: _public_key(folder.seed(user)) for user in permissions()}


def _public_key(path: Path) -> str:
    if not path.exists():
        seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
        write_key(path, seed)
    return public_key_of(path)


def broker_config(*, public_keys: Mapping[str, str], host: str, port: int, store: Path) -> str:
    """Write the configuration of nats-server.

    Args:
        public_keys: of each user.
        host: address to listen on; the loopback unless somebody wants it otherwise.
        port: 1 to 65535.
        store: folder of JetStream.
    """
    everybody = permissions()
    inside = [_user(public_keys[name], everybody[name]) for name in DECIDERS]
    outside = {name: allowed for name, allowed in everybody.items() if name not in DECIDERS}
    return "\n".join(
        (
            f"listen: {json.dumps(f'{host}:{port}')}",
            "server_name: basalt",
            "max_payload: 1MB",
            "jetstream {",
            f"  store_dir: {json.dumps(str(store))}",
            "  sync_interval: always",
            "}",
            "accounts {",
            f"  {ACCOUNT} {{",
            "    jetstream: enabled",
            "    users = [",
            *(f"      {user}" for user in inside),
            "    ]",
            "    exports = [",
            *(f"      {export}" for export in _exports(outside)),
            "    ]",
            "  }",
            *(
                line
                for name, allowed in outside.items()
                for line in _account(name, public_keys[name], allowed)
            ),
            "}",
            "",
        )
    )


def account_of(user: str) -> str:
    """Name the account of a client."""
    return user.upper()


def _account(name: str, public_key: str, allowed: Permissions) -> Iterator[str]:
    """Write a client's own account: it reaches what it imports and nothing else.

    The broker does not check the reply subject of a publish. In the account of the stream its
    acknowledgement would land on any subject that a sender names, an event's among them.
    """
    yield f"  {account_of(name)} {{"
    yield f"    users = [ {_user(public_key, allowed)} ]"
    yield "    imports = ["
    for subject in allowed.publish:
        source = {"account": ACCOUNT, "subject": _inside(subject)}
        yield f"      {{ service: {json.dumps(source)}, to: {json.dumps(subject)} }}"
    for subject in _heard(name, allowed):
        source = {"account": ACCOUNT, "subject": subject}
        yield f"      {{ stream: {json.dumps(source)} }}"
    yield "    ]"
    yield "  }"


def _inside(subject: str) -> str:
    """Give a client's subject as it is in the account of the services."""
    return subject.replace(f"{CLIENT_API}.", f"{BROKER_API}.", 1)


def _heard(name: str, allowed: Permissions) -> list[str]:
    """Give what a client hears of the services; its own inbox lies in its own account."""
    own = f"{request_inbox(name)}.>"
    return [subject for subject in allowed.subscribe if subject != own]


def _exports(outside: Mapping[str, Permissions]) -> Iterator[str]:
    """Write what the services' account shows, each subject to exactly the accounts that need it."""
    services: dict[str, list[str]] = {}
    streams: dict[str, list[str]] = {}
    for name, allowed in outside.items():
        for subject in allowed.publish:
            services.setdefault(_inside(subject), []).append(account_of(name))
        for subject in _heard(name, allowed):
            streams.setdefault(subject, []).append(account_of(name))
    for subject, accounts in services.items():
        many = ", response_type: stream" if subject == DISCOVERY else ""
        yield f"{{ service: {json.dumps(subject)}, accounts: {json.dumps(accounts)}{many} }}"
    for subject, accounts in streams.items():
        yield f"{{ stream: {json.dumps(subject)}, accounts: {json.dumps(accounts)} }}"


def _user(public_key: str, allowed: Permissions) -> str:
    rules = {"publish": list(allowed.publish), "subscribe": list(allowed.subscribe)}
    return f"{{ nkey: {public_key}, permissions: {json.dumps(rules)} }}"
