"""`basalt whatif` as a person types it, against a system that runs and the journals it left."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from schemas.units import MINUTE_MS
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system

LIVED_MS = 15 * MINUTE_MS
"""[ms] after the bolus: insulin on board is looked at every five minutes."""

OTHER_LIMITS = {"single": "2", "hourly": "15", "daily": "80", "basal": "3"}


def set_up_at(system: RealSystem) -> str:
    """Say when the settings were there: a whole second after the newest of them."""
    changes = system.basalt("history", "changes", "--format", "jsonl").stdout.splitlines()
    newest = max(str(json.loads(line)["at"]) for line in changes)
    return newest.replace("Z", ".999Z")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSystem]:
    """A system in which a meal was eaten, and which still runs."""
    folder = tmp_path_factory.mktemp("whatif")
    with real_system(folder / "data", "--speed", "60", "--no-person") as system:
        system.wait_until(
            lambda: system.basalt("advise", "--carbs", "40", check=False).returncode == 0,
            "an advice is possible",
        )
        system.basalt("accept", "--yes", "--confirm", check=False)
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        rested = system.last_now().therapy
        system.wait_until(
            lambda: system.last_now().therapy > rested + LIVED_MS, "insulin on board is looked at"
        )
        yield system


@pytest.fixture(scope="module")
def begin(running: RealSystem) -> str:
    """The instant from which on all tests ask, whether the system still runs or not."""
    return set_up_at(running)


def test_both_sides_of_a_running_system_are_shown(running: RealSystem, begin: str) -> None:
    """Nothing is stopped, nothing is written; the caveat stands below."""
    same = running.basalt("whatif", "--from", begin, "--all")
    other = running.basalt("whatif", "--from", begin, "--rules", "loop", "--insulin", "walsh:4h")

    assert "nothing differs" in same.stdout
    assert "decided again, nothing changed" in same.stdout
    assert "advice       40" in same.stdout
    assert "what if rules loop, insulin walsh:4h" in other.stdout
    for shown in (same, other):
        assert "Glucose stays as recorded" in shown.stdout
        assert "in all" in shown.stdout
        assert "" == shown.stderr


def test_files_of_other_settings_are_those_of_the_other_commands(
    running: RealSystem, begin: str, tmp_path: Path
) -> None:
    """What `settings show`, `profile show` and `limits show` print can be changed and asked."""
    files = {name: tmp_path / f"{name}.json" for name in ("settings", "profile", "limits")}
    for name, path in files.items():
        path.write_text(running.basalt(name, "show").stdout)
    asked = json.loads(files["settings"].read_text())
    files["settings"].write_text(json.dumps({**asked, "carb_ratio": "5"}))
    files["limits"].write_text(json.dumps(OTHER_LIMITS))
    words = [word for name, path in files.items() for word in (f"--{name}", str(path))]

    done = running.basalt("whatif", "--from", begin, "--json", *words)

    found: Any = json.loads(done.stdout)
    advice = next(row for row in found["fork"]["rows"] if row["kind"] == "advice")
    assert advice["forked"]["amount"] == 2_000 < advice["recorded"]["amount"]
    assert "clamped_to_single_limit" in advice["forked"]["shaped_by"]
    assert min(found["differences"]) < 0
    assert "no forecast" in found["fork"]["caveat"]
    assert found["settings"]["limits"]["single"] == 2_000
    assert found["zone"] == asked["zone"]


def test_the_journals_of_a_stopped_system_are_enough(
    running: RealSystem, begin: str, tmp_path: Path
) -> None:
    """A table, a picture, and the same in the JSON; then every mistake with its sentence."""
    assert running.stop() == 0
    picture = tmp_path / "both.svg"

    shown = running.basalt(
        "whatif", "--from", begin, "--insulin", "linear:3h", "--picture", str(picture), "--all"
    )

    assert "insulin on board" in shown.stdout
    assert "differs most at" in shown.stdout
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")  # noqa: S314  # our own
    assert [picture] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--from", "2001-01-01T00:00:00Z"), 1, "the record begins at"),
        (("--from", "2029-01-01T00:00:00Z"), 1, "the record ends at"),
        (("--from", "BEGIN", "--pump", "nobody"), 1, "the record knows no pump 'nobody'"),
        (("--from", "BEGIN", "--rules", "nobody"), 1, "nobody"),
        (("--from", "BEGIN", "--insulin", "loop_juice"), 2, "neither a preset (loop_adult"),
        (("--from", "BEGIN", "--insulin", "walsh:soon"), 2, "--insulin walsh:soon"),
        (("--from", "BEGIN", "--insulin", "exponential:6h:5h"), 1, "insulin.peak"),
        (("--from", "BEGIN", "--to", "2001-01-01T00:00:00Z"), 2, "--to is not after --from"),
        (("--from", "BEGIN", "--zone", "Mars/Olympus"), 2, "Mars/Olympus"),
        (("--from", "BEGIN", "--picture", "NOWHERE/a.svg"), 2, "NOWHERE/a.svg"),
        (("--from", "BEGIN", "--limits", "NOWHERE/a.json"), 2, "No such file"),
        (("--from", "BEGIN", "--limits", "BROKEN"), 2, "not JSON"),
        (("--from", "BEGIN", "--profile", "BROKEN"), 2, "in line 2"),
        (("--from", "BEGIN", "--settings", "BROKEN"), 2, "in line 2"),
        (("--from", "noon"), 2, "--from"),
        ((), 2, "--from"),
        (("--from", "BEGIN", "--store", "sqlite:NOWHERE/x.db"), 3, "there is no journal"),
    ],
)
def test_a_mistake_is_one_sentence(
    running: RealSystem, begin: str, tmp_path: Path, words: tuple[str, ...], code: int, text: str
) -> None:
    """And its exit code says whose."""
    broken = tmp_path / "broken.json"
    broken.write_text('{"single": "2",\n "hourly" "15"}')
    spelled = [word.replace("BEGIN", begin).replace("BROKEN", str(broken)) for word in words]

    done = running.basalt("whatif", *spelled, check=False)

    assert (code, "") == (done.returncode, done.stdout)
    assert text in done.stderr
    assert 1 == done.stderr.count("\n")
