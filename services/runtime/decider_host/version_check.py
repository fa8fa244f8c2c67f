"""Which version of a speaker's events may come next, and what to do about any other."""

from collections.abc import Collection, Mapping
from enum import Enum

from schemas.message import Envelope
from schemas.units import Speaker
from services.runtime.ports import StreamHead

NOTHING_HEARD = StreamHead(0, "")
"""[-] the head of a speaker who was never heard."""


class SequenceCheck(Enum):
    """What is to be done with an event."""

    ACCEPT = "accept"
    DROP = "drop"
    FETCH = "fetch"
    FORK = "fork"


def classify(*, head: StreamHead, version: int, envelope: Envelope, sha256: str) -> SequenceCheck:
    """Compare an event's version and hashes with the head known of its speaker and pump.

    A head whose hash is unknown (its event was lost for good) lets any next event pass.
    """
    if version < head.version:
        return SequenceCheck.DROP
    if version == head.version:
        return SequenceCheck.DROP if head.sha256 in (sha256, "") else SequenceCheck.FORK
    if version > head.version + 1:
        return SequenceCheck.FETCH
    if head.version and not head.sha256:
        return SequenceCheck.ACCEPT
    return SequenceCheck.ACCEPT if envelope.previous == head.sha256 else SequenceCheck.FORK


def first_not_seen(
    envelope: Envelope,
    *,
    heads: Mapping[Speaker, StreamHead],
    given_up: Mapping[Speaker, int],
    of: Collection[Speaker],
) -> tuple[Speaker, int] | None:
    """Give a speaker, and its version, that an event's speaker had heard and the listener has not.

    What nobody could give (`given_up`) is not waited for any more.
    """
    for name, version in sorted(envelope.versions_seen.items()):
        speaker = Speaker(name)
        known = max(heads.get(speaker, NOTHING_HEARD).version, given_up.get(speaker, 0))
        if speaker in of and version > known:
            return speaker, version
    return None
