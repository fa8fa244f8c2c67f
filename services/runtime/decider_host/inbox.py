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
    Dropped,
    Heard,
    Hearing,
    Instead,
    Missing,
    Overheard,
    Repeated,
)
from services.runtime.decider_host.version_check import (
    NOTHING_HEARD,
    Admission,
    admit,
    not_heard_yet,
)
from services.runtime.journal.entries import command_entry, event_entry, kept_name
from services.runtime.platform.errors import RestoredFromOldCopy
from services.runtime.ports import Arrived, Head

FIRST_BYTES_MAX = 64
"""[bytes] of a malformed message shown in its report."""

CHANGED = "the bytes changed on the way"
"""[-] why a message is set aside whose hash is not the one that was sent with it."""

NOTHING_GIVEN_UP: Final[Mapping[Speaker, int]] = MappingProxyType({})
"""[-] all that was heard by others can be waited for."""

UNKNOWN_PUMP = PumpId("unknown")
"""[-] the journal of messages that name no pump."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens, and what is known so far."""

    name: Speaker
    hears: tuple[Speaker, ...]
    obeys: frozenset[str]
    outcome: Callable[[PumpId, CommandId], bytes | None]
    keeps: frozenset[Speaker] = frozenset()
    """[-] to whom commands are kept as well."""
    is_answered: Callable[[PumpId, CommandId], bool] = lambda _, __: False


def hear(
    arrived: Arrived,
    *,
    listener: Listener,
    heads: Mapping[Speaker, Head],
    deaf_to: Set[Speaker],
    now: Now,
    given_up: Mapping[Speaker, int] = NOTHING_GIVEN_UP,
) -> Hearing:
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
    if parts.kind == "command" and parts.service in listener.keeps:
        return _overhear(arrived, sha256, parts, listener, now)
    if _is_damaged(arrived, sha256):
        return _damaged(arrived, parts, listener, heads)
    if parts.kind == "command":
        return _hear_command(arrived, parts, listener, now)
    if parts.service in deaf_to:
        return Dropped()
    return _hear_event(
        arrived,
        sha256,
        parts,
        listener,
        heads,
        waits_for=listener.keeps - deaf_to,
        given_up=given_up,
    )


def _is_damaged(arrived: Arrived, sha256: str) -> bool:
    """Say whether the bytes are other ones than were sent; who gives no hash is taken at a word."""
    return arrived.headers.get(SHA256_HEADER) not in (None, "", sha256)


def _damaged(
    arrived: Arrived, parts: SubjectParts, listener: Listener, heads: Mapping[Speaker, Head]
) -> Hearing:
    """Bytes that changed on the way: an event is fetched from its speaker, a command is not obeyed.

    Were it heard, its speaker would seem to contradict itself from the next event on.
    """
    name = arrived.headers.get(EVENT_ID_HEADER, "")
    try:
        speaker, pump, version = parse_event_id(name)
    except ValueError:
        return malformed(arrived, parts.pump, CHANGED)
    is_ours = (speaker, pump) == (parts.service, parts.pump) and speaker in listener.hears
    if not is_ours or _names_another(arrived.data, name):
        return malformed(arrived, parts.pump, CHANGED)
    known = heads.get(speaker, NOTHING_HEARD).version
    return Dropped() if version <= known else Missing(pump, speaker, known + 1, version)


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
    head: tuple[Speaker, Head] | None = None,
    command: CommandId | None = None,
    reply: str = "",
) -> Instead:
    """Report bytes that cannot be understood."""
    first = arrived.data[:FIRST_BYTES_MAX]
    report = Malformed(
        subject=arrived.subject,
        reason=reason[:500],
        sha256=codec.sha256_hex(arrived.data),
        first_bytes="".join(chr(b) if 32 <= b < 127 else f"\\x{b:02x}" for b in first),
    )
    return Instead(pump, report, arrived.data, head, command, reply)


def _hear_event(
    arrived: Arrived,
    sha256: str,
    parts: SubjectParts,
    listener: Listener,
    heads: Mapping[Speaker, Head],
    *,
    waits_for: Set[Speaker],
    given_up: Mapping[Speaker, int],
) -> Hearing:
    try:
        envelope = codec.decode_envelope(arrived.data)
        speaker, pump, version = parse_event_id(envelope.id)
        if (speaker, pump) != (parts.service, parts.pump) or speaker not in listener.hears:
            raise ValueError(f"event {envelope.id!r} does not belong on this subject")
    except codec.DECODE_ERRORS as error:
        return malformed(arrived, parts.pump, str(error))
    own = heads.get(listener.name, NOTHING_HEARD).version
    if envelope.heard.get(listener.name, 0) > own:
        raise RestoredFromOldCopy(pump, own, envelope.heard[listener.name])
    head = heads.get(speaker, NOTHING_HEARD)
    match admit(head=head, version=version, envelope=envelope, sha256=sha256):
        case Admission.DROP:
            return Dropped()
        case Admission.FETCH:
            first, last = head.version + 1, version - 1
            return Missing(pump, speaker, first, last, envelope.recorded_at)
        case Admission.FORK:
            fork = ForkFound(speaker=speaker, version=version, sha256=sha256)
            return Instead(pump, fork, arrived.data)
        case Admission.ACCEPT:
            lack = not_heard_yet(envelope, heads=heads, given_up=given_up, of=waits_for)
            if lack is not None:
                first = heads.get(lack[0], NOTHING_HEARD).version + 1
                return Missing(pump, lack[0], first, lack[1], envelope.recorded_at, was_heard=True)
            return _accept(arrived, envelope, pump, (speaker, Head(version, sha256)))


def _accept(
    arrived: Arrived, envelope: Envelope, pump: PumpId, head: tuple[Speaker, Head]
) -> Hearing:
    try:
        entry = event_entry(envelope, head[1].sha256)
    except codec.DECODE_ERRORS as error:
        return malformed(arrived, pump, str(error), head=head)
    return Heard(pump, entry, arrived.subject, arrived.data, head)


def _hear_command(arrived: Arrived, parts: SubjectParts, listener: Listener, now: Now) -> Hearing:
    pump, reply = parts.pump, arrived.headers.get(REPLY_HEADER, "")
    if reply and not is_reply_inbox(reply):
        return malformed(arrived, pump, f"reply inbox {reply[:80]!r} is not one")
    try:
        envelope = _command_in(arrived.data)
    except codec.DECODE_ERRORS as error:
        return malformed(arrived, pump, str(error))
    stored = listener.outcome(pump, envelope.id)
    if stored is not None:
        return Repeated(stored, reply)
    try:
        entry = command_entry(envelope.id, envelope.actor, now.therapy, envelope.command)
    except codec.DECODE_ERRORS as error:
        return malformed(arrived, pump, str(error), command=envelope.id, reply=reply)
    refusal = _refusal(envelope, tag_of(type(entry.body)), parts, listener, now)
    if refusal is not None:
        return Instead(pump, refusal, arrived.data, None, envelope.id, reply)
    return Heard(pump, entry, arrived.subject, arrived.data, None, envelope.id, reply)


def _command_in(data: bytes) -> CommandEnvelope:
    envelope = codec.decode_command_envelope(data)
    if not 1 <= len(envelope.id) <= 64 or not envelope.id.isprintable():
        raise ValueError("a command's id has 1 to 64 printable characters")
    return envelope


def _overhear(
    arrived: Arrived, sha256: str, parts: SubjectParts, listener: Listener, now: Now
) -> Hearing:
    """Keep a command to somebody else once; what cannot be read its own service sets aside."""
    if _is_damaged(arrived, sha256):
        return Dropped()
    try:
        envelope = _command_in(arrived.data)
        entry = command_entry(envelope.id, envelope.actor, now.therapy, envelope.command)
    except codec.DECODE_ERRORS:
        return Dropped()
    name = kept_name(parts.service, envelope.id)
    if listener.is_answered(parts.pump, name):
        return Dropped()
    return Overheard(parts.pump, entry, arrived.subject, arrived.data, name)


def _refusal(
    envelope: CommandEnvelope, tag: str, parts: SubjectParts, listener: Listener, now: Now
) -> CommandExpired | None:
    mine = parts.service == listener.name and tag in listener.obeys
    if mine and not is_past(envelope.expires, now=now):
        return None
    return CommandExpired(
        command=envelope.id,
        name=tag,
        reason="expired" if mine else "not_for_me",
        actor=envelope.actor,
    )
