"""A fake system's history forked, for the tests of what if."""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from core.whatif.shapes import Forked, Other, Row
from schemas.basal.profiles import ProfileSegment, SetBasalProfile
from schemas.bolus.advice import AcceptAdvice, RequestAdvice
from schemas.message import Outcome
from schemas.units import EventId, Grams, MilliUnitsPerHour, Speaker, UtcMillis
from services.command_line.record.whatif.chart import draw
from services.runtime.platform.zones import local_time
from services.runtime.replay.whatif_input import wall_zone, what_if
from support.simulated.fake_system import PUMP, FakeSystem

ZONE = "Europe/Berlin"


def profile(*rates: tuple[int, int], name: str = "other", zone: str = ZONE) -> SetBasalProfile:
    """Make a profile of (minute, mU/h)."""
    return SetBasalProfile(
        name=name,
        zone=zone,
        segments=tuple(
            ProfileSegment(start_minute=start, rate=MilliUnitsPerHour(rate))
            for start, rate in rates
        ),
    )


def forked(
    system: FakeSystem, since: UtcMillis, *, until: UtcMillis | None = None, **other: Any
) -> Forked:
    """Fork what a system has lived through."""
    advisor = system.stores[Speaker("bolus_advisor")]
    return what_if(
        scheduler=system.stores[Speaker("basal_scheduler")],
        advisor=advisor,
        pump=PUMP,
        since=since,
        until=until,
        other=Other(**other),
        zone=wall_zone(advisor, pump=PUMP) or "UTC",
    )


def eat(system: FakeSystem, grams: int, *, glucose: str = "", **accept: Any) -> Outcome:
    """Measure, ask for an advice, and take it."""
    if glucose:
        system.glucose(glucose)
    advised = system.ask(RequestAdvice(carbs=Grams(grams)), to="bolus_advisor")
    assert advised.accepted, advised
    accepted = AcceptAdvice(advice=EventId(advised.events[0]), confirmed=True)
    return system.ask(msgspec.structs.replace(accepted, **accept), to="bolus_advisor")


def of_kind(found: Forked, kind: str) -> list[Row]:
    """Give the rows of a kind, by time."""
    return [row for row in found.rows if row.kind == kind]


def amounts(found: Forked, kind: str = "order") -> list[tuple[int | None, int | None]]:
    """Give what was recorded and what would have been, row by row [mU]."""
    return [(row.recorded.amount, row.forked.amount) for row in of_kind(found, kind)]


def drawn(found: Forked, *, zone: str = ZONE) -> str:
    """Draw a fork by the clock of a zone."""
    local: Any = partial(local_time, zone=zone)
    assert isinstance(local(found.since), datetime)
    return draw(found, local=local, zone=zone, title="what if")
