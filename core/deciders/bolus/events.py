"""How each entry changes what bolus_advisor knows of one person."""

from collections.abc import Mapping
from typing import Final

import msgspec

from core.deciders.bolus.advice_log import ADVICES_KEPT, Advice, used
from core.deciders.bolus.presets import with_preset
from core.deciders.bolus.staleness import note, tells_of_insulin
from core.deciders.bolus.state import BOLUS_ADVISOR, BolusState
from core.deciders.bolus.zone_tracking import CLOCK_HANDLERS
from core.dosing.advice.confirmation import remember
from core.dosing.advice.meals import Eaten, correct_meal, last_meal, remember_meal
from core.dosing.basal_programme.programme import HEARD_PROGRAMME
from core.dosing.glucose_history.retained_readings import (
    keep,
    newest_of,
    outranks,
    snapshot_without,
    take_out,
)
from core.dosing.glucose_history.snapshot import fold_reading, reading_of
from core.dosing.insulin_account.dose_account import DoseBook
from core.dosing.insulin_account.dose_account_events import fold_doses
from core.dosing.insulin_account.insulin_history import remember_profile
from core.dosing.insulin_account.scheduled_basal import BasalAhead, profile_of
from core.dosing.order_protocol.plan_revisions import pump_plan
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.kernel.fold_table import FoldTable, Put, part, whole
from core.kernel.shared_decisions import COMMON_HANDLERS
from schemas.basal.plans import BasalPlanAccepted
from schemas.basal.profiles import BasalPlanMade, BasalZoneSet
from schemas.bolus.advice import AdviceAccepted, BolusAdvised, CarbsRecorded
from schemas.bolus.orders import (
    BolusOrdered,
    BolusOrderSigned,
    BolusOrderWithdrawn,
    BolusPresetSet,
    InjectionRecorded,
)
from schemas.bolus.settings import BolusSettingsSet
from schemas.corrections import CarbsCorrected, DoseCorrected, ReadingVoided
from schemas.delivery.delivery import BolusProgressed, BolusStartRequested, DeliveryLimitsSet
from schemas.delivery.mechanism import MotorRanUnasked
from schemas.delivery.pump import DeliveryResumed, DeliverySuspended, PumpChallenged
from schemas.delivery.unresolved_doses import PumpCountAccepted, PumpDoubted
from schemas.glucose import GlucoseBeyondRange, GlucoseForecast, GlucoseMeasured, ReadingRejected
from schemas.message import Event
from schemas.units import DoseId, EventId, Grams


def evolve(state: BolusState, entry: Entry) -> BolusState:
    """Fold one entry; what `view` shows follows from events alone."""
    if state.recorded_from is None:
        state = msgspec.structs.replace(state, recorded_from=entry.at)
    folded = BOLUS_TABLE(state, entry)
    before, after = state.change_counts, folded.change_counts
    if after is before:
        return folded
    newest_changes = note(state.newest_changes, entry, before=before, after=after)
    return msgspec.structs.replace(folded, newest_changes=newest_changes)


_evolve: Final = EventHandlers[BolusState]()


@_evolve.register
def _take_reading(
    state: BolusState,
    reading: GlucoseMeasured | GlucoseBeyondRange | ReadingRejected,
    entry: Entry,
) -> BolusState:
    if isinstance(reading, ReadingRejected):
        if reading.reason != "implausible":
            return state
    else:
        snapshot = fold_reading(state.snapshot, reading_of(reading, now=entry.at))
        state = msgspec.structs.replace(state, snapshot=snapshot)
    readings = keep(state.readings, entry.id, reading, at=entry.at)
    if state.reading is not None and outranks(state.reading, reading):
        return msgspec.structs.replace(state, readings=readings)
    return msgspec.structs.replace(
        state, readings=readings, reading=reading, reading_id=EventId(entry.id)
    )


@_evolve.register
def _take_forecast(state: BolusState, forecast: GlucoseForecast, entry: Entry) -> BolusState:
    del entry
    return msgspec.structs.replace(state, forecast=forecast)


@_evolve.register
def _take_settings(state: BolusState, settings: BolusSettingsSet, entry: Entry) -> BolusState:
    return msgspec.structs.replace(_marked(state), settings=settings, settings_id=EventId(entry.id))


@_evolve.register
def _take_limits(state: BolusState, limits: DeliveryLimitsSet, entry: Entry) -> BolusState:
    return msgspec.structs.replace(_marked(state), limits=limits, limits_id=EventId(entry.id))


@_evolve.register
def _take_zone(state: BolusState, moved: BasalZoneSet, entry: Entry) -> BolusState:
    del moved, entry
    return _marked(state)


def _marked(state: BolusState) -> BolusState:
    """Count a change of settings."""
    change_counts = state.change_counts._replace(settings=state.change_counts.settings + 1)
    return msgspec.structs.replace(state, change_counts=change_counts)


@_evolve.register
def _take_programme(state: BolusState, made: BasalPlanMade, entry: Entry) -> BolusState:
    del entry
    profile = profile_of(made)
    ahead = BasalAhead(plan=state.ahead.plan, profile=profile, midnights=made.midnights)
    return msgspec.structs.replace(
        state,
        ahead=ahead,
        profiles=remember_profile(state.profiles, profile),
        profile_in_force=state.programme.in_force.name_of(made.profile),
    )


@_evolve.register
def _take_plan(state: BolusState, accepted: BasalPlanAccepted, entry: Entry) -> BolusState:
    del entry
    ahead = msgspec.structs.replace(state.ahead, plan=pump_plan(accepted))
    return msgspec.structs.replace(state, ahead=ahead)


@_evolve.register
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
        change_counts=state.change_counts._replace(carbs=state.change_counts.carbs + 1),
    )


@_evolve.register
def _take_out(state: BolusState, voided: ReadingVoided, entry: Entry) -> BolusState:
    """Know what would be known if a reading had never come; no advice from before it holds."""
    del entry
    name = voided.reading
    left = take_out(state.readings, name)
    best = newest_of(left.counting)
    shown = state.forecast
    return msgspec.structs.replace(
        state,
        readings=left,
        snapshot=snapshot_without(state.snapshot, state.readings, name),
        reading=None if best is None else best.reading,
        reading_id=EventId("") if best is None else best.id,
        forecast=None if shown is not None and shown.reading == name else shown,
        change_counts=state.change_counts._replace(voided=state.change_counts.voided + 1),
    )


@_evolve.register
def _take_preset(state: BolusState, preset: BolusPresetSet, entry: Entry) -> BolusState:
    del entry
    return msgspec.structs.replace(state, presets=with_preset(state.presets, preset))


@_evolve.register
def _take_advice(state: BolusState, advised: BolusAdvised, entry: Entry) -> BolusState:
    advice = Advice(id=EventId(entry.id), advised=advised, change_counts=state.change_counts)
    advices = (*state.advices[-ADVICES_KEPT + 1 :], advice)
    return msgspec.structs.replace(state, advices=advices)


@_evolve.register
def _use_advice(state: BolusState, accepted: AdviceAccepted, entry: Entry) -> BolusState:
    del entry
    return msgspec.structs.replace(state, advices=used(state.advices, accepted.advice))


@_evolve.register
def _suspend(
    state: BolusState, said: DeliverySuspended | DeliveryResumed, entry: Entry
) -> BolusState:
    del entry
    return msgspec.structs.replace(state, suspended=isinstance(said, DeliverySuspended))


@_evolve.register
def _doubt(state: BolusState, said: PumpDoubted | PumpCountAccepted, entry: Entry) -> BolusState:
    del entry
    return msgspec.structs.replace(state, is_pump_doubted=isinstance(said, PumpDoubted))


@_evolve.register
def _take_challenge(state: BolusState, challenged: PumpChallenged, entry: Entry) -> BolusState:
    del entry
    return msgspec.structs.replace(state, challenged=challenged)


@_evolve.register
def _see_signed(state: BolusState, signed: BolusOrderSigned, entry: Entry) -> BolusState:
    del entry
    return _no_more_unsigned(state, signed.dose)


def _count_insulin(state: BolusState, doses: DoseBook, body: Event, entry: Entry) -> BolusState:
    """Take an account in which there may be insulin that no earlier advice can have counted."""
    del entry
    change_counts = state.change_counts
    if tells_of_insulin(state.doses, body):
        change_counts = change_counts._replace(doses=change_counts.doses + 1)
    return msgspec.structs.replace(state, doses=doses, change_counts=change_counts)


def _count_start(
    state: BolusState, doses: DoseBook, begun: BolusStartRequested, entry: Entry
) -> BolusState:
    recent = remember(state.recent, begun.amount)
    return msgspec.structs.replace(_count_insulin(state, doses, begun, entry), recent=recent)


def _count_order(
    state: BolusState, doses: DoseBook, order: BolusOrdered, entry: Entry
) -> BolusState:
    unsigned = (*state.unsigned, DoseId(entry.id))
    return msgspec.structs.replace(_count_insulin(state, doses, order, entry), unsigned=unsigned)


def _count_withdrawn(
    state: BolusState, doses: DoseBook, withdrawn: BolusOrderWithdrawn, entry: Entry
) -> BolusState:
    del entry
    return _no_more_unsigned(msgspec.structs.replace(state, doses=doses), withdrawn.dose)


def _no_more_unsigned(state: BolusState, dose: DoseId) -> BolusState:
    unsigned = tuple(known for known in state.unsigned if known != dose)
    return msgspec.structs.replace(state, unsigned=unsigned)


_DOSE_PUTS: Final[Mapping[type, Put]] = {
    BolusProgressed: _count_insulin,
    InjectionRecorded: _count_insulin,
    DoseCorrected: _count_insulin,
    MotorRanUnasked: _count_insulin,
    BolusStartRequested: _count_start,
    BolusOrdered: _count_order,
    BolusOrderWithdrawn: _count_withdrawn,
}
"""[-] what events of doses do beside the account."""

BOLUS_TABLE: Final = FoldTable[BolusState](
    part("clock", CLOCK_HANDLERS),
    part("programme", HEARD_PROGRAMME),
    part("doses", fold_doses, put=_DOSE_PUTS, is_last=True),
    part("common", COMMON_HANDLERS, of=BOLUS_ADVISOR, is_last=True),
    whole(_evolve),
)
"""[-] the one table of the advisor: what each kind does, part after part."""
