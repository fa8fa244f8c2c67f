"""Nightscout's entries: an array, one object, or one object a line; glucose always in mg/dL."""

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from core.formats.glucose_readings import FileReading, Found
from core.formats.glucose_values import parse_glucose
from core.formats.timestamps import parse_instants
from core.kernel.errors import GlucoseFileError, GlucoseTextError
from schemas.glucose import GlucoseSource
from schemas.units import MgDl, UtcMillis

SENSOR_CODES_BELOW = MgDl(39)
"""[mg/dL] what a Dexcom reports below it is the code of an error; source: Nightscout."""

_KINDS: dict[str, GlucoseSource] = {"sgv": "sensor", "mbg": "meter"}

_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b')
_BYTE = re.compile(r"\(byte ([0-9]+)\)")
_NEWLINE = b"\n"

_Entry = dict[str, msgspec.Raw]
_entry = msgspec.json.Decoder(_Entry)
_array = msgspec.json.Decoder(list[msgspec.Raw])


def read_entries(text: str, *, name: str) -> tuple[Found, tuple[str, ...]]:
    """Read every entry of type sgv and mbg; other types are counted in a note.

    Args:
        text: of the file; its first character is '[' or '{'.
        name: of the file, for the error.

    Raises:
        GlucoseFileError: the array is not JSON as a whole, so that no entry of it can be trusted.
    """
    found = Found(counts_entries=text.lstrip().startswith("["))
    if "NaN" in text or "Infinity" in text:
        # Some programs write them, and they are no JSON: such an entry is bad, not the whole file.
        text = _STRING_OR_CONSTANT.sub(_as_string, text)
    skipped = Counter[str]()
    for number, raw in _split(text, name=name):
        shown = raw.decode("utf-8", errors="replace")
        try:
            entry = _entry.decode(raw)
            kind = _kind(entry)
            if kind in _KINDS:
                found.take(_reading(entry, kind=kind, line=number), text=shown)
            else:
                skipped[kind] += 1
        except (msgspec.DecodeError, RecursionError) as error:
            found.fault(line=number, text=shown, reason=f"not a JSON object: {error}")
        except GlucoseTextError as error:
            found.fault(line=number, text=shown, reason=str(error))
    return found, tuple(f"{n} entries of type {kind!r} left out" for kind, n in skipped.items())


def _split(text: str, *, name: str) -> Iterator[tuple[int, bytes]]:
    data = text.encode("utf-8")
    is_array = text.lstrip().startswith("[")
    try:
        whole = _array.decode(data) if is_array else [_one(data)]
    except (msgspec.DecodeError, RecursionError) as error:
        if is_array:
            reason = f"not JSON{_where(str(error), data)}: {error}"
            raise GlucoseFileError(name=name, reason=reason) from error
        lines = enumerate(data.split(b"\n"), start=1)
        yield from ((number, line.strip()) for number, line in lines if line.strip())
        return
    yield from ((number, bytes(raw)) for number, raw in enumerate(whole, start=1))


def _as_string(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else f'"{found[0]}"'


def _where(error: str, data: bytes) -> str:
    """Name the line of the byte at which msgspec stopped to understand, if it says one."""
    at = _BYTE.search(error)
    return f" at line {data[: int(at[1])].count(_NEWLINE) + 1}" if at else ""


def _one(data: bytes) -> msgspec.Raw:
    _entry.decode(data)
    return msgspec.Raw(data)


def _kind(entry: _Entry) -> str:
    stated = _text(entry, "type")
    if stated:
        return stated
    present = [kind for kind in _KINDS if kind in entry]
    if len(present) != 1:
        raise GlucoseTextError(reason="an entry without a type", text="")
    return present[0]


def _reading(entry: _Entry, *, kind: str, line: int) -> FileReading:
    received = _text(entry, kind)
    if not received:
        raise GlucoseTextError(reason=f"an entry without {kind}", text="")
    glucose = parse_glucose(received, unit="mg/dL").glucose
    if kind == "sgv" and glucose is not None and glucose < SENSOR_CODES_BELOW:
        raise GlucoseTextError(reason="the code of a sensor's error, no glucose", text=received)
    return FileReading(
        at=_instant(entry),
        kind=_KINDS[kind],
        received=received,
        unit="mg/dL",
        device=_text(entry, "device"),
        direction=_text(entry, "direction"),
        line=line,
    )


def _instant(entry: _Entry) -> UtcMillis:
    """Read `date`, and where it is no number `dateString`, which has a zone."""
    date = _text(entry, "date")
    stated = date if date.replace(".", "", 1).isdecimal() else _text(entry, "dateString")
    if not stated:
        raise GlucoseTextError(reason="neither date nor dateString", text=date[:80])
    if len(stated.partition(".")[0]) < 12:
        raise GlucoseTextError(reason="a date that is not in ms since 1970", text=stated)
    return parse_instants(stated, local_to_utc=None)[0]


def _text(entry: _Entry, key: str) -> str:
    """Read a number or string letter for letter; anything else counts as absent."""
    raw = bytes(entry.get(key, b"null")).strip()
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str)
    return raw.decode("ascii") if raw[:1] in b"-0123456789" else ""
