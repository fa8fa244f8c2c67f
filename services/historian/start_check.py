"""What the historian finds when it starts: is the record still the one that it signed?

Nothing here stops it: what is wrong is an alarm, and a record that contradicts its checkpoints is
not signed again, so that nobody can have a change signed by a restart.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from core.deciders.names import HISTORIAN, SUBSCRIPTIONS
from schemas.record import FaultName, RuntimeFault
from schemas.units import MINUTE_MS, PumpId, Speaker
from schemas.wire import codec
from services.runtime.audit.open_tail import OpenTail, hold_against, tail_in
from services.runtime.audit.record_check import Checkpoints, PumpCheck, RecordCheck, open_end
from services.runtime.decider_host.processor import Reported
from services.runtime.ports import Store, TailAnswer

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

LOOK_S: Final = 0.25
"""[s] between two looks whether the record has got what a service has said."""

QUIET_LOOKS: Final = 40
"""[-] without a new event of any service after which nothing is on its way: 10 s."""

LOOKS_MAX: Final = 240
"""[-] at a record that goes on growing: 1 min, and it is only late."""


class Peers(Protocol):
    """The other services, as far as they answer."""

    async def own_event(self, pump: PumpId, speaker: Speaker, version: int) -> bytes | None:
        """Ask a service for one of its own events; None where it has not, or does not answer."""
        ...

    async def tail_of(self, pump: PumpId, speaker: Speaker, after: int) -> TailAnswer | None:
        """Ask a service for the newest lines of its journal; None where it does not answer."""
        ...


class StartCheck:
    """Holds a record that was read against its checkpoints, itself and the other services."""

    def __init__(
        self,
        store: Store,
        check: RecordCheck,
        *,
        kept: Checkpoints,
        broken: Sequence[str],
        look_s: float = LOOK_S,
    ) -> None:
        """Take what was read.

        Args:
            store: the record.
            check: has read all of it, and held it against the checkpoints.
            kept: those that the record's key signed.
            broken: what is wrong with the others.
            look_s: [s] between two looks at what is on its way.
        """
        self._store = store
        self._check = check
        self._kept = kept
        self._broken = broken
        self._look_s = look_s
        self.altered: set[PumpId] = set()
        """[-] pumps whose record is not what was signed: it is not signed again."""

    async def reports(self, peers: Peers | None) -> Sequence[Reported]:
        """Say what is wrong, by pump; the other services are asked unless there are none."""
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
            cut = list(self._cut(name, tail))
            other = await self._said_otherwise(name, pump, tail, peers) if peers else ()
            faults = (f"line {one.position}: {one.text}" for one in tail.faults[:1])
            found.extend(self._altered(name, text) for text in (*faults, *cut, *other))
            # It is no other record than the one that was signed: it is signed on.
            found.extend(
                _report(name, "record_altered", text)
                for text in await self._never_came(name, tail.newer)
                if not tail.faults
            )
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

    def _cut(self, name: PumpId, tail: OpenTail) -> Iterator[str]:
        """Name what the lines themselves show to be gone from among them."""
        if tail.is_cut and self._is_signed_whole(name):
            yield f"it has not: {'; '.join(tail.finished().missing)}"

    async def _said_otherwise(
        self, name: PumpId, pump: PumpCheck, tail: OpenTail, peers: Peers
    ) -> Sequence[str]:
        """Hold the open lines against what each service says that it said and heard.

        One that does not know the question, or has said too much since, is asked for the newest of
        its events that the record has and nobody has signed.
        """
        others = SUBSCRIPTIONS[HISTORIAN] if tail.newest else ()
        answers = await asyncio.gather(
            *(peers.tail_of(name, one, tail.told_from(one)) for one in others)
        )
        told = set[Speaker]()
        for speaker, answer in zip(others, answers, strict=True):
            if answer is None:
                continue
            hold_against(
                self._store,
                tail,
                answer.lines,
                service=speaker,
                newest=answer.newest,
            )
            if answer.unpublished:
                tail.newer.pop(speaker, None)  # the record cannot have heard that
            head = pump.heads.get(speaker)
            if head is None or any(0 < one.version <= head.version for one in answer.lines):
                told.add(speaker)
        return await _newest_otherwise(name, pump, peers, told)

    async def _never_came(self, name: PumpId, newer: Mapping[Speaker, int]) -> Sequence[str]:
        """Wait until the record has what services have said; name what it never gets.

        It was not there when they were asked: it is on its way, or was in the record and is gone.
        """
        before, quiet = self._heads(name), 0
        for _ in range(LOOKS_MAX if newer else 0):
            now = self._heads(name)
            left = {one: last for one, last in newer.items() if now.get(one, 0) < last}
            quiet = quiet + 1 if now == before else 0
            if not left:
                return ()
            if quiet > QUIET_LOOKS:
                return [
                    f"{one} has said {last} events, and the record ends with {now.get(one, 0)}"
                    for one, last in sorted(left.items())
                ]
            before = now
            await asyncio.sleep(self._look_s)
        return ()

    def _heads(self, name: PumpId) -> Mapping[Speaker, int]:
        """Read how far each service was heard by now; the historian's own words are no sign."""
        return {
            speaker: head.version
            for (pump, speaker), head in self._store.heads().items()
            if pump == name and speaker != HISTORIAN
        }


async def _newest_otherwise(
    name: PumpId, pump: PumpCheck, peers: Peers, told: set[Speaker]
) -> Sequence[str]:
    """Ask all others for the newest of their events that the record has and nobody has signed."""
    asked = {
        speaker: head
        for speaker, head in sorted(pump.heads.items())
        if speaker != HISTORIAN
        and speaker not in told
        and head.sha256
        and head.version > pump.signed.sizes.get(speaker, 0)
    }
    answers = await asyncio.gather(
        *(peers.own_event(name, one, at.version) for one, at in asked.items())
    )
    return [
        f"event {head.version} of {speaker} is not the one that {speaker} has said"
        for (speaker, head), data in zip(asked.items(), answers, strict=True)
        if data is not None and codec.sha256_hex(data) != head.sha256
    ]


def _report(pump: PumpId, fault: FaultName, text: str) -> Reported:
    return Reported(pump, RuntimeFault(fault=fault, detail=text[:DETAIL_CHARS_MAX]))
