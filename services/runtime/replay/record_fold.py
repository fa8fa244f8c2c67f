"""The record of one pump folded by all five deciders, line by line, and kept as bytes."""

import hashlib
import lzma
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec

from core.deciders.registry import DECIDERS
from core.kernel.decider import Entry
from schemas.message import Now
from schemas.units import PumpId, Speaker, UtcMillis
from schemas.wire import codec
from services.runtime.journal.entries import event_bytes, said_in
from services.runtime.ports import Row

NEVER: Final = UtcMillis(2**62)
"""[ms] later than anything; the oldest of no events."""


class _Instant(msgspec.Struct, gc=False):
    """When an event was decided; nothing else of it is read."""

    at: UtcMillis
    """[ms] therapy time."""


_instants = msgspec.json.Decoder(_Instant)
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_parts = msgspec.msgpack.Decoder(dict[Speaker, msgspec.Raw])
_decoders: Final = {
    name: msgspec.msgpack.Decoder(type(decider.initial(PumpId(""))))
    for name, decider in DECIDERS.items()
}


class RecordFold:
    """What each decider makes of the events of a pump; the same fold as that of a live service."""

    def __init__(self, pump: PumpId) -> None:
        """Know nothing yet."""
        self._pump = pump
        self._states: dict[Speaker, Any] = {
            name: decider.initial(pump) for name, decider in DECIDERS.items()
        }
        self.position = 0
        """[-] of the newest line taken in."""
        self.newest = UtcMillis(0)
        """[ms] latest therapy time of an event taken in."""

    def take(self, rows: Sequence[Row], *, until: UtcMillis | None = None) -> UtcMillis:
        """Take in the next lines, those left out whose event was decided after `until`.

        Each decider takes them in turn: that is what a live service does, and a third quicker
        than all deciders for each line.

        Returns:
            [ms] earliest therapy time of an event among them, NEVER where there is none.

        Raises:
            One of codec.DECODE_ERRORS: a line cannot be read; nothing is taken in then.
        """
        oldest, entries = NEVER, list[Entry]()
        last: dict[Speaker | None, tuple[int, bytes]] = {}
        for row in rows:
            data = event_bytes(row)
            if data is None:
                continue
            if until is not None and (at := _instants.decode(data).at) > until:
                oldest = min(oldest, at)
                continue
            entry = said_in(data, hashed=False)
            last[entry.speaker] = len(entries), data
            entries.append(entry)
        # Of each speaker only the newest hash outlives these lines.
        for index, data in last.values():
            entries[index] = msgspec.structs.replace(entries[index], sha256=codec.sha256_hex(data))
        instants = [entry.at for entry in entries]
        oldest, newest = min([oldest, *instants]), max([self.newest, *instants])
        for name, decider in DECIDERS.items():
            voices, state = {name, *decider.subscribes_to}, self._states[name]
            for entry in entries:
                if entry.speaker in voices:
                    state = decider.evolve(state, entry)
            self._states[name] = state
        if rows:
            self.position, self.newest = rows[-1].position, newest
        return oldest

    def views(self, *, at: UtcMillis | None) -> dict[str, msgspec.Struct]:
        """Show each decider's state at `at`, or at the time of the last event."""
        therapy = self.newest if at is None else at
        now = Now(therapy=therapy, real=UtcMillis(0), speed=1)
        return {name: DECIDERS[name].view(state, now) for name, state in self._states.items()}

    def packed(self) -> bytes:
        """Write the states; equal states give equal bytes."""
        parts = {name: msgspec.Raw(_encoder.encode(state)) for name, state in self._states.items()}
        # Two services keep the same day of readings: too far apart for zlib, a third of its size.
        return lzma.compress(_encoder.encode(parts), preset=0)

    @classmethod
    def unpacked(
        cls, data: bytes, *, pump: PumpId, position: int, newest: UtcMillis
    ) -> "RecordFold":
        """Go on from states that were written.

        Raises:
            ValueError: these are none (msgspec.DecodeError and lzma.LZMAError become one).
        """
        fold = cls(pump)
        try:
            parts = _parts.decode(lzma.decompress(data))
            fold._states = {name: _decoders[name].decode(parts[name]) for name in DECIDERS}
        except (lzma.LZMAError, msgspec.DecodeError, KeyError) as error:
            raise ValueError(f"no states of this release: {error}") from error
        fold.position, fold.newest = position, newest
        return fold


def thinking() -> str:
    """Give the hash (hex) of everything that states follow from: the text of core and schemas.

    States that were folded by other rules are worth nothing, also within one release.
    """
    digest = hashlib.sha256()
    for package in ("core", "schemas"):
        for name, text in sorted(_texts(files(package), package)):
            digest.update(f"{name} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def _texts(folder: Traversable, name: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for one in folder.iterdir():
        path = f"{name}/{one.name}"
        if one.is_dir():
            found.extend(_texts(one, path))
        elif one.name.endswith(".py"):
            found.append((path, one.read_bytes()))
    return found
