"""What the nightly runs left: one file a run, one line a step; `make results` adds them up."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from support.repository import ROOT

FOLDER: Final = ROOT / "nightly-results"

KEPT: Final = ROOT / "tests/data/nightly-results"
"""[-] results that were committed: a fresh clone goes on from there, with other seeds."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A test that failed, or a mutant that no test noticed and that has no reason."""

    test: str
    message: str


class StepDone(msgspec.Struct, frozen=True, kw_only=True, tag="step"):
    """One step that came to its end, and what it found."""

    step: str
    commit: str
    command: str
    """[-] runs the same again at the top of the checkout, with its variables and seed."""
    started: str
    """[-] UTC, ISO 8601."""
    duration_s: float
    counts: Mapping[str, int]
    """[-] tests that passed, failed, were skipped; mutants that were caught or survived."""
    amounts: Mapping[str, int]
    """[-] what was tried: kills, days, examples of each property."""
    findings: Sequence[Finding] = ()


class RunFinished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """The last line of a run: no step of it is left."""

    finished: str
    """[-] UTC, ISO 8601."""


class Run(NamedTuple):
    """One run of a part, as its file tells it."""

    part: str
    number: int
    steps: Sequence[StepDone]
    is_finished: bool

    @property
    def findings(self) -> int:
        return sum(len(step.findings) for step in self.steps)


def runs_of(folder: Path, part: str) -> Sequence[Run]:
    """Read all runs of a part, the oldest first."""
    found: list[Run] = []
    for path in sorted(folder.glob(f"{part}.[0-9][0-9][0-9][0-9].jsonl")):
        lines = path.read_bytes()[: whole_lines(path)].splitlines()
        read = [msgspec.json.decode(line, type=StepDone | RunFinished) for line in lines]
        steps = [one for one in read if isinstance(one, StepDone)]
        found.append(Run(part, int(path.name.split(".")[-2]), steps, len(steps) < len(read)))
    return found


def whole_lines(path: Path) -> int:
    """Give how many bytes of a file are whole lines; a loss of power may cut the last one off."""
    return path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0


def append(folder: Path, run: Run, line: StepDone | RunFinished) -> None:
    """Write one more line into the file of a run."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{run.part}.{run.number:04d}.jsonl"
    end = whole_lines(path)
    with path.open("r+b" if path.exists() else "xb") as file:
        file.truncate(end)
        file.seek(end)
        file.write(msgspec.json.encode(line) + b"\n")


def parts_in(folder: Path) -> Sequence[str]:
    """Name every part that has a file."""
    return sorted({path.name.rsplit(".", 2)[0] for path in folder.glob("*.jsonl")})


def added(runs: Sequence[Run]) -> Mapping[str, int]:
    """Add up what was counted and what was tried in all steps of all runs."""
    total = Counter[str]()
    for run in runs:
        for step in run.steps:
            total.update(step.counts)
            total.update(step.amounts)
    return total


def table_of(folder: Path) -> Table:
    """Show each part: how often it ran, how long, what it tried and what it found."""
    table = Table("part", "runs", "hours", "what", "findings", title="nightly runs, added up")
    for part in parts_in(folder):
        runs = runs_of(folder, part)
        finished = sum(run.is_finished for run in runs)
        hours = sum(step.duration_s for run in runs for step in run.steps) / 3_600
        what = ", ".join(f"{count:,} {name}" for name, count in added(runs).items() if count)
        table.add_row(
            part,
            f"{finished} of {len(runs)} whole",
            f"{hours:.1f}",
            what,
            str(sum(run.findings for run in runs)),
        )
    return table


def told(folder: Path) -> Iterator[str]:
    """Tell each finding, and the command that runs its step again."""
    for part in parts_in(folder):
        for run in runs_of(folder, part):
            for step in run.steps:
                for finding in step.findings:
                    yield f"{part}, run {run.number}, commit {step.commit}: {finding.test}"
                    yield f"  {finding.message}"
                    yield f"  again: {step.command}"


def go_on_from(kept: Path, folder: Path) -> None:
    """Take over the results that were committed and are not there yet."""
    for path in sorted(kept.glob("*.jsonl")):
        if not (folder / path.name).exists():
            folder.mkdir(exist_ok=True)
            (folder / path.name).write_bytes(path.read_bytes())


def main() -> int:
    """Print the sum and every finding; 0 where there is none."""
    go_on_from(KEPT, FOLDER)
    console = Console()
    console.print(table_of(FOLDER))
    lines = list(told(FOLDER))
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
