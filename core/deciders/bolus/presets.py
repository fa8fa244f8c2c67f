"""Presets: amounts kept by a name, for a quick bolus."""

from typing import Literal

from core.deciders.bolus.state import BolusState
from core.dosing.advice.settings import BECAUSE_MAX
from core.dosing.limits.limits import SINGLE_MU_MAX
from schemas.bolus.orders import BolusPresetRefused, BolusPresetSet, SetBolusPreset
from schemas.delivery.device import PULSE_MU
from schemas.message import Event

PRESETS_MAX = 16
"""[-] presets kept; project's own choice, the peers keep 4 to 8."""

PRESET_NAME_MAX = 64
"""[-] characters of a preset's name."""

PresetRefusal = Literal["out_of_range", "not_whole_pulses", "too_many_presets", "no_such_preset"]


def set_preset(state: BolusState, asked: SetBolusPreset, actor: str) -> tuple[Event, ...]:
    """Keep an amount by a name, or forget it."""
    name = asked.name
    known = {preset.name for preset in state.presets}
    reason: PresetRefusal | None = None
    if not 1 <= len(name) <= PRESET_NAME_MAX or len(asked.because) > BECAUSE_MAX:
        reason = "out_of_range"
    elif asked.amount == 0:
        reason = None if name in known else "no_such_preset"
    elif not 0 < asked.amount <= SINGLE_MU_MAX or asked.duration < 0:
        reason = "out_of_range"
    elif asked.amount % PULSE_MU:
        reason = "not_whole_pulses"
    elif name not in known and len(known) >= PRESETS_MAX:
        reason = "too_many_presets"
    if reason is not None:
        return (BolusPresetRefused(name=name[:PRESET_NAME_MAX], reason=reason),)
    return (
        BolusPresetSet(
            name=name,
            amount=asked.amount,
            duration=asked.duration,
            actor=actor,
            because=asked.because,
        ),
    )


def with_preset(
    known: tuple[BolusPresetSet, ...], preset: BolusPresetSet
) -> tuple[BolusPresetSet, ...]:
    """Keep a preset in the place of one of its name, sorted by name; of 0 mU, forget it."""
    others = [one for one in known if one.name != preset.name]
    kept = [*others, preset] if preset.amount else others
    return tuple(sorted(kept, key=lambda one: one.name))
