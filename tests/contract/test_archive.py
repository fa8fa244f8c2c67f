"""Archives verify without the record; whatever is changed in one, at any line, is found."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nacl.signing import SigningKey

from core.deciders.record.decider import HISTORIAN
from core.kernel.errors import CheckpointBroken
from core.record import checkpoints
from core.record.merkle_tree import GrowingTree
from schemas.units import DAY_MS, HOUR_MS, Speaker, UtcMillis
from schemas.wire import codec
from services.runtime.audit import archive
from services.runtime.audit.archive import (
    Archived,
    ArchivedLine,
    ArchiveEnd,
    ArchiveHead,
    Part,
    archive_of,
    row_in,
    verify_archive,
)
from services.runtime.audit.archive_files import encoded, read_lines, write_lines
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.record_check import RecordCheck
from services.runtime.journal.entries import event_name_in_topic, split
from services.runtime.journal.hash_chain import append_link
from services.runtime.platform.errors import ArchiveBroken
from support.simulated.archived_system import PUBLIC, archived_system, middle, sign, written
from support.simulated.fake_system import PUMP, FakeSystem

OTHER = bytes(SigningKey(b"o" * 32).verify_key)


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def system(notes: Path) -> FakeSystem:
    return archived_system(notes)


def check(parts: list[Part], public: bytes = PUBLIC) -> Archived:
    lines = [(encoded(part), part) for part in parts]
    return verify_archive(lambda: lines, public=public, told=lambda _: None)


def is_found(parts: list[Part]) -> bool:
    try:
        return not check(parts).is_sound
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


def other_end(parts: list[Part], **fields: Any) -> list[Part]:
    return [*parts[:-1], msgspec.structs.replace(parts[-1], **fields)]


def forged(system: FakeSystem, notes: Path, folder: Path) -> list[Part]:
    """Write another story, whole in itself, under what the key signed of the true one."""
    other = FakeSystem()
    other.set_up()
    for _ in range(6):
        other.glucose("250")
        other.run(ms=HOUR_MS)
    signed = written(system, notes)[-1]
    assert isinstance(signed, ArchiveEnd)
    return other_end(written(other, folder), notes=signed.notes, text=signed.text)


def test_an_archive_written_anew_is_found_by_its_signed_roots(
    system: FakeSystem, notes: Path, tmp_path: Path
) -> None:
    """Whoever has all but the key can chain another story, and not sign it."""
    told = [fault.text for fault in check(forged(system, notes, tmp_path)).report.faults]
    assert any("not those of the checkpoint" in text for text in told)


def test_the_mutant_that_compares_no_root_is_caught(
    system: FakeSystem, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "RecordCheck", lambda _: RecordCheck({}))
    with pytest.raises(AssertionError):
        test_an_archive_written_anew_is_found_by_its_signed_roots(system, notes, tmp_path)


def written_over(parts: list[Part], first: int, old: str, new: str) -> list[Part]:
    """Change words from a line on, and make every hash anew: what anybody without the key can."""
    head = parts[0]
    assert isinstance(head, ArchiveHead)
    made, link, previous = list[Part]([head]), head.link, dict[str, str]()
    for number, part in enumerate(parts[1:-1], start=1):
        assert isinstance(part, ArchivedLine)
        row = row_in(part, head.pump)
        metadata, data = split(row.state)
        if number >= first:
            data = data.replace(old.encode(), new.encode())
        if event_name_in_topic(row.topic) is not None:
            envelope = codec.decode_envelope(data)
            speaker = envelope.id.partition(":")[0]
            after = previous.get(speaker, envelope.previous)
            data = data.replace(envelope.previous.encode(), after.encode()) if after else data
            previous[speaker] = codec.sha256_hex(data)
        bare = msgspec.structs.replace(metadata, link="")
        row, link = append_link(link, row, bare, data)
        made.append(msgspec.structs.replace(part, state=row.state.decode()))
    return [*made, msgspec.structs.replace(parts[-1], link=link)]


def behind_the_checkpoints(parts: list[Part]) -> int:
    """Give the first line that no checkpoint covers."""
    end = parts[-1]
    assert isinstance(end, ArchiveEnd)
    known = max(checkpoints.read(note, public=PUBLIC).lines for note in end.notes.values())
    return known + 1


@pytest.mark.requirement("R130")
def test_a_delivered_dose_remade_by_an_invented_person_is_found(
    system: FakeSystem, notes: Path
) -> None:
    """All hashes made anew, the checkpoints emptied: 0.50 U become 0.05 U and nobody signed it."""
    parts = written(system, notes)
    less = written_over(parts, 1, '"amount":500', '"amount":50')
    remade = written_over(less, 1, '"person:', '"person:invented_')
    assert remade != parts
    assert not check(other_end(remade, notes={}, text="")).is_sound
    assert not check(other_end(remade, notes={})).is_sound
    assert not check(remade).is_sound


@pytest.mark.requirement("R130")
def test_the_events_behind_the_last_checkpoint_are_signed_too(
    system: FakeSystem, notes: Path
) -> None:
    """The record had more than its checkpoints; the archive signs its own end."""
    parts = written(system, notes)
    first = behind_the_checkpoints(parts)
    assert first < len(parts) - 1
    remade = written_over(parts, first, '"glucose":90', '"glucose":190')
    assert remade[:first] == parts[:first]
    assert remade != parts
    (fault,) = check(remade).report.faults
    assert "not the one that the key of the record has signed" in fault.text
    assert check(parts).is_sound


@pytest.mark.requirement("R130")
def test_an_archive_that_nobody_signed_to_its_end_is_no_sound_one(
    system: FakeSystem, notes: Path
) -> None:
    """One of an older release: nothing is wrong, and some of it anybody could have written."""
    found = check(other_end(written(system, notes), text=""))
    assert (found.report.faults, found.is_signed, found.is_sound) == ((), False, False)
    assert found.unsigned >= 1
    assert check(written(system, notes)).unsigned == 0


@pytest.mark.parametrize("at", [0, 1, -2])
def test_each_part_of_the_text_stands_under_the_signature(
    system: FakeSystem, notes: Path, at: int
) -> None:
    """Head, commands, lines: another release in the head would pass otherwise."""
    parts = written(system, notes)
    part = parts[at]
    fields = {"release": "9"} if isinstance(part, ArchiveHead) else {"topic": "heard tick.v1"}
    parts[at] = msgspec.structs.replace(part, **fields)
    assert any("has signed" in fault.text for fault in check(parts).report.faults)


def test_the_mutant_that_believes_any_text_is_caught(
    system: FakeSystem, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement is right, and is about another text."""
    parts = written(system, notes)
    anybodys = written_over(parts, behind_the_checkpoints(parts), '"glucose":90', '"glucose":190')
    assert not check(anybodys).is_sound
    monkeypatch.setattr(archive, "is_stated", lambda *_, **__: True)
    assert check(anybodys).is_sound


def test_a_record_that_is_not_what_it_signed_is_not_archived(
    system: FakeSystem, notes: Path
) -> None:
    """The key must not sign a change because somebody asks for an archive."""
    rows = [row for _, row in system.stores[HISTORIAN].rows(pump=PUMP)]

    def archived(count: int) -> list[Part]:
        kept = CheckpointFiles(notes).read(public=PUBLIC)
        return list(
            archive_of(
                iter(rows[:count]),
                pump=PUMP,
                release="1",
                since=None,
                until=None,
                kept=kept,
                public=PUBLIC,
                sign=sign,
            )
        )

    assert archived(len(rows))
    with pytest.raises(ArchiveBroken, match="in the checkpoint"):
        archived(len(rows) // 2)


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
                kept={},
                public=PUBLIC,
                sign=sign,
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
