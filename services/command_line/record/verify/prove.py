"""Write the proof that an event stands in the record, for whoever has not the record."""

import argparse
from pathlib import Path
from typing import Final

import msgspec

from core.kernel.errors import CheckpointBroken
from core.record import checkpoints
from core.record.inclusion_proof import InclusionProof, prove, proven_by
from core.record.merkle_tree import leaf_hash
from core.record.provenance import is_event_id
from schemas.message import parse_event_id
from schemas.units import EventId
from schemas.wire.headers import iso_time
from services.command_line.grammar.common_options import add_trust
from services.command_line.journals import journal
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.record.verify.check_record import checkpoint_folder, record_public
from services.command_line.record.which_record import record_file
from services.command_line.session import print_json
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.merkle_leaves import leaves_of
from services.runtime.platform.data_folder import DataFolder
from services.runtime.ports import Store
from services.runtime.store_formats.folders import known_folder

EXAMPLE: Final = """
basalt prove actuator:demo:7 --out proof.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the event, where the proof goes, and what it stands on."""
    parser.add_argument("event", metavar="EVENT", help="its id")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there")
    add_trust(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the proof that an event stands in the record."""
    folder = known_folder(choices(arguments).data)
    if not is_event_id(arguments.event):
        raise wrong_input(f"{arguments.event!r} is no id of an event, such as actuator:demo:7")
    name = EventId(arguments.event)
    speaker, pump, _ = parse_event_id(name)
    place = checkpoint_folder(arguments, folder)
    note = CheckpointFiles(place).newest(pump, speaker)
    if note is None:
        raise CommandFailed(f"no checkpoint about {speaker}, pump {pump} in {place}", REFUSED)
    try:
        size = checkpoints.read(note, public=record_public(arguments, folder)).size
    except CheckpointBroken as error:
        raise CommandFailed(f"the newest checkpoint in {place}: {error}", REFUSED) from error
    with journal(record_file(arguments.store, folder)) as store:
        proof = msgspec.json.format(msgspec.json.encode(_proof(store, name, note, size))).decode()
    if arguments.out is None:
        print(proof)
    else:
        arguments.out.write_text(f"{proof}\n")
        print(f"wrote {arguments.out}; whoever has record.pub checks it: basalt verify proof")
    return DONE


def verify_proof(arguments: argparse.Namespace) -> int:
    """Check a proof, without the record."""
    path: Path = arguments.file
    public = record_public(arguments, DataFolder(choices(arguments).data))
    try:
        proof = msgspec.json.decode(path.read_bytes(), type=InclusionProof)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong_input(f"{path} is no proof: {error}") from error
    try:
        proven = proven_by(proof, public=public)
    except CheckpointBroken as error:
        raise CommandFailed(f"{path} proves nothing: {error}", REFUSED) from error
    if choices(arguments).json:
        print_json(proven)
        return DONE
    envelope = proven.envelope
    print(
        f"{envelope.id}, {iso_time(envelope.at)}, is number {proven.number} of the {proven.size} "
        f"events that the key of the record has signed:\n{bytes(envelope.event).decode()}"
    )
    return DONE


def _proof(store: Store, name: EventId, note: str, size: int) -> InclusionProof:
    """Read the leaves that a checkpoint covers, and lead from the event to its root."""
    speaker, pump, number = parse_event_id(name)
    leaves: list[bytes] = []
    event: bytes | None = None
    for leaf in leaves_of(store, pump=pump):
        if leaf.speaker == speaker and leaf.version <= size:
            leaves.append(leaf_hash(leaf.data))
            event = leaf.data if leaf.version == number else event
    if number > size:
        text = f"the newest checkpoint covers {size} events of {speaker}: wait for the next one"
        raise CommandFailed(text, REFUSED)
    if event is None or len(leaves) < size:
        raise CommandFailed(f"{name} is not in the record; look with 'verify record'", REFUSED)
    return prove(leaves, number=number, event=event, note=note)
