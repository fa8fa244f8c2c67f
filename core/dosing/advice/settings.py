"""Bolus settings as schedules: what may be set, and what holds at one time of day."""

from collections.abc import Sequence

from core.dosing.advice.rules.registry import RULE_SETS
from core.dosing.limits.limits import SAFE_MINIMUM_MG_DL_MAX, SAFE_MINIMUM_MG_DL_MIN
from core.models.insulin.on_board import action_problem
from core.models.schedules import segment_at, starts_problem, wall_clock
from schemas.basal.profiles import ZoneTransition
from schemas.bolus.advice import AdviceFactors
from schemas.bolus.settings import (
    BolusSettingsRefused,
    BolusSettingsSet,
    CarbRatioSegment,
    SensitivitySegment,
    SetBolusSettings,
    TargetSegment,
)
from schemas.units import UtcMillis

CORRECT_ABOVE_MG_DL_MAX = 250
"""[mg/dL] highest threshold of a correction; project's own choice, Omnipod stops at 200."""

BECAUSE_MAX = 200
"""[-] characters of a person's reason."""


def settings_problem(asked: SetBolusSettings) -> BolusSettingsRefused | None:
    """Refuse the first setting that is wrong, None when all are well."""
    for field, segments in (
        ("carb_ratio", asked.carb_ratios),
        ("sensitivity", asked.sensitivities),
        ("target", asked.targets),
    ):
        if starts_problem(segments):
            return BolusSettingsRefused(reason="segments_wrong", field=field)
    if asked.rules not in RULE_SETS:
        return BolusSettingsRefused(reason="unknown_rules", field=asked.rules[:64])
    wrong = _range_problem(asked)
    return None if wrong is None else BolusSettingsRefused(reason="out_of_range", field=wrong)


def _range_problem(asked: SetBolusSettings) -> str | None:
    if any(not 1_000 <= one.carb_ratio <= 150_000 for one in asked.carb_ratios):
        return "carb_ratio"
    if any(not 5_000 <= one.sensitivity <= 500_000 for one in asked.sensitivities):
        return "sensitivity"
    for target in asked.targets:
        if not 70 <= target.low <= 180:
            return "target_low"
        if not target.low <= target.high <= 180:
            return "target_high"
        above = target.correct_above
        if above is not None and not target.high <= above <= CORRECT_ABOVE_MG_DL_MAX:
            return "correct_above"
    if not SAFE_MINIMUM_MG_DL_MIN <= asked.safe_minimum <= SAFE_MINIMUM_MG_DL_MAX:
        return "safe_minimum"
    if len(asked.because) > BECAUSE_MAX:
        return "because"
    return action_problem(asked.insulin)


def needs_local_time(settings: BolusSettingsSet) -> bool:
    """Say whether anything differs by the hour, so that the clock on the wall must be known."""
    return any(
        len(segments) > 1
        for segments in (settings.carb_ratios, settings.sensitivities, settings.targets)
    )


def factors_at(
    settings: BolusSettingsSet, transitions: Sequence[ZoneTransition], *, at: UtcMillis
) -> AdviceFactors | None:
    """Give what holds at an instant; None where that depends on a local time nobody knows.

    Args:
        settings: in force.
        transitions: of the wall clock, sorted, the first at or before `at`; empty if not known.
        at: [ms] instant.
    """
    minute = 0
    if needs_local_time(settings):
        if not transitions or transitions[0].at > at:
            return None
        _, minute = wall_clock(transitions, at)
    ratio: CarbRatioSegment = segment_at(settings.carb_ratios, minute)
    sensitivity: SensitivitySegment = segment_at(settings.sensitivities, minute)
    target: TargetSegment = segment_at(settings.targets, minute)
    return AdviceFactors(
        carb_ratio=ratio.carb_ratio,
        carb_ratio_from=ratio.start_minute,
        sensitivity=sensitivity.sensitivity,
        sensitivity_from=sensitivity.start_minute,
        target_low=target.low,
        target_high=target.high,
        correct_above=target.correct_above,
        target_from=target.start_minute,
    )
