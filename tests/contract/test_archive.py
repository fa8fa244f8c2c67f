"""Archives verify without the record; whatever is changed in one, at any line, is found."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from nacl.signing import SigningKey

from core.deciders.record.decider import HISTORIAN
from core.kernel.errors import CheckpointBroken
from core.record.merkle_tree import GrowingTree
from schemas.units import DAY_MS, HOUR_MS, Speaker, UtcMillis
from services.runtime.audit import archive
from services.runtime.audit.archive import (
    Archived,
    ArchivedLine,
    ArchiveEnd,
    ArchiveHead,
    Part,
    archive_of,
    verify_archive,
)
from services.runtime.audit.archive_files import read_lines, write_lines
from services.runtime.audit.record_check import RecordCheck
from services.runtime.platform.errors import ArchiveBroken
from support.simulated.archived_system import PUBLIC, archived_system, middle, written
from support.simulated.fake_system import PUMP, FakeSystem

OTHER = bytes(SigningKey(b"o" * 32).verify_key)


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def system(notes: Path) -> FakeSystem:
    return archived_system(notes)


def check(parts: list[Part], public: bytes = PUBLIC) -> Archived:
    return verify_archive(lambda: parts, public=public, told=lambda _: None)


def is_found(parts: list[Part]) -> bool:
    try:
        return bool(check(parts).report.faults)
    except (ArchiveBroken, CheckpointBroken):
        return True


@pytest.mark.requirement("R96")
def test_a_whole_archive_verifies(system: FakeSystem, notes: Path) -> None:
    """Five speakers lead to a signed root each; what is newer is chained, and said to be."""
    found = check(written(system, notes))
    assert (found.report.faults, found.report.checkpoints) == ((), 5)
    assert found.report.lines == len(list(system.stores[HISTORIAN].rows(pump=PUMP)))
    assert found.uncovered[Speaker("glucose_ingest")] >= 1


def test_a_period_in_the_middle_verifies_by_itself(system: FakeSystem, notes: Path) -> None:
    begin, end = middle(system), UtcMillis(middle(system) + 2 * HOUR_MS)
    found = check(written(system, notes, since=begin, until=end))
    assert (found.report.faults, found.report.checkpoints >= 3) == ((), True)
    assert 0 < found.report.lines < len(list(system.stores[HISTORIAN].rows(pump=PUMP))) / 2


def test_periods_follow_upon_each_other(system: FakeSystem, notes: Path) -> None:
    """The second begins with what the first ended with: nothing lies between them."""
    first, second = (
        written(system, notes, until=middle(system)),
        written(system, notes, since=middle(system)),
    )
    end, head = first[-1], second[0]
    assert isinstance(end, ArchiveEnd)
    assert isinstance(head, ArchiveHead)
    assert (end.position, end.link) == (head.position, head.link)
    whole = [one for one in written(system, notes) if isinstance(one, ArchivedLine)]
    assert [one for one in (*first, *second) if isinstance(one, ArchivedLine)] == whole


def changed(line: ArchivedLine) -> ArchivedLine:
    """Turn one digit near the end into another."""
    text = line.state
    at = max(index for index, letter in enumerate(text) if letter.isdigit())
    digit = str((int(text[at]) + 1) % 10)
    return msgspec.structs.replace(line, state=text[:at] + digit + text[at + 1 :])


def tampered(parts: list[Part]) -> Iterator[tuple[str, int, list[Part]]]:
    """Change, cut out, double and swap each line, and cut the end off at each."""
    for at in range(1, len(parts) - 1):
        line = parts[at]
        assert isinstance(line, ArchivedLine)
        yield "changed", at, [*parts[:at], changed(line), *parts[at + 1 :]]
        yield "cut out", at, [*parts[:at], *parts[at + 1 :]]
        yield "doubled", at, [*parts[:at], line, *parts[at:]]
        if at < len(parts) - 2:
            yield "swapped", at, [*parts[:at], parts[at + 1], line, *parts[at + 2 :]]
        yield "cut short", at, parts[:at]
        yield "cut short and closed", at, [*parts[:at], parts[-1]]


def test_each_change_of_each_line_is_found(system: FakeSystem, notes: Path) -> None:
    parts = written(system, notes, since=middle(system))
    missed = [(how, at) for how, at, other in tampered(parts) if not is_found(other)]
    assert missed == []


def test_an_archive_written_anew_is_found_by_its_signed_roots(
    system: FakeSystem, notes: Path, tmp_path: Path
) -> None:
    """Whoever has all but the key can chain another story, and not sign it."""
    other = FakeSystem()
    other.set_up()
    for _ in range(6):
        other.glucose("250")
        other.run(ms=HOUR_MS)
    signed = written(system, notes)[-1]
    forged = written(other, tmp_path)
    assert isinstance(signed, ArchiveEnd)
    assert isinstance(forged[-1], ArchiveEnd)
    end = msgspec.structs.replace(forged[-1], notes=signed.notes)
    assert check([*forged[:-1], end]).report.faults


def test_the_mutant_that_compares_no_root_is_caught(
    system: FakeSystem, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "RecordCheck", lambda _: RecordCheck({}))
    with pytest.raises(AssertionError):
        test_an_archive_written_anew_is_found_by_its_signed_roots(system, notes, tmp_path)


def test_another_key_signs_nothing(system: FakeSystem, notes: Path) -> None:
    with pytest.raises(CheckpointBroken, match="not signed"):
        check(written(system, notes), public=OTHER)


def test_a_record_that_is_wrong_is_not_archived(system: FakeSystem, notes: Path) -> None:
    """Before the period too: its trees would be others."""
    rows = [row for _, row in system.stores[HISTORIAN].rows(pump=PUMP)]
    rows[10] = msgspec.structs.replace(rows[10], state=rows[10].state.replace(b"1", b"2", 1))
    with pytest.raises(ArchiveBroken, match="line 11"):
        list(
            archive_of(
                iter(rows),
                pump=PUMP,
                release="1",
                since=middle(system),
                until=None,
                notes=lambda _: (),
                public=PUBLIC,
            )
        )


def test_a_period_with_nothing_in_it_is_no_archive(system: FakeSystem, notes: Path) -> None:
    with pytest.raises(ArchiveBroken, match="nothing in this period"):
        written(system, notes, since=UtcMillis(system.clock.now().therapy + DAY_MS))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (lambda parts: parts[1:], "does not begin"),
        (lambda parts: [parts[0], parts[0], *parts[1:]], "no line of a record"),
        (lambda parts: parts[:-1], "cut short"),
    ],
)
def test_what_is_no_archive_is_told(
    system: FakeSystem, notes: Path, parts: Callable[[list[Part]], list[Part]], said: str
) -> None:
    with pytest.raises(ArchiveBroken, match=said):
        check(parts(written(system, notes)))


def test_a_head_with_other_trees_is_told(system: FakeSystem, notes: Path) -> None:
    head, *rest = written(system, notes, since=middle(system))
    assert isinstance(head, ArchiveHead)
    name, then = next(iter(head.trees.items()))
    for perfect in ((), ("zz",) * len(then.perfect)):
        trees = {**head.trees, name: msgspec.structs.replace(then, perfect=perfect)}
        with pytest.raises(ArchiveBroken, match="trees"):
            check([msgspec.structs.replace(head, trees=trees), *rest])
    with pytest.raises(ValueError, match="2 hashes"):
        GrowingTree.resumed(1, [b"", b""])


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_file_holds_what_was_written_and_the_same_bytes_each_time(
    system: FakeSystem, notes: Path, tmp_path: Path, name: str
) -> None:
    parts = written(system, notes)
    path, again = tmp_path / name, tmp_path / f"again-{name}"
    assert write_lines(path, parts) == len(parts)
    write_lines(again, parts)
    assert path.read_bytes() == again.read_bytes()
    assert [part for _, part in read_lines(path, Part)] == parts
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([path.name, again.name])


def test_what_breaks_off_leaves_no_file(system: FakeSystem, notes: Path, tmp_path: Path) -> None:
    def broken() -> Iterator[Part]:
        yield written(system, notes)[0]
        raise ArchiveBroken("the record is wrong")

    with pytest.raises(ArchiveBroken):
        write_lines(tmp_path / "a.jsonl", broken())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b""),
        ("a.jsonl", b"no json\n"),
        ("a.jsonl", b"{}"),
        ("a.jsonl.gz", b"not packed\n"),
        ("a.jsonl.gz", gzip.compress(b"{}\n", mtime=0)[:-9]),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ArchiveBroken, match=r"a\.jsonl"):
        list(read_lines(tmp_path / name, Part))


def test_a_line_that_is_no_text_is_kept_as_bytes(tmp_path: Path) -> None:
    other = FakeSystem()
    other.set_up()
    other.broker.put(f"basalt.{PUMP}.command.historian.x", b"\xff\xfe", {})
    other.settle()
    parts = written(other, tmp_path)
    assert [one for one in parts if isinstance(one, ArchivedLine) and one.raw]
    assert check(parts).report.faults == ()
