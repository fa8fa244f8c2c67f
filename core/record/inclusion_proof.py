"""The proof that one event stands in a record: whoever has the record's key checks it alone."""

from collections.abc import Sequence

import msgspec

from core.kernel.errors import CheckpointBroken
from core.record import checkpoints
from core.record.merkle_tree import leaf_hash, root_by_way, way_of
from schemas.message import Envelope, parse_event_id
from schemas.wire import codec


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event, and how it leads to a root that the record's key has signed."""

    event: str
    """[-] the stored bytes as text."""
    way: tuple[str, ...]
    """[-] hashes (hex) from the leaf to the root, the one beside the leaf first."""
    checkpoint: str
    """[-] the signed note."""


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof shows."""

    envelope: Envelope
    """[-] the event with its outside."""
    number: int
    """[-] among the events of its speaker about its pump."""
    size: int
    """[-] events of that speaker by the checkpoint."""


def prove(leaves: Sequence[bytes], *, number: int, event: bytes, note: str) -> InclusionProof:
    """Make the proof of an event.

    Args:
        leaves: hashes of the leaves that the checkpoint covers.
        number: [-] of the event, 1 to as many as there are leaves.
        event: its stored bytes.
        note: the signed checkpoint.
    """
    way = tuple(one.hex() for one in way_of(leaves, number - 1))
    return InclusionProof(event=event.decode(), way=way, checkpoint=note)


def proven_by(proof: InclusionProof, *, public: bytes) -> Proven:
    """Check a proof, without the record.

    Args:
        proof: as it was handed over.
        public: [-] the record's Ed25519 key, 32 bytes.

    Raises:
        CheckpointBroken: it proves nothing; the reason says why.
    """
    checkpoint = checkpoints.read(proof.checkpoint, public=public)
    data = proof.event.encode()
    try:
        envelope = codec.decode_envelope(data)
        speaker, pump, number = parse_event_id(envelope.id)
        way = [bytes.fromhex(one) for one in proof.way]
    except codec.DECODE_ERRORS as error:
        raise CheckpointBroken(f"it holds no event: {error}") from error
    if (pump, speaker) != (checkpoint.pump, checkpoint.speaker):
        raise CheckpointBroken(f"the checkpoint is not about {envelope.id}")
    root = root_by_way(leaf_hash(data), way, index=number - 1, size=checkpoint.size)
    if root != checkpoint.root:
        raise CheckpointBroken(f"{envelope.id} does not lead to the root of the checkpoint")
    return Proven(envelope=envelope, number=number, size=checkpoint.size)
