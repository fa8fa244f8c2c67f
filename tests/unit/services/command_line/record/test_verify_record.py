"""`basalt verify record` as a person types it: what it ends with, and what it says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.deciders.names import HISTORIAN, SPEAKERS
from schemas.units import Speaker
from services.command_line.journals import Place
from services.command_line.main import main
from services.command_line.record.verify import check_record
from services.runtime.journal.memory_store import FakeStore
from support.simulated.archived_system import KEY
from support.simulated.signed_record import SignedRecord, signed_record
from support.simulated.tampering import Rows, changed, cut_off, remade

Verify = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> SignedRecord:
    return signed_record(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def verify(
    record: SignedRecord,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Verify:
    """Give the exit code and what is said on stderr."""
    key = tmp_path / "record.pub"
    key.write_text(bytes(KEY.verify_key).hex())

    def verified(rows: Rows, notes: Path, *, beside: bool = False) -> tuple[int, str]:
        stores = {**record.system.stores, HISTORIAN: remade(rows)}

        @contextmanager
        def fake_journal(place: Any) -> Iterator[FakeStore]:
            names = [name for name in SPEAKERS if name in str(place)]
            yield stores[Speaker(names[0] if names else HISTORIAN)]

        monkeypatch.setattr(check_record, "journal", fake_journal)
        monkeypatch.setattr(Place, "is_there", lambda _: beside)
        words = ["--data", str(tmp_path), "--checkpoints", str(notes), "--key", str(key)]
        code = main(["verify", "record", *words])
        return code, capsys.readouterr().err

    return verified


@pytest.mark.requirement("R121")
def test_what_is_signed_to_its_end_ends_with_0(record: SignedRecord, verify: Verify) -> None:
    assert verify(record.rows, record.whole) == (0, "")


@pytest.mark.requirement("R121")
def test_what_stands_open_ends_with_4_and_is_counted(record: SignedRecord, verify: Verify) -> None:
    """Count and time, whether anything else has it, and what that means."""
    code, said = verify(record.rows, record.early)
    assert code == 4
    assert f"p1: {len(record.rows) - record.signed} lines with " in said
    assert f"behind the last checkpoint that agrees (line {record.signed}), from 2026-11-0" in said
    assert "nothing else has any of them" in said
    assert "count no dose by it alone" in said


@pytest.mark.requirement("R121")
def test_lines_cut_off_are_named_by_those_who_said_them(
    record: SignedRecord, verify: Verify
) -> None:
    code, said = verify(
        cut_off(record.rows, len(record.rows) - 10) or (), record.early, beside=True
    )
    assert code == 4
    assert "the record has not event" in said
    assert "another journal at hand has" in said


@pytest.mark.requirement("R121")
def test_without_a_checkpoint_it_does_not_end_with_0(
    record: SignedRecord, verify: Verify, tmp_path: Path
) -> None:
    """Were all of it in other journals: nobody could tell whether more was there."""
    empty = tmp_path / "empty"
    empty.mkdir()
    for beside in (False, True):
        code, said = verify(record.rows, empty, beside=beside)
        assert (code, "no checkpoint to hold it against" in said) == (4, True)


@pytest.mark.requirement("R121")
def test_a_change_ends_with_1_and_is_named(record: SignedRecord, verify: Verify) -> None:
    code, said = verify(changed(record.rows, 300) or (), record.whole)
    assert code == 1
    assert "an event, a command, who gave it, or a time is another one" in said
    assert "count no dose" not in said
