"""Pages of the pump's own history: taken as far as their numbers have no hole."""

from collections.abc import Sequence

from schemas.delivery.device import PumpRecord


def newer(history: Sequence[PumpRecord], *, after: int) -> tuple[PumpRecord, ...]:
    """Give the records numbered after `after`."""
    return tuple(one for one in history if one.sequence > after)


def joined(history: Sequence[PumpRecord], *, after: int) -> tuple[PumpRecord, ...]:
    """Give the newer records up to the first number that is missing; may be empty."""
    wanted = range(after + 1, after + 1 + len(history))
    pairs = zip(newer(history, after=after), wanted, strict=False)
    found: list[PumpRecord] = []
    for record, number in pairs:
        if record.sequence != number:
            break
        found.append(record)
    return tuple(found)
