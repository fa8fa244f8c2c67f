"""`basalt calc bolus`: each vendor's rule, and the guards that stand behind all of them."""

from typing import Any

import msgspec
import pytest

from core.calc.bolus.compute import BOLUS
from core.calc.bolus.shapes import BolusResult, BolusScenario
from core.dosing.advice.rules.registry import RULE_SETS
from core.kernel.errors import ScenarioError

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


def test_the_shape_that_programs_count_on() -> None:
    """Correction before insulin on board, then the vendor's value, then the advice."""
    found = run(rules="medtronic", glucose_mg_dl=200, carbs_g=0, iob_u=1.9)

    assert (0.0, 2.0, 0.1, 0.1) == (
        found.food_u,
        found.correction_u,
        found.vendor_u,
        found.advice_u,
    )
    assert "insulin_on_board_subtracted" in found.reasons


@pytest.mark.parametrize(
    ("rules", "fields", "vendor"),
    [
        # Above target: 60 g / 12 = 5.0 U; (200 - 120) / 40 = 2.0 U; 1.5 U on board.
        ("basalt", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 1.5}, 5.5),
        ("medtronic", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 1.5}, 5.5),
        ("tandem", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 1.5}, 5.5),
        ("ypsomed", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 1.5}, 5.5),
        ("aaps", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 1.5}, 5.5),
        # To the middle of the range: (200 - 105) / 40 = 2.375 U.
        ("loop", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 1.5}, 5.85),
        # More on board than the correction: only some take it from the meal.
        ("basalt", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 3}, 5.0),
        ("medtronic", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 3}, 5.0),
        ("ypsomed", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 3}, 4.0),
        ("omnipod", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 3}, 4.0),
        ("omnipod", {"glucose_mg_dl": 200, "carbs_g": 60, "iob_u": 3, "meal_iob_u": 3}, 5.0),
        # Insulin on board up to 0.05: 1.01 counts as 1.05.
        ("omnipod", {"glucose_mg_dl": 200, "iob_u": 1.01}, 0.95),
        ("omnipod", {"glucose_mg_dl": 140, "correct_above_mg_dl": 150, "carbs_g": 12}, 1.0),
        # Below target: (80 - 90) / 40 = -0.25 U.
        ("basalt", {"glucose_mg_dl": 80, "carbs_g": 60}, 4.75),
        ("omnipod", {"glucose_mg_dl": 80, "carbs_g": 60}, 4.75),
        ("omnipod", {"glucose_mg_dl": 80, "carbs_g": 60, "reverse_correction": False}, 5.0),
        # Cut towards zero to 1/40 U, then down to 0.1 U: -0.25 becomes -0.3.
        ("medtronic", {"glucose_mg_dl": 80, "carbs_g": 60}, 4.7),
        # Tandem's own worked example: 88 with target 120 and 0.98 U on board is the full meal.
        (
            "tandem",
            {
                "glucose_mg_dl": 88,
                "carbs_g": 60,
                "iob_u": 0.98,
                "target_low_mg_dl": 120,
                "target_high_mg_dl": 120,
            },
            5.0,
        ),
        # Below 70 both are taken: 5 - 0.75 - 0.98.
        ("tandem", {"glucose_mg_dl": 60, "carbs_g": 60, "iob_u": 0.98}, 3.27),
        # 3 x 15-min change: 2 x 15 / 40 = 0.75 U; negative insulin on board adds.
        ("aaps", {"glucose_mg_dl": 100, "carbs_g": 12, "trend_mg_dl_per_min": 2}, 1.75),
        ("aaps", {"glucose_mg_dl": 100, "carbs_g": 12, "basal_iob_u": -0.5}, 1.5),
        ("aaps", {"glucose_mg_dl": 100, "carbs_g": 24, "percent": 50}, 1.0),
        ("aaps", {"glucose_mg_dl": 100, "cob_g": 12, "superbolus_u": 1}, 2.0),
    ],
)
def test_each_vendor_reckons_its_own_way(rules: str, fields: dict[str, Any], vendor: float) -> None:
    """By hand from the vendors' texts."""
    assert vendor == run(rules=rules, **fields).vendor_u


def test_the_nearest_step_is_never_a_step_up() -> None:
    """AAPS rounds 1.042 U to 1.05; nobody is advised more than was computed."""
    found = run(rules="aaps", glucose_mg_dl=100, carbs_g=12.5)

    assert (1.05, 1.0) == (found.vendor_u, found.advice_u)
    assert ["never_up", "whole_steps"] == [clamp.name for clamp in found.clamps]
    assert found.clamps[0].before_u == found.vendor_u
    assert found.clamps[-1].after_u == found.advice_u


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"glucose_mg_dl": 69.9}, "glucose_below_safe_minimum"),
        ({"glucose_mg_dl": 9}, "glucose_implausible"),
        ({"glucose_mg_dl": 601}, "glucose_implausible"),
        ({"glucose_mark": "LOW"}, "glucose_low_mark"),
        ({"glucose_mark": "HIGH"}, "glucose_high_mark"),
        ({"glucose_mg_dl": 120, "bolus_running": True}, "bolus_running"),
    ],
)
@pytest.mark.requirement("R57")
def test_a_guard_refuses_whatever_the_vendor_says(
    name: str, fields: dict[str, Any], reason: str
) -> None:
    """Refused is not zero."""
    found = run(rules=name, carbs_g=60, **fields)

    assert (None, reason, ()) == (found.advice_u, found.refused, found.clamps)


@pytest.mark.parametrize("name", NAMES)
def test_stale_glucose_counts_as_missing_and_is_said(name: str) -> None:
    """Carbohydrate only, and no correction by an old number."""
    stale = run(rules=name, glucose_mg_dl=300, glucose_age_min=10.1, carbs_g=12)
    missing = run(rules=name, carbs_g=12)

    assert stale.advice_u == missing.advice_u == 1.0
    assert {"glucose_stale", "carbs_only"} <= set(stale.reasons)
    assert {"no_glucose", "carbs_only"} <= set(missing.reasons)


def test_with_an_unknown_dose_the_most_is_subtracted_and_both_are_shown() -> None:
    """Unknown is neither given nor not given."""
    found = run(glucose_mg_dl=200, iob_least_u=0.5, iob_most_u=1.5)

    assert (0.5, 1.5) == (found.advice_u, found.advice_least_iob_u)
    assert "unknown_dose_counted" in found.reasons


@pytest.mark.parametrize(
    ("fields", "name", "advice"),
    [
        ({"max_bolus_u": 3}, "max_bolus", 3.0),
        ({"hourly_left_u": 0.52}, "hourly_limit", 0.5),
        ({"daily_left_u": 0}, "daily_limit", 0.0),
        ({"max_iob_u": 4, "iob_u": 1}, "max_iob", 3.0),
        ({"max_iob_u": 1, "iob_u": 3}, "max_iob", 0.0),
    ],
)
def test_each_limit_is_a_clamp_of_its_own(fields: dict[str, Any], name: str, advice: float) -> None:
    """What was cut, from what to what."""
    found = run(glucose_mg_dl=100, carbs_g=60, **fields)

    assert advice == found.advice_u
    assert name in [clamp.name for clamp in found.clamps]


def test_all_rule_sets_stand_side_by_side() -> None:
    """The same history through each; what is not confirmed says so."""
    found = run(rules="all", glucose_mg_dl=200, carbs_g=60, iob_u=3)

    assert list(RULE_SETS) == [one.rules for one in found.results]
    assert {"tandem", "loop"} == {one.rules for one in found.results if not one.verified}
    assert "rules_unverified" in found.results[3].reasons


@pytest.mark.parametrize(
    ("rules", "fields", "split"),
    [
        ("omnipod", {"purpose": "extended"}, (2.0, 5.0)),
        ("medtronic", {"purpose": "extended"}, (0.0, 7.0)),
        ("omnipod", {"purpose": "dual", "now_percent": 60}, (5.0, 2.0)),
        ("basalt", {"purpose": "extended", "max_bolus_u": 4}, (0.0, 4.0)),
    ],
)
def test_only_what_may_be_spread_is(
    rules: str, fields: dict[str, Any], split: tuple[float, float]
) -> None:
    """Omnipod spreads the meal alone, Medtronic's square wave everything."""
    found = run(rules=rules, glucose_mg_dl=200, carbs_g=60, duration_min=120, **fields).split

    assert found is not None
    assert (*split, 120) == (found.now_u, found.later_u, found.duration_min)


def test_a_quick_bolus_is_not_computed_and_still_guarded() -> None:
    """The same limits and the same refusals."""
    assert 2.0 == run(preset_u=2, glucose_mg_dl=100).advice_u
    assert 1.0 == run(preset_u=2, max_bolus_u=1).advice_u
    assert run(preset_u=2, glucose_mg_dl=60).advice_u is None


def test_correction_only_leaves_the_meal_out() -> None:
    """Carbohydrate already bolused for."""
    assert 2.0 == run(glucose_mg_dl=200, carbs_g=60, correction_only=True).advice_u


def test_fat_and_protein_are_shown_and_not_added() -> None:
    """40 g of fat and 10 g of protein are 400 kcal: 4 FPU, 40 g, 8 h."""
    found = run(carbs_g=12, fat_g=40, protein_g=10)

    assert found.fat_protein is not None
    assert (4.0, 40.0, 3.3, 480) == (
        found.fat_protein.fat_protein_units,
        found.fat_protein.carbs_g,
        found.fat_protein.units,
        found.fat_protein.duration_min,
    )
    assert 1.0 == found.advice_u


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"rules": "other"}, "$.rules"),
        ({"pump": "other"}, "$.pump"),
        ({"target_high_mg_dl": 80}, "$.target_high_mg_dl"),
        ({"carbs_g": 1.0001}, "$.carbs_g"),
        ({"purpose": "dual", "duration_min": 60}, "$.now_percent"),
        ({"purpose": "extended"}, "$.duration_min"),
        ({"duration_min": 60}, "$.duration_min"),
        ({"preset_u": 1, "carbs_g": 5}, "$.preset_u"),
        ({"iob_least_u": 1}, "$.iob_least_u"),
        ({"iob_least_u": 1, "iob_most_u": 0}, "$.iob_most_u"),
        ({"iob_least_u": 1, "iob_most_u": 2, "iob_u": 1}, "$.iob_u"),
        ({"iob_u": 1, "meal_iob_u": 1.001}, "$.meal_iob_u"),
        ({"iob_u": -1, "meal_iob_u": 0.001}, "$.meal_iob_u"),
        ({"iob_least_u": 1, "iob_most_u": 2, "meal_iob_u": 2.1}, "$.meal_iob_u"),
        ({"glucose_mg_dl": 100, "glucose_mark": "LOW"}, "$.glucose_mark"),
        ({"purpose": "extended", "duration_min": 29}, "$.duration_min"),
        ({"purpose": "extended", "duration_min": 481}, "$.duration_min"),
        ({"purpose": "extended", "duration_min": 45, "pump": "omnipod_dash"}, "$.duration_min"),
        ({"purpose": "extended", "duration_min": 735, "pump": "ypsopump"}, "$.duration_min"),
        ({"confirmed": True, "carbs_g": 5}, "$.confirmed"),
        ({"max_bolus_u": 1.0001}, "$.max_bolus_u"),
        ({"hourly_left_u": 1.0001}, "$.hourly_left_u"),
        ({"daily_left_u": 1.0001}, "$.daily_left_u"),
        ({"max_iob_u": 1.0001}, "$.max_iob_u"),
        ({"aaps": {"manual_correction_u": 0.0001}}, "$.aaps.manual_correction_u"),
    ],
)
def test_what_cannot_be_is_refused_by_its_path(fields: dict[str, Any], path: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ScenarioError) as error:
        run(**fields)
    assert path == error.value.path


def test_all_insulin_on_board_may_be_of_meals() -> None:
    """Up to the last thousandth, and all of what may have been given."""
    known = run(rules="omnipod", glucose_mg_dl=200, iob_u=1, meal_iob_u=1)
    doubt = run(rules="omnipod", glucose_mg_dl=200, iob_least_u=0.5, iob_most_u=1, meal_iob_u=1)

    assert (1.0, 1.0) == (known.advice_u, doubt.advice_u)
    assert 1.5 == doubt.advice_least_iob_u


def test_a_bolus_is_spread_as_long_as_the_pump_takes() -> None:
    """Twelve hours by a Combo, in its own steps."""
    found = run(pump="accu_chek_combo", carbs_g=60, purpose="extended", duration_min=720)

    assert found.split is not None
    assert (5.0, 720) == (found.split.later_u, found.split.duration_min)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("fields", "confirm"),
    [
        ({"glucose_mg_dl": 69}, ("glucose_below_70",)),
        ({"glucose_mark": "LOW"}, ("glucose_below_70",)),
        ({"glucose_mg_dl": 69, "safe_minimum_mg_dl": 60}, ("glucose_below_70",)),
        ({"glucose_mg_dl": 70, "safe_minimum_mg_dl": 80}, ("below_safe_minimum",)),
        ({"glucose_mg_dl": 79.9, "safe_minimum_mg_dl": 80}, ("below_safe_minimum",)),
        ({"glucose_mg_dl": 80, "safe_minimum_mg_dl": 80}, ()),
        ({"glucose_mg_dl": 70}, ()),
        ({"glucose_mg_dl": 69, "glucose_age_min": 10.1}, ()),
        ({"glucose_mark": "HIGH"}, ()),
        ({}, ()),
    ],
)
def test_a_quick_bolus_below_the_safe_minimum_waits_for_a_second_word(
    fields: dict[str, Any], confirm: tuple[str, ...]
) -> None:
    """As in the services: it is an amount of the person's own, and nobody has computed it."""
    first = run(preset_u=1.5, **fields)
    second = run(preset_u=1.5, confirmed=True, **fields)

    assert confirm == first.confirm == second.confirm
    assert (None if confirm else 1.5) == first.advice_u
    assert ("confirmation_needed" if confirm else None) == first.refused
    assert (1.5, None) == (second.advice_u, second.refused)


def test_a_second_word_moves_nothing_that_is_computed() -> None:
    """It is refused, and has no word to be given."""
    found = run(glucose_mg_dl=60, carbs_g=30)

    assert (None, ()) == (found.advice_u, found.confirm)
    assert "glucose_below_safe_minimum" in found.reasons
