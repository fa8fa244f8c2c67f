"""The record: the historian hears everybody, and says how the record of a pump stands."""

from collections.abc import Mapping
from typing import Final

import msgspec

from core.deciders.names import SUBSCRIPTIONS
from core.kernel.alarm_catalogue import process_down
from core.kernel.alarms import ActiveAlarm, Condition, clear_alarm, raise_alarm
from core.kernel.decider import Decider, Effect, Entry
from core.kernel.effects import WriteCheckpoint
from core.kernel.event_handlers import EventHandlers
from core.kernel.shared_decisions import (
    COMMON_COMMANDS,
    COMMON_EVENTS,
    Common,
    decide_common,
    evolve_common,
)
from core.record.merkle_tree import leaf_hash, root_of
from schemas.message import Event, Now
from schemas.record import (
    CheckpointMade,
    ClockChanged,
    ProcessReported,
    ReportProcess,
    ReportStorage,
    SpeedChanged,
    StorageReported,
)
from schemas.units import HOUR_MS, PumpId, Speaker, UtcMillis

HISTORIAN: Final = Speaker("historian")

STORAGE_LOW_MIB: Final = 512
"""[MiB] below it room for the journals is low; they need some 10 in a week."""

STORAGE_ENOUGH_MIB: Final = 768
"""[MiB] from it on there is room enough again: no alarm that comes and goes."""

STORAGE_LOW: Final = Condition(
    "storage_low",
    "reversible",
    "prompt",
    "programmed_basal",
    "operator",
    "The disk of the record is nearly full. Make room: without any, no bolus is given.",
)

CHECKPOINT_MS = HOUR_MS
"""[ms] therapy time between checkpoints while anything happens; project's own choice."""


class RecordState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the historian knows of the record of one pump."""

    common: Common = Common()
    """[-] alarms and faults."""
    heads: dict[Speaker, str] = {}
    """[-] hash of each speaker's newest event, the historian's own left out."""
    events: int = 0
    """[-] events of others in the record."""
    checkpoint_events: int = 0
    """[-] events at the last checkpoint."""
    next_checkpoint_at: UtcMillis | None = None
    """[ms] when one is due; none while nothing has happened since the last."""
    speed: int | None = None
    """[-] of the clock, when last told."""


class RecordView(msgspec.Struct, frozen=True, kw_only=True):
    """The record as a person sees it."""

    events: int
    """[-] events of others in the record."""
    root: str
    """[-] Merkle root (hex) over the sorted heads."""
    alarms: tuple[ActiveAlarm, ...]
    """[-] active, oldest first."""


def record_root(heads: Mapping[Speaker, str]) -> str:
    """Hash a record: the Merkle root (RFC 6962) over the sorted (speaker, head), as hex.

    The order of arrival does not enter.
    """
    leaves = [leaf_hash(f"{speaker} {heads[speaker]}".encode()) for speaker in sorted(heads)]
    return root_of(leaves).hex()


def _initial(pump: PumpId) -> RecordState:
    del pump
    return RecordState()


def _decide(state: RecordState, entry: Entry, now: Now) -> tuple[Event, ...]:
    shared = decide_common(state.common, entry)
    if shared is not None:
        return shared
    if isinstance(entry.body, ClockChanged):
        if entry.body.speed == state.speed:
            return ()
        return (SpeedChanged(speed=entry.body.speed, therapy=entry.body.therapy),)
    if isinstance(entry.body, ReportProcess):
        return _report_process(state, entry.body, actor=str(entry.actor))
    if isinstance(entry.body, ReportStorage):
        return _report_storage(state, entry.body, actor=str(entry.actor))
    due = state.next_checkpoint_at
    if due is None or now.therapy < due:
        return ()
    return (CheckpointMade(events=state.events, root=record_root(state.heads)),)


def _report_process(state: RecordState, report: ReportProcess, *, actor: str) -> tuple[Event, ...]:
    """Keep how a process is; one that stands still is an alarm until it goes on."""
    reported = ProcessReported(
        process=report.process, state=report.state, why=report.why, actor=actor
    )
    condition = process_down(report.process, why=report.why)
    if report.state == "up":
        return (reported, *clear_alarm(state.common.alarms, condition.alarm))
    return (reported, *raise_alarm(state.common.alarms, condition))


def _report_storage(state: RecordState, report: ReportStorage, *, actor: str) -> tuple[Event, ...]:
    """Keep how much room is left; little is an alarm while there is still some (R50)."""
    reported = StorageReported(free_mib=report.free_mib, actor=actor)
    if report.free_mib < STORAGE_LOW_MIB:
        return (reported, *raise_alarm(state.common.alarms, STORAGE_LOW))
    if report.free_mib < STORAGE_ENOUGH_MIB:
        return (reported,)
    return (reported, *clear_alarm(state.common.alarms, STORAGE_LOW.alarm))


def _evolve(state: RecordState, entry: Entry) -> RecordState:
    if entry.speaker != HISTORIAN:
        return _count(state, entry) if isinstance(entry.body, Event) else state
    common = evolve_common(state.common, entry, me=HISTORIAN)
    if common is not state.common:
        return msgspec.structs.replace(state, common=common)
    return _fold(state, entry)


def _count(state: RecordState, entry: Entry) -> RecordState:
    due = state.next_checkpoint_at
    return msgspec.structs.replace(
        state,
        heads={**state.heads, Speaker(str(entry.speaker)): entry.sha256},
        events=state.events + 1,
        next_checkpoint_at=due or UtcMillis(entry.at + CHECKPOINT_MS),
    )


_fold: Final = EventHandlers[RecordState]()


@_fold.register
def _take_checkpoint(state: RecordState, made: CheckpointMade, entry: Entry) -> RecordState:
    del made, entry
    return msgspec.structs.replace(state, checkpoint_events=state.events, next_checkpoint_at=None)


@_fold.register
def _take_speed(state: RecordState, changed: SpeedChanged, entry: Entry) -> RecordState:
    del entry
    return msgspec.structs.replace(state, speed=changed.speed)


def _effects(said: Entry) -> tuple[Effect, ...]:
    return (WriteCheckpoint(),) if isinstance(said.body, CheckpointMade) else ()


def _wake_at(state: RecordState) -> UtcMillis | None:
    return state.next_checkpoint_at


def _view(state: RecordState, now: Now) -> RecordView:
    del now
    return RecordView(
        events=state.events, root=record_root(state.heads), alarms=state.common.alarms
    )


class RecordDecider(Decider[RecordState]):
    """The thinking of the service historian."""

    name = HISTORIAN
    subscribes_to = SUBSCRIPTIONS[name]
    keeps_commands = True
    emits = (*COMMON_EVENTS, CheckpointMade, SpeedChanged, ProcessReported, StorageReported)
    handles = (*COMMON_COMMANDS, ReportProcess, ReportStorage)

    def initial(self, pump: PumpId) -> RecordState:
        """Know nothing yet."""
        return _initial(pump)

    def decide(self, state: RecordState, entry: Entry, now: Now) -> tuple[Event, ...]:
        """Say what follows from a message."""
        return _decide(state, entry, now)

    def evolve(self, state: RecordState, entry: Entry) -> RecordState:
        """Fold an entry."""
        return _evolve(state, entry)

    def wake_at(self, state: RecordState) -> UtcMillis | None:
        """Give when time alone has something to do [ms]."""
        return _wake_at(state)

    def effects(self, entry: Entry) -> tuple[Effect, ...]:
        """Name what must happen in the world."""
        return _effects(entry)

    def view(self, state: RecordState, now: Now) -> RecordView:
        """Show the state to a person."""
        return _view(state, now)


RECORD_DECIDER: Final = RecordDecider()
"""[-] the thinking of the service historian."""
