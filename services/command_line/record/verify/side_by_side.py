"""The decisions of several journals made again, each journal in a process of its own."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from typing import Final, NamedTuple

from core.deciders.record.decider import HISTORIAN
from core.deciders.registry import DECIDERS
from schemas.units import Speaker, UtcMillis
from services.command_line.journals import Place, journal
from services.command_line.output.exit_codes import CommandFailed
from services.runtime.audit.compare_records import Said, compare, said_in
from services.runtime.audit.findings import BrokenOff, VerificationReport
from services.runtime.audit.redecide import verify_decisions

LINES_APART: Final = 20_000
"""[-] of all journals, from which on a process for each is worth its start of 0.2 s."""


class Verified(NamedTuple):
    """What came of one journal."""

    report: VerificationReport | None
    """[-] of what was read; None where it cannot be read."""
    broken_off: UtcMillis | None = None
    """[ms] first decision that was not held, where somebody stopped it."""
    failed: tuple[str, int] | None = None
    """[-] why it cannot be read, and the exit code for that."""


def verified_journals(
    place: Place, names: Sequence[Speaker], *, since: UtcMillis | None
) -> Iterator[tuple[Speaker, Verified]]:
    """Make the decisions of journals again, in this order; after one that was stopped, no more.

    Long ones side by side, as many as there are processors: what is broken off then is all of it.

    Raises:
        CommandFailed: a journal cannot be read.
    """
    apart = len(names) > 1 and (os.cpu_count() or 1) > 1 and _lines(place, names) >= LINES_APART
    found = _apart(place, names, since) if apart else _one_by_one(place, names, since)
    for name, verified in found:
        if verified.failed is not None:
            raise CommandFailed(*verified.failed)
        yield name, verified


def _one_by_one(
    place: Place, names: Sequence[Speaker], since: UtcMillis | None
) -> Iterator[tuple[Speaker, Verified]]:
    for name in names:
        verified = verify_journal(place, name, since)
        yield name, verified
        if verified.broken_off is not None:
            return


def _apart(
    place: Place, names: Sequence[Speaker], since: UtcMillis | None
) -> Iterator[tuple[Speaker, Verified]]:
    # Forked, a process has imported all it needs; nothing is open yet that two must not share.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        running = {name: pool.submit(verify_journal, place, name, since, False) for name in names}
        for name, future in running.items():
            yield name, _result(future)


def _result(future: Future[Verified]) -> Verified:
    """Wait for a journal; a Ctrl-C stops its process as well, which says how far it was."""
    while True:
        try:
            return future.result()
        except KeyboardInterrupt:
            continue


def verify_journal(
    place: Place, name: Speaker, since: UtcMillis | None, shows: bool = True
) -> Verified:
    """Make the decisions of one journal again, and hold them against the historian's record.

    Args:
        place: of the historian's journal.
        name: whose journal is meant.
        since: [ms] what was decided before is folded as it stands; None: all anew.
        shows: how far it is, on a terminal.
    """
    try:
        # The historian first: what it has heard by then stands in the speaker's own journal.
        record = _recorded(place, name, shows=shows)
        with journal(place.of(name), shows=shows) as store:
            report = verify_decisions(DECIDERS[name], store, since=since)
            beside = compare(said_in(store, name), record)
    except BrokenOff as stopped:
        return Verified(stopped.report, broken_off=stopped.at)
    except CommandFailed as error:
        return Verified(None, failed=(error.text, error.code))
    except KeyboardInterrupt:
        return Verified(VerificationReport(0, 0, ()), broken_off=since or UtcMillis(0))
    return Verified(replace(report, differences=(*report.differences, *beside)))


def _recorded(place: Place, name: Speaker, *, shows: bool) -> Said:
    """Read what the historian keeps of a service; nothing of itself, or where it has no journal."""
    if name == HISTORIAN or not place.is_there():
        return {}
    with journal(place, shows=shows) as store:
        return said_in(store, name)


def _lines(place: Place, names: Sequence[Speaker]) -> int:
    """Count the lines of journals; one that cannot be read says so when it is its turn."""
    count = 0
    for name in names:
        try:
            with journal(place.of(name), shows=False) as store:
                count += sum(end.position for end in store.ends().values())
        except CommandFailed:
            continue
    return count
