"""Redacted archives name nobody, and still lead to the roots that the record signed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.deciders.record.decider import HISTORIAN
from core.kernel.errors import CheckpointBroken
from core.record import checkpoints
from core.record.checkpoints import Checkpoint
from core.record.merkle_tree import leaf_hash
from core.record.redaction import Redaction
from schemas.units import DAY_MS, Milliseconds
from services.runtime.audit import redacted_archive
from services.runtime.audit.archive_files import encoded
from services.runtime.audit.record_check import RecordCheck
from services.runtime.audit.redacted_archive import (
    ALIAS,
    RedactedPart,
    redacted,
    verify_redacted,
)
from services.runtime.platform.errors import ArchiveBroken
from support.simulated.archived_system import KEY, PUBLIC, archived_system, middle, written
from support.simulated.fake_system import PUMP, FakeSystem


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def system(notes: Path) -> FakeSystem:
    return archived_system(notes)


def shared(system: FakeSystem, notes: Path) -> list[bytes]:
    redaction = Redaction(pump=PUMP, alias=ALIAS, shift=Milliseconds(-700 * DAY_MS))
    parts = redacted(
        written(system, notes, since=middle(system)),
        redaction,
        public=PUBLIC,
        sign=lambda text: bytes(KEY.sign(text).signature),
    )
    return [encoded(part) for part in parts]


def is_sound(lines: list[bytes]) -> bool:
    def read() -> Iterator[tuple[bytes, RedactedPart]]:
        for line in lines:
            yield line, msgspec.json.decode(line, type=RedactedPart)

    try:
        return bool(verify_redacted(read, public=PUBLIC).events)
    except (ArchiveBroken, CheckpointBroken, msgspec.DecodeError):
        return False


def test_a_redacted_archive_verifies_and_names_nobody(system: FakeSystem, notes: Path) -> None:
    lines = shared(system, notes)
    text = b"".join(lines)
    assert is_sound(lines)
    assert b'"p1"' not in text
    assert b":p1:" not in text
    assert b"person:test" not in text
    assert b'"actor":"person:' in text


def test_each_change_of_a_redacted_line_is_found(system: FakeSystem, notes: Path) -> None:
    lines = shared(system, notes)
    missed: list[tuple[str, int]] = []
    for at, line in enumerate(lines):
        first = min(index for index, one in enumerate(line) if chr(one).isdigit())
        digit = str((int(chr(line[first])) + 1) % 10).encode()
        others = {
            "changed": [*lines[:at], line[:first] + digit + line[first + 1 :], *lines[at + 1 :]],
            "cut out": [*lines[:at], *lines[at + 1 :]],
            "doubled": [*lines[:at], line, *lines[at:]],
            "cut short": lines[:at],
        }
        missed += [(how, at) for how, other in others.items() if at and is_sound(other)]
    assert [one for one in missed if one != ("doubled", len(lines) - 1)] == []


def test_the_original_of_one_event_can_be_held_against_its_hash(
    system: FakeSystem, notes: Path
) -> None:
    """Who doubts one line asks for the original of it, and of no other."""
    line = next(one for one in shared(system, notes) if b"glucose_measured" in one)
    part = msgspec.json.decode(line, type=redacted_archive.RedactedEvent)
    own = system.stores[HISTORIAN].history(
        speaker=part.speaker, pump=PUMP, first=part.number, last=part.number, own=False
    )
    assert leaf_hash(next(iter(own))).hex() == part.leaf


def test_it_leads_to_the_roots_of_the_record_itself(system: FakeSystem, notes: Path) -> None:
    """Whoever kept a checkpoint of the record finds its very root in what is shared."""
    end = msgspec.json.decode(shared(system, notes)[-1], type=redacted_archive.RedactedEnd)
    record = RecordCheck({})
    for _, row in system.stores[HISTORIAN].rows(pump=PUMP):
        assert list(record.add(row)) == []
    signed = [checkpoints.read(note, public=PUBLIC) for note in end.notes.values()]
    trees = record.pumps[PUMP].trees
    assert {one.speaker: (one.size, one.root) for one in signed} == {
        name: (tree.size, tree.root()) for name, tree in trees.items()
    }


def with_another_leaf(system: FakeSystem, notes: Path) -> list[bytes]:
    """Put another event into a line and let the key sign the text of that."""
    *lines, last = shared(system, notes)
    part = msgspec.json.decode(lines[5], type=redacted_archive.RedactedEvent)
    lines[5] = encoded(msgspec.structs.replace(part, leaf="00" * 32))
    text = checkpoints.signed(
        Checkpoint(
            pump=ALIAS,
            speaker=redacted_archive.TEXT,
            size=len(lines),
            root=hashlib.sha256(b"".join(lines)).digest(),
        ),
        public=PUBLIC,
        sign=lambda said: bytes(KEY.sign(said).signature),
    )
    end = msgspec.json.decode(last, type=redacted_archive.RedactedEnd)
    return [*lines, encoded(msgspec.structs.replace(end, text=text))]


def test_a_text_of_other_events_is_found_by_the_roots(system: FakeSystem, notes: Path) -> None:
    assert not is_sound(with_another_leaf(system, notes))


def test_the_mutant_whose_trees_are_not_held_is_caught(
    system: FakeSystem, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redacted_archive, "_hold", lambda *_: None)
    with pytest.raises(AssertionError):
        test_a_text_of_other_events_is_found_by_the_roots(system, notes)


def test_the_mutant_whose_text_is_not_held_is_caught(
    system: FakeSystem, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An amount could be changed, for the trees know only what was really said."""
    *lines, last = shared(system, notes)
    at = next(number for number, line in enumerate(lines) if b'"amount":50' in line)
    lines[at] = lines[at].replace(b'"amount":50', b'"amount":95')
    assert not is_sound([*lines, last])
    end = msgspec.json.decode(last, type=redacted_archive.RedactedEnd)
    said = checkpoints.read(end.text, public=PUBLIC)
    monkeypatch.setattr(redacted_archive, "hashlib", _AnyText(said.root))
    assert is_sound([*lines, last])


class _AnyText:
    """A hash that is always the one that was signed."""

    def __init__(self, root: bytes) -> None:
        self._root = root

    def sha256(self) -> "_AnyText":
        return self

    def update(self, line: bytes) -> None:
        del line

    def digest(self) -> bytes:
        return self._root
