"""Every calculation by its name: one import and one line for each."""

from typing import Any, Final

from core.calc.basal.compute import BASAL
from core.calc.bolus.compute import BOLUS
from core.calc.calculation import Kind
from core.calc.cob import COB
from core.calc.forecast import FORECAST
from core.calc.glucose.compute import GLUCOSE
from core.calc.insulin_on_board import ACTIVITY, IOB
from core.calc.limits.compute import LIMITS
from core.calc.pulses.compute import PULSES

_ALL: tuple[Kind[Any], ...] = (
    IOB,
    ACTIVITY,
    BASAL,
    PULSES,
    BOLUS,
    LIMITS,
    GLUCOSE,
    COB,
    FORECAST,
)

KINDS: Final[dict[str, Kind[Any]]] = {kind.name: kind for kind in _ALL}
"""[-] in the order in which they are shown."""
