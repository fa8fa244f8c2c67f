"""Runs a part of `make nightly`: what is done is kept, and goes on where it was.

usage: python -m support.nightly.run [PART] [--again] [--minutes N]

Without PART each part is run in turn; `list` shows them. A part that was interrupted goes on with
the next step that is not done; one that is finished runs again with --again, with other seeds.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from bench.mutants import SURVIVED, change, mutants, without_reason
from services.runtime.platform.clock import wall_ms
from support.nightly.parts import PARTS, Part, Step, first_seed
from support.nightly.results import (
    FOLDER,
    KEPT,
    Finding,
    Run,
    RunFinished,
    StepDone,
    append,
    go_on_from,
    runs_of,
)
from support.repository import ROOT

MINUTES_MAX: Final = 60
"""[min] of a part; a step that would probably end later is left for the next time."""

STEP_S_MAX: Final = 3_600.0
"""[s] of one step; what is not at its end then is a finding."""

STOP_S_MAX: Final = 60.0
"""[s] for a step that is broken off, to stop the processes that it has started."""

MESSAGE_LETTERS_MAX: Final = 500
"""[-] of what a failed test says."""


class Outcome(NamedTuple):
    """What came of one step."""

    counts: Mapping[str, int]
    findings: Sequence[Finding]


Do = Callable[[Step], Outcome]
"""[-] runs a step."""


def run_part(
    part: Part,
    *,
    folder: Path,
    do: Do,
    again: bool = False,
    minutes: float = MINUTES_MAX,
    seconds: Callable[[], float] = time.perf_counter,
) -> int:
    """Run the steps of a part that are not done; 0 where all are done and nothing was found.

    Args:
        part: what to run.
        folder: of the results.
        do: runs one step.
        again: begin a new run where the last one is finished.
        minutes: [min] that the part may take; at least one step is run.
        seconds: [s] a clock that only goes on.
    """
    run = _run_to_go_on_with(part, folder, again=again)
    if run.is_finished:
        print(f"{part.name}: run {run.number} is finished; AGAIN=1 runs it with other seeds")
        return int(run.findings > 0)
    steps = part.steps(first_seed(run.number))
    done = {step.step for step in run.steps}
    findings, begun, longest_s = run.findings, seconds(), 0.0
    for number, step in enumerate(steps, start=1):
        if step.name in done:
            continue
        started, at = _utc(), seconds()
        if longest_s and at - begun + longest_s > minutes * 60:
            print(f"{part.name}: {minutes:g} minutes are over, {number - 1} of {len(steps)} steps")
            return 1
        print(f"{part.name}: step {number} of {len(steps)}: {step.name}", flush=True)
        outcome = do(step)
        longest_s = max(longest_s, seconds() - at)
        line = StepDone(
            step=step.name,
            commit=_commit(),
            command=typed(step),
            started=started,
            duration_s=round(seconds() - at, 1),
            counts=outcome.counts,
            amounts=step.amounts,
            findings=outcome.findings,
        )
        append(folder, run, line)
        findings += len(outcome.findings)
    append(folder, run, RunFinished(finished=_utc()))
    print(f"{part.name}: run {run.number} is finished, {findings} findings")
    return int(findings > 0)


def _run_to_go_on_with(part: Part, folder: Path, *, again: bool) -> Run:
    """Give the newest run of a part, or a new one."""
    runs = runs_of(folder, part.name)
    if not runs:
        return Run(part.name, 1, (), is_finished=False)
    if runs[-1].is_finished and again:
        return Run(part.name, runs[-1].number + 1, (), is_finished=False)
    return runs[-1]


def run_step(step: Step) -> Outcome:
    """Run a step as its own process, and read what came of it."""
    report = FOLDER / "junit.xml"
    report.unlink(missing_ok=True)
    words = [*step.words, *(() if step.modules else (f"--junitxml={report}",))]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(words, cwd=ROOT, env={**environment, **step.environment})
    try:
        code = process.wait(STEP_S_MAX)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        late = Finding(test=step.name, message=f"not at its end after {STEP_S_MAX:.0f} s")
        return Outcome({}, [late])
    return _mutants_tried(step, code) if step.modules else read_report(report, code)


def read_report(report: Path, code: int) -> Outcome:
    """Read the report of a run of pytest, which ended with a code."""
    if not report.exists():
        return Outcome({}, [Finding(test="pytest", message=f"ended with {code}, no report")])
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    findings: list[Finding] = []
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):  # noqa: S314  # our own file
        wrong = [one for one in case if one.tag in ("failure", "error")]
        name = f"{case.get('classname')}::{case.get('name')}"
        findings.extend(
            Finding(test=name, message=(one.get("message") or "")[:MESSAGE_LETTERS_MAX])
            for one in wrong
        )
        is_skipped = any(one.tag == "skipped" for one in case)
        counts["failed" if wrong else "skipped" if is_skipped else "passed"] += 1
    if code and not findings:
        findings.append(Finding(test="pytest", message=f"ended with {code}, and no test failed"))
    return Outcome(counts, findings)


def _mutants_tried(step: Step, code: int) -> Outcome:
    """Read what became of the mutants of a step's modules."""
    tried = [one for one in mutants() if one.module in step.modules]
    if code or any(one.exit_code is None for one in tried):
        return Outcome({}, [Finding(test=step.name, message=f"mutmut ended with {code}")])
    survivors = [one for one in tried if one.exit_code in SURVIVED]
    counts = {"caught": len(tried) - len(survivors), "survived": len(survivors)}
    unexplained = without_reason(survivors)
    return Outcome(counts, [Finding(test=one.name, message=change(one)) for one in unexplained])


def typed(step: Step) -> str:
    """Write a step as it can be typed."""
    variables = [f"{name}={value}" for name, value in step.environment.items()]
    words = [word.replace(f"{Path(sys.executable).parent}", ".venv/bin") for word in step.words]
    return shlex.join([*variables, *words])


def _commit() -> str:
    """Name the commit that is tried, with a + where files differ from it; `unknown` without git."""
    if shutil.which("git") is None:
        return "unknown"
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _utc() -> str:
    return datetime.fromtimestamp(wall_ms() // 1_000, tz=UTC).isoformat()


def _shown(folder: Path) -> None:
    """Show every part, and how far it is."""
    for part in PARTS:
        runs = runs_of(folder, part.name)
        if not runs:
            state = "not run"
        elif runs[-1].is_finished:
            state = f"run {runs[-1].number} finished, {runs[-1].findings} findings"
        else:
            steps = len(part.steps(first_seed(runs[-1].number)))
            state = f"run {runs[-1].number}: {len(runs[-1].steps)} of {steps} steps"
        print(f"{part.name:20} {part.what}: {state}")


def main(words: Sequence[str] | None = None) -> int:
    """Run the part that is asked for, or all in turn; 0 where nothing was found."""
    parser = argparse.ArgumentParser(description="Run a part of what takes long.")
    names = [part.name for part in PARTS]
    parser.add_argument("part", nargs="?", default="all", choices=[*names, "all", "list"])
    parser.add_argument("--again", action="store_true", help="run a finished part once more")
    parser.add_argument("--minutes", type=float, default=MINUTES_MAX, help="for a part, at most")
    told = parser.parse_args(words)
    go_on_from(KEPT, FOLDER)
    if told.part == "list":
        _shown(FOLDER)
        return 0
    chosen = [part for part in PARTS if told.part in (part.name, "all")]
    codes = [
        run_part(part, folder=FOLDER, do=run_step, again=told.again, minutes=told.minutes)
        for part in chosen
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
