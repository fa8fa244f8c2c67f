"""The Hypothesis profiles, without a deadline because machines are noisy; the database server."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

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


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests of a process, started for the first that asks."""
    with postgres_server() as server:
        yield server
