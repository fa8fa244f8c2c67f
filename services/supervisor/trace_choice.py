"""Which glucose a folder plays to which pump: chosen at its first start, the same ever after."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

import services
from core.formats.glucose_readings import GlucoseFile
from core.kernel.errors import GlucoseFileError
from schemas.units import PumpId, UtcMillis
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import ZoneError
from services.runtime.platform.trace_file import read_trace, trace_hash
from services.runtime.platform.zones import local_resolver, local_time
from services.supervisor.errors import StartRefused

NO_TRACE = Path("none")
"""[-] asked for instead of a file: real time, and whatever readings people bring."""

BUNDLED = Path(services.__file__).resolve().parents[1] / "examples/data/hall-2133-018.csv"
"""[-] the trace of the demonstration; the source, the licence: examples/data/README.md."""

FIRST_PUMP = PumpId("demo")
"""[-] id of the virtual pump when nobody names another."""

BUNDLED_ZONE = "America/Los_Angeles"
"""[-] the data gives local times without a zone; the study was done at Stanford, California."""

ZONE_WITHOUT_TRACE = "UTC"
"""[-] of the demonstration's profile when nobody names another."""

BEGIN_LOCAL = (7, 10)
"""[h, min] wall clock at the first start of the bundled trace: 20 minutes before breakfast."""

DAYS_SEARCHED = 3
"""[d] of the trace in which that morning is looked for."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder was begun with."""

    file: str = ""
    """[-] path of the trace; empty for none."""
    sha256: str = ""
    """[-] of the trace."""
    unit: str | None = None
    """[-] of the trace, where the file does not say."""
    zone: str = ZONE_WITHOUT_TRACE
    """[-] IANA name, of the trace's times and of the profile."""
    begins_at: UtcMillis | None = None
    """[ms] therapy time of the first start; none for real time."""
    has_settings: bool = False
    """[-] the demonstration's settings were taken."""
    pump: PumpId | None = None
    """[-] id of the pump; none in a folder of a release that did not write it down."""
    left_out: tuple[str, ...] = ()
    """[-] in words, lines of the trace that are no readings; the rest is played."""
    ends_at: UtcMillis | None = None
    """[ms] of the trace's last reading; none where an older release began the folder."""


LINES_SHOWN = 5
"""[-] lines of a trace that are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for; all None goes on with what the folder was begun with."""

    file: Path | None = None
    unit: str | None = None
    zone: str | None = None
    pump: PumpId | None = None


def begun_path(folder: DataFolder) -> Path:
    """Name the file that remembers the beginning."""
    return folder.path / "begun.json"


def choose(folder: DataFolder, wish: Wish) -> Begun:
    """Find what the folder was begun with, or begin it; writes nothing.

    Raises:
        StartRefused: the file is broken, or what is asked for differs from the beginning.
    """
    path = begun_path(folder)
    try:
        begun = msgspec.json.decode(path.read_bytes(), type=Begun)
    except FileNotFoundError:
        return msgspec.structs.replace(_begin(wish), pump=wish.pump or FIRST_PUMP)
    except (OSError, msgspec.DecodeError) as error:
        raise StartRefused(f"{path} is broken: {error}") from error
    if begun.pump is None:
        begun = msgspec.structs.replace(begun, pump=_pump_in(folder))
    _compare(begun, wish, folder)
    return begun


def _pump_in(folder: DataFolder) -> PumpId:
    """Find the pump of a folder that does not say: the one that it has the memory of."""
    memories = sorted(folder.pump_memory(FIRST_PUMP).parent.glob("*.nvm"))
    return PumpId(memories[0].stem) if len(memories) == 1 else FIRST_PUMP


def remember(folder: DataFolder, begun: Begun) -> None:
    """Write down what the folder was begun with.

    Raises:
        OSError: it cannot be written.
    """
    path = begun_path(folder)
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(begun))
    draft.replace(path)


def in_words(begun: Begun) -> str:
    """Say where glucose comes from."""
    if not begun.file:
        return "whatever readings are brought"
    return f"recorded trace {Path(begun.file).name}"


def _left_out(trace: GlucoseFile, *, name: str) -> tuple[str, ...]:
    """Name the lines that are no readings, the first few, and how many more there are."""
    problems = trace.problems
    shown = [f"{name}:{one.line}: {one.reason}; left out" for one in problems[:LINES_SHOWN]]
    if len(problems) > LINES_SHOWN:
        shown.append(f"{name}: {len(problems) - LINES_SHOWN} more lines are left out")
    return tuple(shown)


def _begin(wish: Wish) -> Begun:
    if wish.file == NO_TRACE:
        _check_zone(wish.zone or ZONE_WITHOUT_TRACE)
        return Begun(zone=wish.zone or ZONE_WITHOUT_TRACE)
    is_bundled = wish.file is None or wish.file.resolve() == BUNDLED
    file = BUNDLED if is_bundled else (wish.file or BUNDLED).resolve()
    zone = wish.zone or (BUNDLED_ZONE if is_bundled else None)
    try:
        sha256 = trace_hash(file)
        trace = read_trace(file, unit=wish.unit, zone=zone)
    except OSError as error:
        raise StartRefused(f"glucose file {file}: {error.strerror or error}") from error
    except GlucoseFileError as error:
        raise StartRefused(f"glucose file {file}: {error.reason}") from error
    except ZoneError as error:
        raise StartRefused(str(error)) from error
    except ValueError as error:
        raise StartRefused(f"glucose file {file}: {error}") from error
    first = trace.readings[0].at
    return Begun(
        file=str(file),
        sha256=sha256,
        unit=wish.unit,
        zone=zone or ZONE_WITHOUT_TRACE,
        begins_at=first_morning(first, zone=BUNDLED_ZONE) if is_bundled else first,
        left_out=_left_out(trace, name=file.name),
        ends_at=trace.readings[-1].at,
    )


def _check_zone(zone: str) -> None:
    try:
        local_resolver(zone)
    except ZoneError as error:
        raise StartRefused(str(error)) from error


def first_morning(first: UtcMillis, *, zone: str) -> UtcMillis:
    """Find the first BEGIN_LOCAL after a trace's first reading.

    Args:
        first: [ms] of the first reading.
        zone: IANA name of the wall clock.
    """
    resolve = local_resolver(zone)
    day = local_time(first, zone=zone)
    for _ in range(DAYS_SEARCHED):
        for at in resolve(day.year, day.month, day.day, *BEGIN_LOCAL, 0):
            if at > first:
                return at
        day += timedelta(days=1)
    return first


def _compare(begun: Begun, wish: Wish, folder: DataFolder) -> None:
    """Refuse what contradicts the beginning.

    Raises:
        StartRefused: another file, unit, zone or pump, or the file has changed or gone.
    """
    other = "; name another folder with --data"
    if wish.file is not None and (wish.file == NO_TRACE) != (not begun.file):
        raise StartRefused(f"{folder.path} was begun with {in_words(begun)}{other}")
    for asked, known in ((wish.zone, begun.zone), (wish.unit, begun.unit)):
        if asked is not None and asked != known:
            raise StartRefused(f"{folder.path} was begun with {known}, not {asked}{other}")
    if wish.pump is not None and wish.pump != begun.pump:
        raise StartRefused(f"{folder.path} holds pump {begun.pump}, not {wish.pump}{other}")
    if not begun.file:
        return
    file = Path(begun.file) if wish.file is None else wish.file
    try:
        sha256 = trace_hash(file)
    except OSError as error:
        raise StartRefused(f"glucose file {file}: {error.strerror or error}") from error
    if sha256 != begun.sha256:
        raise StartRefused(f"{file} is not the file that {folder.path} was begun with{other}")
