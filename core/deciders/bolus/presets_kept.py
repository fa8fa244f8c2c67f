"""The amounts that are kept by a name for a quick bolus."""

from schemas.bolus.orders import BolusPresetSet


def with_preset(
    known: tuple[BolusPresetSet, ...], preset: BolusPresetSet
) -> tuple[BolusPresetSet, ...]:
    """Keep a preset in the place of one of its name, sorted by name; of 0 mU, forget it."""
    others = [one for one in known if one.name != preset.name]
    kept = [*others, preset] if preset.amount else others
    return tuple(sorted(kept, key=lambda one: one.name))
