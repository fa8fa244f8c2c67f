"""What bolus_advisor knows of one person, and how each entry changes it."""

from typing import Final

import msgspec

from core.advices import ADVICES_KEPT, Advice, used
from core.alarms import is_active
from core.basal_ahead import BasalAhead, profile_of
from core.basis import Basis, Reading
from core.bolus_news import Marks, News, note, tells_of_insulin
from core.common import CLOCK_WENT_BACK, Common, evolve_common
from core.confirmation import remember
from core.decider import Entry
from core.dose_fold import fold_doses
from core.doses import DoseBook
from core.glucose_picture import Picture, fold_reading, reading_of
from core.insulin_record import remember_profile
from core.local_clock import LocalClock, fold_clock
from core.meals import Eaten, correct_meal, last_meal, remember_meal
from core.plan_ids import pump_plan
from core.presets_kept import with_preset
from core.readings_kept import (
    ReadingsKept,
    keep,
    newest_of,
    outranks,
    picture_without,
    take_out,
)
from schemas.basal import BasalPlanMade, BasalZoneSet
from schemas.bolus import AdviceAccepted, BolusAdvised, CarbsRecorded
from schemas.corrections import CarbsCorrected, ReadingVoided
from schemas.delivery import BolusStarted, DeliveryLimitsSet
from schemas.device import PumpPlan
from schemas.doubt import PumpCountAccepted, PumpDoubted
from schemas.forecast import GlucoseForecast
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured, ReadingRejected
from schemas.orders import (
    BolusOrdered,
    BolusOrderSigned,
    BolusOrderWithdrawn,
    BolusPresetSet,
)
from schemas.plans import BasalPlanAccepted
from schemas.pump import DeliveryResumed, DeliverySuspended, PumpChallenged
from schemas.therapy import BolusSettingsSet
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
    readings: ReadingsKept = ReadingsKept()
    """[-] the newest, so that one that was wrong can be taken out."""
    doses: DoseBook = DoseBook()
    """[-] the advisor's own account."""
    ahead: BasalAhead = BasalAhead()
    """[-] the basal that flows by itself, as basal_scheduler made and actuator accepted it."""
    recorded_from: UtcMillis | None = None
    """[ms] since when doses are recorded."""
    suspended: bool = False
    """[-] the pump stands."""
    presets: tuple[BolusPresetSet, ...] = ()
    """[-] kept by name, sorted."""
    advices: tuple[Advice, ...] = ()
    """[-] the last ones, oldest first."""
    marks: Marks = Marks()
    """[-] heard so far."""
    news: News = News()
    """[-] the newest events of what the marks count."""
    challenged: PumpChallenged | None = None
    """[-] what orders must bear for the pump to believe them, as last heard."""
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
    picture: Picture = Picture()
    """[-] where the sensor leads."""
    profiles: tuple[PumpPlan, ...] = ()
    """[-] what the profile alone asked for while insulin acts, oldest first."""
    forecast: GlucoseForecast | None = None
    """[-] the newest."""


def initial(pump: PumpId) -> BolusState:
    """Know nothing yet."""
    del pump
    return BolusState()


def basis_of(state: BolusState) -> Basis:
    """Give what an advice is computed from."""
    return Basis(
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
        points=state.picture.points,
        is_flat=state.picture.is_flat,
        profiles=state.profiles,
        suspended=state.suspended,
        is_record_whole=state.common.is_record_whole,
        is_clock_sound=not is_active(state.common.alarms, CLOCK_WENT_BACK),
    )


def evolve(state: BolusState, entry: Entry) -> BolusState:
    """Fold one entry; what `view` shows follows from events alone."""
    folded = _fold(state, entry)
    news = note(state.news, entry, before=state.marks, after=folded.marks)
    return folded if news is state.news else msgspec.structs.replace(folded, news=news)


def _fold(state: BolusState, entry: Entry) -> BolusState:
    clock = fold_clock(state.clock, entry, me=BOLUS_ADVISOR)
    if clock is not state.clock:
        state = msgspec.structs.replace(state, clock=clock)
    if state.recorded_from is None:
        state = msgspec.structs.replace(state, recorded_from=entry.at)
    body, marks = entry.body, state.marks
    match body:
        case GlucoseMeasured() | GlucoseBeyondRange() | ReadingRejected():
            return _take_reading(state, body, entry)
        case GlucoseForecast():
            return msgspec.structs.replace(state, forecast=body)
        case BolusSettingsSet():
            return msgspec.structs.replace(
                state,
                settings=body,
                settings_id=EventId(entry.id),
                marks=marks._replace(settings=marks.settings + 1),
            )
        case DeliveryLimitsSet():
            return msgspec.structs.replace(
                state,
                limits=body,
                limits_id=EventId(entry.id),
                marks=marks._replace(settings=marks.settings + 1),
            )
        case BasalPlanMade() | BasalPlanAccepted():
            return _take_plan(state, body)
        case BasalZoneSet():
            return msgspec.structs.replace(state, marks=marks._replace(settings=marks.settings + 1))
        case CarbsRecorded() | CarbsCorrected():
            return _take_carbs(state, body, entry)
        case ReadingVoided(reading=name):
            return _take_out(state, name)
        case BolusPresetSet():
            return msgspec.structs.replace(state, presets=with_preset(state.presets, body))
        case BolusAdvised():
            advice = Advice(id=EventId(entry.id), advised=body, marks=marks)
            advices = (*state.advices[-ADVICES_KEPT + 1 :], advice)
            return msgspec.structs.replace(state, advices=advices)
        case AdviceAccepted(advice=name):
            return msgspec.structs.replace(state, advices=used(state.advices, name))
        case DeliverySuspended() | DeliveryResumed():
            return msgspec.structs.replace(state, suspended=isinstance(body, DeliverySuspended))
        case PumpDoubted() | PumpCountAccepted():
            doubted = isinstance(body, PumpDoubted)
            return msgspec.structs.replace(state, is_pump_doubted=doubted)
        case PumpChallenged():
            return msgspec.structs.replace(state, challenged=body)
        case BolusOrderSigned(dose=dose):
            return _no_more_unsigned(state, dose)
        case _:
            return _take_dose(state, entry)


def _take_carbs(
    state: BolusState, said: CarbsRecorded | CarbsCorrected, entry: Entry
) -> BolusState:
    if isinstance(said, CarbsRecorded):
        name = EventId(entry.id)
        eaten = Eaten(id=name, grams=said.grams, eaten_at=said.eaten_at, actor=said.actor)
        meals = remember_meal(state.meals, eaten, at=entry.at)
        last: CarbsRecorded | None = said
        more = int(said.grams)
    else:
        meals = correct_meal(state.meals, said)
        last, more = last_meal(meals), said.grams - said.was
    return msgspec.structs.replace(
        state,
        last_carbs=last,
        meals=meals,
        carbs_total=Grams(state.carbs_total + more),
        marks=state.marks._replace(carbs=state.marks.carbs + 1),
    )


def _take_plan(state: BolusState, plan: BasalPlanMade | BasalPlanAccepted) -> BolusState:
    ahead = state.ahead
    if isinstance(plan, BasalPlanAccepted):
        accepted = msgspec.structs.replace(ahead, plan=pump_plan(plan))
        return msgspec.structs.replace(state, ahead=accepted)
    profile = profile_of(plan)
    made = BasalAhead(plan=ahead.plan, profile=profile, midnights=plan.midnights)
    return msgspec.structs.replace(
        state, ahead=made, profiles=remember_profile(state.profiles, profile)
    )


def _take_reading(state: BolusState, reading: Reading, entry: Entry) -> BolusState:
    if isinstance(reading, ReadingRejected):
        if reading.reason != "implausible":
            return state
    else:
        picture = fold_reading(state.picture, reading_of(reading, now=entry.at))
        state = msgspec.structs.replace(state, picture=picture)
    readings = keep(state.readings, entry.id, reading, at=entry.at)
    if state.reading is not None and outranks(state.reading, reading):
        return msgspec.structs.replace(state, readings=readings)
    return msgspec.structs.replace(
        state, readings=readings, reading=reading, reading_id=EventId(entry.id)
    )


def _take_out(state: BolusState, name: EventId) -> BolusState:
    """Know what would be known if a reading had never come; no advice from before it holds."""
    left = take_out(state.readings, name)
    best = newest_of(left.counting)
    shown = state.forecast
    return msgspec.structs.replace(
        state,
        readings=left,
        picture=picture_without(state.picture, state.readings, name),
        reading=None if best is None else best.reading,
        reading_id=EventId("") if best is None else best.id,
        forecast=None if shown is not None and shown.reading == name else shown,
        marks=state.marks._replace(voided=state.marks.voided + 1),
    )


def _take_dose(state: BolusState, entry: Entry) -> BolusState:
    doses = fold_doses(state.doses, entry)
    if doses is state.doses:
        common = evolve_common(state.common, entry, me=BOLUS_ADVISOR)
        if common is state.common:
            return state
        return msgspec.structs.replace(state, common=common)
    marks = state.marks
    if tells_of_insulin(state.doses, entry.body):
        marks = marks._replace(doses=marks.doses + 1)
    if isinstance(entry.body, BolusStarted):
        recent = remember(state.recent, entry.body.amount)
        state = msgspec.structs.replace(state, recent=recent)
    if isinstance(entry.body, BolusOrdered):
        state = msgspec.structs.replace(state, unsigned=(*state.unsigned, DoseId(entry.id)))
    if isinstance(entry.body, BolusOrderWithdrawn):
        state = _no_more_unsigned(state, entry.body.dose)
    return msgspec.structs.replace(state, doses=doses, marks=marks)


def _no_more_unsigned(state: BolusState, dose: DoseId) -> BolusState:
    unsigned = tuple(known for known in state.unsigned if known != dose)
    return msgspec.structs.replace(state, unsigned=unsigned)
