"""What `verify decisions` found as doses: which would differ, by how much insulin, and why."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping

from core.formats.amounts import print_units
from core.record.decision_diff import EventChange
from schemas.units import MilliUnits
from services.command_line.output.event_messages import moment
from services.command_line.output.tables import print_table
from services.runtime.audit.findings import Changed, VerificationReport, Versions

DOSES_SHOWN = 20
"""[-] of all services; --json has all."""

WHY_FIELDS_MAX = 3
"""[-] shown in a line; --json has all."""

_AMOUNTS = ("amount", "delivered", "most", "steps")
"""[-] fields that are the amount itself, and no reason for it."""


def print_doses(reports: Mapping[str, VerificationReport]) -> None:
    """Print the doses that differ, their sums, and under which versions they were decided."""
    doses = [
        (name, changed, event)
        for name, report in reports.items()
        for changed in report.changed
        for event in changed.events
        if event.is_dose
    ]
    if doses:
        columns = (
            "service",
            "line",
            "decided",
            "because of",
            "what",
            "was U",
            "now U",
            "by U",
            "why",
        )
        rows = [_row(*dose) for dose in doses[:DOSES_SHOWN]]
        print_table(columns, rows, title="doses that differ today", right=frozenset({1, 5, 6, 7}))
        if len(doses) > DOSES_SHOWN:
            print(f"and {len(doses) - DOSES_SHOWN} more; --json has all")
        for kind, (count, by) in sorted(_sums(event for _, _, event in doses).items()):
            print(f"{kind}: {count} differ, {_signed(by)} U in all")
    others = sum(
        not event.is_dose
        for report in reports.values()
        for changed in report.changed
        for event in changed.events
    )
    if others:
        print(f"{others} events differ that are no dose")
    _tell_versions(reports)


def _row(name: str, changed: Changed, event: EventChange) -> tuple[str, ...]:
    return (
        name,
        str(changed.position),
        moment(changed.at),
        f"{changed.kind} {changed.heard}",
        event.kind,
        _units(event.stored),
        _units(event.decided),
        _signed(event.difference or 0),
        _why(changed, event),
    )


def _why(changed: Changed, event: EventChange) -> str:
    """Name what else changed in the event, or what is said instead of it."""
    if event.is_stored and event.is_decided:
        fields = [one for one in event.fields if one.field.split(".")[0] not in _AMOUNTS]
        told = [f"{one.field} {one.stored or '-'} -> {one.decided or '-'}" for one in fields]
        more = len(told) - WHY_FIELDS_MAX + event.more
        return "; ".join(told[:WHY_FIELDS_MAX]) + (f"; {more} more" if more > 0 else "")
    instead = [one for one in changed.events if one.is_stored != event.is_stored]
    words = [
        " ".join([one.kind, *(f"{told.stored}{told.decided}" for told in one.fields[:1])])
        for one in instead
    ]
    said = "said now" if event.is_decided else "not said any more"
    return f"{said}; instead of {', '.join(words)}" if words else said


def _sums(events: Iterator[EventChange]) -> dict[str, tuple[int, int]]:
    counts, amounts = Counter[str](), Counter[str]()
    for event in events:
        counts[event.kind] += 1
        amounts[event.kind] += event.difference or 0
    return {kind: (count, amounts[kind]) for kind, count in counts.items()}


def print_versions(reports: Mapping[str, VerificationReport]) -> None:
    """Print under which versions the journals were written, and under which they were read."""
    met = dict.fromkeys(one for report in reports.values() for one in report.versions)
    today = dict.fromkeys(one.today for one in reports.values() if one.today is not None)
    if met:
        print(f"decided by {', '.join(map(_named, met))}")
    print(f"decided again by {', '.join(map(_named, today))}")


def _tell_versions(reports: Mapping[str, VerificationReport]) -> None:
    """Say how many of the decisions that differ were made under other versions than today's."""
    others = Counter(
        (changed.versions, report.today)
        for report in reports.values()
        for changed in report.changed
        if changed.versions is not None and changed.versions != report.today
    )
    for (then, today), count in sorted(others.items(), key=str):
        if then is not None and today is not None:
            print(
                f"basalt: {count} that differ were decided by {_named(then)}; "
                f"this is {_named(today)}",
                file=sys.stderr,
            )


def _named(one: Versions) -> str:
    return f"release {one.release or 'unknown'} with time-zone data {one.tzdata}"


def _units(amount: MilliUnits | None) -> str:
    return "-" if amount is None else print_units(amount)


def _signed(amount: int) -> str:
    sign = "-" if amount < 0 else "+"
    return f"{sign}{print_units(MilliUnits(abs(amount)))}"
