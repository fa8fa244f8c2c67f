"""Which release of Basalt this is."""

import hashlib
from importlib.metadata import version as installed
from importlib.resources import files
from importlib.resources.abc import Traversable


def version() -> str:
    """Give the release of Basalt."""
    return installed("basalt")


def in_words() -> str:
    """Say which release this is."""
    return f"basalt {version()}; not a medical device"


def thinking() -> str:
    """Give the hash (hex) of everything that states follow from: the text of core and schemas.

    States that were folded by other rules are worth nothing, also within one release.
    """
    digest = hashlib.sha256()
    for package in ("core", "schemas"):
        for name, text in sorted(_texts(files(package), package)):
            digest.update(f"{name} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def _texts(folder: Traversable, name: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for one in folder.iterdir():
        path = f"{name}/{one.name}"
        if one.is_dir():
            found.extend(_texts(one, path))
        elif one.name.endswith(".py"):
            found.append((path, one.read_bytes()))
    return found
