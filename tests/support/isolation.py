"""Tests see neither the checkout's data, nor the settings of this machine, nor a running system."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FOREIGN = ("BASALT_", "PG")
"""[-] how variables begin that say where a system, its journals or their password are."""


@contextmanager
def kept_variables() -> Iterator[None]:
    """Put these variables back as they were, whatever a test has made of them."""
    before = _foreign_variables()
    yield
    for name in _foreign_variables():
        del os.environ[name]
    os.environ.update(before)


def _foreign_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(FOREIGN)}


@contextmanager
def isolated(folder: Path) -> Iterator[None]:
    """Stand in a folder, with no variable that leads out of it.

    Args:
        folder: an empty folder; the default of `--data`, `data` below it, names nothing.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in _foreign_variables():
            patch.delenv(name)
        yield
