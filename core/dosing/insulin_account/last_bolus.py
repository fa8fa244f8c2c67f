"""The newest bolus, as a person asks for it: how far is it?"""

from typing import Literal

import msgspec

from schemas.units import DoseId, Milliseconds, MilliUnits, UtcMillis

LastDoseState = Literal["started", "running", "delivered", "stopped", "unknown", "settled"]


class LastDose(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The newest bolus that was started."""

    dose: DoseId
    """[-] the order."""
    requested: MilliUnits
    """[mU] as ordered."""
    delivered: MilliUnits
    """[mU] as counted."""
    state: LastDoseState
    """[-] how far it is."""
    at: UtcMillis
    """[ms] when it was started."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which it is spread; 0 for a normal bolus."""
