"""What every decider does alike: quarantine, refused commands, holes, forks, alarms."""

from typing import Final

import msgspec

from core.kernel.alarms import (
    Alarms,
    Condition,
    acknowledge,
    clear_alarm,
    fold_alarm,
    raise_alarm,
)
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.alarms import (
    AcknowledgeAlarm,
    AcknowledgementRefused,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmRepeated,
)
from schemas.message import Command, Event
from schemas.record import (
    CommandExpired,
    CommandRefused,
    ForkFound,
    HistoryLost,
    HistoryMissing,
    HistorySettled,
    Malformed,
    MessageQuarantined,
    RuntimeFault,
    SettleHistory,
    SpeakerForked,
)
from schemas.units import Speaker

COMMON_EVENTS: Final[tuple[type[Event], ...]] = (
    MessageQuarantined,
    CommandRefused,
    HistoryMissing,
    HistorySettled,
    SpeakerForked,
    AlarmRaised,
    AlarmCleared,
    AlarmAcknowledged,
    AcknowledgementRefused,
)
"""[-] what every decider may say."""

COMMON_COMMANDS: Final[tuple[type[Command], ...]] = (AcknowledgeAlarm, SettleHistory)
"""[-] what every decider obeys."""

QUARANTINE = Condition(
    "message_quarantined",
    "minor",
    "delayed",
    "as_before",
    "operator",
    "A message could not be understood and was set aside; delivery goes on.",
)


class Common(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The part of every decider's state that concerns the record and the alarms."""

    alarms: Alarms = ()
    """[-] active alarms, in the order in which they were raised."""
    missing_from: tuple[Speaker, ...] = ()
    """[-] speakers with a hole in their events, sorted."""
    forked: tuple[Speaker, ...] = ()
    """[-] speakers that contradicted themselves, sorted."""

    @property
    def is_record_whole(self) -> bool:
        """Say whether nothing that was said is unknown."""
        return not self.missing_from and not self.forked


def decide_common(common: Common, entry: Entry) -> tuple[Event, ...] | None:
    """Decide what every decider decides alike; None where the decider itself must think."""
    match entry.body:
        case Malformed() as report:
            quarantined = MessageQuarantined(
                subject=report.subject,
                reason=report.reason,
                sha256=report.sha256,
                first_bytes=report.first_bytes,
            )
            return (quarantined, *raise_alarm(common.alarms, QUARANTINE))
        case CommandExpired() as report:
            return (
                CommandRefused(
                    command=report.command,
                    name=report.name,
                    reason=report.reason,
                    actor=report.actor,
                ),
            )
        case HistoryLost() as report:
            missing = HistoryMissing(speaker=report.speaker, first=report.first, last=report.last)
            return (missing, *raise_alarm(common.alarms, history_missing(report.speaker)))
        case ForkFound() as report:
            forked = SpeakerForked(
                speaker=report.speaker, version=report.version, sha256=report.sha256
            )
            return (forked, *raise_alarm(common.alarms, speaker_forked(report.speaker)))
        case RuntimeFault() as report:
            return raise_alarm(common.alarms, runtime_fault(report))
        case AcknowledgeAlarm() as command:
            return acknowledge(common.alarms, command, actor=str(entry.actor))
        case SettleHistory(speaker=speaker):
            return _settle(common, entry, speaker)
        case _:
            return None


def evolve_common(common: Common, entry: Entry, *, me: Speaker) -> Common:
    """Fold what every decider folds alike, of its own events only."""
    return COMMON_HANDLERS(common, entry) if entry.speaker == me else common


COMMON_HANDLERS: Final = EventHandlers[Common]()
"""[-] what each event about alarms and the record does; of a decider's own events only."""


@COMMON_HANDLERS.register
def _miss(common: Common, missing: HistoryMissing, entry: Entry) -> Common:
    del entry
    names = _with(common.missing_from, missing.speaker)
    return msgspec.structs.replace(common, missing_from=names)


@COMMON_HANDLERS.register
def _take_settled(common: Common, settled: HistorySettled, entry: Entry) -> Common:
    del entry
    left = tuple(other for other in common.missing_from if other != settled.speaker)
    return msgspec.structs.replace(common, missing_from=left)


@COMMON_HANDLERS.register
def _distrust(common: Common, forked: SpeakerForked, entry: Entry) -> Common:
    del entry
    return msgspec.structs.replace(common, forked=_with(common.forked, forked.speaker))


@COMMON_HANDLERS.register
def _sound(
    common: Common,
    said: AlarmRaised | AlarmRepeated | AlarmCleared | AlarmAcknowledged,
    entry: Entry,
) -> Common:
    del said
    return msgspec.structs.replace(common, alarms=fold_alarm(common.alarms, entry))


def _with(names: tuple[Speaker, ...], name: str) -> tuple[Speaker, ...]:
    return tuple(sorted({*names, Speaker(name)}))


def history_missing(speaker: str) -> Condition:
    """Give the alarm of events of a service that nobody has."""
    text = f"Events of {speaker} are missing and nobody has them; no bolus until settled."
    return _no_bolus(f"history_missing_{speaker}", text)


def speaker_forked(speaker: str) -> Condition:
    """Give the alarm of a service that contradicts itself."""
    text = f"{speaker} contradicts its own record and is not heard any more; no bolus."
    return _no_bolus(f"speaker_forked_{speaker}", text)


def _no_bolus(alarm: str, text: str) -> Condition:
    return Condition(alarm, "irreversible", "prompt", "programmed_basal", "operator", text)


CLOCK_WENT_BACK: Final = "runtime_clock_went_back"
"""[-] the alarm about time that was seen to go back: ages are not what they seem (R87)."""


def runtime_fault(report: RuntimeFault) -> Condition:
    """Give the alarm of what a process found wrong around itself."""
    text = f"{report.fault.replace('_', ' ')}: {report.detail}"
    return Condition(
        f"runtime_{report.fault}", "reversible", "prompt", "as_before", "operator", text[:300]
    )


def _settle(common: Common, entry: Entry, speaker: str) -> tuple[Event, ...]:
    if Speaker(speaker) not in common.missing_from:
        return (
            CommandRefused(
                command=entry.id,
                name="settle_history.v1",
                reason="not_supported",
                actor=str(entry.actor),
            ),
        )
    settled = HistorySettled(speaker=speaker, actor=str(entry.actor))
    return (settled, *clear_alarm(common.alarms, f"history_missing_{speaker}"))
