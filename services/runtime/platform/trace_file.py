"""A recorded trace of glucose, read from a file as every process that uses it reads it."""

import hashlib
from pathlib import Path

from core.formats.glucose_files import read_glucose_bytes
from core.formats.glucose_readings import GlucoseFile
from core.kernel.errors import GlucoseTextError
from services.runtime.platform.zones import local_resolver


def trace_hash(path: Path) -> str:
    """Hash a file, to know it again.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_trace(path: Path, *, unit: str | None, zone: str | None) -> GlucoseFile:
    """Read a file of readings.

    Args:
        path: Nightscout's entries.json or a table.
        unit: of a table that does not say; None leaves it to the file.
        zone: IANA name for times without one; None leaves such lines out, reported.

    Raises:
        OSError: the file cannot be read.
        GlucoseFileError: nothing in it is usable.
        ValueError: the unit is none.
        ZoneError: the zone is none.
    """
    resolver = local_resolver(zone) if zone else None
    try:
        return read_glucose_bytes(
            path.read_bytes(), name=path.name, unit=unit, local_to_utc=resolver
        )
    except GlucoseTextError as error:
        raise ValueError(str(error)) from error
