"""What `basalt calc bolus` is asked and answers."""

from typing import Annotated, Literal

import msgspec

from core.calc.calculation import Result, Scenario

MgDlGiven = Annotated[float, msgspec.Meta(ge=0, le=1000)]
UnitsGiven = Annotated[float, msgspec.Meta(ge=0, le=100)]
SignedUnits = Annotated[float, msgspec.Meta(ge=-100, le=100)]
GramsGiven = Annotated[float, msgspec.Meta(ge=0, le=300)]
TargetGiven = Annotated[float, msgspec.Meta(ge=60, le=250)]


class AapsSwitches(Scenario, frozen=True, kw_only=True):
    """What is switched on in AndroidAPS's wizard, and typed into it; other rules have none."""

    glucose: bool = True
    """[-] correct to the target."""
    trend: bool = True
    """[-] count where glucose leads."""
    cob: bool = True
    """[-] count carbohydrate on board."""
    bolus_iob: bool = True
    """[-] subtract insulin on board of boluses."""
    basal_iob: bool = True
    """[-] subtract insulin on board of basal beyond the schedule."""
    positive_iob_only: bool = False
    """[-] insulin on board that is negative in all adds nothing."""
    manual_correction_u: SignedUnits = 0.0
    """[U] added by hand, negative to take away."""


class BolusScenario(Scenario, frozen=True, kw_only=True):
    """What a person asks a bolus calculator; settings of therapy have no default."""

    rules: str = "basalt"
    """[-] name of a rule set, or 'all'."""
    carb_ratio_g_per_u: Annotated[float, msgspec.Meta(ge=1, le=150)]
    """[g/U] 1 to 150."""
    sensitivity_mg_dl_per_u: Annotated[float, msgspec.Meta(ge=5, le=500)]
    """[mg/dL/U] 5 to 500."""
    target_low_mg_dl: TargetGiven
    """[mg/dL] 60 to 250; a single target is both ends."""
    target_high_mg_dl: TargetGiven
    """[mg/dL] target_low_mg_dl to 250."""
    glucose_mg_dl: MgDlGiven | None = None
    """[mg/dL] none where nobody measured."""
    glucose_mark: Literal["LOW", "HIGH"] | None = None
    """[-] what the device showed instead of a number."""
    safe_minimum_mg_dl: Annotated[float, msgspec.Meta(ge=50, le=100)] = 70.0
    """[mg/dL] 50 to 100; below it no insulin is advised."""
    glucose_age_min: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 0.0
    """[min] since it was measured; above 10 it counts as missing."""
    carbs_g: GramsGiven = 0.0
    """[g] about to be eaten, 0 to 300."""
    correction_only: bool = False
    """[-] leave the carbohydrate out."""
    correct_above_mg_dl: TargetGiven | None = None
    """[mg/dL] Omnipod and Basalt: no correction up to here."""
    iob_u: SignedUnits | None = None
    """[U] bolus insulin on board, where it is known."""
    iob_least_u: SignedUnits | None = None
    """[U] where a dose is unknown: without it."""
    iob_most_u: SignedUnits | None = None
    """[U] where a dose is unknown: with all of it."""
    meal_iob_u: UnitsGiven = 0.0
    """[U] the part of it that was given for meals."""
    basal_iob_u: SignedUnits | None = None
    """[U] of basal beyond the schedule; AAPS alone counts it."""
    trend_mg_dl_per_min: Annotated[float, msgspec.Meta(ge=-20, le=20)] | None = None
    """[mg/dL/min] where glucose leads; AAPS alone counts it."""
    cob_g: GramsGiven | None = None
    """[g] carbohydrate on board; AAPS alone counts it."""
    reverse_correction: bool = True
    """[-] Omnipod: glucose below target takes from the meal."""
    percent: Annotated[int, msgspec.Meta(ge=10, le=200)] = 100
    """[%] AAPS: of what was computed."""
    superbolus_u: UnitsGiven = 0.0
    """[U] AAPS: basal of the next two hours given now."""
    aaps: AapsSwitches = AapsSwitches()
    """[-] AAPS: which terms count."""
    pump: str = "basalt_virtual"
    """[-] model: its step and its largest bolus."""
    max_bolus_u: UnitsGiven | None = None
    """[U] largest single bolus."""
    hourly_left_u: UnitsGiven | None = None
    """[U] that the limit for 60 min leaves."""
    daily_left_u: UnitsGiven | None = None
    """[U] that the limit for 24 h leaves."""
    max_iob_u: UnitsGiven | None = None
    """[U] insulin on board after the bolus, at most."""
    bolus_running: bool = False
    """[-] a normal bolus is being given."""
    purpose: Literal["normal", "extended", "dual"] = "normal"
    """[-] at once, over time (square), or a part of each."""
    duration_min: Annotated[int, msgspec.Meta(ge=1, le=24 * 60)] | None = None
    """[min] of the part over time, as the pump takes it: 30 to 480 by most models."""
    now_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    """[%] of the meal that a dual bolus gives at once."""
    preset_u: Annotated[float, msgspec.Meta(gt=0, le=100)] | None = None
    """[U] quick bolus: nothing is computed, the guards hold all the same."""
    confirmed: bool = False
    """[-] a quick bolus is meant, low as glucose is; see `confirm` in the answer."""
    fat_g: GramsGiven = 0.0
    """[g] eaten with it."""
    protein_g: GramsGiven = 0.0
    """[g] eaten with it."""
    ids: tuple[str, ...] = ()
    """[-] of what all this was taken from; given back as computed_from."""


class TermFound(Result, frozen=True, kw_only=True):
    """One addend of the sum."""

    name: str
    """[-] what it is."""
    units: float
    """[U] negative where it takes away."""


class ClampFound(Result, frozen=True, kw_only=True):
    """One guard that cut."""

    name: str
    """[-] which."""
    before_u: float
    """[U] before it."""
    after_u: float
    """[U] after it."""


class SplitFound(Result, frozen=True, kw_only=True):
    """What is given when."""

    now_u: float
    """[U] at once."""
    later_u: float
    """[U] over the duration."""
    duration_min: int
    """[min] of it, 0 for a normal bolus."""


class FatProteinFound(Result, frozen=True, kw_only=True):
    """Insulin for fat and protein by the Warsaw method; shown, never added by itself."""

    fat_protein_units: float
    """[FPU] 100 kcal of fat and protein each; source: Pankowska 2009."""
    carbs_g: float
    """[g] that count the same: 10 for each."""
    units: float
    """[U] for them, rounded down to the pump's step."""
    duration_min: int
    """[min] to give them over: 3 h up to 1 FPU, 4 h to 2, 5 h to 3, 8 h above."""


class AdviceFound(Result, frozen=True, kw_only=True):
    """What one rule set advises."""

    rules: str
    """[-] its name."""
    verified: bool
    """[-] the vendor's own text confirms it."""
    subtracts: str
    """[-] which insulin on board, from what."""
    food_u: float
    """[U] for the meal."""
    correction_u: float
    """[U] before insulin on board."""
    vendor_u: float | None
    """[U] the vendor's own value with its rounding; none where the vendor gives no advice."""
    advice_u: float | None
    """[U] after the guards, with the most insulin on board; none where advice is refused."""
    advice_least_iob_u: float | None
    """[U] the same with the least insulin on board; for the eye only."""
    refused: str | None
    """[-] why there is no advice."""
    confirm: tuple[str, ...]
    """[-] why a quick bolus needs a second word, `confirmed`; never of what is computed."""
    reasons: tuple[str, ...]
    """[-] codes of all that shaped it."""
    terms: tuple[TermFound, ...]
    """[-] every addend."""
    clamps: tuple[ClampFound, ...]
    """[-] every guard that cut, in order, from vendor_u to advice_u."""
    split: SplitFound | None
    """[-] of advice_u."""
    carbs_needed_g: float
    """[g] AAPS: to eat instead."""


class BolusResult(AdviceFound, frozen=True, kw_only=True):
    """The advice of the rule set that was asked; of Basalt's own where all were."""

    computed_from: tuple[str, ...]
    """[-] the ids that came with the scenario."""
    fat_protein: FatProteinFound | None = None
    """[-] where fat or protein was given."""
    results: tuple[AdviceFound, ...] = ()
    """[-] all rule sets side by side, where all were asked."""
