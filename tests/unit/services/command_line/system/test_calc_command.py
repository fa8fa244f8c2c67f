"""`basalt calc`: what it says, what it refuses, and that every kind keeps its own promises."""

import io
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest

from core.calc.registry import KINDS
from services.command_line.main import main

BOLUS = (
    b'{"at":"2026-11-01T12:00:00Z","insulin":{"model":"exponential","duration_min":360,'
    b'"peak_min":75,"delay_min":10},"doses":[{"kind":"bolus","start":"2026-11-01T11:00:00Z",'
    b'"units":2.0}]}'
)

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    def run(*words: str, given: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        try:
            code = main(["calc", *words])
        except SystemExit as end:
            code = int(str(end.code))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, float):
        yield value


@pytest.mark.parametrize("name", KINDS)
def test_every_example_is_valid_and_gives_a_result_as_described(name: str, typed: Typed) -> None:
    """What is shown to a person must work, and the schema is what other languages build on."""
    _, example, _ = typed(name, "--example")
    schema = json.loads(typed(name, "--schema")[1])

    code, out, err = typed(name, given=example.encode())

    assert (0, "") == (code, err)
    result = json.loads(out)
    assert all(map(math.isfinite, numbers(result)))
    for side, value in (("scenario", json.loads(example)), ("result", result)):
        jsonschema.Draft202012Validator.check_schema(schema[side])
        jsonschema.validate(value, schema[side])
        for one in schema[side]["$defs"].values():
            assert all({"description", "enum"} & set(field) for field in one["properties"].values())


@pytest.mark.parametrize("name", KINDS)
def test_help_on_a_kind_shows_its_fields_and_its_example(
    name: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes a scenario by hand needs each field with its unit."""
    monkeypatch.setenv("COLUMNS", "80")
    schema = json.loads(typed(name, "--schema")[1])["scenario"]

    code, out, err = typed(name, "--help")

    lines = out.splitlines()
    shown = {line.split()[0] for line in lines if line.startswith("  ")}
    example = out.partition("\nexample:\n")[2].partition("\n\n")[0]
    assert (0, "", []) == (code, err, [line for line in lines if len(line) > 80])
    assert KINDS[name].text[1:] in " ".join(out.split())
    assert json.loads(KINDS[name].example) == json.loads(example)
    for one in schema["$defs"].values():
        assert set() == set(one["properties"]) - shown


def test_help_on_a_kind_that_is_none_names_those_there_are(typed: Typed) -> None:
    """A misspelt kind is refused as it is without --help."""
    code, out, err = typed("iobb", "--help")

    assert (2, "") == (code, out)
    assert err.startswith("basalt: no such calculation: iobb; one of iob, activity, ")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_refuses_a_field_that_it_does_not_know(name: str, typed: Typed) -> None:
    """A misspelt field that is passed over changes a dose in silence."""
    scenario = json.loads(KINDS[name].example) | {"unknwon": 1}

    code, out, err = typed(name, given=json.dumps(scenario).encode())

    assert (2, "") == (code, out)
    assert err == "basalt: there is no such field - at `$.unknwon`\n"


def instants(value: Any, path: str = "$") -> Iterator[tuple[str, list[Any]]]:
    """Name every instant of a scenario, and the keys that lead to it."""
    parts: list[tuple[Any, Any, str]] = []
    if isinstance(value, dict):
        parts = [(key, part, f"{path}.{key}") for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(index, part, f"{path}[{index}]") for index, part in enumerate(value)]
    for key, part, name in parts:
        if isinstance(part, str) and part[4:5] == "-" and "T" in part:
            yield name, [key]
        yield from ((found, [key, *keys]) for found, keys in instants(part, name))


@pytest.mark.parametrize("year", ["0001", "1969", "2200", "9999"])
@pytest.mark.parametrize("name", KINDS)
def test_an_instant_far_off_is_refused_at_its_field(name: str, year: str, typed: Typed) -> None:
    """Wherever it stands; arithmetic with it would end somewhere else."""
    example = json.loads(KINDS[name].example)
    found = list(instants(example))
    for path, keys in found:
        scenario = json.loads(KINDS[name].example)
        inner = scenario
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = f"{year}-06-01T12:00:00Z"

        code, out, err = typed(name, given=json.dumps(scenario).encode())

        assert (2, "") == (code, out)
        assert err == f"basalt: the year is not 1970 to 2199 - at `{path}`\n"
    assert bool(found) == (name != "bolus")


@pytest.mark.requirement("R16")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (BOLUS.replace(b'"doses"', b'"doses":[],"doses"'), "twice - at `$.doses`"),
        (BOLUS.replace(b'"units"', b'"units":1,"units"'), "twice - at `$.doses[0].units`"),
        (BOLUS.replace(b'"model"', b'"model":"walsh","model"'), "twice - at `$.insulin.model`"),
        (b'{"a":{},"b":[1,{"c":1},[{"d":1,"d":2}]]}', "twice - at `$.b[2][0].d`"),
        (BOLUS.replace(b"2.0", b"NaN"), "NaN is no number - at `$.doses[0].units`"),
        (BOLUS.replace(b"2.0", b"Infinity"), "Infinity is no number - at `$.doses[0].units`"),
        (BOLUS.replace(b"360", b"-Infinity"), "-Infinity is no number - at `$.insulin.duration_"),
        (BOLUS.replace(b"2.0", b"1e999"), "out of range - at `$.doses[0].units`"),
        (b"NaN", "NaN is no number - at `$`"),
        (b'{"at":NaN', "malformed"),
    ],
)
def test_what_json_lets_pass_and_means_nothing_is_refused_at_its_field(
    given: bytes, said: str, typed: Typed
) -> None:
    """Of a field given twice nobody knows which was meant."""
    code, out, err = typed("iob", given=given)

    assert (2, "", True) == (code, out, said in err), err


def test_a_list_that_would_take_hours_is_refused_at_its_field(typed: Typed) -> None:
    """Whoever sends it learns the most that is taken; nothing is left to run for ever."""
    for name, field, one in (
        (
            "basal",
            "temporaries",
            {"start": "2026-10-25T10:00:00Z", "duration_min": 9, "percent": 5},
        ),
        ("basal", "suspensions", {"start": "2026-10-25T10:00:00Z"}),
        ("pulses", "boluses", {"start": "2026-11-01T00:30:00Z", "units": 0.5}),
        ("limits", "doses", json.loads(KINDS["limits"].example)["doses"][0]),
        ("glucose", "meals", "2026-11-01T00:00:00Z"),
    ):
        scenario = json.loads(KINDS[name].example) | {field: [one] * 2_001}
        code, out, err = typed(name, given=json.dumps(scenario).encode())

        assert (2, "") == (code, out)
        assert err.endswith(f"of length <= 2000 - at `$.{field}`\n")


@pytest.mark.parametrize("name", KINDS)
def test_a_field_that_is_missing_is_named(name: str, typed: Typed) -> None:
    """Every field that has no default, one after the other."""
    example = json.loads(KINDS[name].example)
    required = typed(name, "--schema")[1]
    for field in json.loads(required)["scenario"]["$defs"][KINDS[name].scenario.__name__].get(
        "required", []
    ):
        left = {key: value for key, value in example.items() if key != field}

        code, out, err = typed(name, given=json.dumps(left).encode())

        assert (2, "", f"basalt: it is required - at `$.{field}`\n") == (code, out, err)


def test_the_kinds_are_listed_with_what_they_compute(typed: Typed) -> None:
    """The list is how a person finds out what there is."""
    _, out, _ = typed("--list")
    listed = json.loads(typed("--list", "--json")[1])

    assert list(KINDS) == [line.split()[0] for line in out.splitlines()] == list(listed)


def test_two_units_after_an_hour_are_the_published_number(typed: Typed) -> None:
    """Other programs count on this shape and on these digits."""
    code, out, _ = typed("iob", given=BOLUS)

    assert 0 == code
    assert 1.667598681925 == json.loads(out)["iob_u"]


def nested(depth: int) -> bytes:
    deep = b"[" * depth + b"]" * depth
    return BOLUS.replace(b'"model":', b'"x":' + deep + b',"model":')


@pytest.mark.requirement("R16")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "no scenario was given; 'iob --example' shows one - at `$`"),
        (b" \n", "no scenario was given"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`, got `array` - at `$`"),
        (b"\xff\xfe", "malformed"),
        (b'{"at":"2026-11-01T12:00:00Z"}', "it is required - at `$.insulin`"),
        (BOLUS.replace(b"2.0", b'"2"'), "- at `$.doses[0].units`"),
        (BOLUS.replace(b"2.0", b"-1"), ">= 0.0 - at `$.doses[0].units`"),
        (BOLUS.replace(b"2.0", b"1e999"), "out of range"),
        (BOLUS.replace(b"2.0", b"1e308"), "<= 1000.0 - at `$.doses[0].units`"),
        (BOLUS.replace(b"12:00:00Z", b"12:00:00"), "- at `$.at`"),
        (BOLUS.replace(b"360", b"150"), "before half the duration - at `$.insulin.peak_min`"),
        (BOLUS.replace(b"units", b"u\\n\\u001b[31m"), "there is no such field - at `$.doses[0].u"),
        (nested(100_000), "nested too deeply - at `$`"),
        (b'{"at":' + b" " * 10_000_000 + b"1}", "at most 8388608 bytes - at `$`"),
        (b'{"' + b"x" * 5_000 + b'":1}', "..."),
    ],
)
def test_a_wrong_scenario_is_one_line_and_no_result(given: bytes, said: str, typed: Typed) -> None:
    """Whoever reads the output must never take an error for a number."""
    code, out, err = typed("iob", given=given)

    assert (2, "") == (code, out)
    assert said in err
    assert err.startswith("basalt: ") and err.count("\n") == 1 and len(err) < 500
    assert err.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    "words", [("iob", "FILE", "--lines"), ("iob", "--lines", "FILE"), ("--lines", "iob", "FILE")]
)
def test_a_file_may_be_named_before_and_after_a_switch(
    words: tuple[str, ...], typed: Typed, tmp_path: Path
) -> None:
    """Nobody remembers an order that nothing needs."""
    scenarios = tmp_path / "scenarios.jsonl"
    scenarios.write_bytes(BOLUS + b"\n" + BOLUS)

    code, out, err = typed(*(str(scenarios) if word == "FILE" else word for word in words))

    assert (0, "", 2) == (code, err, out.count('"iob_u":1.667598681925'))


def test_lines_are_answered_in_order(typed: Typed) -> None:
    """One scenario a line in, one result a line out; a last line needs no end."""
    scenarios = [BOLUS.replace(b"2.0", str(units).encode()) for units in range(50)]

    code, out, err = typed("iob", "--lines", given=b"\n".join(scenarios))

    assert (0, "") == (code, err)
    found = [json.loads(line)["iob_u"] for line in out.splitlines()]
    assert [round(0.8337993409625 * units, 9) for units in range(50)] == [
        round(value, 9) for value in found
    ]


@pytest.mark.requirement("R16")
@pytest.mark.parametrize("wrong", [BOLUS.replace(b"2.0", b"-1"), b"", b"{"])
def test_lines_stop_at_the_first_wrong_one(wrong: bytes, typed: Typed) -> None:
    """A result that belongs to another line would be worse than none."""
    code, out, err = typed("iob", "--lines", given=b"\n".join([BOLUS, BOLUS, wrong, BOLUS]))

    assert 2 == code
    assert 2 == out.count("\n") == out.count('{"iob_u":1.667598681925,')
    assert err.startswith("basalt: line 3: ") and err.count("\n") == 1


def test_a_line_without_end_is_refused_before_it_is_held(typed: Typed) -> None:
    """Memory has a limit also for whoever forgot the line ends."""
    code, out, err = typed("iob", "--lines", given=b" " * 12_000_000)

    assert (2, "") == (code, out)
    assert "line 1: a scenario has at most" in err


def test_no_lines_are_no_results(typed: Typed) -> None:
    """An empty file of scenarios is not wrong."""
    assert (0, "", "") == typed("iob", "--lines")


def test_a_file_is_read_as_well(typed: Typed, tmp_path: Path) -> None:
    """A scenario at hand needs no redirection."""
    file = tmp_path / "scenario.json"
    file.write_bytes(BOLUS)

    assert "1.667598681925" in typed("iob", str(file))[1]
    code, out, err = typed("iob", str(tmp_path / "none.json"))
    assert (2, "") == (code, out)
    assert "No such file" in err
    assert 2 == typed("iob", str(tmp_path))[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "which calculation? one of "), (("nothing",), "no such calculation: nothing; one of ")],
)
def test_an_unknown_kind_names_those_that_there_are(
    words: tuple[str, ...], said: str, typed: Typed
) -> None:
    """A typing mistake is answered with what can be typed."""
    code, out, err = typed(*words)

    assert (2, "") == (code, out)
    assert said in err and "iob, " in err and err.count("\n") == 1
