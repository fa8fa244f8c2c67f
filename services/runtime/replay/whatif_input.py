"""What a fork needs of a pump's history, read from the journals of scheduler and advisor."""

from collections.abc import Iterator
from functools import partial

from core.whatif.shapes import DecisionRecord, Forked, Other
from core.whatif.simulation import fork
from schemas.basal.profiles import BasalProfileSet, BasalZoneSet, ZoneLookupRequested, ZoneResolved
from schemas.bolus.settings import BolusSettingsSet
from schemas.message import name_of
from schemas.units import PumpId, UtcMillis
from services.runtime.journal.entries import ReadEntry, read_row
from services.runtime.platform.zone_lookup import resolved
from services.runtime.platform.zones import local_time
from services.runtime.ports import Store
from services.runtime.replay.lookup import events_of


def decision_records(store: Store, *, pump: PumpId) -> Iterator[DecisionRecord]:
    """Stream the turns of a pump in a service's own journal, in its order.

    What was taken over from others without deciding is a turn of its own, with nothing heard.
    """
    heard: ReadEntry | None = None
    said: list[ReadEntry] = []
    for _, row in store.rows(pump=pump):
        read = read_row(row)
        if not read.is_input and read.head.entry and heard is not None:
            said.append(read)
            continue
        yield from _decision(heard, said)
        heard, said = (read, []) if read.is_input else (None, [])
        if not read.is_input:
            yield DecisionRecord(now=read.now, said=(read.entry,))
    yield from _decision(heard, said)


def _decision(heard: ReadEntry | None, said: list[ReadEntry]) -> Iterator[DecisionRecord]:
    if heard is not None:
        entries = tuple(one.entry for one in said)
        yield DecisionRecord(input=heard.entry, now=heard.now, said=entries)


_WALLS = (BolusSettingsSet, BasalProfileSet, BasalZoneSet)


def what_if(
    *,
    scheduler: Store,
    advisor: Store,
    pump: PumpId,
    since: UtcMillis,
    until: UtcMillis | None,
    other: Other,
    zone: str,
) -> Forked:
    """Let scheduler and advisor decide anew from an instant on, under other settings.

    Args:
        scheduler: the journal of basal_scheduler.
        advisor: the journal of bolus_advisor.
        pump: whose history.
        since: [ms] therapy time of the fork.
        until: [ms] end of what is compared; none for the end of the record.
        other: the settings that hold instead of those recorded.
        zone: IANA name of the wall clock whose days are added up.

    Raises:
        ForkRefused: the record does not reach there, or a setting is refused.
        ZoneError: there is no such zone.
    """
    return fork(
        scheduler=decision_records(scheduler, pump=pump),
        advisor=decision_records(advisor, pump=pump),
        pump=pump,
        since=since,
        until=until,
        other=other,
        zone_of=_zone_of,
        day_of=partial(_day_of, zone=zone),
    )


def wall_zone(advisor: Store, *, pump: PumpId) -> str | None:
    """Name the zone whose clock the pump's settings last ran by; None before there were any."""
    zone: str | None = None
    for known in events_of(advisor, pump=pump, kinds={name_of(kind) for kind in _WALLS}):
        if isinstance(known.body, _WALLS):
            zone = known.body.zone
    return zone


def _zone_of(lookup: ZoneLookupRequested) -> ZoneResolved:
    return resolved(lookup.zone, since=lookup.since)


def _day_of(at: UtcMillis, *, zone: str) -> str:
    return local_time(at, zone=zone).date().isoformat()
