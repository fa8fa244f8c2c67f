"""A record of 500 lines, with checkpoints of all of it and with some that end before it does."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from core.deciders.names import HISTORIAN
from core.deciders.registry import DECIDERS
from core.kernel.effects import WriteCheckpoint
from schemas.record import RuntimeFault
from schemas.units import HOUR_MS, MINUTE_MS, PumpId, Speaker
from services.historian.checkpoint_handler import CheckpointHandler
from services.historian.start_check import Peers, StartCheck
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.record_check import Checkpoints, RecordCheck, RecordReport
from services.runtime.audit.whole_check import Beside, check_record
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.bus import TailRequest
from services.runtime.nats.memory_bus import FakeBus
from services.runtime.ports import Row, Store, TailAnswer
from services.runtime.process.loop import Loop
from services.runtime.process.service_endpoint import Questions
from support.simulated.archived_system import KEY, PUBLIC
from support.simulated.fake_system import PUMP, FakeSystem

LINES = 500
TAIL_MIN = 40
"""[-] lines behind the early checkpoints at least."""


class SignedRecord(NamedTuple):
    """What a system left behind, and what was signed of it."""

    system: FakeSystem
    rows: list[Row]
    whole: Path
    """[-] checkpoints up to the end, as after a clean stop."""
    early: Path
    """[-] checkpoints that end before the record does, as after a kill."""
    first: Path
    """[-] checkpoints of the first lines alone: all others stand open."""
    signed: int
    """[-] the last line under the early ones."""

    @property
    def beside(self) -> Beside:
        """Give the journals of the other services."""
        others = [name for name in DECIDERS if name != HISTORIAN]
        return [(name, partial(_opened, self.system.stores[name])) for name in others]

    def checked(self, store: FakeStore, kept: Checkpoints, *, alone: bool = False) -> RecordReport:
        """Verify a record, beside the other journals or without any."""
        return check_record(store, checkpoints=kept, beside=() if alone else self.beside)

    async def own_event(self, pump: PumpId, speaker: Speaker, version: int) -> bytes | None:
        """Answer for a service, as its process does."""
        own = self.system.stores[speaker].history(
            speaker=speaker, pump=pump, first=version, last=version, own=True
        )
        return next(own, None)

    async def tail_of(self, pump: PumpId, speaker: Speaker, after: int) -> TailAnswer | None:
        """Answer for a service, as its process does."""
        return tail_answer(self.system, pump, speaker, after)


def tail_answer(system: FakeSystem, pump: PumpId, speaker: Speaker, after: int) -> TailAnswer:
    """Answer by a service's own endpoint what its journal has."""
    questions = questions_to(system, speaker)
    return questions.tail(TailRequest(pump=pump, after=after))


def questions_to(system: FakeSystem, speaker: Speaker) -> Questions:
    """Give the endpoint of a service that starts now on its journal."""
    decider, store = DECIDERS[speaker], system.stores[speaker]
    bus = FakeBus(broker=system.broker, speaker=speaker, subscribes_to=decider.subscribes_to)
    loop: Loop[Any] = Loop(decider=decider, store=store, bus=bus, clock=system.clock)
    return Questions(loop=loop, store=store, clock=system.clock, pid=1)


def _opened(store: FakeStore) -> AbstractContextManager[Store]:
    return nullcontext(store)


def signed_record(folder: Path) -> SignedRecord:
    """Live until there are so many lines."""
    system = FakeSystem()
    system.set_up()
    store = system.stores[HISTORIAN]
    early, whole, first = folder / "early", folder / "whole", folder / "first"
    write(store, first)
    live(system, LINES - TAIL_MIN)
    write(store, early)
    signed = count(store)
    live(system, LINES)
    write(store, whole)
    return SignedRecord(
        system, [row for _, row in store.rows(pump=PUMP)], whole, early, first, signed
    )


def live(system: FakeSystem, lines: int) -> None:
    """Give boluses and measure until the record has so many lines."""
    store, number = system.stores[HISTORIAN], 0
    while count(store) < lines:
        number += 1
        system.glucose(str(120 + number))
        if number % 3 == 1:
            system.order(2_000)
        system.run(ms=HOUR_MS // 2 if number % 3 else 15 * MINUTE_MS)


def count(store: FakeStore) -> int:
    return sum(1 for _ in store.rows(pump=PUMP))


def write(store: FakeStore, folder: Path) -> None:
    """Sign how far the record goes."""
    handler = CheckpointHandler(store, key=KEY, folder=folder)
    asyncio.run(handler.handle(PUMP, WriteCheckpoint()))


def kept_in(folder: Path) -> Checkpoints:
    return CheckpointFiles(folder).read(public=PUBLIC)


def verdict(report: RecordReport) -> int:
    """Give the exit code of 'verify record'."""
    if report.faults:
        return 1
    return 4 if report.is_open else 0


def noticed(peers: Peers, store: FakeStore, kept: Checkpoints) -> Sequence[str]:
    """Start the historian on a record beside others; give the faults that it reports, in words."""
    check = RecordCheck(kept)
    for _, row in store.rows():
        check.add(row)
    start = StartCheck(store, check, kept=kept, broken=(), look_s=0.0)
    found = [one.report for one in asyncio.run(start.reports(peers))]
    return [f"{one.fault}: {one.detail}" for one in found if isinstance(one, RuntimeFault)]
