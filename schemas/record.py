"""Messages about the record itself: faults in what was heard, and checkpoints."""

from typing import Literal

from schemas.message import Command, Event, Refusal, Report
from schemas.units import Milliseconds, UtcMillis

PROCESS_CHARS_MAX = 40
"""[-] of the name of a process."""

WHY_CHARS_MAX = 200
"""[-] of the last lines of its log."""


FaultName = Literal[
    "stream_replaced",
    "stream_behind",
    "bus_error",
    "clock_went_back",
    "journal_altered",
    "checkpoint_unwritable",
    "heard_by_others",
    "record_altered",
    "checkpoints_missing",
]
"""[-] what a process can meet in its own surroundings."""


class MessageQuarantined(Event, frozen=True, kw_only=True, tag="message_quarantined.v1"):
    """Something arrived that cannot be understood; published by the decider that heard it."""

    subject: str
    """[-] where it arrived."""
    reason: str
    """[-] what is wrong with it."""
    sha256: str
    """[-] hash (hex) of the bytes, which stand whole in the journal of the speaker."""
    first_bytes: str
    """[-] the first 64 bytes, printable ones as they are, the others as \\xNN."""


class CommandRefused(Refusal, frozen=True, kw_only=True, tag="command_refused.v1"):
    """A command that is not obeyed whatever it asks.

    Published by the decider that it was sent to.
    """

    command: str
    """[-] its id."""
    name: str
    """[-] its tag."""
    reason: Literal["expired", "not_for_me", "not_supported"]
    """[-] why."""
    actor: str
    """[-] who asked."""


class HistoryMissing(Event, frozen=True, kw_only=True, tag="history_missing.v1"):
    """Events of a speaker could not be had from anybody; that pump gets no bolus until settled."""

    speaker: str
    """[-] whose events."""
    first: int
    """[-] first version missing."""
    last: int
    """[-] last version missing."""


class SpeakerForked(Event, frozen=True, kw_only=True, tag="speaker_forked.v1"):
    """Two different events bear one number: that speaker is not heard any more for this pump."""

    speaker: str
    """[-] who contradicts itself."""
    version: int
    """[-] the number borne twice, or whose predecessor is another."""
    sha256: str
    """[-] hash (hex) of the event refused."""


class CheckpointMade(Event, frozen=True, kw_only=True, tag="checkpoint_made.v1"):
    """The record of a pump stood so; published by the historian."""

    events: int
    """[-] events in the record."""
    root: str
    """[-] Merkle root (hex) over the sorted (speaker, hash of its newest event)."""


class Tick(Report, frozen=True, kw_only=True, tag="tick.v1"):
    """The instant that the decider asked to be woken at has come."""


class Restarted(Report, frozen=True, kw_only=True, tag="restarted.v1"):
    """The process has started: what was begun without an end is unknown."""

    release: str
    """[-] version of Basalt."""
    tzdata: str
    """[-] version of the time-zone data."""
    unproven: Milliseconds = Milliseconds(0)
    """[ms] of therapy time that only a clock says has passed before this run; mostly 0."""
    unproven_since: UtcMillis = UtcMillis(0)
    """[ms] the last instant known before it."""


class Malformed(Report, frozen=True, kw_only=True, tag="malformed.v1"):
    """Bytes that cannot be decoded; the bytes themselves stand beside it in the journal."""

    subject: str
    """[-] where they arrived."""
    reason: str
    """[-] what is wrong with them."""
    sha256: str
    """[-] hash (hex) of the bytes."""
    first_bytes: str
    """[-] the first 64 bytes, printable ones as they are, the others as \\xNN."""


class CommandExpired(Report, frozen=True, kw_only=True, tag="command_expired.v1"):
    """A command was heard after its deadline, or is not one that this decider obeys."""

    command: str
    """[-] its id."""
    name: str
    """[-] its tag."""
    reason: Literal["expired", "not_for_me"]
    """[-] why it is not obeyed."""
    actor: str
    """[-] who asked."""


class HistoryLost(Report, frozen=True, kw_only=True, tag="history_lost.v1"):
    """Neither the speaker nor the historian could give the events in between."""

    speaker: str
    """[-] whose events."""
    first: int
    """[-] first version missing."""
    last: int
    """[-] last version missing."""


class ForkFound(Report, frozen=True, kw_only=True, tag="fork_found.v1"):
    """Two different events bear one number."""

    speaker: str
    """[-] who contradicts itself."""
    version: int
    """[-] the number."""
    sha256: str
    """[-] hash (hex) of the event refused."""


class RuntimeFault(Report, frozen=True, kw_only=True, tag="runtime_fault.v1"):
    """The process met a fault of its own surroundings that an operator must know."""

    fault: FaultName
    """[-] the kind."""
    detail: str
    """[-] in words."""


class SettleHistory(Command, frozen=True, kw_only=True, tag="settle_history.v1"):
    """A person has checked the pump: go on although events are missing; handled by any decider."""

    speaker: str
    """[-] whose history is given up."""


class HistorySettled(Event, frozen=True, kw_only=True, tag="history_settled.v1"):
    """Somebody took it upon themselves that events stay missing."""

    speaker: str
    """[-] whose history is given up."""
    actor: str
    """[-] who said so."""


class ClockChanged(Report, frozen=True, kw_only=True, tag="clock_changed.v1"):
    """Therapy time runs at another speed, or than when this service last ran."""

    speed: int
    """[-] 1 to 600."""
    therapy: UtcMillis
    """[ms] therapy time at the change."""


class SpeedChanged(Event, frozen=True, kw_only=True, tag="speed_changed.v1"):
    """Therapy time runs at another speed from now on; published by the historian."""

    speed: int
    """[-] 1 to 600."""
    therapy: UtcMillis
    """[ms] therapy time at the change."""


class ReportProcess(Command, frozen=True, kw_only=True, tag="report_process.v1"):
    """How a process of this system is; sent by whoever watches over it, handled by historian."""

    process: str
    """[-] 1 to 40 characters; its name, for instance 'actuator'."""
    state: Literal["up", "down", "silent"]
    """[-] down: it ends again and again, or cannot start; silent: it runs and does not answer."""
    why: str = ""
    """[-] the last lines of its log, 200 characters at most."""

    def __post_init__(self) -> None:
        """Check the lengths."""
        if not 1 <= len(self.process) <= PROCESS_CHARS_MAX:
            raise ValueError(f"process of {len(self.process)} characters")
        if len(self.why) > WHY_CHARS_MAX:
            raise ValueError(f"why of {len(self.why)} characters")


class ProcessReported(Event, frozen=True, kw_only=True, tag="process_reported.v1"):
    """A process of this system stands still, or goes on; published by historian."""

    process: str
    """[-] its name."""
    state: Literal["up", "down", "silent"]
    """[-] how it is from now on."""
    why: str
    """[-] the last lines of its log."""
    actor: str
    """[-] who watches over it."""


class ReportStorage(Command, frozen=True, kw_only=True, tag="report_storage.v1"):
    """How much room is left for the journals; sent by whoever watches it, handled by historian."""

    free_mib: int
    """[MiB] 0 or more, of the disk that holds the data folder."""

    def __post_init__(self) -> None:
        """Check the amount."""
        if self.free_mib < 0:
            raise ValueError(f"free_mib of {self.free_mib}")


class StorageReported(Event, frozen=True, kw_only=True, tag="storage_reported.v1"):
    """Room for the journals runs out, or there is enough again; published by historian."""

    free_mib: int
    """[MiB] left."""
    actor: str
    """[-] who watches it."""
