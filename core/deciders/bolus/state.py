"""What bolus_advisor knows of one person."""

from typing import Final

import msgspec

from core.deciders.bolus.advice_log import Advice
from core.deciders.bolus.staleness import ChangeCounts, NewestChanges
from core.deciders.bolus.zone_tracking import LocalClock
from core.dosing.advice.inputs import AdviceInputs, Reading
from core.dosing.advice.meals import Eaten
from core.dosing.basal_programme.programme import HeardProgramme
from core.dosing.glucose_history.retained_readings import (
    RetainedReadings,
)
from core.dosing.glucose_history.snapshot import GlucoseSnapshot
from core.dosing.insulin_account.dose_account import DoseBook
from core.dosing.insulin_account.scheduled_basal import BasalAhead
from core.kernel.alarms import is_active
from core.kernel.shared_decisions import CLOCK_WENT_BACK, Common
from schemas.bolus.advice import CarbsRecorded
from schemas.bolus.orders import (
    BolusPresetSet,
)
from schemas.bolus.settings import BolusSettingsSet
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.delivery.device import PumpPlan
from schemas.delivery.pump import PumpChallenged
from schemas.glucose import GlucoseForecast
from schemas.units import DoseId, EventId, Grams, MilliUnits, PumpId, Speaker, UtcMillis

BOLUS_ADVISOR: Final = Speaker("bolus_advisor")


class BolusState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What bolus_advisor knows of one person."""

    common: Common = Common()
    """[-] alarms and faults."""
    settings: BolusSettingsSet | None = None
    """[-] in force."""
    settings_id: EventId = EventId("")
    """[-] their event."""
    clock: LocalClock = LocalClock()
    """[-] the clock on the wall that the settings mean."""
    limits: DeliveryLimitsSet | None = None
    """[-] in force, the actuator's."""
    limits_id: EventId = EventId("")
    """[-] their event."""
    reading: Reading | None = None
    """[-] the one with the latest time of measurement."""
    reading_id: EventId = EventId("")
    """[-] its event."""
    readings: RetainedReadings = RetainedReadings()
    """[-] the newest, so that one that was wrong can be taken out."""
    doses: DoseBook = DoseBook()
    """[-] the advisor's own account."""
    ahead: BasalAhead = BasalAhead()
    """[-] the basal that flows by itself, as basal_scheduler made and actuator accepted it."""
    programme: HeardProgramme = HeardProgramme()
    """[-] the profiles that basal_scheduler has said, and which of them is for which day."""
    profile_in_force: str = ""
    """[-] name of the profile that the newest plan began with; empty where nobody knows it."""
    recorded_from: UtcMillis | None = None
    """[ms] since when doses are recorded."""
    suspended: bool = False
    """[-] the pump stands."""
    presets: tuple[BolusPresetSet, ...] = ()
    """[-] kept by name, sorted."""
    advices: tuple[Advice, ...] = ()
    """[-] the last ones, oldest first."""
    change_counts: ChangeCounts = ChangeCounts()
    """[-] heard so far."""
    newest_changes: NewestChanges = NewestChanges()
    """[-] the newest events of what the marks count."""
    challenged: PumpChallenged | None = None
    """[-] what an order must carry for the pump to authenticate it, as last heard."""
    is_pump_doubted: bool = False
    """[-] pump and record contradict each other, and no person has looked at it yet."""
    unsigned: tuple[DoseId, ...] = ()
    """[-] orders that nobody has answered for yet, oldest first."""
    recent: tuple[MilliUnits, ...] = ()
    """[mU] of the last boluses started, oldest first."""
    carbs_total: Grams = Grams(0)
    """[g] recorded in all."""
    last_carbs: CarbsRecorded | None = None
    """[-] the newest recorded."""
    meals: tuple[Eaten, ...] = ()
    """[-] those that may not be absorbed yet, in order of arrival."""
    snapshot: GlucoseSnapshot = GlucoseSnapshot()
    """[-] where the sensor leads."""
    profiles: tuple[PumpPlan, ...] = ()
    """[-] what the profile alone asked for while insulin acts, oldest first."""
    forecast: GlucoseForecast | None = None
    """[-] the newest."""


def initial(pump: PumpId) -> BolusState:
    """Know nothing yet."""
    del pump
    return BolusState()


def advice_inputs_of(state: BolusState) -> AdviceInputs:
    """Give what an advice is computed from."""
    return AdviceInputs(
        settings=state.settings,
        settings_id=state.settings_id,
        transitions=state.clock.transitions,
        limits=state.limits,
        limits_id=state.limits_id,
        reading=state.reading,
        reading_id=state.reading_id,
        doses=state.doses,
        ahead=state.ahead,
        recorded_from=state.recorded_from,
        meals=state.meals,
        points=state.snapshot.points,
        is_flat=state.snapshot.is_flat,
        profiles=state.profiles,
        suspended=state.suspended,
        is_record_whole=state.common.is_record_whole,
        is_clock_sound=not is_active(state.common.alarms, CLOCK_WENT_BACK),
    )
