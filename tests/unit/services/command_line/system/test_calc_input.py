"""`basalt calc`: where a scenario comes from, and numbers that are none."""

import io
import json
import math
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest

from core.calc.calculation import Kind, Result, Scenario
from core.kernel.errors import ScenarioError
from schemas.units import UtcMillis
from services.command_line.main import main
from services.command_line.system import calc, scenario_json

COMMAND = [sys.executable, "-m", "services.command_line", "calc"]


COMMAND_S = 180.0
"""[s] that one command may take on a machine under load."""


BOLUS = (
    b'{"at":"2026-11-01T12:00:00Z","insulin":{"model":"exponential","duration_min":360,'
    b'"peak_min":75,"delay_min":10},"doses":[{"kind":"bolus","start":"2026-11-01T11:00:00Z",'
    b'"units":2.0}]}'
)


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_what_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that waits without a word looks as if it hung."""
    monkeypatch.setattr(sys, "stdin", _Terminal(io.BytesIO(BOLUS)))

    assert 0 == main(["calc", "iob"])
    assert "waiting for a scenario" in capsys.readouterr().err


def test_a_closed_standard_input_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some schedulers close it; that is no reason for a traceback."""
    monkeypatch.setattr(sys, "stdin", None)

    assert 2 == main(["calc", "iob"])
    assert "standard input is closed" in capsys.readouterr().err


class _Broken(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


def test_an_input_that_cannot_be_read_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken disk is no reason for a traceback either."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(_Broken()))

    assert 2 == main(["calc", "iob"])
    assert "cannot be read: Input/output error" in capsys.readouterr().err


class _Asked(Scenario, frozen=True, kw_only=True):
    zone: str = ""
    """[-]"""


class _Told(Result, frozen=True, kw_only=True):
    values: tuple[float, ...] = ()
    """[-]"""
    named: dict[str, float] = msgspec.field(default_factory=dict)
    """[-]"""


def kind_of(run: Callable[[_Asked], _Told]) -> Kind[_Asked]:
    return Kind(name="k", text="", scenario=_Asked, result=_Told, example="{}", run=run)


@pytest.mark.parametrize(
    "result",
    [_Told(values=(1.0, math.nan)), _Told(values=(math.inf,)), _Told(named={"a": -math.inf})],
)
def test_a_number_that_is_none_is_refused(result: _Told) -> None:
    """The encoder would write NaN as null and say nothing."""
    with pytest.raises(ScenarioError, match="too large"):
        scenario_json.answer(kind_of(lambda asked: result), b"{}", zones=calc._transitions)


@pytest.mark.parametrize("error", [ZeroDivisionError("division"), OverflowError("x"), ValueError()])
def test_arithmetic_that_fails_is_a_refusal(error: Exception) -> None:
    """A traceback is no answer for another program."""

    def run(asked: _Asked) -> _Told:
        raise error

    with pytest.raises(ScenarioError, match="cannot be computed") as found:
        scenario_json.answer(kind_of(run), b"{}", zones=calc._transitions)
    assert "$" == found.value.path


def test_zones_are_looked_up_over_any_length_of_time() -> None:
    """A plan of years needs every change of the clock, each once."""
    start, end = UtcMillis(1_735_689_600_000), UtcMillis(1_830_297_600_000)  # 2025 to 2027

    found = calc._transitions("Europe/Berlin", start, end)

    assert [3600, 7200, 3600, 7200, 3600, 7200, 3600] == [change.offset_s for change in found]
    assert start == found[0].at
    assert 1 == len(calc._transitions("Europe/Berlin", start, start))
    assert () == calc._transitions("Europe/Nowhere", start, end)


def test_the_command_works_in_a_pipe() -> None:
    """As other programs use it: bytes in, bytes out, and the exit code."""
    example = subprocess.run(
        [*COMMAND, "iob", "--example"], capture_output=True, timeout=COMMAND_S, check=True
    )
    done = subprocess.run(
        [*COMMAND, "iob"],
        input=example.stdout,
        capture_output=True,
        timeout=COMMAND_S,
        check=False,
    )

    assert (0, b"") == (done.returncode, done.stderr)
    assert "iob_u" in json.loads(done.stdout)


def test_an_answer_comes_before_the_next_question_is_asked() -> None:
    """A program that asks line by line over one pipe must not wait for ever."""
    with subprocess.Popen(
        [*COMMAND, "iob", "--lines"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdin is not None and running.stdout is not None
        for _ in range(3):
            running.stdin.write(BOLUS + b"\n")
            running.stdin.flush()
            assert b'{"iob_u":1.667598681925,' in running.stdout.readline()
        running.stdin.close()
        assert 0 == running.wait(COMMAND_S)
