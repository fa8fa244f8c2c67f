"""What all tests share: Hypothesis profiles, an empty folder to stand in, the database server.

The profiles have no deadline, because machines are noisy.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from support.isolation import isolated
from support.real.postgres_server import PostgresServer, postgres_server

settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("nightly", max_examples=5_000, deadline=None)
# Whoever makes mutants asks whether one is noticed, not by what smallest example.
settings.register_profile(
    "mutants",
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("default")


def pytest_sessionstart() -> None:
    """Begin with cold caches: mutation testing forks a process that has run everything before."""
    for name, module in list(sys.modules.items()):
        for value in list(vars(module).values()) if name.startswith("core.") else ():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let all tests of a process stand in an empty folder, without this machine's settings."""
    folder = tmp_path_factory.mktemp("empty")
    with isolated(folder):
        yield folder


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(empty_folder: Path) -> Iterator[None]:
    """Fail a test that wrote where it stood: the next one would find it."""
    yield
    left = sorted(path.name for path in empty_folder.iterdir())
    assert [] == left, f"left in the folder that every test stands in: {left}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests of a process, started for the first that asks."""
    with postgres_server() as server:
        yield server
