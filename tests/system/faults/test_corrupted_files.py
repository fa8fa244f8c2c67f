"""D5, B8: one file of the data folder is damaged, whichever it is, and the system is started.

    NIGHTLY_SEED=7 NIGHTLY_CASES=50 pytest -s --nightly FILE

Either it starts, gives nothing twice and accounts for all, or it says which file is in the way and
what to do. `make test` tries each kind of damage once, `make nightly` every file in turn.
"""

import os
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from support.real.corruption import (
    KINDS,
    Lived,
    copied,
    files_in,
    lived,
    on_copy,
    try_case,
    wrong_about,
    wrong_line,
)
from support.real.crash_system import kill_all
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system

SEED = int(os.environ.get("NIGHTLY_SEED", "1"))
CORRUPTIONS = int(os.environ.get("NIGHTLY_CASES", "50"))
"""[-] in one round."""

OPTIONS = ("--speed", "600", "--no-person", "--glucose", "none")

STREAM = "broker/jetstream/BASALT/streams/basalt"

BY_DAY = (
    ("keys/actuator.nk", "bit flipped"),
    ("journals/bolus_advisor.db", "block zeroed"),
    ("journals/glucose_ingest.db", "cut short"),
    ("begun.json", "emptied"),
    (f"{STREAM}/obs/actuator/o.dat", "removed"),
    ("keys/record.key", "junk appended"),
    ("journals/actuator.lock", "a folder instead"),
    (f"{STREAM}/msgs/1.blk", "older copy"),
    ("pump/demo.nvm", "bytes of another file"),
)
"""[-] each kind once, and one file of each kind."""


@dataclass(frozen=True)
class Stopped:
    """A system that gave boluses and was stopped, with what was true of it."""

    system: RealSystem
    before: Lived


def give(folder: Path, amount: str) -> RealSystem:
    """Start on a folder, give a bolus and stop; basal flows on."""
    with real_system(folder, *OPTIONS) as system:
        system.basalt("bolus", amount, "--confirm")
        system.until_settled()
        assert system.stop() == 0
    return system


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """Two runs and a bolus in each; the older copy is of the time between them."""
    root = tmp_path_factory.mktemp("lived")
    give(root / "older", "1")
    copied(root / "older", root / "stopped")
    system = give(root / "stopped", "0.5")
    return Stopped(system, lived(system, root / "stopped", older=root / "older"))


@pytest.fixture(scope="module")
def died(stopped: Stopped) -> Lived:
    """The same system after a third bolus, killed as a whole: what it wrote last is in logs."""
    root = stopped.before.folder.parent
    copied(stopped.before.folder, root / "killed")
    system = RealSystem(root / "killed", *OPTIONS)
    try:
        system.wait_ready()
        system.basalt("bolus", "0.4", "--confirm")
    finally:
        kill_all(system, random.Random(SEED))  # noqa: S311  # a lot that can be drawn again
    # Whoever reads a journal tidies it up: what the death left is kept as it is.
    copied(root / "killed", root / "died")
    return lived(system, root / "died", older=root / "older")


@pytest.mark.requirement("R46")
@pytest.mark.parametrize(("name", "kind"), BY_DAY, ids=[kind for _, kind in BY_DAY])
def test_a_damaged_file_doubles_nothing_or_is_named_with_what_to_do(
    stopped: Stopped, tmp_path: Path, name: str, kind: str
) -> None:
    """Whatever a disk does to a file, nobody doses upon it, and nobody stands without advice."""
    lot = random.Random(SEED)  # noqa: S311  # a lot that can be drawn again

    assert "" == try_case(stopped.before, tmp_path, name=name, lot=lot, kind=kind)


def test_each_kind_of_damage_is_tried_by_day() -> None:
    """A kind that is tried at night alone is missed by whoever breaks it."""
    assert set(KINDS) == {kind for _, kind in BY_DAY}


@pytest.mark.nightly
@pytest.mark.requirement("R46")
def test_any_file_damaged_in_any_way_doubles_nothing_and_loses_nothing(
    stopped: Stopped, died: Lived, tmp_path: Path
) -> None:
    """File by file in turn, the kind of damage by lot; all findings are told at the end."""
    lot = random.Random(SEED)  # noqa: S311  # a lot that can be drawn again
    found: list[str] = []
    for number in range(CORRUPTIONS):
        before = lot.choice((stopped.before, died))
        names = files_in(before.folder)
        name = names[(SEED * CORRUPTIONS + number) % len(names)]
        print(f"seed {SEED}, {number + 1} of {CORRUPTIONS}: ", end="")
        if wrong := try_case(before, tmp_path, name=name, lot=lot):
            found.append(wrong)

    assert [] == found


def changed(system: RealSystem, to: Path, name: str, statement: str) -> RealSystem:
    """Change a line of a copy's database, as a system without its checks would."""
    copied(system.folder.path, to)
    with closing(sqlite3.connect(to / name)) as file, file:
        assert file.execute(statement).rowcount == 1
    return on_copy(system, to)


BEGIN_AGAIN = (
    "INSERT INTO history SELECT max(sequence) + 1, first.record, first.dose FROM history, "
    "(SELECT record, dose FROM history WHERE dose IS NOT NULL LIMIT 1) AS first"
)
"""[-] gives the pump's history a second beginning of its first dose."""

TELL_ANOTHER_AMOUNT = (
    "UPDATE stored_events SET state = replace(state, '500', '501') WHERE rowid = "
    "(SELECT max(rowid) FROM stored_events WHERE topic = 'bolus_delivered.v1')"
)
"""[-] changes an event of the actuator's journal."""


@pytest.mark.requirement("R46")
def test_the_mutants_that_double_lose_or_accept_are_caught(
    stopped: Stopped, tmp_path: Path
) -> None:
    """A dose begun again, a part that is not accounted, an event that nobody said."""
    system, ledger = stopped.system, stopped.system.ledger()
    # A pulse after the actuator's last reading is no loss while the pump has it.
    before = replace(stopped.before, pumped=stopped.before.accounted)

    doubled = changed(system, tmp_path / "a", "pump/demo.nvm", BEGIN_AGAIN)
    accepted = changed(system, tmp_path / "b", "journals/actuator.db", TELL_ANOTHER_AMOUNT)
    lost = on_copy(system, before.older)

    assert "" == wrong_about(system, before, ledger)
    assert wrong_about(doubled, before, ledger).startswith("doubled")
    assert wrong_about(accepted, before, ledger).startswith(("accepted", "a journal cannot"))
    assert wrong_about(lost, before, ledger).startswith("under-counted")


@pytest.mark.parametrize(
    "text",
    [
        "basalt up: StoreBroken: database disk image is malformed",
        "basalt up: FOLDER/begun.json is broken",
        "Traceback (most recent call last):\n basalt up: FOLDER/begun.json is broken; remove it",
    ],
)
def test_a_refusal_without_file_or_remedy_is_caught(tmp_path: Path, text: str) -> None:
    """Who reads it at night has nothing else to go by."""
    said, name = text.replace("FOLDER", str(tmp_path)), "begun.json"

    assert "" != wrong_line(said, tmp_path, name=name)
    assert "" == wrong_line(f"{tmp_path / name} is broken; remove it", tmp_path, name=name)
