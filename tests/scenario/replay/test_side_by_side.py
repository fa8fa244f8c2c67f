"""Journals verified side by side: the same verdicts as one after the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.deciders.registry import DECIDERS
from schemas.units import HOUR_MS, Speaker, UtcMillis
from services.command_line.journals import Place
from services.command_line.output.exit_codes import UNKNOWN, CommandFailed
from services.command_line.record.verify import side_by_side
from services.command_line.record.verify.side_by_side import Verified, verified_journals
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.ports import Commit
from support.history.golden_scenes import SCENES
from support.simulated.fake_system import START

NAMES = tuple(DECIDERS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the journals of a scene as files, one of them with a decision that is not made today."""
    path = tmp_path_factory.mktemp("journals")
    for name, source in SCENES["therapy"]().stores.items():
        store = SqliteStore(path / f"{name}.db")
        commands = {(pump, command): at for pump, command, at in source.commands()}
        rows = [row for _, row in source.rows()]
        store.commit(Commit(rows=rows, heads=source.heads(), commands=commands, ends=source.ends()))
        store.close()
    return path


@pytest.fixture
def each_apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make processes for journals of any length, on a machine of any size."""
    monkeypatch.setattr(side_by_side, "LINES_APART", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    yield


def place(folder: Path) -> Place:
    return Place(f"sqlite:{folder / 'historian.db'}")


def found(folder: Path, since: UtcMillis | None = None) -> dict[Speaker, Verified]:
    return dict(verified_journals(place(folder), NAMES, since=since))


@pytest.mark.usefixtures("each_apart")
@pytest.mark.parametrize("hours", [None, 8])
def test_the_verdicts_are_those_of_one_after_the_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, hours: int | None
) -> None:
    """In the same order, from an instant on as well."""
    since = None if hours is None else UtcMillis(START + hours * HOUR_MS)
    apart = found(folder, since)
    monkeypatch.setattr(side_by_side, "LINES_APART", 10**9)

    assert found(folder, since) == apart
    assert list(NAMES) == list(apart)
    decided = [one.report.decisions for one in apart.values() if one.report is not None]
    assert len(NAMES) == len(decided)
    assert hours is not None or all(decided)


@pytest.mark.usefixtures("each_apart")
def test_each_journal_has_a_process_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is decided in the one that asked."""
    monkeypatch.setattr(side_by_side, "_one_by_one", lambda *_: pytest.fail("in this process"))

    assert len(NAMES) == len(found(folder))


@pytest.mark.usefixtures("each_apart")
def test_a_journal_that_is_not_there_ends_it_by_name(tmp_path: Path) -> None:
    """As it does one after the other: with the exit code of what cannot be read."""
    with pytest.raises(CommandFailed, match=r"there is no journal .*\.db") as failed:
        found(tmp_path)
    assert failed.value.code == UNKNOWN


@pytest.mark.parametrize("lines", [0, 10**9])
def test_one_journal_alone_needs_no_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """Its own start would be all that is gained."""
    monkeypatch.setattr(side_by_side, "LINES_APART", lines)
    monkeypatch.setattr(side_by_side, "_apart", lambda *_: pytest.fail("a process"))
    names = (Speaker("actuator"),)

    assert 1 == len(list(verified_journals(place(folder), names, since=None)))
