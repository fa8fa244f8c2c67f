"""What all tests share: Hypothesis profiles, an empty folder to stand in, the database server.

The profiles have no deadline, because machines are noisy.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from support.isolation import isolated, kept_variables
from support.order import turn_of
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


LEFT_TO_NIGHTLY = pytest.StashKey[int]()
LEFT = "left_to_nightly"
"""[-] where a worker of xdist tells how many tests it left out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that also runs what takes long."""
    parser.addoption("--nightly", action="store_true", help="also what only make nightly runs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first; leave to `make nightly` what is marked so, and count it."""
    items.sort(key=lambda item: turn_of(item.nodeid.partition("::")[0]))
    if config.getoption("--nightly"):
        return
    left = [item for item in items if item.get_closest_marker("nightly")]
    items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    config.stash[LEFT_TO_NIGHTLY] = len(left)
    getattr(config, "workeroutput", {})[LEFT] = len(left)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of xdist has counted; each has collected all."""
    node.config.stash[LEFT_TO_NIGHTLY] = getattr(node, "workeroutput", {}).get(LEFT, 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many tests were left out, so that nobody takes a part for the whole."""
    if left := config.stash.get(LEFT_TO_NIGHTLY, 0):
        terminalreporter.write_line(f"{left} tests are left to make nightly")


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
    """Fail a test that wrote where it stood: the next one would find it; forget its password.

    A password in the URL of a store goes into the environment of the process that opens it.
    """
    with kept_variables():
        yield
    left = sorted(path.name for path in empty_folder.iterdir())
    assert [] == left, f"left in the folder that every test stands in: {left}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests of a process, started for the first that asks."""
    with postgres_server() as server:
        yield server
