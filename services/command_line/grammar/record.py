"""The grammar of what is asked of the record: its state, its reasons, its soundness.

The grammar of `basalt whatif`.
"""

import argparse
from pathlib import Path

from services.command_line.grammar import value_types
from services.command_line.grammar.shared import Commands, add_command


def add_what_if(commands: Commands, *, store_help: str) -> None:
    """Add the fork of a history."""
    fork = add_command(
        commands,
        "whatif",
        "whatif.whatif:fork_history",
        text="fork the history of a pump at a time, let the services decide anew under other "
        "settings, and show both sides: advices, orders, days, insulin on board; glucose stays "
        "as recorded, so this is no forecast",
        example="basalt whatif --from 2026-03-01T07:30:00Z --rules loop\n"
        "  basalt whatif --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z "
        "--settings settings.json --picture week.svg\n"
        "  basalt whatif --from 2026-03-01T07:30:00Z --insulin walsh:4h --json",
    )
    fork.add_argument(
        "--from",
        dest="since",
        type=value_types.instant,
        metavar="TIME",
        required=True,
        help="where the fork leaves the record",
    )
    fork.add_argument(
        "--to",
        dest="until",
        type=value_types.instant,
        metavar="TIME",
        help="compare before then; end",
    )
    for name, of in (("profile", "basal profile"), ("settings", "bolus settings")):
        fork.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"other {of}, JSON")
    fork.add_argument("--limits", type=Path, metavar="FILE", help="other hard limits, JSON")
    fork.add_argument("--rules", metavar="NAME", help="another rule set: loop, medtronic, ...")
    fork.add_argument(
        "--insulin",
        metavar="MODEL",
        help="another model: a preset such as loop_fiasp, or walsh:4h, linear:3h, bilinear:3h, "
        "exponential:6h:75m:10m (duration, peak, delay)",
    )
    fork.add_argument("--picture", type=Path, metavar="FILE", help="draw both sides, SVG")
    fork.add_argument("--all", action="store_true", help="show advices that are the same too")
    fork.add_argument("--zone", metavar="ZONE", help="of days and times; that of the settings")
    fork.add_argument("--store", metavar="URL", help=store_help)


DATABASE = "postgresql://USER@HOST:PORT/DATABASE"
"""[-] what the URL of a database looks like."""

STORE_HELP = (
    f"journal of a historian elsewhere: sqlite:FILE or {DATABASE}; a password in PGPASSWORD or "
    "in a service file is not shown by 'ps'"
)
"""[-] what a record may be read from."""


def add_record(commands: Commands) -> None:
    """Add replay, explanations, checks and proofs."""
    _add_replay(commands)
    _add_history(commands)
    add_what_if(commands, store_help=STORE_HELP)
    _add_checks(commands)
    _add_store(commands)


def _add_replay(commands: Commands) -> None:
    replay = add_command(
        commands,
        "replay",
        "record.replay:replay_record",
        text="fold the record of a pump and print its state, whether the system runs or not",
        example="basalt replay --pump p1 --at 2026-03-01T07:30:00Z\n"
        "  basalt replay --known-by bolus_advisor --at 2026-03-01T07:30:00Z",
    )
    replay.add_argument(
        "--at", type=value_types.instant, metavar="TIME", help="state then; the newest"
    )
    replay.add_argument(
        "--known-by",
        metavar="SERVICE",
        help="not what happened until then but what this service knew of it, by its own journal",
    )
    _add_reading(replay)
    explain = add_command(
        commands,
        "explain",
        "record.explain:explain_event",
        text="print what an event came from: readings, settings, limits, people and services",
        example="basalt explain bolus_advised\n  basalt explain actuator:demo:7 --json",
    )
    explain.add_argument("event", metavar="EVENT", help="its id, or a kind for the newest of it")
    _add_reading(explain)


def _add_history(commands: Commands) -> None:
    asked = add_command(
        commands,
        "history",
        "record.history:history",
        text="list what was said of a pump, what somebody changed, what is not known, or add up "
        "days and glucose",
        example="basalt history events --kind bolus_ordered --from 2026-03-01T00:00:00Z\n"
        "  basalt history changes\n  basalt history days --zone Europe/Berlin --format csv\n"
        "  basalt history glucose\n"
        "  basalt history events --format parquet --output events.parquet",
    )
    asked.add_argument(
        "what",
        choices=("events", "changes", "gaps", "days", "glucose"),
        help="the question; events is all of them",
    )
    asked.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="KIND",
        help="only this, alarm_raised",
    )
    asked.add_argument(
        "--from", dest="since", type=value_types.instant, metavar="TIME", help="from then"
    )
    asked.add_argument(
        "--to", dest="until", type=value_types.instant, metavar="TIME", help="before then"
    )
    asked.add_argument("--by", dest="actor_is", metavar="WHO", help="only what this actor did")
    asked.add_argument("--cause", metavar="ID", help="only what this command or event led to")
    asked.add_argument("--after", metavar="EVENT", help="go on behind this one")
    asked.add_argument("--limit", type=int, metavar="N", help="so many at most")
    asked.add_argument("--zone", metavar="ZONE", help="of days: Europe/Berlin; UTC")
    asked.add_argument(
        "--format",
        choices=("table", "csv", "jsonl", "parquet"),
        default="table",
        help="%(default)s; parquet needs --output and the extra 'parquet'",
    )
    asked.add_argument(
        "--output", type=Path, metavar="FILE", help="into a file, whole or not at all"
    )
    _add_reading(asked)


def _add_store(commands: Commands) -> None:
    store = add_command(
        commands,
        "store",
        "system.copy_store:copy_store",
        text="copy journals from files into PostgreSQL or back, and verify every line; a copy that "
        "was broken off goes on where it was; refused while a system runs on either",
        example="basalt store copy sqlite:data postgresql://basalt@localhost/basalt\n"
        "  basalt store copy postgresql://basalt@localhost/basalt sqlite:data --service actuator",
    )
    store.add_argument("what", choices=("copy",), help="what is done")
    store.add_argument("source", metavar="FROM", help=f"sqlite:FOLDER or {DATABASE}")
    store.add_argument("target", metavar="TO", help="the same; must be empty, or this very copy")
    store.add_argument("--service", metavar="NAME", help="the journal of one service; all")


def _add_checks(commands: Commands) -> None:
    verify = add_command(
        commands,
        "verify",
        "verify.verify:verify",
        text="make every stored decision once more and compare the bytes, follow each dose from "
        "order to account, check the record against itself and its checkpoints, hold the kept "
        "states against a full fold, check a proof or an archive; exit 1 where something is wrong",
        example="basalt verify decisions --service actuator --from 2026-03-01T00:00:00Z\n"
        "  basalt verify orders\n"
        "  basalt verify record\n  basalt verify snapshots\n"
        "  basalt verify proof proof.json --key record.pub\n"
        "  basalt verify archive 2026-03.jsonl.gz --key record.pub",
    )
    verify.add_argument(
        "what",
        choices=("decisions", "orders", "record", "snapshots", "proof", "archive"),
        help="what is verified",
    )
    verify.add_argument("file", nargs="?", type=Path, metavar="FILE", help="of a proof or archive")
    verify.add_argument("--service", metavar="NAME", help="decisions of one service; all")
    verify.add_argument(
        "--from",
        dest="since",
        type=value_types.instant,
        metavar="TIME",
        help="decisions from then on; those before are folded as they stand",
    )
    _add_trust(verify)
    prove = add_command(
        commands,
        "prove",
        "verify.prove:prove_event",
        text="write the proof that an event stands in the record, for whoever has not the record",
        example="basalt prove actuator:demo:7 --out proof.json",
    )
    prove.add_argument("event", metavar="EVENT", help="its id")
    prove.add_argument("--out", type=Path, metavar="FILE", help="write it there")
    _add_trust(prove)
    _add_archive(commands)


def _add_archive(commands: Commands) -> None:
    archive = add_command(
        commands,
        "archive",
        "verify.archive:write_archive",
        text="write a closed period of the record into a file that verifies without the record; "
        "redacted, names and times are others and the proofs hold; nothing is deleted",
        example="basalt archive 2026-03.jsonl.gz --from 2026-03-01T00:00:00Z "
        "--to 2026-04-01T00:00:00Z\n  basalt archive shared.jsonl.gz --redact",
    )
    archive.add_argument("file", type=Path, metavar="FILE", help="made; packed when it ends in .gz")
    archive.add_argument(
        "--from",
        dest="since",
        type=value_types.instant,
        metavar="TIME",
        help="recorded from then on",
    )
    archive.add_argument(
        "--to", dest="until", type=value_types.instant, metavar="TIME", help="recorded before then"
    )
    archive.add_argument(
        "--redact", action="store_true", help="other names and times, no commands and reports"
    )
    archive.add_argument(
        "--weeks", type=int, metavar="N", help="so many earlier; a random number of them"
    )
    archive.add_argument(
        "--sign-with", type=Path, metavar="FILE", help="seed of the record; DATA/keys/record.key"
    )
    _add_trust(archive)


def _add_reading(command: argparse.ArgumentParser) -> None:
    """Let another record be read than that of the data folder."""
    command.add_argument("--store", metavar="URL", help=STORE_HELP)


def _add_trust(command: argparse.ArgumentParser) -> None:
    """Add what a record is held against."""
    _add_reading(command)
    command.add_argument(
        "--checkpoints", type=Path, metavar="FOLDER", help="where they are; DATA/checkpoints"
    )
    command.add_argument(
        "--key", type=Path, metavar="FILE", help="public key of the record; DATA/keys/record.pub"
    )
