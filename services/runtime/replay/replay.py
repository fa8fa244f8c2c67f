"""Replay: what a record, or the journal of one service, says of a pump."""

from itertools import islice
from typing import Any, Final

import msgspec

from core.kernel.decider import Decider
from schemas.message import Now
from schemas.units import PumpId, UtcMillis
from services.runtime.journal.entries import read_row
from services.runtime.ports import Store
from services.runtime.replay.record_fold import RecordFold
from services.runtime.replay.snapshots import Snapshots, folded

LINES_AT_ONCE: Final = 250
"""[-] of a record that each decider folds before the next one does."""


def replay(
    store: Store,
    *,
    pump: PumpId,
    at: UtcMillis | None = None,
    snapshots: Snapshots | None = None,
) -> dict[str, msgspec.Struct]:
    """Fold the record of a pump with the deciders' own `evolve`, and show what each would.

    Args:
        store: the historian's journal.
        pump: whose record.
        at: [ms] therapy time; what was decided later is left out; None for all.
        snapshots: from which the fold goes on where they are of this record; all is folded else.

    Returns:
        The view of each speaker at `at`, or at the time of the last event.
    """
    fold = folded(store, snapshots, pump=pump, at=at) if snapshots else None
    if fold is None:
        fold = RecordFold(pump)
        rows = (row for _, row in store.rows(pump=pump))
        while some := tuple(islice(rows, LINES_AT_ONCE)):
            fold.take(some, until=at)
    return fold.views(at=at)


def known_by(
    decider: Decider[Any], store: Store, *, pump: PumpId, at: UtcMillis | None = None
) -> msgspec.Struct:
    """Fold a service's own journal: what it knew at an instant, and nothing that came later.

    What happened before and was heard after is absent; so is every later correction.

    Args:
        decider: whose journal it is.
        store: its journal.
        pump: of which pump.
        at: [ms] therapy time; what it decided later is left out; None for all.

    Returns:
        The service's view at `at`, or at the time of its last decision.
    """
    state = decider.initial(pump)
    now = Now(therapy=UtcMillis(at or 0), real=UtcMillis(0), speed=1)
    for _, row in store.rows(pump=pump):
        read = read_row(row)
        if at is not None and read.now.therapy > at:
            break  # a service's time never goes back
        state = decider.evolve(state, read.entry)
        if at is None:
            now = read.now
    return decider.view(state, now)


def pumps_in(store: Store) -> tuple[PumpId, ...]:
    """Name the pumps that a journal knows, sorted."""
    return tuple(sorted({pump for pump, _ in store.heads()}))
