"""Files of glucose: good ones are read whole, bad ones to the line, and nothing is guessed."""

import json

import pytest

from core.formats.glucose_files import FILE_BYTES_MAX, read_glucose_bytes
from core.formats.glucose_readings import FileReading, GlucoseFile, LocalToUtc, plain
from core.formats.glucose_values import parse_glucose
from core.kernel.errors import GlucoseFileError, GlucoseTextError
from schemas.units import UtcMillis
from services.runtime.platform.zones import local_resolver
from support.repository import ROOT

TRACE = ROOT / "examples" / "data" / "hall-2133-018.csv"
NOON = 1_795_348_800_000
"""[ms] 2026-11-22T12:00Z."""


def read(
    text: str | bytes, *, unit: str | None = None, zone: LocalToUtc | None = None
) -> GlucoseFile:
    data = text.encode() if isinstance(text, str) else text
    return read_glucose_bytes(data, name="file", unit=unit, local_to_utc=zone)


def taken(file: GlucoseFile) -> list[tuple[int, str]]:
    return [(reading.at, reading.received) for reading in file.readings]


def faults(file: GlucoseFile) -> list[tuple[int, str]]:
    return [(problem.line, problem.reason) for problem in file.problems]


def refusal(text: str | bytes, *, unit: str | None = None) -> str:
    with pytest.raises(GlucoseFileError) as caught:
        read(text, unit=unit)
    return caught.value.reason


def entry(**fields: object) -> dict[str, object]:
    return {"type": "sgv", "sgv": 123, "date": NOON, "device": "xDrip"} | fields


def test_the_real_trace_is_read_without_a_problem() -> None:
    """The first file that a newcomer plays is this one."""
    zone = local_resolver("America/Los_Angeles")

    file = read_glucose_bytes(TRACE.read_bytes(), name=TRACE.name, local_to_utc=zone)

    glucoses = [parse_glucose(one.received, unit=one.unit).glucose or 0 for one in file.readings]
    assert 1_775 == len(file.readings)
    assert (73, 303) == (min(glucoses), max(glucoses))
    assert () == file.problems
    assert ("csv", "utf-8", ",", "mg/dL") == (file.kind, file.encoding, file.delimiter, file.unit)
    assert 2 == file.readings[0].line


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([entry(), entry(date=NOON + 300_000, sgv=130)]),
        json.dumps([entry(), entry(date=str(NOON + 300_000), sgv="130")], indent=2),
        json.dumps([entry(date=NOON + 300_000, sgv=130), entry()]),
        "\n".join(json.dumps(one) for one in (entry(), entry(date=NOON + 300_000, sgv=130))),
        json.dumps([entry(), entry(date=None, dateString="2026-11-22T13:05:00+01:00", sgv=130)]),
        json.dumps([entry(date=float(NOON)), entry(date=NOON + 300_000.5, sgv=130)]),
    ],
)
def test_entries_of_nightscout_are_read_in_each_shape(text: str) -> None:
    """Exports differ by tool: arrays, lines, numbers in strings, newest first."""
    file = read(text)

    assert [(NOON, "123"), (NOON + 300_000, "130")] == taken(file)
    assert () == file.problems
    assert "nightscout" == file.kind


def test_one_entry_alone_is_a_file() -> None:
    """One object is what a single reading is exported as."""
    file = read(json.dumps(entry(direction="Flat")))

    expected = FileReading(
        at=UtcMillis(NOON),
        kind="sensor",
        received="123",
        unit="mg/dL",
        device="xDrip",
        direction="Flat",
        line=1,
    )
    assert (expected,) == file.readings


def test_a_meter_and_a_sensor_may_measure_at_once() -> None:
    """Blood and sensor at one instant are two readings."""
    file = read(json.dumps([entry(), {"type": "mbg", "mbg": 35, "date": NOON}]))

    assert [("meter", "35"), ("sensor", "123")] == [(r.kind, r.received) for r in file.readings]


def test_other_types_are_counted_in_a_note() -> None:
    """What is left out by intent is said, and is no fault."""
    file = read(json.dumps([entry(), {"type": "cal", "date": NOON}, {"type": "cal"}]))

    assert ("2 entries of type 'cal' left out",) == file.notes
    assert () == file.problems


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (entry(sgv=5), "the code of a sensor's error, no glucose: '5'"),
        (entry(sgv=38), "the code of a sensor's error, no glucose: '38'"),
        (entry(sgv=None), "an entry without sgv: ''"),
        (entry(sgv=-5), "neither a number nor LOW nor HIGH: '-5'"),
        (entry(sgv=1e300), "neither a number nor LOW nor HIGH: '1e+300'"),
        (entry(sgv=float("nan")), "neither a number nor LOW nor HIGH: 'NaN'"),
        (entry(sgv=float("-inf")), "neither a number nor LOW nor HIGH: '-Infinity'"),
        (entry(date=float("nan")), "neither date nor dateString: 'NaN'"),
        (entry(sgv="???"), "neither a number nor LOW nor HIGH: '???'"),
        (entry(date=None), "neither date nor dateString: ''"),
        (entry(date=NOON // 1_000), "a date that is not in ms since 1970: '1795348800'"),
        (
            entry(date=None, dateString="2026-11-22T12:00:00"),
            "a local time without a zone: '2026-11-22T12:00:00'",
        ),
        ({"date": NOON}, "an entry without a type: ''"),
        (entry(), "a second reading for one instant; entry 1 has the same"),
        (entry(sgv=99), "a second reading for one instant; entry 1 has '123'"),
    ],
)
def test_a_broken_entry_is_told_and_the_rest_is_taken(
    broken: dict[str, object], reason: str
) -> None:
    """One broken reading must not cost a year of good ones."""
    file = read(json.dumps([entry(), broken]))

    assert [(NOON, "123")] == taken(file)
    assert [(2, reason)] == faults(file)


def test_an_entry_over_several_lines_is_named_by_its_number_and_shown_on_one() -> None:
    """Line 2 of a file with 14 is another line than entry 2."""
    file = read(json.dumps([entry(), entry(sgv=None)], indent=2))

    (problem,) = file.problems
    assert "entry 2" == problem.place
    assert "\n" not in problem.text
    assert "  " not in problem.text


def test_a_text_that_only_looks_like_nan_is_left_as_it_is() -> None:
    """The name of a device is no number."""
    file = read(json.dumps([entry(device='a "NaN" \\ Infinity'), entry(sgv=float("nan"))]))

    assert ['a "NaN" \\ Infinity'] == [reading.device for reading in file.readings]


def test_what_is_no_json_is_named_with_its_line() -> None:
    """One bare word makes an array no JSON; a person must find it among a year of entries."""
    text = json.dumps([entry(), entry(sgv=None)], indent=2).replace("null", "None")

    number = next(n for n, line in enumerate(text.split("\n"), start=1) if "None" in line)
    assert refusal(text).startswith(f"not JSON at line {number}: ")


def test_a_broken_line_of_json_is_told() -> None:
    """An export that was cut off ends in half a line."""
    file = read(f'{json.dumps(entry())}\n\n{{"type": "sg\n[1]\n')

    assert [(NOON, "123")] == taken(file)
    assert [3, 4] == [problem.line for problem in file.problems]
    assert '{"type": "sg' == file.problems[0].text


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter", "unit"),
    [
        (b"time,mg_dl\n2026-11-22T12:00:00Z,101\n", "utf-8", ",", "mg/dL"),
        (b"\xef\xbb\xbftime,mg/dL\r\n2026-11-22T12:00:00Z,101\r\n", "utf-8", ",", "mg/dL"),
        ("time;mmol/L\n2026-11-22 13:00+01:00;5,6\n".encode("utf-16"), "utf-16", ";", "mmol/L"),
        ("time\tGlucose (mmol/L) \xb5\n1795348800\t5,6".encode("cp1252"), "cp1252", "\t", "mmol/L"),
        (b"time\tmmol\rsoon\t5.6\r1795348800000\t5.6", "utf-8", "\t", "mmol/L"),
        (b'"device","time","mg/dl"\n"G6, new","2026/11/22 12:00Z","101"', "utf-8", ",", "mg/dL"),
    ],
)
def test_a_table_is_read_in_each_spelling(
    data: bytes, encoding: str, delimiter: str, unit: str
) -> None:
    """Spreadsheets of different countries write one table in different ways."""
    file = read(data)

    assert [NOON] == [reading.at for reading in file.readings]
    (reading,) = file.readings
    assert 101 == parse_glucose(plain(reading), unit=reading.unit).glucose
    assert (encoding, delimiter, unit) == (file.encoding, file.delimiter, file.unit)


@pytest.mark.parametrize("first", ["2026-11-22T12:00:00Z,101", "soon,101\n2026-11-22T12:00Z,101"])
def test_a_table_without_header_needs_the_unit_from_the_caller(first: str) -> None:
    """A header line that is missing must not eat the first reading."""
    assert [(NOON, "101")] == taken(read(first, unit="mg/dl"))
    assert "it does not say its unit; it looks like mg/dL; state it with --unit" == refusal(first)


def test_a_unit_is_never_guessed_from_the_numbers() -> None:
    """The two units differ by a factor of 18; a guess that is right mostly is wrong on a low."""
    reason = refusal("time,glucose\n2026-11-22T12:00Z,5.6\n")

    assert "it does not say its unit; it looks like mmol/L; state it with --unit" == reason


@pytest.mark.parametrize(
    ("text", "unit", "reason"),
    [
        (
            "time,mg_dl\n2026-11-22T12:00Z,5.6\n",
            None,
            "every number is below 30: that is mmol/L and not mg/dL",
        ),
        (
            "time,glucose\n2026-11-22T12:00Z,101\n",
            "mmol",
            "every number is 40 or above: that is mg/dL and not mmol/L",
        ),
        (
            "time,mg_dl\n2026-11-22T12:00Z,101\n",
            "mmol/L",
            "its header says mg/dL, and mmol/L was stated",
        ),
        (json.dumps([entry()]), "mmol/L", "Nightscout's entries are in mg/dL always"),
    ],
)
def test_numbers_that_contradict_the_unit_refuse_the_file(
    text: str, unit: str | None, reason: str
) -> None:
    """A wrong option is as dangerous as a wrong guess."""
    assert reason == refusal(text, unit=unit)


def test_an_unknown_unit_is_refused() -> None:
    """A misspelt option is not a default."""
    with pytest.raises(GlucoseTextError):
        read("time,glucose\n", unit="mg")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-11-22T12:05Z", "1 columns and not 2"),
        ("2026-11-22T12:05Z,101,5", "3 columns and not 2"),
        ("2026-11-22T12:05Z,", "neither a number nor LOW nor HIGH: ''"),
        ("2026-11-22T12:05Z,NaN", "neither a number nor LOW nor HIGH: 'NaN'"),
        ("2026-11-22T12:05Z,-101", "neither a number nor LOW nor HIGH: '-101'"),
        ("2026-11-22T12:05Z,1e2", "neither a number nor LOW nor HIGH: '1e2'"),
        ('2026-11-22T12:05Z,"101', "broken quotes (unexpected end of data)"),
        (
            "22.11.2026 12:05,101",
            "not a time (ISO 8601 or ms since 1970): '22.11.2026 12:05'",
        ),
        (
            "2026-02-30T12:05Z,101",
            "no such time (day is out of range for month): '2026-02-30T12:05Z'",
        ),
        ("1995-11-22T12:05Z,101", "a time before 2000 or after 2099: '1995-11-22T12:05Z'"),
        ("2026-11-22T12:05+25:00,101", "no such time (offset +25:00): '2026-11-22T12:05+25:00'"),
        ("2026-11-22T12:05,101", "a local time without a zone: '2026-11-22T12:05'"),
        ("2026-11-22T12:00:00.000Z,99", "a second reading for one instant; line 2 has '101'"),
    ],
)
def test_a_broken_line_is_told_and_the_rest_is_taken(line: str, reason: str) -> None:
    """One broken line must not cost a year of good ones."""
    file = read(f"time,mg_dl\n2026-11-22T12:00Z,101\n{line}\n\n2026-11-22T12:10Z,HIGH\n")

    assert [(NOON, "101"), (NOON + 600_000, "HIGH")] == taken(file)
    assert [(3, reason)] == faults(file)
    assert line == file.problems[0].text


def test_a_long_broken_line_is_cut() -> None:
    """A screen is not the place for a megabyte of junk."""
    file = read("time,mg_dl\n2026-11-22T12:00Z,101\n" + "x" * 1_000)

    assert "x" * 80 == file.problems[0].text


def test_an_hour_that_comes_twice_goes_on_with_the_file() -> None:
    """Every 30 minutes over the end of summer time: no reading is lost, none is doubled."""
    walls = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    rows = [f"2026-10-25T{wall}:00,1{number}0" for number, wall in enumerate(walls)]
    zone = local_resolver("Europe/Berlin")

    oldest_first = read("\n".join(["time,mg_dl", *rows]), zone=zone)
    newest_first = read("\n".join(["time,mg_dl", *rows[::-1]]), zone=zone)

    assert taken(oldest_first) == taken(newest_first)
    assert [f"1{number}0" for number in range(6)] == [text for _, text in taken(oldest_first)]
    start = oldest_first.readings[0].at
    assert [start + n * 1_800_000 for n in range(6)] == [r.at for r in oldest_first.readings]
    assert () == oldest_first.problems


def test_an_hour_that_was_left_out_is_told() -> None:
    """A reading at a time that did not exist was taken by another clock."""
    text = "time,mg_dl\n2026-03-29T01:30,101\n2026-03-29T02:30,102\n2026-03-29T03:30,103\n"

    file = read(text, zone=local_resolver("Europe/Berlin"))

    reason = "a local time that did not exist, for the clock was put forward: '2026-03-29T02:30'"
    assert ["101", "103"] == [text for _, text in taken(file)]
    assert [(3, reason)] == faults(file)


def test_local_times_need_a_zone() -> None:
    """An hour's error moves every dose of the record."""
    reason = refusal("time,mg_dl\n2026-11-22T12:00,101\n2026-11-22T12:05,102\n")

    assert "its times have no zone; state it with --zone" == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b" \r\n\t\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a text file"),
        (b"PK\x03\x04\x14\x00", "not a text file"),
        (b"SQLite format 3\x00", "not a text file"),
        (b"\xff\xfe\x00", "broken UTF-16 text"),
        (b"[]", "no usable reading in it"),
        (b"time,mg_dl\n", "no usable reading in it"),
        (
            b"time,mg_dl\nsoon,101\n",
            "no usable reading in it; line 2: not a time (ISO 8601 or ms since 1970): 'soon'",
        ),
        (
            b"name,age\nAnna,7\n",
            "no header that names one column of time and one of glucose, such as time,mg_dl",
        ),
        (
            b"2026-11-22T12:00Z,5,6\n",
            "no header that names one column of time and one of glucose, such as time,mg_dl;"
            " a decimal comma needs semicolons or tabs between the columns",
        ),
        (
            b'time,"mg_dl\n2026-11-22T12:00Z,5\n',
            "its first line: broken quotes (unexpected end of data): 'time,\"mg_dl'",
        ),
        (b"x" * (FILE_BYTES_MAX + 1), "bigger than 64 MiB"),
        (b"time,mg_dl" + b"\n" * 2_000_000 + b"x", "more than 2000000 lines"),
    ],
)
def test_a_file_without_a_usable_reading_is_refused_in_a_sentence(data: bytes, reason: str) -> None:
    """A wrong file is the most common fault of all."""
    assert reason == refusal(data)


@pytest.mark.parametrize("text", ["[", "[1, 2", '[{"type": "sgv"}', "[" * 100_000, "{" * 1_000])
def test_broken_json_is_refused(text: str) -> None:
    """Half an array cannot be trusted to its last entry."""
    assert refusal(text).startswith(("not JSON", "no usable reading in it; line 1: not a JSON"))
