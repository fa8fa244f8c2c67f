"""Any bytes at all are either a file of readings or refused in a sentence."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from core.formats.glucose_files import read_glucose_bytes
from core.formats.glucose_values import parse_glucose
from core.kernel.errors import GlucoseFileError
from services.runtime.platform.zones import local_resolver

BERLIN = local_resolver("Europe/Berlin")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
CELL = st.one_of(
    st.text(max_size=8),
    st.sampled_from(("2026-10-25T02:30", "2026-03-29T02:30", "1795348800000", "0001-01-01T00:00")),
    st.sampled_from(("5,6", "5.6", "101", "LOW", '"', "NaN", "9999-12-31T23:59:59-14:00")),
)
TABLE = st.lists(st.tuples(CELL, st.sampled_from(",;\t"), CELL), max_size=6)


def check(data: bytes) -> None:
    with contextlib.suppress(GlucoseFileError):
        file = read_glucose_bytes(data, name="file", unit="mg/dL", local_to_utc=BERLIN)
        for one in file.readings:
            parse_glucose(one.received, unit=one.unit, decimal_comma=one.decimal_comma)
        instants = [reading.at for reading in file.readings]
        assert sorted(instants) == instants


@given(data=st.binary() | st.text().map(str.encode))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    """A reader that can be crashed by a file can be crashed by a stranger's file."""
    check(data)


@given(rows=TABLE, header=st.sampled_from(("", "time,mg_dl\n", "time;mmol\n", "time\tvalue\n")))
def test_no_table_crashes_the_reader(rows: list[tuple[str, str, str]], header: str) -> None:
    """Spreadsheets write anything into a cell."""
    check((header + "\n".join("".join(row) for row in rows)).encode("utf-8", errors="replace"))


@given(
    values=st.lists(
        st.fixed_dictionaries(
            {},
            optional={"type": st.just("sgv") | JSON, "sgv": JSON, "date": JSON, "dateString": JSON},
        )
        | JSON
    )
)
def test_no_json_crashes_the_reader(values: list[object]) -> None:
    """Uploaders send what they have, in any type."""
    check(json.dumps(values).encode())
