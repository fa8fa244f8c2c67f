"""What `make nightly` runs: parts of at most an hour, each in steps that are done or not done.

A step is one command with a seed of its own. The seed follows from the number of the run, so that
each run draws other numbers and any of them can be drawn again.
"""

import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.mutants import GROUPS, group_of
from support.repository import ROOT

PYTEST: Final = (sys.executable, "-m", "pytest")
EXAMPLES: Final = 5_000
"""[-] of each property; source: the profile `nightly` in tests/conftest.py."""

KILLS: Final = 1_000
"""[-] at any instant, in rounds."""

NESTED_KILLS: Final = 100
"""[-] each followed by deaths during the recovery, in rounds."""

A_ROUND: Final = 50
"""[-] kills of one system, which then rests and is checked; or corruptions."""

DAYS: Final = 365
"""[d] lived through and replayed."""

AWAY_H: Final = 72
"""[h] without a broker."""

FORGED: Final = 100_000
"""[-] well-formed frames on the pump's line, among ten times as many."""

SEEDS_A_RUN: Final = 1_000
"""[-] between the first seeds of two runs; source: more than the steps of any part."""

SYSTEM_KILLS: Final = 1_000
"""[-] of all processes at once, in rounds."""

NESTED_SYSTEM_KILLS: Final = 100
"""[-] of all processes, and of all again during the start that follows, in rounds."""

CORRUPTIONS: Final = 500
"""[-] of one file of a data folder each, in rounds."""

KILLS_FILE: Final = "tests/system/deaths/test_random_kills.py"
SYSTEM_KILLS_FILE: Final = "tests/system/deaths/test_system_kills.py"
CORRUPTIONS_FILE: Final = "tests/system/faults/test_corrupted_files.py"
DAYS_FILE: Final = "tests/scenario/record/test_lived_days.py"
AWAY_FILE: Final = "tests/system/faults/test_broker_away.py"
LINE_FILE: Final = "tests/contract/pump/test_pump_strangers.py"
FLOOD: Final = "test_a_flood_of_forged_frames_moves_nothing_and_fills_nothing"


class Step(NamedTuple):
    """One command that is run as a whole, or run again."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    amounts: Mapping[str, int]
    """[-] what it tries, by what is counted: kills, days, examples of each property."""
    modules: Sequence[str] = ()
    """[-] whose mutants it tries; empty for a run of pytest."""


class Part(NamedTuple):
    """What is run in an hour at most, under one name."""

    name: str
    what: str
    steps: Callable[[int], Sequence[Step]]
    """[-] all steps, for the first seed of a run."""


def first_seed(run: int) -> int:
    """Give the seed of the first step of a run, counted from 1."""
    return (run - 1) * SEEDS_A_RUN + 1


def _properties(seed: int) -> Sequence[Step]:
    return [
        Step(
            name=path,
            words=(
                *PYTEST,
                *("-q", "-n", "2", "--hypothesis-profile", "nightly"),
                f"--hypothesis-seed={seed + number}",
                path,
            ),
            environment={},
            amounts={"examples of each property": EXAMPLES},
        )
        for number, path in enumerate(_files_with("@given", "StateMachine"))
    ]


def _enumerations(seed: int) -> Sequence[Step]:
    del seed
    return [
        Step(
            name=path,
            words=(*PYTEST, "-q", "-n", "2", "--nightly", "-m", "nightly", path),
            environment={},
            amounts={},
        )
        for path in _files_with("mark.nightly")
        if path not in (KILLS_FILE, CORRUPTIONS_FILE)
    ]


def _kills(seed: int) -> Sequence[Step]:
    test = f"{KILLS_FILE}::test_kills_at_random_instants"
    return _rounds(test, seed, of=KILLS, what="kills")


def _nested(seed: int) -> Sequence[Step]:
    test = f"{KILLS_FILE}::test_kills_during_recovery"
    return _rounds(test, seed, of=NESTED_KILLS, what="kills")


def _system_kills(seed: int) -> Sequence[Step]:
    test = f"{SYSTEM_KILLS_FILE}::test_a_system_killed_as_a_whole_goes_on_with_all_that_it_gave"
    return _rounds(test, seed, of=SYSTEM_KILLS, what="whole-system kills")


def _nested_system_kills(seed: int) -> Sequence[Step]:
    test = f"{SYSTEM_KILLS_FILE}::test_a_system_killed_again_while_it_recovers_goes_on"
    return _rounds(test, seed, of=NESTED_SYSTEM_KILLS, what="nested whole-system kills")


def _corruptions(seed: int) -> Sequence[Step]:
    test = "test_any_file_damaged_in_any_way_doubles_nothing_and_loses_nothing"
    return _rounds(f"{CORRUPTIONS_FILE}::{test}", seed, of=CORRUPTIONS, what="corruptions")


def _rounds(test: str, seed: int, *, of: int, what: str) -> Sequence[Step]:
    """Split so many cases of one test into rounds, each with the next seed."""
    return [
        Step(
            name=f"seed {seed + number}",
            words=(*PYTEST, "-q", "-s", "--nightly", test),
            environment={"NIGHTLY_CASES": str(A_ROUND), "NIGHTLY_SEED": str(seed + number)},
            amounts={what: A_ROUND},
        )
        for number in range(of // A_ROUND)
    ]


def _year(seed: int) -> Sequence[Step]:
    del seed
    return [
        Step(
            name=f"{DAYS} days",
            words=(*PYTEST, "-q", "-s", DAYS_FILE),
            environment={"NIGHTLY_DAYS": str(DAYS)},
            amounts={"days": DAYS},
        )
    ]


def _broker_away(seed: int) -> Sequence[Step]:
    del seed
    return [
        Step(
            name=f"{AWAY_H} hours",
            words=(*PYTEST, "-q", "-s", AWAY_FILE),
            environment={"NIGHTLY_AWAY_H": str(AWAY_H)},
            amounts={"hours without a broker": AWAY_H},
        )
    ]


def _line(seed: int) -> Sequence[Step]:
    del seed
    return [
        Step(
            name=f"{FORGED} frames",
            words=(*PYTEST, "-q", "-s", f"{LINE_FILE}::{FLOOD}"),
            environment={"NIGHTLY_FRAMES": str(FORGED)},
            amounts={"forged frames": FORGED, "frames": 10 * FORGED},
        )
    ]


def _mutants_of(group: str) -> Callable[[int], Sequence[Step]]:
    def steps(seed: int) -> Sequence[Step]:
        del seed
        return [
            Step(
                name=module,
                words=(str(Path(sys.executable).with_name("mutmut")), "run", f"{module}.*"),
                environment={},
                amounts={},
                modules=(module,),
            )
            for module in mutated_modules()
            if group_of(module) == group
        ]

    return steps


def mutated_modules() -> Sequence[str]:
    """Name every module that mutmut changes, as pyproject.toml lists them, sorted."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        patterns = tomllib.load(file)["tool"]["mutmut"]["only_mutate"]
    paths = {path for pattern in patterns for path in ROOT.glob(pattern)}
    names = (path.relative_to(ROOT).with_suffix("").parts for path in paths)
    return sorted(".".join(parts) for parts in names if parts[-1] != "__init__")


def _files_with(*words: str) -> Sequence[str]:
    """Name the files of tests in which one of these words stands, sorted."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    texts = (
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths
    )
    return [name for name, text in texts if any(word in text for word in words)]


PARTS: Final = (
    Part("properties", f"{EXAMPLES} examples of each property", _properties),
    Part("enumerations", "all cases of which make test runs one of each kind", _enumerations),
    Part("kills", f"{KILLS} kills at any instant", _kills),
    Part("nested-kills", f"{NESTED_KILLS} kills, and deaths during each recovery", _nested),
    Part("system-kills", f"{SYSTEM_KILLS} kills of the whole system", _system_kills),
    Part(
        "nested-system-kills",
        f"{NESTED_SYSTEM_KILLS} kills of the whole system, and again during its start",
        _nested_system_kills,
    ),
    Part("corruptions", f"{CORRUPTIONS} corruptions of any file", _corruptions),
    Part("year", f"{DAYS} days by the real deciders, replayed", _year),
    Part("broker-away", f"{AWAY_H} hours without a broker", _broker_away),
    Part("line", f"{FORGED} forged frames on the pump's line, ten times as many in all", _line),
    *(Part(f"mutants-{group}", f"mutants of {group}", _mutants_of(group)) for group in GROUPS),
)
"""[-] in the order in which all of them are run."""
