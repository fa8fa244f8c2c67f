"""A whole record: checked line by line, against checkpoints, and against the other journals."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from schemas.units import Speaker
from services.runtime.audit.findings import Difference
from services.runtime.audit.open_tail import hold_against, tail_in
from services.runtime.audit.record_check import Checkpoints, RecordCheck, RecordReport, open_end
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.witness import witnesses
from services.runtime.ports import Store

Beside = Iterable[tuple[Speaker, Callable[[], AbstractContextManager[Store]]]]
"""[-] the other journals at hand, each opened when it is its turn: after the record was read."""


def check_record(
    store: Store, *, checkpoints: Checkpoints, beside: Beside = (), runs: bool = False
) -> RecordReport:
    """Check a whole record; what no checkpoint covers is held against the other journals.

    Args:
        store: the historian's journal.
        checkpoints: what lies elsewhere.
        beside: the journals of the other services, as far as they are at hand.
        runs: the system runs: what the others got last may be on its way to the record.
    """
    check, faults, lines = RecordCheck(checkpoints), list[Difference](), 0
    ends = store.ends()
    for _, row in store.rows():
        faults.extend(check.add(row))
        lines += 1
    faults.extend(check.end(ends))
    events = sum(tree.size for pump in check.pumps.values() for tree in pump.trees.values())
    tails = {
        name: tail_in(store, open_end(name, pump), newest=pump.heads)
        for name, pump in sorted(check.pumps.items())
    }
    for service, opened in beside:
        with opened() as journal:
            heads = journal.heads()
            for name, tail in tails.items():
                rows = (row for _, row in journal.rows(pump=name, newest_first=True))
                said = witnesses(rows, service=service, after=tail.told_from(service))
                newest = heads.get((name, service), NOTHING_HEARD).version
                hold_against(store, tail, said, service=service, newest=newest, runs=runs)
    found_beside = [fault for tail in tails.values() for fault in tail.faults]
    faults.extend(sorted(found_beside, key=lambda one: (one.pump, one.position)))
    finished = (tail.finished() for tail in tails.values())
    open_ends = tuple(one for one in finished if one.lines or one.missing)
    return RecordReport(lines, events, check.compared, tuple(faults), open_ends)
