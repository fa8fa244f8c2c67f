"""Six hours of a system with a checkpoint each hour, and archives of its record."""

import asyncio
from pathlib import Path

from nacl.signing import SigningKey

from core.deciders.record.decider import HISTORIAN
from core.kernel.effects import WriteCheckpoint
from schemas.units import HOUR_MS, UtcMillis
from services.historian.checkpoint_handler import CheckpointHandler
from services.runtime.audit.archive import Part, archive_of
from services.runtime.audit.checkpoint_files import CheckpointFiles
from support.simulated.fake_system import PUMP, FakeSystem

KEY = SigningKey(b"k" * 32)
PUBLIC = bytes(KEY.verify_key)
MIDDLE_MS = 3 * HOUR_MS


def sign(text: bytes) -> bytes:
    return bytes(KEY.sign(text).signature)


def archived_system(notes: Path) -> FakeSystem:
    """Six hours, with a checkpoint each hour."""
    system = FakeSystem()
    system.set_up()
    effect_handler = CheckpointHandler(system.stores[HISTORIAN], key=KEY, folder=notes)
    for hour in range(6):
        system.glucose(str(120 + hour))
        system.order(500)
        system.run(ms=HOUR_MS)
        asyncio.run(effect_handler.handle(PUMP, WriteCheckpoint()))
    system.glucose("90")
    return system


def middle(system: FakeSystem) -> UtcMillis:
    return UtcMillis(system.clock.now().therapy - MIDDLE_MS)


def written(
    system: FakeSystem,
    notes: Path,
    *,
    since: UtcMillis | None = None,
    until: UtcMillis | None = None,
) -> list[Part]:
    return list(
        archive_of(
            (row for _, row in system.stores[HISTORIAN].rows(pump=PUMP)),
            pump=PUMP,
            release="1.2.3",
            since=since,
            until=until,
            kept=CheckpointFiles(notes).read(public=PUBLIC),
            public=PUBLIC,
            sign=sign,
        )
    )
