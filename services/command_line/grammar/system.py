"""The grammar of what concerns the system: start, status, files of readings, the record."""

from pathlib import Path

from services.command_line.grammar import value_types
from services.command_line.grammar.shared import Commands, add_command


def add_system(commands: Commands) -> None:
    """Add what concerns the whole system."""
    up = add_command(
        commands,
        "up",
        "system.up:up",
        text="start everything on this machine, with a live screen, until Ctrl-C",
        example="basalt up --speed 60 --for 10m",
    )
    up.add_argument("--port", type=value_types.port, help="TCP port of the broker; a free one")
    up.add_argument("--host", default="127.0.0.1", help="address of the broker; %(default)s")
    up.add_argument(
        "--speed",
        type=value_types.speed,
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
    up.add_argument(
        "--store",
        metavar="URL",
        help="of all journals: postgresql://USER@HOST:PORT/DATABASE, or sqlite for files in the "
        "data folder; as last time, at first sqlite. A password in the URL is handed on in the "
        "environment; 'ps' shows it of this command alone, in PGPASSWORD or a service file of none",
    )
    up.add_argument("--no-person", action="store_true", help="nobody eats and asks for advice")
    up.add_argument("--no-screen", action="store_true", help="log lines in place of the screen")
    up.add_argument(
        "--for", dest="for_s", type=value_types.seconds, metavar="30s", help="then stop"
    )
    add_command(
        commands,
        "status",
        "system.status:status",
        text="show every service, its health and its lag; exit 3 if one does not answer",
        example="basalt status --json",
    )
    add_command(
        commands,
        "version",
        "system.about:print_version",
        text="print the version",
        example="basalt version",
    )


def add_readings(commands: Commands) -> None:
    """Add files of readings, and the vocabulary."""
    ingest = add_command(
        commands,
        "ingest",
        "system.ingest:ingest",
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
    schema = add_command(
        commands,
        "schema",
        "system.about:schema",
        text="write JSON Schema and AsyncAPI of every message, or check the files there",
        example="basalt schema --check",
    )
    schema.add_argument("--check", action="store_true", help="write nothing, exit 1 if outdated")
    schema.add_argument(
        "--out", type=Path, default=Path("schemas/generated"), metavar="DIR", help="%(default)s"
    )
