"""Golden histories: journals of every released version, kept and decided again for ever.

`make golden` writes those of the version that is being made, from the scenes in golden_scenes.py.
One of a released version is never written again: the changelog says which are released.

A file is xz over JSON lines: of each journal its scene, service and last link, then [topic, head,
what was heard or said], letter for letter. The links between lines follow from them, and the last
one is held against the file. Beside it stand the views that they gave at the end.
Where a decision has legitimately changed since, VERSION.accepted.json names it with the reason.
"""

import json
import lzma
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from core.deciders.registry import DECIDERS
from core.record.decision_diff import EventChange
from schemas.units import Speaker
from schemas.wire import codec
from services.runtime.audit.redecide import verify_decisions
from services.runtime.journal.entries import RowMetadata, split
from services.runtime.journal.hash_chain import append_link
from services.runtime.journal.memory_store import FakeStore
from services.runtime.platform.release import version
from services.runtime.ports import ChainTip, Commit, Row
from services.runtime.replay.replay import known_by
from support.history.golden_scenes import BAD, SCENES
from support.repository import DATA, ROOT
from support.simulated.fake_system import PUMP, FakeSystem

ROOM: Final = DATA / "golden"
CHANGELOG: Final = ROOT / "CHANGELOG.md"

Journals = dict[tuple[str, Speaker], FakeStore]
"""[-] by scene and service."""

Told = tuple[str, str, int, str, int, str]
"""Scene, service, line, what was said or would be, by how many milliunits, and in which fields."""


def versions() -> Mapping[str, bool]:
    """Give every version that the changelog knows, and whether it is released."""
    found = re.findall(r"^## \[([0-9.]+)\] - (\S+)", CHANGELOG.read_text(), re.MULTILINE)
    return {name: when != "unreleased" for name, when in found}


def path_of(name: str) -> Path:
    return ROOM / f"{name}.jsonl.xz"


def views_path(name: str) -> Path:
    return ROOM / f"{name}.views.json"


def accepted_path(name: str) -> Path:
    return ROOM / f"{name}.accepted.json"


def lived(scenes: Mapping[str, Callable[[], FakeSystem]]) -> Journals:
    """Live the scenes, and give what was stored."""
    return {
        (scene, name): store
        for scene, live in scenes.items()
        for name, store in live().stores.items()
    }


def packed(journals: Journals) -> bytes:
    """Write journals as bytes; the same bytes for the same journals."""
    lines = [
        json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        for (scene, name), store in journals.items()
        for line in _lines(scene, name, store)
    ]
    return lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)


def _lines(scene: str, name: Speaker, store: FakeStore) -> Iterator[list[Any]]:
    yield [scene, name, store.ends()[PUMP].link]
    for _, row in store.rows(pump=PUMP):
        head, data = split(row.state)
        bare = msgspec.structs.replace(head, link="")
        yield [row.topic, codec.encode(bare).decode(), data.decode()]


def unpacked(data: bytes) -> Journals:
    """Read journals back, and link their lines anew; the last link holds them all."""
    found: Journals = {}
    store, end = FakeStore(), ""
    rows: list[Row] = []
    link = ""
    for line in lzma.decompress(data).split(b"\n"):
        first, second, third = json.loads(line)
        if second in DECIDERS:
            store, rows, link = FakeStore(), [], ""
            found[first, Speaker(second)] = store
            end = third
            continue
        bare = Row(PUMP, len(rows) + 1, first, b"")
        head = msgspec.json.decode(second, type=RowMetadata)
        row, link = append_link(link, bare, head, third.encode())
        rows.append(row)
        store.commit(Commit(rows=[row], ends={PUMP: ChainTip(row.position, end)}))
    return found


def views_of(journals: Journals) -> dict[str, Any]:
    """Show what each service knew at the end of each scene, as plain values."""
    return {
        f"{scene} {name}": msgspec.json.decode(
            codec.encode(known_by(DECIDERS[name], store, pump=PUMP))
        )
        for (scene, name), store in journals.items()
    }


def differences(journals: Journals) -> list[Told]:
    """Make every decision again, and give what differs."""
    found: list[Told] = []
    for (scene, name), store in journals.items():
        report = verify_decisions(DECIDERS[name], store)
        told = [
            (scene, name, changed.position, _became(event), event.difference or 0, _fields(event))
            for changed in report.changed
            for event in changed.events
        ]
        if len(told) != len(report.differences):
            texts = "; ".join(one.text for one in report.differences)
            told.append((scene, name, 0, texts, 0, ""))
        found.extend(told)
    return found


def _became(event: EventChange) -> str:
    stored = event.kind if event.is_stored else "nothing"
    decided = event.kind if event.is_decided else "nothing"
    return f"{stored} became {decided}"


def _fields(event: EventChange) -> str:
    """Name what differs, so that another difference in the same event is another one."""
    told = [f"{one.field} {one.stored} -> {one.decided}" for one in event.fields]
    return "; ".join([*told, f"{event.more} more"] if event.more else told)


def kinds_in(journals: Journals) -> set[str]:
    """Name every kind of event that the services said."""
    return {
        row.topic.rsplit(" ", 1)[-1]
        for (_, _), store in journals.items()
        for _, row in store.rows(pump=PUMP)
        if " " not in row.topic
    }


def write(name: str, scenes: Mapping[str, Callable[[], FakeSystem]]) -> None:
    """Write one golden history and its views.

    Raises:
        SystemExit: it is of a released version and stands already.
    """
    if versions().get(name, False) and path_of(name).exists():
        raise SystemExit(f"{name} is released: its golden history is never written again")
    journals = lived(scenes)
    ROOM.mkdir(exist_ok=True)
    path_of(name).write_bytes(packed(journals))
    views = json.dumps(views_of(unpacked(path_of(name).read_bytes())), indent=1, sort_keys=True)
    views_path(name).write_text(views + "\n")
    print(f"{path_of(name)}: {path_of(name).stat().st_size // 1024} KiB")


if __name__ == "__main__":
    write(sys.argv[1] if len(sys.argv) > 1 else version(), SCENES)
    if not path_of("bad").exists():
        write("bad", BAD)
