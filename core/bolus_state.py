"""What bolus_advisor knows of one person, and how each entry changes it."""

from typing import Final

import msgspec

from core.alarms import is_active
from core.basal_ahead import BasalAhead, profile_of
from core.basis import Basis, Reading
from core.bolus_news import Marks, News, note
from core.common import CLOCK_WENT_BACK, Common, evolve_common
from core.confirmation import remember
from core.decider import Entry
from core.dose_fold import fold_doses
from core.doses import DoseBook
from core.glucose_picture import Picture, fold_reading, reading_of
from core.glucose_quality import FUTURE_MS_MAX
from core.insulin_record import remember_profile
from core.local_clock import LocalClock, fold_clock
from core.meals import remember_meal
from core.plan_ids import pump_plan
from schemas.basal import BasalPlanMade, BasalZoneSet
from schemas.bolus import AdviceAccepted, BolusAdvised, CarbsRecorded
from schemas.delivery import BolusProgressed, BolusStarted, DeliveryLimitsSet
from schemas.device import PumpPlan
from schemas.doubt import PumpCountAccepted, PumpDoubted
from schemas.forecast import GlucoseForecast
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured, ReadingRejected
from schemas.mechanism import MotorRanUnasked
from schemas.orders import (
    BolusOrdered,
    BolusOrderSigned,
    BolusOrderWithdrawn,
    BolusPresetSet,
    InjectionRecorded,
)
from schemas.plans import BasalPlanAccepted
from schemas.pump import DeliveryResumed, DeliverySuspended, PumpChallenged
from schemas.therapy import BolusSettingsSet
from schemas.units import DoseId, EventId, Grams, MilliUnits, PumpId, Speaker, UtcMillis

BOLUS_ADVISOR: Final = Speaker("bolus_advisor")

ADVICES_KEPT = 20
"""[-] advices that can still be accepted or recognised as used."""


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """An advice that was given, and what had been heard when it was."""

    id: EventId
    """[-] its event."""
    advised: BolusAdvised
    """[-] the advice."""
    marks: Marks
    """[-] heard by then."""
    is_used: bool = False
    """[-] accepted already."""


class BolusState(msgspec.Struct, frozen=True, kw_only=True):
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
    meals: tuple[CarbsRecorded, ...] = ()
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
        case CarbsRecorded(grams=grams):
            return msgspec.structs.replace(
                state,
                last_carbs=body,
                meals=remember_meal(state.meals, body, at=entry.at),
                carbs_total=Grams(state.carbs_total + grams),
                marks=marks._replace(carbs=marks.carbs + 1),
            )
        case BolusPresetSet():
            return _take_preset(state, body)
        case BolusAdvised():
            advice = Advice(id=EventId(entry.id), advised=body, marks=marks)
            advices = (*state.advices[-ADVICES_KEPT + 1 :], advice)
            return msgspec.structs.replace(state, advices=advices)
        case AdviceAccepted(advice=name):
            return msgspec.structs.replace(state, advices=_used(state.advices, name))
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


def _take_preset(state: BolusState, preset: BolusPresetSet) -> BolusState:
    others = [known for known in state.presets if known.name != preset.name]
    kept = [*others, preset] if preset.amount else others
    presets = tuple(sorted(kept, key=lambda known: known.name))
    return msgspec.structs.replace(state, presets=presets)


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
    if state.reading is not None and _outranks(state.reading, reading):
        return state
    return msgspec.structs.replace(state, reading=reading, reading_id=EventId(entry.id))


def _outranks(known: Reading, reading: Reading) -> bool:
    """Say whether a drop of blood, up to 5 min older than the sensor, or the newer one is known."""
    later = reading.measured_at - known.measured_at
    if known.source == "meter" and reading.source == "sensor":
        return later <= FUTURE_MS_MAX
    if known.source == "sensor" and reading.source == "meter":
        return later < -FUTURE_MS_MAX
    return later < 0


def _used(advices: tuple[Advice, ...], name: EventId) -> tuple[Advice, ...]:
    return tuple(
        msgspec.structs.replace(advice, is_used=True) if advice.id == name else advice
        for advice in advices
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


def tells_of_insulin(book: DoseBook, body: object) -> bool:
    """Say whether an event tells of insulin that no earlier advice can have counted.

    The pump's own doings are among it: a bolus that nobody here ordered, strokes without a command.
    """
    if isinstance(body, BolusProgressed):
        return all(body.dose != known.dose for known in book.open)
    return isinstance(body, BolusOrdered | BolusStarted | InjectionRecorded | MotorRanUnasked)


def _no_more_unsigned(state: BolusState, dose: DoseId) -> BolusState:
    unsigned = tuple(known for known in state.unsigned if known != dose)
    return msgspec.structs.replace(state, unsigned=unsigned)
