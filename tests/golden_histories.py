"""Golden histories: the journals of all five services of half a day, kept for ever.

`make golden` writes that of the release that stands in pyproject.toml. One that is written is never
written over: a rule that changes what it would decide is told in `accepted.json` beside it, with
the reason, for each decision. Only while its release is not out may it be removed and made anew.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from fake_house import PUMP, FakeHouse
from golden_day import GoldenDay
from schemas import codec
from schemas.bolus import BolusAdvised
from schemas.message import Now, Refusal, event_id, parse_event_id
from schemas.units import (
    MilliUnits,
    Speaker,
)
from services.runtime.archive_files import read_lines, write_lines
from services.runtime.entries import ADOPTED, ReadEntry, read_row
from services.runtime.fake_store import FakeStore
from services.runtime.ports import Commit, End, Row
from services.runtime.release import version
from services.runtime.row_links import link_in, linked

ADVISOR = Speaker("bolus_advisor")

FOLDER = Path(__file__).parent / "data" / "golden"
"""[-] one folder a release."""


class GoldenLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of one journal."""

    service: Speaker
    """[-] whose."""
    position: int
    """[-] in it."""
    topic: str
    """[-] as stored."""
    state: str
    """[-] as stored."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision of an old release that is another one today, by intent."""

    service: Speaker
    """[-] whose."""
    position: int
    """[-] line of its journal."""
    text: str
    """[-] what `verify decisions` says of it."""
    why: str
    """[-] the change that it comes from."""


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a golden history must come to."""

    now: Now
    """[ms] at its end."""
    views: dict[Speaker, Any]
    """[-] of each service, as its release showed it."""


def journals_path(release: str) -> Path:
    return FOLDER / release / "journals.jsonl.gz"


def releases() -> list[str]:
    return sorted(path.name for path in FOLDER.iterdir())


def accepted_in(release: str) -> list[Accepted]:
    path = FOLDER / release / "accepted.json"
    return msgspec.json.decode(path.read_bytes(), type=list[Accepted])


def expected_in(release: str) -> Expected:
    path = FOLDER / release / "expected.json"
    return msgspec.json.decode(path.read_bytes(), type=Expected)


def stores_in(path: Path) -> dict[Speaker, FakeStore]:
    """Read the journals of a golden history."""
    rows: dict[Speaker, list[Row]] = defaultdict(list)
    for _, line in read_lines(path, GoldenLine):
        rows[line.service].append(Row(PUMP, line.position, line.topic, line.state.encode()))
    return {name: store_of(found) for name, found in rows.items()}


def store_of(rows: list[Row]) -> FakeStore:
    store = FakeStore()
    end = End(rows[-1].position, link_in(rows[-1]))
    store.commit(Commit(rows=rows, ends={PUMP: end}, stream="golden", sequence=0))
    return store


def lines_of(house: FakeHouse) -> Iterator[GoldenLine]:
    for name, store in house.stores.items():
        yield from _lines(name, [row for _, row in store.rows(pump=PUMP)])


def _lines(name: Speaker, rows: Iterable[Row]) -> Iterator[GoldenLine]:
    for row in rows:
        yield GoldenLine(
            service=name, position=row.position, topic=row.topic, state=row.state.decode()
        )


def write(release: str) -> Path:
    """Live the day and write it.

    Raises:
        FileExistsError: it is there already.
    """
    folder = FOLDER / release
    folder.mkdir(parents=True)
    house = GoldenDay().live()
    write_lines(journals_path(release), lines_of(house), told=lambda _: None)
    views = {name: msgspec.to_builtins(house.view(name)) for name in house.stores}
    expected = Expected(now=house.clock.now(), views=views)
    _write(folder / "expected.json", expected)
    _write(folder / "accepted.json", [])
    wrong = bad([row for _, row in house.stores[ADVISOR].rows(pump=PUMP)])
    write_lines(folder / "bad.jsonl.gz", _lines(ADVISOR, wrong), told=lambda _: None)
    return folder


def _write(path: Path, value: object) -> None:
    path.write_bytes(msgspec.json.format(codec.encode(value)) + b"\n")


def bad(rows: list[Row]) -> list[Row]:
    """Tell another story by the same chain: more insulin, and another refusal than was decided.

    Each line is linked and each event names the one before: what is wrong is what was decided.
    """
    told = [(read_row(row), row) for row in rows]
    said = [at for at, (read, _) in enumerate(told) if read.head.entry]
    advised = max(at for at in said if isinstance(told[at][0].entry.body, BolusAdvised))
    *_, other, refused = (at for at in said if isinstance(told[at][0].entry.body, Refusal))
    changed = {
        advised: _ten_times(told[advised][0]),
        refused: _said_instead(told[refused][0], told[other][0]),
    }
    lines = [(read, changed.get(at, read.data)) for at, (read, _) in enumerate(told)]
    return _chained(lines)


def _ten_times(read: ReadEntry) -> bytes:
    envelope = codec.decode_envelope(read.data)
    event: Any = codec.decode_event(envelope.event)
    more = msgspec.structs.replace(event, amount=MilliUnits(event.amount * 10))
    return codec.encode(msgspec.structs.replace(envelope, event=codec.encode_raw(more)))


def _said_instead(read: ReadEntry, other: ReadEntry) -> bytes:
    envelope, said = codec.decode_envelope(read.data), codec.decode_envelope(other.data)
    return codec.encode(msgspec.structs.replace(envelope, event=said.event))


def _chained(lines: Iterable[tuple[ReadEntry, bytes]]) -> list[Row]:
    """Number, chain and link lines anew; what led to an event keeps its place behind it."""
    rows: list[Row] = []
    link, previous, version, heard = "", "", 0, 0
    for position, (read, data) in enumerate(lines, start=1):
        entry = 0
        if read.is_heard:
            heard = position
        elif not read.topic.startswith(ADOPTED):
            entry, version = heard, version + 1
            envelope = codec.decode_envelope(data)
            speaker, pump, _ = parse_event_id(envelope.id)
            name = event_id(speaker=speaker, pump=pump, version=version)
            cause = envelope.cause
            if cause.startswith("report:"):
                cause = f"report:{heard}"
            data = codec.encode(
                msgspec.structs.replace(envelope, id=name, previous=previous, cause=cause)
            )
            previous = codec.sha256_hex(data)
        head = msgspec.structs.replace(read.head, entry=entry, link="")
        row, link = linked(link, Row(PUMP, position, read.topic, b""), head, data)
        rows.append(row)
    return rows


def tags_in(stores: Iterable[FakeStore]) -> set[str]:
    """Name the events that a history has."""
    found = {row.topic.rsplit(" ", 1)[-1] for store in stores for _, row in store.rows()}
    return {tag for tag in found if "." in tag}


if __name__ == "__main__":
    try:
        print(f"wrote {write(version())}")
    except FileExistsError as error:
        sys.exit(f"{error.filename} is there already; a golden history is never written over")
