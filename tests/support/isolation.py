"""Tests see neither the checkout's data, nor the settings of this machine, nor a running system."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FOREIGN = ("BASALT_", "PG")
"""[-] how variables begin that say where a system, its journals or their password are."""


def forget_foreign_variables() -> None:
    """Take out of the environment what a test has put there."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]


@contextmanager
def isolated(folder: Path) -> Iterator[None]:
    """Stand in a folder, with no variable that leads out of it.

    Args:
        folder: an empty folder; the default of `--data`, `data` below it, names nothing.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith(FOREIGN)]:
            patch.delenv(name)
        yield
