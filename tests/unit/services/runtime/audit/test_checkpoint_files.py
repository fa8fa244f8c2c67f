"""Checkpoints as signed notes, and the proof that an event stands under one."""

import base64
from pathlib import Path

import msgspec
import pytest
from nacl.signing import SigningKey

from core.kernel.errors import CheckpointBroken
from core.record import checkpoints
from core.record.checkpoints import Checkpoint
from core.record.inclusion_proof import InclusionProof, prove, proven_by
from core.record.merkle_tree import leaf_hash, root_of
from schemas.record import StorageReported
from schemas.units import PumpId, Speaker, UtcMillis
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.decider_host.event_writer import seal
from services.runtime.journal.entries import RowMetadata
from services.runtime.ports import StreamHead

KEY, OTHER = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
PUMP, ME = PumpId("p1"), Speaker("historian")
PUBLIC = bytes(KEY.verify_key)


ROOT = base64.b64encode(b"r" * 32).decode()
THREE = f"basalt/p1/historian\n3\n{ROOT}"


def sign(text: bytes, *, key: SigningKey = KEY) -> bytes:
    return bytes(key.sign(text).signature)


def events(count: int) -> list[bytes]:
    """Say so many events, each after the one before."""
    when = RowMetadata(UtcMillis(1), UtcMillis(2), 1, 0, "", "")
    said: list[bytes] = []
    after: StreamHead | None = None
    for number in range(count):
        spoken = seal(
            StorageReported(free_mib=number, actor="service:test"),
            speaker=ME,
            pump=PUMP,
            after=after,
            cause="report:1",
            heard={},
            when=when,
        )
        after = spoken.head
        said.append(spoken.data)
    return said


def checkpoint(said: list[bytes]) -> Checkpoint:
    root = root_of([leaf_hash(data) for data in said])
    return Checkpoint(pump=PUMP, speaker=ME, size=len(said), root=root)


def note(said: list[bytes], *, key: SigningKey = KEY) -> str:
    public = bytes(key.verify_key)
    return checkpoints.signed(checkpoint(said), public=public, sign=lambda t: sign(t, key=key))


def proof(count: int, number: int) -> InclusionProof:
    said = events(count)
    leaves = [leaf_hash(data) for data in said]
    return prove(leaves, number=number, event=said[number - 1], note=note(said))


def test_a_note_is_read_back_by_who_has_the_key() -> None:
    """The form is that of C2SP: origin, size, root, an empty line, the signature."""
    said = events(3)
    lines = note(said).split("\n")

    assert checkpoint(said) == checkpoints.read(note(said), public=PUBLIC)
    assert ["basalt/p1/historian", "3"] == lines[:2]
    assert (32, "", True) == (
        len(base64.b64decode(lines[2])),
        lines[3],
        lines[4].startswith("\u2014 basalt-record "),
    )
    other = "\u2014 a-witness AAAA\n" + note(said, key=OTHER).split("\n\n")[1]
    assert checkpoint(said) == checkpoints.read(
        note(said).replace("\n\n", f"\n\n{other}"), public=PUBLIC
    )


@pytest.mark.requirement("R121")
def test_a_note_says_how_many_lines_the_record_had() -> None:
    """One of an older release says nothing of them, and is read all the same."""
    old = checkpoint(events(3))
    new = msgspec.structs.replace(old, lines=7, lines_root=b"r" * 32)
    text = checkpoints.signed(new, public=PUBLIC, sign=sign)

    assert f"lines 7 {ROOT}" == text.split("\n")[3]
    assert (new, old) == (
        checkpoints.read(text, public=PUBLIC),
        checkpoints.read(note(events(3)), public=PUBLIC),
    )
    with pytest.raises(CheckpointBroken, match="not signed"):
        checkpoints.read(text.replace("lines 7", "lines 8"), public=PUBLIC)
    with pytest.raises(CheckpointBroken, match="not signed"):
        checkpoints.read(text.replace(f"lines 7 {ROOT}\n", ""), public=PUBLIC)


@pytest.mark.parametrize(
    "broken",
    [
        note(events(3), key=OTHER),
        note(events(3)).replace("\n3\n", "\n4\n"),
        note(events(3)).replace("p1", "p2"),
        note(events(3)).rpartition("\n\n")[0],
        note(events(3)).replace("basalt-record ", "basalt-record !"),
        "",
    ],
)
def test_what_the_key_has_not_signed_is_no_checkpoint(broken: str) -> None:
    """Whatever was changed in it."""
    with pytest.raises(CheckpointBroken, match="not signed"):
        checkpoints.read(broken, public=PUBLIC)


@pytest.mark.parametrize(
    "text",
    [
        "basalt/p1\n3\n" + base64.b64encode(b"r" * 32).decode(),
        "other/p1/historian\n3\n" + base64.b64encode(b"r" * 32).decode(),
        "basalt/p1/historian\n03\n" + base64.b64encode(b"r" * 32).decode(),
        "basalt/p1/historian\nx\n" + base64.b64encode(b"r" * 32).decode(),
        "basalt/p1/historian\n3\n" + base64.b64encode(b"r" * 31).decode(),
        "basalt/p1/historian\n3\n!",
        f"{THREE}\nlines 07 {ROOT}",
        f"{THREE}\nlines 7 {ROOT[4:]}",
        f"{THREE}\nlines 7",
        f"{THREE}\nwords 7 {ROOT}",
        f"{THREE}\nlines 7 {ROOT}\nlines 7 {ROOT}",
    ],
)
def test_something_else_that_the_key_has_signed_is_no_checkpoint(text: str) -> None:
    """A signature alone says nothing of what it is under."""
    whole = note(events(3))
    hint = base64.b64decode(whole.rsplit(" ", 1)[1])[:4]
    signature = base64.b64encode(hint + sign(f"{text}\n".encode())).decode()

    with pytest.raises(CheckpointBroken, match="something else"):
        checkpoints.read(f"{text}\n\n\u2014 basalt-record {signature}\n", public=PUBLIC)


def test_each_event_is_proven_by_the_key_alone() -> None:
    """Without the record."""
    for count in (1, 2, 7, 8):
        for number in range(1, count + 1):
            proven = proven_by(proof(count, number), public=PUBLIC)
            assert (number, count) == (proven.number, proven.size)
            assert proven.envelope.id == f"historian:p1:{number}"


def test_a_proof_of_anything_else_proves_nothing() -> None:
    """Another event, another place, another pump, another key."""
    whole = proof(7, 3)
    another = events(8)[3].decode()
    moved = whole.event.replace("historian:p1:3", "historian:p1:4")
    foreign = whole.event.replace("historian:p1:3", "historian:p2:3")

    for event, reason in ((another, "root"), (moved, "root"), (foreign, "not about"), ("{}", "no")):
        with pytest.raises(CheckpointBroken, match=reason):
            proven_by(msgspec.structs.replace(whole, event=event), public=PUBLIC)
    with pytest.raises(CheckpointBroken, match="no event"):
        proven_by(msgspec.structs.replace(whole, way=("x",)), public=PUBLIC)
    with pytest.raises(CheckpointBroken, match="root"):
        proven_by(msgspec.structs.replace(whole, way=whole.way[1:]), public=PUBLIC)
    with pytest.raises(CheckpointBroken, match="not signed"):
        proven_by(whole, public=bytes(OTHER.verify_key))


def add(files: CheckpointFiles, count: int) -> None:
    files.add(checkpoint(events(count)), public=PUBLIC, sign=sign)


def test_notes_are_added_and_read_in_order(tmp_path: Path) -> None:
    """None without any; the newest is the last."""
    files = CheckpointFiles(tmp_path / "a" / "b")
    assert ({}, None) == (files.read(public=PUBLIC), files.newest(PUMP, ME))

    for count in (1, 3, 5):
        add(files, count)

    assert [1, 3, 5] == [one.size for one in files.read(public=PUBLIC)[PUMP, ME]]
    assert note(events(5)) == files.newest(PUMP, ME)


def test_notes_of_both_kinds_stand_in_one_file(tmp_path: Path) -> None:
    """A folder that an older release began goes on; the newest can be read alone."""
    files = CheckpointFiles(tmp_path)
    add(files, 1)
    new = msgspec.structs.replace(checkpoint(events(2)), lines=7, lines_root=b"r" * 32)
    for other in (files, CheckpointFiles(tmp_path)):
        other.add(new, public=PUBLIC, sign=sign)
    add(files, 3)

    kept = files.read(public=PUBLIC)[PUMP, ME]
    assert [(1, 0), (2, 7), (2, 7), (3, 0)] == [(one.size, one.lines) for one in kept]
    assert kept[-2:] == files.read(public=PUBLIC, newest=2)[PUMP, ME]


def test_what_somebody_wrote_into_the_file_is_no_half_note(tmp_path: Path) -> None:
    """It goes on for longer than a note and never ends: it is named, not cut off in silence."""
    files, path = CheckpointFiles(tmp_path), tmp_path / "p1.historian.notes"
    add(files, 1)
    path.write_bytes(path.read_bytes() + b"words\n" * 9)
    kept, broken = files.readable(public=PUBLIC)

    assert [1] == [one.size for one in kept[PUMP, ME]]
    assert "checkpoint 2: it is not signed" in str(broken[0])
    with pytest.raises(CheckpointBroken, match="checkpoint 2"):
        files.read(public=PUBLIC)


def test_half_a_note_is_none_and_the_next_stands_in_its_place(tmp_path: Path) -> None:
    """A death while it was written, at each byte."""
    files, path = CheckpointFiles(tmp_path), tmp_path / "p1.historian.notes"
    add(files, 1)
    whole, second = path.read_bytes(), note(events(2)).encode()

    for cut in range(len(second)):
        path.write_bytes(whole + second[:cut])
        assert note(events(1)) == files.newest(PUMP, ME)
        add(files, 3)
        assert [1, 3] == [one.size for one in files.read(public=PUBLIC)[PUMP, ME]]


def test_a_file_that_was_changed_is_named(tmp_path: Path) -> None:
    """The file, and which of its notes."""
    files, path = CheckpointFiles(tmp_path), tmp_path / "p1.historian.notes"
    add(files, 1)
    add(files, 2)
    path.write_text(path.read_text().replace("\n2\n", "\n9\n"))
    with pytest.raises(CheckpointBroken, match=r"p1.historian.notes, checkpoint 2: .*not signed"):
        files.read(public=PUBLIC)

    path.write_text(note(events(2)))
    path.rename(tmp_path / "p1.actuator.notes")
    with pytest.raises(CheckpointBroken, match="it is of p1 and historian"):
        files.read(public=PUBLIC)
