"""Six hours of a house with a checkpoint each hour, and archives of its record."""

import asyncio
from pathlib import Path

from nacl.signing import SigningKey

from core.deciders.record.decider import HISTORIAN
from core.kernel.effects import WriteCheckpoint
from schemas.units import HOUR_MS, UtcMillis
from services.historian.checkpoint_hands import CheckpointHands
from services.runtime.audit.archive import Part, archive_of
from services.runtime.audit.checkpoint_files import CheckpointFiles
from support.simulated.fake_system import PUMP, FakeHouse

KEY = SigningKey(b"k" * 32)
PUBLIC = bytes(KEY.verify_key)
MIDDLE_MS = 3 * HOUR_MS


def archived_house(notes: Path) -> FakeHouse:
    """Six hours, with a checkpoint each hour."""
    house = FakeHouse()
    house.set_up()
    hands = CheckpointHands(house.stores[HISTORIAN], key=KEY, folder=notes)
    for hour in range(6):
        house.glucose(str(120 + hour))
        house.order(500)
        house.run(ms=HOUR_MS)
        asyncio.run(hands.perform(PUMP, WriteCheckpoint()))
    house.glucose("90")
    return house


def middle(house: FakeHouse) -> UtcMillis:
    return UtcMillis(house.clock.now().therapy - MIDDLE_MS)


def written(
    house: FakeHouse,
    notes: Path,
    *,
    since: UtcMillis | None = None,
    until: UtcMillis | None = None,
) -> list[Part]:
    files = CheckpointFiles(notes)
    return list(
        archive_of(
            (row for _, row in house.stores[HISTORIAN].rows(pump=PUMP)),
            pump=PUMP,
            release="1.2.3",
            since=since,
            until=until,
            notes=lambda speaker: files.notes(PUMP, speaker),
            public=PUBLIC,
        )
    )
