"""What an advice is computed from."""

from typing import Literal

import msgspec

from core.dosing.advice.meals import Eaten
from core.dosing.insulin_account.dose_account import DoseBook
from core.dosing.insulin_account.scheduled_basal import BasalAhead
from core.models.glucose_quality import Point, noise_of
from schemas.basal.profiles import ZoneTransition
from schemas.bolus.settings import BolusSettingsSet
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.delivery.device import PumpPlan
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured, ReadingRejected
from schemas.units import EventId, Milliseconds, UtcMillis

SensorDoubt = Literal["glucose_flat", "glucose_noisy"]

Reading = GlucoseMeasured | GlucoseBeyondRange | ReadingRejected


class AdviceInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an advice is computed from."""

    settings: BolusSettingsSet | None
    """[-] in force."""
    settings_id: EventId
    """[-] their event."""
    transitions: tuple[ZoneTransition, ...] = ()
    """[-] of the wall clock that the settings mean; empty while it is not known."""
    limits: DeliveryLimitsSet | None
    """[-] in force."""
    limits_id: EventId
    """[-] their event."""
    reading: Reading | None
    """[-] with the latest time of measurement."""
    reading_id: EventId
    """[-] its event."""
    doses: DoseBook
    """[-] the advisor's own account."""
    ahead: BasalAhead = BasalAhead()
    """[-] the basal that flows by itself."""
    recorded_from: UtcMillis | None = None
    """[ms] since when doses are recorded; before it anything may have been given."""
    meals: tuple[Eaten, ...] = ()
    """[-] that may not be absorbed yet."""
    points: tuple[Point, ...] = ()
    """[-] newest numbers of the sensor, sorted."""
    profiles: tuple[PumpPlan, ...] = ()
    """[-] what the profile alone asked for while insulin acts, oldest first."""
    is_flat: bool = False
    """[-] the sensor's numbers do not move, which no living person's do."""
    suspended: bool
    """[-] the pump stands."""
    is_record_whole: bool
    """[-] nothing that was said is missing."""
    is_clock_sound: bool = True
    """[-] time has not been seen to go back, or somebody has looked since."""

    def doubt_of(self, reading: GlucoseMeasured) -> SensorDoubt | None:
        """Say why a sensor's reading is no ground for a dose; None for one that is."""
        if reading.source != "sensor":
            return None
        if self.is_flat:
            return "glucose_flat"
        return "glucose_noisy" if noise_of(self.points) == "heavy" else None

    def is_young(self, duration: Milliseconds, *, at: UtcMillis) -> bool:
        """Say whether insulin that acts so long may act that was given before the record."""
        began = self.recorded_from
        return began is None or at - began < duration
