"""Golden histories of every release: each decision made again, to the byte, for ever."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import core.advice
import golden_histories
from core.deciders import DECIDERS
from fake_house import PUMP
from golden_histories import (
    ADVISOR,
    FOLDER,
    accepted_in,
    expected_in,
    journals_path,
    releases,
    stores_in,
    tags_in,
    write,
)
from schemas import codec
from schemas.units import MilliUnits, Speaker
from services.runtime.decisions_again import Verdict, verify_decisions
from services.runtime.release import version
from services.runtime.replay import known_by

TAGS_MIN = 65
"""[-] kinds of events and of what led to them in a golden history."""


@pytest.mark.parametrize("release", releases())
def test_each_decision_of_a_release_is_made_again(release: str) -> None:
    """What is another one today, by intent, stands in accepted.json with its reason."""
    found = {
        (name, one.position, one.text)
        for name, store in stores_in(journals_path(release)).items()
        for one in verify_decisions(DECIDERS[name], store).differences
    }
    accepted = accepted_in(release)
    assert found == {(one.service, one.position, one.text) for one in accepted}
    assert all(one.why for one in accepted)


@pytest.mark.parametrize("release", releases())
def test_each_state_is_what_it_was(release: str) -> None:
    """Field by field of what its release showed; a later one may show more."""
    stores, expected = stores_in(journals_path(release)), expected_in(release)
    for name, view in expected.views.items():
        known = known_by(DECIDERS[name], stores[name], pump=PUMP, at=expected.now.therapy)
        today = msgspec.json.decode(codec.encode(known))
        assert {field: today[field] for field in view} == view, name


@pytest.mark.parametrize("release", releases())
def test_a_golden_history_has_much_in_it(release: str) -> None:
    stores = stores_in(journals_path(release))
    assert set(stores) == set(DECIDERS)
    assert len(tags_in(stores.values())) >= TAGS_MIN


def test_every_release_has_one() -> None:
    """By the changelog: whoever releases without one cannot say what it decided."""
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.M))
    assert known == set(releases())
    assert version() in known


def verdict_of(path: Path) -> Verdict:
    (store,) = stores_in(path).values()
    return verify_decisions(DECIDERS[ADVISOR], store)


@pytest.mark.parametrize("release", releases())
def test_what_is_wrong_in_the_bad_one_is_named_and_nothing_else(release: str) -> None:
    """Ten times the insulin, and another refusal than was decided."""
    found = verdict_of(FOLDER / release / "bad.jsonl.gz")
    kinds = [event for one in found.changed for event in one.events]
    more = next(one for one in kinds if one.kind == "bolus_advised")
    assert more.stored is not None
    assert (more.stored, more.difference) == (10 * (more.decided or 0), -9 * (more.decided or 0))
    assert [one.field for one in more.fields] == ["amount"]
    assert sorted((one.is_stored, one.is_decided) for one in kinds) == [
        (False, True),
        (True, False),
        (True, True),
    ]
    assert all("refused" in one.kind for one in kinds if one.is_stored != one.is_decided)
    assert not any("not what was written" in one.text for one in found.differences)


def test_the_mutant_that_advises_otherwise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twentieth of a unit more."""
    guarded = core.advice._guarded

    def generous(*given: Any) -> Any:
        amount, cuts = guarded(*given)
        return MilliUnits(amount + 50), cuts

    monkeypatch.setattr(core.advice, "_guarded", generous)
    with pytest.raises(AssertionError):
        test_each_decision_of_a_release_is_made_again(version())


@pytest.mark.parametrize(
    "changed",
    [
        ("core.advice", "ADVICE_LIFE_MS"),
        ("core.record", "CHECKPOINT_MS"),
        ("core.basal", "PLAN_MS"),
        ("core.delivery_conditions", "RESERVOIR_LOW_MU"),
    ],
)
def test_a_constant_that_moves_is_noticed(
    changed: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four services."""
    name = ".".join(changed)
    monkeypatch.setattr(name, 1)
    with pytest.raises(AssertionError):
        test_each_decision_of_a_release_is_made_again(version())


def test_a_golden_history_is_never_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is written is what the house lived through."""
    monkeypatch.setattr(golden_histories, "FOLDER", tmp_path)
    write("9.9.9")
    stores = stores_in(journals_path("9.9.9"))
    verdicts = {name: verify_decisions(DECIDERS[name], store) for name, store in stores.items()}
    assert {name: one.differences for name, one in verdicts.items()} == dict.fromkeys(DECIDERS, ())
    assert verdicts[Speaker("actuator")].decisions > 100
    with pytest.raises(FileExistsError):
        write("9.9.9")
