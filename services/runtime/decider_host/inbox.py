"""From a message of the stream to what enters `decide`: admitted, or turned into a report."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.kernel.decider import is_past
from schemas.message import CommandEnvelope, Envelope, Now, parse_event_id, tag_of
from schemas.record import CommandExpired, ForkFound, Malformed
from schemas.units import CommandId, PumpId, Speaker
from schemas.wire import codec
from schemas.wire.headers import EVENT_ID_HEADER, SHA256_HEADER
from schemas.wire.subjects import REPLY_HEADER, SubjectParts, is_reply_inbox, parse_subject
from services.runtime.decider_host.inbox_results import (
    Accepted,
    Duplicate,
    Gap,
    Ignored,
    InboxResult,
    Observed,
    Quarantined,
)
from services.runtime.decider_host.version_check import (
    NOTHING_HEARD,
    SequenceCheck,
    classify,
    first_not_seen,
)
from services.runtime.journal.entries import command_entry, event_entry, kept_name
from services.runtime.platform.errors import RestoredFromOldCopy
from services.runtime.ports import Arrived, StreamHead

FIRST_BYTES_MAX = 64
"""[bytes] of a malformed message shown in its report."""

CHANGED = "the bytes changed on the way"
"""[-] why a message is set aside whose hash is not the one that was sent with it."""

NOTHING_GIVEN_UP: Final[Mapping[Speaker, int]] = MappingProxyType({})
"""[-] all that was heard by others can be waited for."""

UNKNOWN_PUMP = PumpId("unknown")
"""[-] the journal of messages that name no pump."""


@dataclass(frozen=True, slots=True)
class InboxPolicy:
    """Who listens, and what is known so far."""

    name: Speaker
    subscribes_to: tuple[Speaker, ...]
    handles: frozenset[str]
    outcome: Callable[[PumpId, CommandId], bytes | None]
    keeps: frozenset[Speaker] = frozenset()
    """[-] to whom commands are kept as well."""
    is_answered: Callable[[PumpId, CommandId], bool] = lambda _, __: False


def accept(
    arrived: Arrived,
    *,
    policy: InboxPolicy,
    heads: Mapping[Speaker, StreamHead],
    blocked_producers: Set[Speaker],
    now: Now,
    given_up: Mapping[Speaker, int] = NOTHING_GIVEN_UP,
) -> InboxResult:
    """Turn one message into what is to be done with it; `heads` are those of its pump.

    A speaker that contradicted itself (`deaf_to`) is not heard any more for this pump. Who keeps
    the record hears an event after all that its speaker had heard, unless nobody could give that
    (`given_up`).
    """
    try:
        parts = parse_subject(arrived.subject)
    except ValueError as error:
        return malformed(arrived, UNKNOWN_PUMP, str(error))
    sha256 = codec.sha256_hex(arrived.data)
    if parts.kind == "command" and parts.service in policy.keeps:
        return _observe(arrived, sha256, parts, policy, now)
    if _is_damaged(arrived, sha256):
        return _damaged(arrived, parts, policy, heads)
    if parts.kind == "command":
        return _accept_command(arrived, parts, policy, now)
    if parts.service in blocked_producers:
        return Ignored()
    return _accept_event(
        arrived,
        sha256,
        parts,
        policy,
        heads,
        waits_for=policy.keeps - blocked_producers,
        given_up=given_up,
    )


def _is_damaged(arrived: Arrived, sha256: str) -> bool:
    """Say whether the bytes are other ones than were sent; who gives no hash is taken at a word."""
    return arrived.headers.get(SHA256_HEADER) not in (None, "", sha256)


def _damaged(
    arrived: Arrived, parts: SubjectParts, policy: InboxPolicy, heads: Mapping[Speaker, StreamHead]
) -> InboxResult:
    """Bytes that changed on the way: an event is fetched from its speaker, a command is not obeyed.

    Were it heard, its speaker would seem to contradict itself from the next event on.
    """
    name = arrived.headers.get(EVENT_ID_HEADER, "")
    try:
        speaker, pump, version = parse_event_id(name)
    except ValueError:
        return malformed(arrived, parts.pump, CHANGED)
    is_ours = (speaker, pump) == (parts.service, parts.pump) and speaker in policy.subscribes_to
    if not is_ours or _names_another(arrived.data, name):
        return malformed(arrived, parts.pump, CHANGED)
    known = heads.get(speaker, NOTHING_HEARD).version
    return Ignored() if version <= known else Gap(pump, speaker, known + 1, version)


def _names_another(data: bytes, name: str) -> bool:
    """Say whether the bytes can be read and name another event than the header does."""
    try:
        return codec.decode_envelope(data).id != name
    except codec.DECODE_ERRORS:
        return False


def pump_of(arrived: Arrived) -> PumpId:
    """Name the pump that a message is about."""
    try:
        return parse_subject(arrived.subject).pump
    except ValueError:
        return UNKNOWN_PUMP


def malformed(
    arrived: Arrived,
    pump: PumpId,
    reason: str,
    *,
    head: tuple[Speaker, StreamHead] | None = None,
    command: CommandId | None = None,
    reply: str = "",
) -> Quarantined:
    """Report bytes that cannot be understood."""
    first = arrived.data[:FIRST_BYTES_MAX]
    report = Malformed(
        subject=arrived.subject,
        reason=reason[:500],
        sha256=codec.sha256_hex(arrived.data),
        first_bytes="".join(chr(b) if 32 <= b < 127 else f"\\x{b:02x}" for b in first),
    )
    return Quarantined(pump, report, arrived.data, head, command, reply)


def _accept_event(
    arrived: Arrived,
    sha256: str,
    parts: SubjectParts,
    policy: InboxPolicy,
    heads: Mapping[Speaker, StreamHead],
    *,
    waits_for: Set[Speaker],
    given_up: Mapping[Speaker, int],
) -> InboxResult:
    try:
        envelope = codec.decode_envelope(arrived.data)
        speaker, pump, version = parse_event_id(envelope.id)
        if (speaker, pump) != (parts.service, parts.pump) or speaker not in policy.subscribes_to:
            raise ValueError(f"event {envelope.id!r} does not belong on this subject")
    except codec.DECODE_ERRORS as error:
        return malformed(arrived, parts.pump, str(error))
    own = heads.get(policy.name, NOTHING_HEARD).version
    if envelope.versions_seen.get(policy.name, 0) > own:
        raise RestoredFromOldCopy(pump, own, envelope.versions_seen[policy.name])
    head = heads.get(speaker, NOTHING_HEARD)
    match classify(head=head, version=version, envelope=envelope, sha256=sha256):
        case SequenceCheck.DROP:
            return Ignored()
        case SequenceCheck.FETCH:
            first, last = head.version + 1, version - 1
            return Gap(pump, speaker, first, last, envelope.recorded_at)
        case SequenceCheck.FORK:
            fork = ForkFound(speaker=speaker, version=version, sha256=sha256)
            return Quarantined(pump, fork, arrived.data)
        case SequenceCheck.ACCEPT:
            lack = first_not_seen(envelope, heads=heads, given_up=given_up, of=waits_for)
            if lack is not None:
                first = heads.get(lack[0], NOTHING_HEARD).version + 1
                return Gap(pump, lack[0], first, lack[1], envelope.recorded_at, was_heard=True)
            return _accepted(arrived, envelope, pump, (speaker, StreamHead(version, sha256)))


def _accepted(
    arrived: Arrived, envelope: Envelope, pump: PumpId, head: tuple[Speaker, StreamHead]
) -> InboxResult:
    try:
        entry = event_entry(envelope, head[1].sha256)
    except codec.DECODE_ERRORS as error:
        return malformed(arrived, pump, str(error), head=head)
    return Accepted(pump, entry, arrived.subject, arrived.data, head)


def _accept_command(
    arrived: Arrived, parts: SubjectParts, policy: InboxPolicy, now: Now
) -> InboxResult:
    pump, reply = parts.pump, arrived.headers.get(REPLY_HEADER, "")
    if reply and not is_reply_inbox(reply):
        return malformed(arrived, pump, f"reply inbox {reply[:80]!r} is not one")
    try:
        envelope = _command_in(arrived.data)
    except codec.DECODE_ERRORS as error:
        return malformed(arrived, pump, str(error))
    stored = policy.outcome(pump, envelope.id)
    if stored is not None:
        return Duplicate(stored, reply)
    try:
        entry = command_entry(envelope.id, envelope.actor, now.therapy, envelope.command)
    except codec.DECODE_ERRORS as error:
        return malformed(arrived, pump, str(error), command=envelope.id, reply=reply)
    refusal = _refusal(envelope, tag_of(type(entry.body)), parts, policy, now)
    if refusal is not None:
        return Quarantined(pump, refusal, arrived.data, None, envelope.id, reply)
    return Accepted(pump, entry, arrived.subject, arrived.data, None, envelope.id, reply)


def _command_in(data: bytes) -> CommandEnvelope:
    envelope = codec.decode_command_envelope(data)
    if not 1 <= len(envelope.id) <= 64 or not envelope.id.isprintable():
        raise ValueError("a command's id has 1 to 64 printable characters")
    return envelope


def _observe(
    arrived: Arrived, sha256: str, parts: SubjectParts, policy: InboxPolicy, now: Now
) -> InboxResult:
    """Keep a command to somebody else once; what cannot be read its own service sets aside."""
    if _is_damaged(arrived, sha256):
        return Ignored()
    try:
        envelope = _command_in(arrived.data)
        entry = command_entry(envelope.id, envelope.actor, now.therapy, envelope.command)
    except codec.DECODE_ERRORS:
        return Ignored()
    name = kept_name(parts.service, envelope.id)
    if policy.is_answered(parts.pump, name):
        return Ignored()
    return Observed(parts.pump, entry, arrived.subject, arrived.data, name)


def _refusal(
    envelope: CommandEnvelope, tag: str, parts: SubjectParts, policy: InboxPolicy, now: Now
) -> CommandExpired | None:
    mine = parts.service == policy.name and tag in policy.handles
    if mine and not is_past(envelope.expires, now=now):
        return None
    return CommandExpired(
        command=envelope.id,
        name=tag,
        reason="expired" if mine else "not_for_me",
        actor=envelope.actor,
    )
