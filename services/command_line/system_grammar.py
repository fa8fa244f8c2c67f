"""The grammar of what concerns the system: start, status, files of readings, the record."""

import argparse
from pathlib import Path

from services.command_line import texts
from services.command_line.grammar import Commands, add_command


def add_system(commands: Commands) -> None:
    """Add what concerns the whole system."""
    up = add_command(
        commands,
        "up",
        "up_command:up",
        text="start everything on this machine, with a live screen, until Ctrl-C",
        example="basalt up --speed 60 --for 10m",
    )
    up.add_argument("--port", type=texts.port, help="TCP port of the broker; a free one")
    up.add_argument("--host", default="127.0.0.1", help="address of the broker; %(default)s")
    up.add_argument(
        "--speed",
        type=texts.speed,
        metavar="1..600",
        help="therapy seconds in a real one; as last time, at first 30 with a trace and 1 without",
    )
    up.add_argument(
        "--glucose", type=Path, metavar="FILE|none", help="readings to play; a recorded trace"
    )
    up.add_argument("--unit", metavar="mg/dL|mmol/L", help="of a table that does not say")
    up.add_argument("--zone", metavar="ZONE", help="of local times in the file: Europe/Berlin")
    up.add_argument(
        "--pump-faults", type=Path, metavar="FILE", help="faults that the pump will have, JSON"
    )
    up.add_argument("--no-person", action="store_true", help="nobody eats and asks for advice")
    up.add_argument("--no-screen", action="store_true", help="log lines in place of the screen")
    up.add_argument("--for", dest="for_s", type=texts.seconds, metavar="30s", help="then stop")
    add_command(
        commands,
        "status",
        "status:status",
        text="show every service, its health and its lag; exit 3 if one does not answer",
        example="basalt status --json",
    )
    add_command(
        commands,
        "version",
        "about:print_version",
        text="print the version",
        example="basalt version",
    )


def add_record(commands: Commands) -> None:
    """Add files of readings, replay and the vocabulary."""
    ingest = add_command(
        commands,
        "ingest",
        "ingest:ingest",
        text="send the readings of a file; a second run of the same file doubles nothing",
        example="basalt ingest entries.json\n  basalt ingest readings.csv --unit mmol/L "
        "--zone Europe/Berlin --dry-run",
    )
    ingest.add_argument("file", type=Path, metavar="FILE", help="Nightscout JSON or time,glucose")
    ingest.add_argument("--unit", metavar="mg/dL|mmol/L", help="of a table that does not say")
    ingest.add_argument("--zone", metavar="ZONE", help="of local times: Europe/Berlin")
    ingest.add_argument(
        "--source", choices=("meter", "sensor"), default="sensor", help="of a table; sensor"
    )
    ingest.add_argument("--dry-run", action="store_true", help="read and report, send nothing")
    replay = add_command(
        commands,
        "replay",
        "replaying:replay_record",
        text="fold the record of a pump and print its state, whether the system runs or not",
        example="basalt replay --pump p1 --at 2026-03-01T07:30:00Z",
    )
    replay.add_argument("--at", type=texts.instant, metavar="TIME", help="state then; the newest")
    replay.add_argument("--store", metavar="sqlite:FILE", help="journal of a historian elsewhere")
    explain = add_command(
        commands,
        "explain",
        "explaining:explain_event",
        text="print what an event came from: readings, settings, limits, people and services",
        example="basalt explain bolus_advised\n  basalt explain actuator:demo:7 --json",
    )
    explain.add_argument("event", metavar="EVENT", help="its id, or a kind for the newest of it")
    explain.add_argument("--store", metavar="sqlite:FILE", help="journal of a historian elsewhere")
    verify = add_command(
        commands,
        "verify",
        "verifying:verify",
        text="make every stored decision once more and compare the bytes, follow each dose from "
        "order to account, check the record against itself and its checkpoints, or check a "
        "proof; exit 1 where something is wrong",
        example="basalt verify decisions --service actuator\n  basalt verify orders\n"
        "  basalt verify record\n  basalt verify proof proof.json --key record.pub",
    )
    verify.add_argument(
        "what", choices=("decisions", "orders", "record", "proof"), help="what is verified"
    )
    verify.add_argument("file", nargs="?", type=Path, metavar="FILE", help="of a proof")
    verify.add_argument("--service", metavar="NAME", help="decisions of one service; all")
    _add_trust(verify)
    prove = add_command(
        commands,
        "prove",
        "proving:prove_event",
        text="write the proof that an event stands in the record, for whoever has not the record",
        example="basalt prove actuator:demo:7 --out proof.json",
    )
    prove.add_argument("event", metavar="EVENT", help="its id")
    prove.add_argument("--out", type=Path, metavar="FILE", help="write it there")
    _add_trust(prove)
    schema = add_command(
        commands,
        "schema",
        "about:schema",
        text="write JSON Schema and AsyncAPI of every message, or check the files there",
        example="basalt schema --check",
    )
    schema.add_argument("--check", action="store_true", help="write nothing, exit 1 if outdated")
    schema.add_argument(
        "--out", type=Path, default=Path("schemas/generated"), metavar="DIR", help="%(default)s"
    )


def _add_trust(command: argparse.ArgumentParser) -> None:
    """Add what a record is held against."""
    command.add_argument("--store", metavar="sqlite:FILE", help="journal of a historian elsewhere")
    command.add_argument(
        "--checkpoints", type=Path, metavar="FOLDER", help="where they are; DATA/checkpoints"
    )
    command.add_argument(
        "--key", type=Path, metavar="FILE", help="public key of the record; DATA/keys/record.pub"
    )
