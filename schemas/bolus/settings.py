"""Messages about a person's bolus settings: ratios, targets, insulin, rule set."""

from typing import Literal

import msgspec

from schemas.message import Command, Event, Refusal
from schemas.setting_checks import SecondWord, SettingChange
from schemas.units import MgDl, MicrogramsPerDlPerUnit, MilligramsPerUnit, Milliseconds

ActionModel = Literal["exponential", "bilinear", "walsh", "linear"]


class InsulinAction(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How insulin acts: LoopKit's exponential model, or another one of the field's."""

    duration: Milliseconds
    """[ms] 2 to 10 h, without the delay."""
    peak: Milliseconds = Milliseconds(0)
    """[ms] of the exponential model, time of greatest activity: above 0, below half the
    duration; 0 for the others, which have their own."""
    delay: Milliseconds
    """[ms] 0 to 30 min before anything acts."""
    model: ActionModel = "exponential"
    """[-] bilinear: oref0 and Nightscout; walsh: Medtronic's; linear: Omnipod's."""


class CarbRatioSegment(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One stretch of a local day with one carbohydrate ratio."""

    start_minute: int
    """[min] 0 to 1439 after local midnight, by the clock on the wall."""
    carb_ratio: MilligramsPerUnit
    """[mg/U] 1000 to 150000."""


class SensitivitySegment(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One stretch of a local day with one sensitivity."""

    start_minute: int
    """[min] 0 to 1439 after local midnight, by the clock on the wall."""
    sensitivity: MicrogramsPerDlPerUnit
    """[ug/dL/U] 5000 to 500000."""


class TargetSegment(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One stretch of a local day with one target."""

    start_minute: int
    """[min] 0 to 1439 after local midnight, by the clock on the wall."""
    low: MgDl
    """[mg/dL] 70 to 180."""
    high: MgDl
    """[mg/dL] low to 180; correction leads to it from above."""
    correct_above: MgDl | None = None
    """[mg/dL] high to 250, no correction up to here; none for the upper end itself."""


class SetBolusSettings(Command, frozen=True, kw_only=True, tag="set_bolus_settings.v2"):
    """Advise by these settings from now on, none has a default; handled by bolus_advisor."""

    zone: str
    """[-] IANA name of the zone whose wall clock the segments mean."""
    carb_ratios: tuple[CarbRatioSegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    sensitivities: tuple[SensitivitySegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    targets: tuple[TargetSegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    insulin: InsulinAction
    """[-] how long insulin acts."""
    rules: str
    """[-] name of the rule set, as `basalt calc bolus` calls it."""
    because: str = ""
    """[-] the person's reason, in words."""
    safe_minimum: MgDl = MgDl(70)
    """[mg/dL] 50 to 100; below it no insulin is advised."""
    confirmed: tuple[SecondWord, ...] = ()
    """[-] what is said a second time, after a refusal that asked for just that."""


class BolusSettingsSet(Event, frozen=True, kw_only=True, tag="bolus_settings_set.v2"):
    """The advisor's settings have changed; published by bolus_advisor."""

    zone: str
    """[-] IANA name of the zone whose wall clock the segments mean."""
    carb_ratios: tuple[CarbRatioSegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    sensitivities: tuple[SensitivitySegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    targets: tuple[TargetSegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    insulin: InsulinAction
    """[-] how long insulin acts."""
    rules: str
    """[-] name of the rule set."""
    actor: str
    """[-] who set them."""
    because: str = ""
    """[-] the person's reason, in words."""
    safe_minimum: MgDl = MgDl(70)
    """[mg/dL] below it no insulin is advised; source of 70: Omnipod 5."""
    confirmed: tuple[SecondWord, ...] = ()
    """[-] what the person was told and said a second time."""


class BolusSettingsRefused(Refusal, frozen=True, kw_only=True, tag="bolus_settings_refused.v1"):
    """The settings stay as they were; published by bolus_advisor."""

    reason: Literal["out_of_range", "segments_wrong", "unknown_rules", "confirmation_needed"]
    """[-] why."""
    field: str
    """[-] the first field that is wrong, or that must be said a second time."""
    changes: tuple[SettingChange, ...] = ()
    """[-] what must be said a second time, where that is why."""
