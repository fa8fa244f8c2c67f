"""The readings of the last day as they came, so that one that was wrong can be taken out again."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from core.dosing.advice.inputs import Reading
from core.dosing.glucose_history.snapshot import GlucoseSnapshot, fold_reading, reading_of
from core.models.glucose_quality import DOUBLED_MS, FUTURE_MS_MAX
from schemas.corrections import ReadingVoided, VoidingRefused, VoidReading
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured, ReadingRejected, RecordReading
from schemas.message import Now, parse_event_id
from schemas.units import HOUR_MS, EventId, Milliseconds, Speaker, UtcMillis

READINGS_MAX: Final = 300
"""[-] readings kept at least: a day of a sensor that reads every 5 min."""

NEWEST_MAX: Final = 32
"""[-] of them that are added to one by one; moved over together, so that a reading is cheap."""

VOIDED_MAX: Final = 100
"""[-] newest voided ones that are remembered, so that they do not come back."""

VOIDED_MS_MAX: Final = Milliseconds(24 * HOUR_MS)
"""[ms] after its measurement that a reading can be voided; project's own choice: later, nothing
but statistics would change. Of a sensor that reads each minute 5 h are kept."""


class Kept(NamedTuple):
    """A reading as it came."""

    id: EventId
    """[-] its event."""
    reading: Reading
    """[-] the event."""
    arrived_at: UtcMillis
    """[ms] therapy time of its arrival."""


class RetainedReadings(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The newest readings, in order of arrival."""

    newest: tuple[Kept, ...] = ()
    """[-] those that came last."""
    before: tuple[Kept, ...] = ()
    """[-] those that came before them."""
    voided: tuple[Kept, ...] = ()
    """[-] those that were wrong, in the order in which that was said."""

    @property
    def counting(self) -> tuple[Kept, ...]:
        """Give all that count, in order of arrival."""
        return (*self.before, *self.newest)


def keep(kept: RetainedReadings, name: str, reading: Reading, *, at: UtcMillis) -> RetainedReadings:
    """Add a reading that arrived at an instant [ms]."""
    newest = (*kept.newest, Kept(EventId(name), reading, at))
    if len(newest) < NEWEST_MAX:
        return RetainedReadings(newest=newest, before=kept.before, voided=kept.voided)
    before = (*kept.before, *newest)[-READINGS_MAX:]
    return RetainedReadings(before=before, voided=kept.voided)


def take_out(kept: RetainedReadings, name: EventId) -> RetainedReadings:
    """Move a reading to those that were wrong; one that is not kept changes nothing."""
    gone = tuple(one for one in kept.counting if one.id == name)
    return RetainedReadings(
        newest=tuple(one for one in kept.newest if one.id != name),
        before=tuple(one for one in kept.before if one.id != name),
        voided=(*kept.voided, *gone)[-VOIDED_MAX:],
    )


def void(
    kept: RetainedReadings, asked: VoidReading, *, actor: str, speaker: Speaker, now: Now
) -> ReadingVoided | VoidingRefused:
    """Say that a reading counts no more, or why it stays.

    Args:
        kept: the readings.
        asked: which.
        actor: who asks.
        speaker: who says readings.
        now: the instant.
    """
    found = next((one for one in kept.counting if one.id == asked.reading), None)
    if found is None:
        return _not_kept(kept, asked.reading, speaker=speaker)
    reading = found.reading
    if reading.measured_at < now.therapy - VOIDED_MS_MAX:
        return VoidingRefused(reading=asked.reading, reason="too_old")
    return ReadingVoided(
        reading=asked.reading,
        measured_at=reading.measured_at,
        source=reading.source,
        received=reading.received,
        actor=actor,
        because=asked.because,
    )


def comes_again(kept: RetainedReadings, asked: RecordReading) -> bool:
    """Say whether a reading that was voided comes again, of a sensor by another path as well."""
    return any(_is_same(asked, one.reading) for one in kept.voided)


def _is_same(asked: RecordReading, voided: Reading) -> bool:
    if (asked.source, asked.received) != (voided.source, voided.received):
        return False
    if asked.source == "sensor":
        return abs(asked.measured_at - voided.measured_at) <= DOUBLED_MS
    return (asked.measured_at, asked.device) == (voided.measured_at, device_of(voided))


def device_of(reading: Reading) -> str:
    """Give the device of a reading as it names itself; a rejected one has none."""
    return "" if isinstance(reading, ReadingRejected) else reading.device


def arrival_of(kept: RetainedReadings, name: EventId) -> UtcMillis:
    """Give when a reading that is kept arrived [ms]."""
    return next(one.arrived_at for one in kept.counting if one.id == name)


def _not_kept(kept: RetainedReadings, name: EventId, *, speaker: Speaker) -> VoidingRefused:
    if any(one.id == name for one in kept.voided):
        return VoidingRefused(reading=name, reason="already_voided")
    oldest = min((parse_event_id(one.id) for one in kept.counting), default=None)
    try:
        named = parse_event_id(name)
    except ValueError:
        named = None
    is_before = (
        named is not None
        and oldest is not None
        and named[:2] == oldest[:2] == (speaker, oldest[1])
        and named[2] < oldest[2]
    )
    return VoidingRefused(reading=name[:64], reason="too_old" if is_before else "no_such_reading")


def snapshot_without(
    snapshot: GlucoseSnapshot, kept: RetainedReadings, name: EventId
) -> GlucoseSnapshot:
    """Give the snapshot as if a reading had never come; one that is not kept changes nothing.

    Args:
        snapshot: of all readings.
        kept: the readings, this one among them.
        name: its event.
    """
    gone = next((one.reading for one in kept.counting if one.id == name), None)
    if gone is None or isinstance(gone, ReadingRejected):
        return snapshot
    measured = list(snapshot.measured)
    if gone.source == "meter" and gone.measured_at in measured:
        measured.remove(gone.measured_at)
    found = msgspec.structs.replace(
        snapshot,
        latest=None,
        points=(),
        still=None,
        device="",
        sensor_at=None,
        low_since=None,
        not_high_at=None,
        ahead=(),
        watched=msgspec.structs.replace(snapshot.watched, points=()),
    )
    for one in kept.counting:
        if one.id != name and not isinstance(one.reading, ReadingRejected):
            found = fold_reading(found, reading_of(one.reading, now=one.arrived_at))
    return msgspec.structs.replace(found, measured=tuple(measured))


def newest_of(kept: Iterable[Kept]) -> Kept | None:
    """Give the reading that an advice stands on, of all in order of arrival."""
    best: Kept | None = None
    for one in kept:
        if best is None or not outranks(best.reading, one.reading):
            best = one
    return best


def latest_of(kept: Iterable[Kept]) -> GlucoseMeasured | GlucoseBeyondRange | None:
    """Give the reading with the latest time of measurement, of two the one that came first."""
    best: GlucoseMeasured | GlucoseBeyondRange | None = None
    for one in kept:
        if isinstance(one.reading, ReadingRejected):
            continue
        if best is None or one.reading.measured_at > best.measured_at:
            best = one.reading
    return best


def outranks(known: Reading, reading: Reading) -> bool:
    """Say whether a drop of blood, up to 5 min older than the sensor, or the newer one is known."""
    later = reading.measured_at - known.measured_at
    if known.source == "meter" and reading.source == "sensor":
        return later <= FUTURE_MS_MAX
    if known.source == "sensor" and reading.source == "meter":
        return later < -FUTURE_MS_MAX
    return later < 0
