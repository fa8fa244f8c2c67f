"""Answers of `basalt history` in files: typed columns, and whole or not at all."""

import importlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet  # type: ignore[import-untyped]  # it has no types
import pytest

from schemas.units import UtcMillis
from services.command_line.output.exit_codes import CommandFailed
from services.command_line.record import history_formats, parquet_files
from services.command_line.record.history_formats import Row, give, instant

AT = UtcMillis(1_793_491_200_123)


def event(number: int) -> Row:
    return {
        "at": instant(UtcMillis(AT + number)),
        "event": f"actuator:p1:{number}",
        "kind": "alarm_raised.v1",
        "cause": "report:1",
        "actor": None,
        "text": 'it is, as they say, "so"',
        "because": None,
    }


DAY = {
    "day": "2026-11-01",
    "basal_u": 19.2,
    "bolus_u": 4.05,
    "unknown_u": 0.0,
    "pen_u": 0.0,
    "primed_u": 2.6,
    "carbs": 40,
    "temporary_rates": 1,
    "gaps": 0,
}


def read(path: Path) -> Any:
    return pyarrow.parquet.read_table(path)


def test_instants_are_timestamps_in_utc_to_the_millisecond(tmp_path: Path) -> None:
    """In groups, so that a year of events is never in memory at once."""
    path = tmp_path / "events.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_files, "ROWS_AT_ONCE", 2)
        give((event(n) for n in range(5)), form="parquet", what="events", output=path)

    table = read(path)
    assert "timestamp[ms, tz=UTC]" == str(table.schema.field("at").type)
    assert datetime(2026, 11, 1, 0, 0, 0, 123_000, tzinfo=UTC) == table["at"][0].as_py()
    assert [f"actuator:p1:{n}" for n in range(5)] == table["event"].to_pylist()
    assert [None] * 5 == table["actor"].to_pylist()
    assert 3 == pyarrow.parquet.ParquetFile(path).num_row_groups


def test_numbers_have_their_units_in_their_names(tmp_path: Path) -> None:
    """A column called carbs could be anything."""
    path = tmp_path / "days.parquet"

    give([DAY], form="parquet", what="days", output=path)

    (found,) = read(path).to_pylist()
    assert {**DAY, "day": date(2026, 11, 1), "carbs_g": 40} == {**found, "carbs": 40}
    assert "date32[day]" == str(read(path).schema.field("day").type)


@pytest.mark.parametrize("what", sorted(parquet_files.COLUMNS))
def test_without_rows_the_file_has_its_columns(tmp_path: Path, what: str) -> None:
    """Whoever joins months finds the same columns in an empty one."""
    path = tmp_path / "empty.parquet"

    give([], form="parquet", what=what, output=path)

    assert [name for _, name, _ in parquet_files.COLUMNS[what]] == read(path).column_names


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_what_is_broken_off_leaves_no_file_and_spoils_none(tmp_path: Path, form: str) -> None:
    """While it is written it has another name; a file from before stays as it was."""
    path = tmp_path / "events"
    seen: list[bool] = []

    def rows(*, breaks: bool) -> Iterator[Row]:
        yield event(1)
        seen.append(path.exists())
        if breaks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give(rows(breaks=True), form=form, what="events", output=path)
    left = list(tmp_path.iterdir())
    give(rows(breaks=False), form=form, what="events", output=path)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        give(rows(breaks=True), form=form, what="events", output=path)

    assert [] == left
    assert [False, False, True] == seen
    assert before == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_csv_and_lines_in_a_file_are_those_of_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Letter for letter."""
    for form in ("csv", "jsonl"):
        give([event(1)], form=form, what="events", output=None)
        give([event(1)], form=form, what="events", output=tmp_path / form)

        assert capsys.readouterr().out == (tmp_path / form).read_text()
    assert "2026-11-01T00:00:00Z" in (tmp_path / "csv").read_text()


@pytest.mark.parametrize(
    ("form", "output", "text"),
    [
        ("parquet", None, "needs --output FILE"),
        ("table", "a", "needs --format csv, jsonl or parquet"),
        ("csv", "nowhere/a", "nowhere/a: No such file"),
        ("parquet", "nowhere/a", "nowhere/a: No such file"),
    ],
)
def test_what_cannot_be_written_is_said(
    tmp_path: Path, form: str, output: str | None, text: str
) -> None:
    """In one line, before the record is read."""
    with pytest.raises(CommandFailed, match=text):
        give([event(1)], form=form, what="events", output=tmp_path / output if output else None)


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no file is begun."""

    def load(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", load)

    with pytest.raises(CommandFailed, match=r"pip install 'basalt\[parquet\]' \(No module"):
        give([DAY], form="parquet", what="days", output=tmp_path / "a")

    assert [] == list(tmp_path.iterdir())
    assert set(history_formats.PRINTED) == {"table", "csv", "jsonl"}
