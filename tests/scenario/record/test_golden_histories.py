"""Golden histories of every released version are decided again, for ever; a bad one is told."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import core.deciders.glucose.alert_conditions
import core.dosing.limits.limits
import core.models.pulses
from core.deciders.registry import DECIDERS
from schemas.basal.profiles import BasalPlanMade
from schemas.bolus.advice import BolusAdvised
from schemas.delivery.delivery import BasalDelivered
from schemas.glucose import GlucoseMeasured
from schemas.message import Event, tag_of
from schemas.record import MessageQuarantined
from schemas.units import Speaker
from schemas.wire import codec
from support.history import golden_history
from support.history.golden_history import (
    Journals,
    accepted_path,
    differences,
    kinds_in,
    packed,
    path_of,
    unpacked,
    versions,
    views_of,
    views_path,
)
from support.history.golden_scenes import SCENES
from support.simulated.changed_decider import changed
from support.simulated.mutant_pairs import Patch, is_caught

NEWEST = next(iter(versions()))

TOLD = ("scene", "service", "line", "what", "by_mu", "fields")
"""[-] keys of an accepted difference; its reason stands beside them."""


def kept(name: str) -> Journals:
    return unpacked(path_of(name).read_bytes())


def accepted(name: str) -> list[tuple[Any, ...]]:
    """Give the differences of a version that somebody has given a reason for."""
    path = accepted_path(name)
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    assert all(one["reason"] for one in found)
    return [tuple(one[key] for key in TOLD) for one in found]


def decided_as_ever(name: str = NEWEST) -> bool:
    """Every decision again, byte for byte, but for what was accepted: no more and no less."""
    return accepted(name) == [tuple(one) for one in differences(kept(name))]


def seen_as_ever(name: str = NEWEST) -> bool:
    stored: dict[str, Any] = json.loads(views_path(name).read_text())
    today = views_of(kept(name))
    return stored.keys() == today.keys() and shows(today, stored)


def shows(today: Any, stored: Any) -> bool:
    """Say whether a view has all that it had then; a later release may show more."""
    if isinstance(stored, dict):
        return all(field in today and shows(today[field], stored[field]) for field in stored)
    return bool(today == stored)


@pytest.mark.requirement("R97")
@pytest.mark.parametrize("name", versions())
def test_every_version_has_a_golden_history_that_is_decided_as_ever(name: str) -> None:
    """A rule that changes is seen here first: accept it with its reason, or do not change it."""
    assert decided_as_ever(name)


def test_a_view_may_grow_and_not_change() -> None:
    stored = {"rate": 800, "doses": {"open": [1]}}
    assert shows({"rate": 800, "doses": {"open": [1], "new": 2}, "new": 3}, stored)
    assert not shows({"rate": 800, "doses": {"open": [1, 2]}}, stored)
    assert not shows({"rate": 800}, stored)


@pytest.mark.parametrize("name", versions())
def test_every_version_is_seen_as_ever(name: str) -> None:
    """What each service knew at the end, as it was stored then."""
    assert seen_as_ever(name)


def test_the_newest_says_all_that_can_be_said() -> None:
    """A new event needs a scene."""
    can_be_said = {tag_of(kind) for kind in codec.EVENT_KINDS}

    assert can_be_said == kinds_in(kept(NEWEST))
    assert {(scene, name) for scene in SCENES for name in DECIDERS} == set(kept(NEWEST))


def told_exactly() -> bool:
    """An advice 500 mU too large, a forecast missing, one too many: three, at their places."""
    expected = [
        ("bad", "bolus_advisor", 16, "nothing became glucose_forecast", 0, ""),
        ("bad", "bolus_advisor", 17, "glucose_forecast became nothing", 0, ""),
        (
            "bad",
            "bolus_advisor",
            23,
            "bolus_advised became bolus_advised",
            -500,
            "amount 3750 -> 3250",
        ),
    ]
    return expected == differences(kept("bad"))


def test_a_bad_history_is_told_exactly() -> None:
    """What bad code decided is found by deciding again, and nothing else is."""
    assert told_exactly()
    assert seen_as_ever("bad")


def test_a_golden_file_is_the_same_bytes_again() -> None:
    """Read and written: nothing of it is lost."""
    assert kept(NEWEST).keys() == unpacked(packed(kept(NEWEST))).keys()
    assert packed(kept(NEWEST)) == path_of(NEWEST).read_bytes()


def test_a_released_version_is_never_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Golden histories are added, never edited."""
    monkeypatch.setattr(golden_history, "versions", lambda: {NEWEST: True})
    before = path_of(NEWEST).read_bytes()

    with pytest.raises(SystemExit, match="never written again"):
        golden_history.write(NEWEST, {})
    assert before == path_of(NEWEST).read_bytes()


def said_otherwise(kind: type[Event], **fields: Any) -> Callable[[Patch], None]:
    """Let whoever says a kind of event say it otherwise."""

    def weaken(patch: Patch) -> None:
        for name, decider in list(DECIDERS.items()):
            if kind in decider.emits:
                patch.setitem(DECIDERS, name, _changed(decider, kind, fields))

    return weaken


def _changed(decider: Any, kind: type[Event], fields: dict[str, Any]) -> Any:
    def decide(*given: Any) -> tuple[Event, ...]:
        return tuple(
            msgspec.structs.replace(one, **fields) if isinstance(one, kind) else one
            for one in decider.decide(*given)
        )

    return changed(decider, decide=decide)


def without_an_alert(patch: Patch) -> None:
    """Leave a rule out."""
    tests = tuple(
        one
        for one in core.deciders.glucose.alert_conditions._TESTS
        if one[0] != "glucose_urgent_low"
    )
    patch.setattr(core.deciders.glucose.alert_conditions, "_TESTS", tests)


def forgetful(patch: Patch) -> None:
    """Fold no basal."""
    name = Speaker("actuator")
    decider = DECIDERS[name]

    def evolve(state: Any, entry: Any) -> Any:
        return state if isinstance(entry.body, BasalDelivered) else decider.evolve(state, entry)

    patch.setitem(DECIDERS, name, changed(decider, evolve=evolve))


RULES: list[Callable[[Patch], None]] = [
    said_otherwise(BolusAdvised, amount=50),
    said_otherwise(GlucoseMeasured, device="another"),
    said_otherwise(BasalPlanMade, tzdata="1999a"),
    said_otherwise(MessageQuarantined, reason="bad"),
    without_an_alert,
    forgetful,
]


@pytest.mark.parametrize("weaken", RULES)
def test_a_rule_that_changes_is_caught(
    weaken: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each service: a golden history that could not fail would prove nothing."""
    assert is_caught(decided_as_ever, weaken, monkeypatch)


def test_a_view_that_changes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold that forgets shows another end."""
    assert is_caught(seen_as_ever, forgetful, monkeypatch)


def told_under(weaken: Callable[[Patch], None]) -> list[golden_history.Told]:
    """Give what differs under another rule."""
    with pytest.MonkeyPatch.context() as patch:
        weaken(patch)
        return differences(kept(NEWEST))


def another_change_is_another() -> bool:
    """The same event, by as many milliunits, but another value of a field."""
    first = told_under(said_otherwise(GlucoseMeasured, device="another"))
    second = told_under(said_otherwise(GlucoseMeasured, device="a third"))
    return len(first) == len(second) > 0 and not set(first) & set(second)


def test_an_accepted_difference_hides_no_other_in_the_same_event() -> None:
    """What was accepted with a reason is that change alone."""
    assert another_change_is_another()


def test_a_golden_test_that_looks_at_no_field_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take any change of the same event for the one that was accepted."""
    assert is_caught(
        another_change_is_another,
        lambda patch: patch.setattr(golden_history, "_fields", lambda _: ""),
        monkeypatch,
    )


def test_an_accepted_difference_that_has_vanished_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """No more and no less: the list of what was accepted tells the truth."""
    known = [
        {
            "scene": "therapy",
            "service": "bolus_advisor",
            "line": 1,
            "what": "bolus_advised became bolus_advised",
            "by_mu": 50,
            "fields": "amount 0 -> 50",
            "reason": "the rule was mended",
        }
    ]
    path = tmp_path / "accepted.json"
    path.write_text(json.dumps(known))
    monkeypatch.setattr(f"{__name__}.accepted_path", lambda _: path)

    assert not decided_as_ever()
