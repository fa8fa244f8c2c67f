"""`basalt calc bolus`: AndroidAPS's terms, laws that hold for every rule set, what is left out."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calc.bolus.compute import BOLUS
from core.calc.bolus.shapes import BolusResult, BolusScenario
from core.dosing.advice.rules.registry import RULE_SETS
from services.command_line.main import main

SETTINGS: dict[str, Any] = {
    "carb_ratio_g_per_u": 12,
    "sensitivity_mg_dl_per_u": 40,
    "target_low_mg_dl": 90,
    "target_high_mg_dl": 120,
}


NAMES = sorted(RULE_SETS)


def run(**fields: Any) -> BolusResult:
    result = BOLUS.run(msgspec.convert({**SETTINGS, **fields}, BolusScenario))
    return msgspec.convert(msgspec.to_builtins(result), BolusResult)


AAPS: dict[str, Any] = {
    "rules": "aaps",
    "glucose_mg_dl": 200,
    "carbs_g": 60,
    "iob_u": 1.5,
    "basal_iob_u": 0.5,
    "cob_g": 12,
    "trend_mg_dl_per_min": 4,
}


@pytest.mark.parametrize(
    ("switches", "vendor", "left_out"),
    [
        # 5.0 food + 1.0 carbs on board + 2.0 correction + 1.5 trend - 1.5 - 0.5 on board.
        ({}, 7.5, set()),
        ({"glucose": False}, 5.5, {"correction"}),
        ({"trend": False}, 6.0, {"trend"}),
        ({"cob": False}, 6.5, {"carbs_on_board"}),
        ({"bolus_iob": False}, 9.0, {"bolus_insulin_on_board"}),
        ({"basal_iob": False}, 8.0, {"basal_insulin_on_board"}),
        ({"manual_correction_u": -0.75}, 6.75, set()),
    ],
)
def test_each_term_of_androidaps_is_switched_for_itself(
    switches: dict[str, Any], vendor: float, left_out: set[str]
) -> None:
    """What is off is no term, and it is said."""
    on, found = run(**AAPS), run(**AAPS, aaps=switches)
    names = {term.name for term in found.terms}

    assert vendor == found.vendor_u
    assert left_out == {term.name for term in on.terms} - names
    assert bool(left_out) == ("terms_switched_off" in found.reasons)
    assert round(sum(term.units for term in found.terms), 9) == vendor


def test_what_is_switched_off_or_typed_in_is_shown_as_it_is() -> None:
    """No correction, insulin on board that cancels out or is left out, an amount by hand."""
    off = run(**AAPS, aaps={"glucose": False, "manual_correction_u": 0.5})
    fields = {"rules": "aaps", "carbs_g": 60, "aaps": {"positive_iob_only": True}}
    even, left = (
        {term.name: term.units for term in run(**fields, iob_u=0.5, basal_iob_u=basal).terms}
        for basal in (-0.5, -0.501)
    )

    assert 0.0 == off.correction_u
    assert 0.5 == {term.name: term.units for term in off.terms}["manual_correction"]
    assert (-0.5, 0.5) == (even["bolus_insulin_on_board"], even["basal_insulin_on_board"])
    assert (0.0, 0.0) == (left["bolus_insulin_on_board"], left["basal_insulin_on_board"])


def test_a_term_that_is_off_need_not_be_told() -> None:
    """Nobody asks for what does not count."""
    missing = {**AAPS, "cob_g": None, "trend_mg_dl_per_min": None}
    found = run(**missing, aaps={"cob": False, "trend": False})

    assert not {"carbs_not_counted", "trend_not_counted"} & set(found.reasons)


@pytest.mark.parametrize(
    ("iob", "basal", "switches", "vendor", "reason"),
    [
        (0.5, -1.5, {}, 6.0, "negative_insulin_on_board_added"),
        (0.5, -1.5, {"positive_iob_only": True}, 5.0, "negative_insulin_on_board_left_out"),
        (1.5, -0.5, {"positive_iob_only": True}, 4.0, "insulin_on_board_subtracted"),
        (
            0.5,
            -1.5,
            {"positive_iob_only": True, "basal_iob": False},
            4.5,
            "insulin_on_board_subtracted",
        ),
        (
            0.5,
            -1.5,
            {"positive_iob_only": True, "bolus_iob": False},
            5.0,
            "negative_insulin_on_board_left_out",
        ),
        (0.5, -0.5, {"positive_iob_only": True}, 5.0, None),
        (
            2.0,
            -1.5,
            {"positive_iob_only": True, "bolus_iob": False},
            5.0,
            "negative_insulin_on_board_left_out",
        ),
        (0.5, 0.0, {"bolus_iob": False}, 5.0, None),
        (0.0, 0.5, {"basal_iob": False}, 5.0, None),
    ],
)
def test_negative_insulin_on_board_adds_insulin_unless_switched_off(
    iob: float, basal: float, switches: dict[str, Any], vendor: float, reason: str | None
) -> None:
    """The sum of what counts decides, as in the wizard."""
    found = run(rules="aaps", carbs_g=60, iob_u=iob, basal_iob_u=basal, aaps=switches)
    said = {one for one in found.reasons if "on_board_" in one}

    assert vendor == found.vendor_u
    assert ({reason} if reason else set()) == said


def test_the_command_line_chooses_the_rules(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Whatever the scenario says; other kinds know no rules."""
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps({**SETTINGS, "rules": "aaps", "carbs_g": 12}))

    assert 0 == main(["calc", "bolus", str(scenario), "--rules", "all"])
    assert len(RULE_SETS) == len(json.loads(capsys.readouterr().out)["results"])
    assert 2 == main(["calc", "iob", str(scenario), "--rules", "all"])
    assert "--rules" in capsys.readouterr().err


AMOUNTS = st.integers(0, 8000).map(lambda milli: milli / 1000)


@given(
    name=st.sampled_from(NAMES),
    glucose=st.none() | st.integers(70, 400),
    carbs=st.integers(0, 150),
    iob=AMOUNTS,
    more=AMOUNTS,
)
def test_more_on_board_or_less_to_eat_never_advises_more(
    name: str, glucose: int | None, carbs: int, iob: float, more: float
) -> None:
    """Never negative, never above the vendor's value, monotone in insulin on board and carbs."""
    fields = {"rules": name, "glucose_mg_dl": glucose}
    one = run(**fields, carbs_g=carbs, iob_u=iob)
    assert one.advice_u is not None and one.vendor_u is not None
    assert 0 <= one.advice_u <= one.vendor_u
    on_board = run(**fields, carbs_g=carbs, iob_u=round(iob + more, 3)).advice_u
    eaten = run(**fields, carbs_g=carbs + 10, iob_u=iob).advice_u
    assert on_board is not None and eaten is not None
    assert on_board <= one.advice_u <= eaten


@given(name=st.sampled_from(sorted(set(NAMES) - {"aaps"})), iob=AMOUNTS)
def test_negative_insulin_on_board_adds_nothing(name: str, iob: float) -> None:
    """AAPS alone adds it, as its rules say."""
    fields = {"rules": name, "glucose_mg_dl": 200, "carbs_g": 30}

    assert run(**fields, iob_u=0).advice_u == run(**fields, iob_u=-iob).advice_u


@given(
    name=st.sampled_from(NAMES),
    low=st.integers(70, 400),
    high=st.integers(70, 400),
    iob=AMOUNTS,
)
def test_higher_glucose_never_advises_less(name: str, low: int, high: int, iob: float) -> None:
    """Without a meal; and no rule set's steps turn round at the edge of its cases."""
    low, high = sorted((low, high))
    first = run(rules=name, glucose_mg_dl=low, iob_u=iob).advice_u
    second = run(rules=name, glucose_mg_dl=high, iob_u=iob).advice_u

    assert first is not None and second is not None
    assert first <= second


def test_a_pump_whose_maker_states_no_largest_bolus_has_none() -> None:
    """The person's own limit is then the only one."""
    free = run(pump="dana_rs", carbs_g=300, carb_ratio_g_per_u=5)
    bound = run(pump="eopatch2", carbs_g=300, carb_ratio_g_per_u=5)

    assert (60.0, 25.0) == (free.advice_u, bound.advice_u)
    assert ["pump_maximum"] == [one.name for one in bound.clamps]


def test_a_vendor_that_refuses_where_basalt_does_not_is_heard() -> None:
    """Loop gives nothing below 55, were the system's own minimum lower; Omnipod's is the same."""
    found = run(rules="loop", glucose_mg_dl=52, carbs_g=30, safe_minimum_mg_dl=50)
    omnipod = run(rules="omnipod", glucose_mg_dl=60, carbs_g=30, safe_minimum_mg_dl=50)

    assert None is omnipod.refused
    assert "below_minimum_for_calculations" not in omnipod.reasons
    assert (None, "vendor_gives_no_advice") == (found.advice_u, found.refused)
    assert "vendor_gives_no_advice" in found.reasons


@pytest.mark.requirement("R11")
def test_the_safe_minimum_can_be_set() -> None:
    """From 50 to 100 mg/dL."""
    assert "glucose_below_safe_minimum" == run(glucose_mg_dl=89, safe_minimum_mg_dl=90).refused
    assert None is run(glucose_mg_dl=90, safe_minimum_mg_dl=90).refused
    with pytest.raises(msgspec.ValidationError, match="safe_minimum_mg_dl"):
        run(glucose_mg_dl=90, safe_minimum_mg_dl=49)


def test_a_trend_that_a_rule_set_leaves_out_is_told() -> None:
    """AndroidAPS alone counts it; Omnipod publishes its bound, not its formula."""
    told = {
        name: "trend_not_counted" in run(rules=name, trend_mg_dl_per_min=2).reasons
        for name in RULE_SETS
    }

    assert {name: name != "aaps" for name in RULE_SETS} == told
    assert "trend_not_counted" not in run(rules="omnipod").reasons


def test_what_a_scenario_does_not_say_is_not_shown_as_nothing() -> None:
    """Unknown insulin on board is not zero; AndroidAPS has three terms more to be told."""
    plain, told = run(glucose_mg_dl=250), run(glucose_mg_dl=250, iob_u=0)
    aaps = run(rules="aaps", glucose_mg_dl=250)

    assert "insulin_on_board_not_given" in plain.reasons
    assert "insulin_on_board_not_given" not in told.reasons
    assert "insulin_on_board" not in {term.name for term in plain.terms}
    assert "insulin_on_board" in {term.name for term in told.terms}
    missing = {"trend_not_counted", "basal_not_counted", "carbs_not_counted"}
    assert missing <= set(aaps.reasons) and len(set(aaps.reasons)) == len(aaps.reasons)
    assert {"food", "correction", "superbolus"} == {term.name for term in aaps.terms}
    full = run(
        rules="aaps", glucose_mg_dl=250, iob_u=0, trend_mg_dl_per_min=0, cob_g=0, basal_iob_u=0
    )
    assert missing.isdisjoint(full.reasons) and 7 == len(full.terms)
