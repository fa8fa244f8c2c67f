"""Making decisions again takes long: it is broken off, and goes on where it was."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.deciders.registry import DECIDERS
from schemas.units import HOUR_MS, UtcMillis
from services.command_line.main import main
from services.command_line.output.exit_codes import INTERRUPTED, REFUSED
from services.command_line.record.verify import side_by_side
from services.runtime.audit import redecide
from services.runtime.audit.findings import BrokenOff, VerificationReport
from services.runtime.audit.redecide import verify_decisions
from services.runtime.journal.memory_store import FakeStore
from support.simulated.fake_system import FakeSystem
from support.simulated.three_meals import ADVISOR, half_as_much, three_meals


@pytest.fixture
def system() -> FakeSystem:
    return three_meals()


@pytest.fixture
def halved(system: FakeSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of today advise half as much as those that the system lived by."""
    del system
    half_as_much(monkeypatch)


def report(system: FakeSystem, since: UtcMillis | None = None) -> VerificationReport:
    return verify_decisions(DECIDERS[ADVISOR], system.stores[ADVISOR], since=since)


def stops_after(patch: pytest.MonkeyPatch, lines: int) -> None:
    """Somebody presses Ctrl-C while a journal is read for the first time."""
    rows = FakeStore.rows

    def some(store: FakeStore, **which: Any) -> Iterator[Any]:
        patch.setattr(FakeStore, "rows", rows)
        for number, row in enumerate(rows(store, **which)):
            if number == lines:
                raise KeyboardInterrupt
            yield row

    patch.setattr(FakeStore, "rows", some)


@pytest.mark.usefixtures("halved")
def test_from_an_instant_on_the_same_is_found(system: FakeSystem) -> None:
    """What was decided before is folded as it stands, and not decided."""
    whole = report(system)
    for one in whole.changed:
        rest = report(system, since=one.at)
        assert rest.changed == tuple(other for other in whole.changed if other.at >= one.at)
        assert rest.decisions < whole.decisions and rest.versions == whole.versions
    assert len(whole.changed) == 6


def test_the_mutant_that_forgets_what_was_before_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would find faults in every journal that it does not read from its begin."""
    since = UtcMillis(system.clock.now().therapy - 4 * HOUR_MS)
    assert report(system, since).differences == ()

    monkeypatch.setattr(redecide, "_skip", lambda *_: None)

    assert report(system, since).differences


@pytest.mark.usefixtures("halved")
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_both_parts_find_what_one_run_finds(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch, part: float
) -> None:
    """The first says how far it was; nothing is left out between them."""
    whole = report(system)
    stops_after(monkeypatch, round(part * len(list(system.stores[ADVISOR].rows()))))

    with pytest.raises(BrokenOff) as stopped:
        report(system)
    rest = report(system, since=stopped.value.at)

    first = stopped.value.report
    assert len(whole.changed) == 6
    assert dict.fromkeys((*first.changed, *rest.changed)) == dict.fromkeys(whole.changed)
    assert first.decisions + rest.decisions >= whole.decisions > first.decisions


@pytest.mark.usefixtures("halved")
def test_the_command_says_how_to_go_on(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a person would type it; what was found by then is on the screen."""

    @contextmanager
    def fake_journal(place: Any, **how: Any) -> Iterator[FakeStore]:
        del place, how
        yield system.stores[ADVISOR]

    monkeypatch.setattr(side_by_side, "journal", fake_journal)
    stops_after(monkeypatch, report(system).changed[2].position)

    code = main(["verify", "decisions", "--service", ADVISOR])
    first = capsys.readouterr()
    found = re.search(r"go on with: basalt (.*)\n", first.err)
    assert found is not None, first.err
    again = main(shlex.split(found.group(1)))
    rest = capsys.readouterr()

    assert (code, again) == (INTERRUPTED, REFUSED)
    assert "is decided otherwise" in first.err and "stopped after" in first.err
    assert "is decided otherwise" in rest.err and "stopped" not in rest.err


@pytest.mark.parametrize("what", ["record", "orders", "snapshots"])
def test_only_decisions_are_made_from_an_instant_on(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["verify", what, "--from", "2026-03-01T00:00:00Z"])
    assert code == 2
    assert f"--from is for 'verify decisions', not for 'verify {what}'" in capsys.readouterr().err
