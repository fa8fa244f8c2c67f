"""Glucose as devices and people write it: one number in its unit, or the marks LOW and HIGH."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import msgspec

from core.kernel.errors import GlucoseTextError
from schemas.glucose import GlucoseUnit
from schemas.units import MG_DL_PER_MMOL_L, MgDl

DIGITS_MAX = 6
"""[-] digits before and after the point, each; longer is no glucose."""

_NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?:[.,][0-9]+)?")
_WHOLE = re.compile(r"0|[1-9][0-9]*")
_BOUNDS: dict[str, Literal["low", "high"]] = {
    "lo": "low",
    "low": "low",
    "hi": "high",
    "high": "high",
}
_UNITS: dict[str, GlucoseUnit] = {
    "mg/dl": "mg/dL",
    "mgdl": "mg/dL",
    "mg_dl": "mg/dL",
    "mmol": "mmol/L",
    "mmol/l": "mmol/L",
    "mmoll": "mmol/L",
    "mmol_l": "mmol/L",
}


class GlucoseText(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a text said; exactly one of `glucose` and `bound` is given."""

    received: str
    """[in `unit`] the text, letter for letter."""
    unit: GlucoseUnit
    """[-] the unit of `received`."""
    glucose: MgDl | None = None
    """[mg/dL] the number, rounded half up once."""
    bound: Literal["low", "high"] | None = None
    """[-] the end of the device's range that was left; not a number."""


def parse_unit(text: str) -> GlucoseUnit:
    """Read a unit of glucose as Nightscout and meters spell it: 'mg/dl', 'mmol', 'mmol/L', ...

    Raises:
        GlucoseTextError: any other text.
    """
    unit = _UNITS.get(text.lower())
    if unit is None:
        raise GlucoseTextError(reason="not a unit of glucose (mg/dL or mmol/L)", text=text[:80])
    return unit


def parse_glucose(text: str, *, unit: str, decimal_comma: bool = False) -> GlucoseText:
    """Read one glucose; 1 mmol/L is 18.0156 mg/dL, rounded half up once.

    Args:
        text: digits with a point at most, or LOW, LO, HIGH, HI in any case; no sign, no exponent,
            no spaces.
        unit: [-] as `parse_unit` reads it.
        decimal_comma: a comma may stand for the point.

    Raises:
        GlucoseTextError: any other text or unit.
    """
    if unit == "mg/dL" and len(text) <= DIGITS_MAX and _WHOLE.fullmatch(text):
        return GlucoseText(received=text, unit="mg/dL", glucose=MgDl(int(text)))
    known = parse_unit(unit)
    bound = _BOUNDS.get(text.lower())
    if bound is not None:
        return GlucoseText(received=text, unit=known, bound=bound)
    if not _NUMBER.fullmatch(text) or ("," in text and not decimal_comma):
        raise GlucoseTextError(reason="neither a number nor LOW nor HIGH", text=text[:80])
    plain = text.replace(",", ".")
    if max(len(part) for part in plain.split(".")) > DIGITS_MAX:
        raise GlucoseTextError(reason=f"more than {DIGITS_MAX} digits", text=text[:80])
    scale = Decimal(str(MG_DL_PER_MMOL_L)) if known == "mmol/L" else Decimal(1)
    rounded = (Decimal(plain) * scale).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return GlucoseText(received=text, unit=known, glucose=MgDl(int(rounded)))
