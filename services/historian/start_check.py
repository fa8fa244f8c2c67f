"""What the historian finds when it starts: is the record still the one that it signed?

Nothing here stops it: what is wrong is an alarm, and a record that contradicts its checkpoints is
not signed again, so that nobody can have a change signed by a restart.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from core.deciders.names import HISTORIAN
from schemas.record import FaultName, RuntimeFault
from schemas.units import MINUTE_MS, PumpId, Speaker
from schemas.wire import codec
from services.runtime.audit.open_tail import OpenTail, tail_in
from services.runtime.audit.record_check import Checkpoints, PumpCheck, RecordCheck, open_end
from services.runtime.decider_host.processor import Reported
from services.runtime.ports import Store

EVENTS_BETWEEN: Final = 100
"""[-] events after which a checkpoint is due (R121)."""

TIME_BETWEEN_MS: Final = 5 * MINUTE_MS
"""[ms] of real time after which one is due (R121)."""

EVENTS_OPEN_MAX: Final = 10 * EVENTS_BETWEEN
"""[-] behind the last checkpoint; more, and some were taken away: a record that is gathered anew
after a loss grows by some hundreds in the second until it is looked at."""

TIME_OPEN_MS_MAX: Final = 2 * TIME_BETWEEN_MS
"""[ms] of real time in one run, as above."""

LINES_READ_MAX: Final = 20 * EVENTS_OPEN_MAX
"""[-] of those behind the last checkpoint that are held against each other at the start."""

DETAIL_CHARS_MAX: Final = 280
"""[-] of a report."""

Ask = Callable[[PumpId, Speaker, int], Awaitable[bytes | None]]
"""[-] asks a service for one of its own events, by number; None where it has it not."""


class StartCheck:
    """Holds a record that was read against its checkpoints, itself and the other services."""

    def __init__(
        self, store: Store, check: RecordCheck, *, kept: Checkpoints, broken: Sequence[str]
    ) -> None:
        """Take what was read.

        Args:
            store: the record.
            check: has read all of it, and held it against the checkpoints.
            kept: those that the record's key signed.
            broken: what is wrong with the others.
        """
        self._store = store
        self._check = check
        self._kept = kept
        self._broken = broken
        self.altered: set[PumpId] = set()
        """[-] pumps whose record is not what was signed: it is not signed again."""

    async def reports(self, ask: Ask | None) -> Sequence[Reported]:
        """Say what is wrong, by pump."""
        list(self._check.end({}))
        found = [
            self._altered(pump, f"line {one.position}: {one.text}")
            for pump, one in self._check.contradicted.items()
        ]
        gone = {one.pump: one.text for one in self._check.missing_checkpoints()}
        for name, pump in sorted(self._check.pumps.items()):
            tail = self._tail(name, pump)
            missing = gone.get(name) or self._missing(name, tail)
            if missing is not None and name not in self._check.contradicted:
                found.append(_report(name, "checkpoints_missing", missing))
            texts = [*self._in_tail(name, tail), *await _said_otherwise(name, pump, ask)]
            found.extend(self._altered(name, text) for text in texts)
        return found

    def _altered(self, pump: PumpId, text: str) -> Reported:
        self.altered.add(pump)
        return _report(pump, "record_altered", text)

    def _tail(self, name: PumpId, pump: PumpCheck) -> OpenTail:
        """Read what nobody has signed, as far as it is short: it is when checkpoints are made."""
        end = open_end(name, pump)
        if end.lines > LINES_READ_MAX:
            return OpenTail(end)
        return tail_in(self._store, end, newest=pump.heads)

    def _missing(self, name: PumpId, tail: OpenTail) -> str | None:
        """Say which checkpoints are gone; None where as many are there as must be."""
        if self._broken:
            return self._broken[0]
        end = tail.end
        if not any(one == name for one, _ in self._kept):
            is_young = end.events <= EVENTS_BETWEEN and tail.longest_ms <= TIME_OPEN_MS_MAX
            return None if is_young else f"none is there, and the record has {end.lines} lines"
        is_short = end.events <= EVENTS_OPEN_MAX and tail.longest_ms <= TIME_OPEN_MS_MAX
        if is_short or not self._is_signed_whole(name):
            return None  # an older release made one an hour, and signed events alone
        return f"{end.lines} lines stand behind the last, line {end.after}: newer ones are gone"

    def _is_signed_whole(self, name: PumpId) -> bool:
        """Say whether there is a checkpoint over lines: older releases made none."""
        return any(
            one.lines for (pump, _), found in self._kept.items() if pump == name for one in found
        )

    def _in_tail(self, name: PumpId, tail: OpenTail) -> Iterator[str]:
        """Name what cannot be in lines that nobody has signed yet."""
        for fault in tail.faults[:1]:
            yield f"line {fault.position}: {fault.text}"
        if tail.is_cut and self._is_signed_whole(name):
            yield f"it has not: {'; '.join(tail.finished().missing)}"


async def _said_otherwise(name: PumpId, pump: PumpCheck, ask: Ask | None) -> Sequence[str]:
    """Ask each service for the newest of its events that the record has and nobody has signed."""
    if ask is None:
        return ()
    asked = {
        speaker: head
        for speaker, head in sorted(pump.heads.items())
        if speaker != HISTORIAN and head.sha256 and head.version > pump.signed.sizes.get(speaker, 0)
    }
    answers = await asyncio.gather(*(ask(name, one, at.version) for one, at in asked.items()))
    return [
        f"event {head.version} of {speaker} is not the one that {speaker} has said"
        for (speaker, head), data in zip(asked.items(), answers, strict=True)
        if data is not None and codec.sha256_hex(data) != head.sha256
    ]


def _report(pump: PumpId, fault: FaultName, text: str) -> Reported:
    return Reported(pump, RuntimeFault(fault=fault, detail=text[:DETAIL_CHARS_MAX]))
