"""The port PumpStore, what a pump keeps through a loss of power, and its fake."""

from collections.abc import Sequence
from typing import Protocol

from core.pump.memory import PumpMemory
from schemas.delivery.device import HISTORY_PAGE_RECORDS_MAX, PumpRecord
from schemas.units import DoseId


class PumpStore(Protocol):
    """The pump's non-volatile memory."""

    def load(self) -> PumpMemory | None:
        """Read the registers, None for a pump that has never been on."""
        ...

    def save(self, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
        """Keep registers and new history together, durable before it returns."""
        ...

    def history(self, *, after: int) -> tuple[PumpRecord, ...]:
        """Read one page of records numbered after `after`, sorted by number."""
        ...

    def executed(self, dose: DoseId, *, after: int) -> bool:
        """Tell whether the history numbered after `after` has this dose, however old."""
        ...


class FakePumpStore:
    """A memory that survives as long as the object does."""

    def __init__(self) -> None:
        """Begin as a pump that has never been on."""
        self._memory: PumpMemory | None = None
        self._records: list[PumpRecord] = []
        self._doses: dict[DoseId, int] = {}

    def load(self) -> PumpMemory | None:
        """Read the registers, None for a pump that has never been on."""
        return self._memory

    def save(self, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
        """Keep registers and new history together."""
        self._memory = memory
        self._records.extend(records)
        self._doses.update((one.dose, one.sequence) for one in records if one.dose is not None)

    def history(self, *, after: int) -> tuple[PumpRecord, ...]:
        """Read one page of records numbered after `after`, sorted by number."""
        first = max(after, 0)
        return tuple(self._records[first : first + HISTORY_PAGE_RECORDS_MAX])

    def executed(self, dose: DoseId, *, after: int) -> bool:
        """Tell whether the history numbered after `after` has this dose, however old."""
        return self._doses.get(dose, 0) > after
