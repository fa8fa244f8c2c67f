"""Boluses: settings, carbs, advice, and the order that follows when a person decides."""

from typing import Final

from core.deciders.bolus.corrections import correct_carbs, correct_dose
from core.deciders.bolus.events import evolve
from core.deciders.bolus.order_signing import bolus_effects, take_signed, withdraw_unsigned
from core.deciders.bolus.orders import accept, disagreement, order_own, order_preset
from core.deciders.bolus.presets import set_preset
from core.deciders.bolus.state import BOLUS_ADVISOR, BolusState, advice_inputs_of, initial
from core.deciders.bolus.view import BolusView, view
from core.deciders.bolus.zone_tracking import decide_clock
from core.deciders.names import SUBSCRIPTIONS
from core.dosing.advice.advise import CARBS_G_MAX, advise
from core.dosing.advice.projection import forecast
from core.dosing.advice.setting_changes import setting_changes
from core.dosing.advice.settings import settings_problem
from core.kernel.decider import Decider, Effect, Entry
from core.kernel.pending_events import PendingEvents
from core.kernel.shared_decisions import COMMON_COMMANDS, COMMON_EVENTS, decide_common
from core.models.pump_models import PUMP_MODELS, spreads_in_words
from schemas.basal.profiles import ZoneLookupRequested
from schemas.bolus.advice import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceAccepted,
    AdviceRefused,
    BolusAdvised,
    CarbsRecorded,
    CarbsRefused,
    RecordCarbs,
    RequestAdvice,
)
from schemas.bolus.orders import (
    BolusOrdered,
    BolusOrderSigned,
    BolusOrderWithdrawn,
    BolusPresetRefused,
    BolusPresetSet,
    InjectionRecorded,
    InjectionRefused,
    OrderBolus,
    OrderPreset,
    OrderRefused,
    OrderSigned,
    RecordInjection,
    SetBolusPreset,
)
from schemas.bolus.settings import BolusSettingsRefused, BolusSettingsSet, SetBolusSettings
from schemas.corrections import (
    CarbsCorrected,
    CarbsCorrectionRefused,
    CorrectCarbs,
    CorrectDose,
    DoseCorrected,
    DoseCorrectionRefused,
    ReadingVoided,
)
from schemas.glucose import GlucoseForecast, GlucoseMeasured
from schemas.message import Event, Now
from schemas.record import Restarted
from schemas.units import (
    HOUR_MS,
    Milliseconds,
    PumpId,
    UtcMillis,
)

CARBS_BEFORE_MS = Milliseconds(12 * HOUR_MS)
"""[ms] before now that carbohydrate may have been eaten."""

INJECTION_MU_MAX = 100_000
"""[mU] largest injection taken; project's own choice, more than a pen gives at once."""

INJECTED_BEFORE_MS = Milliseconds(24 * HOUR_MS)
"""[ms] before now that an injection may have been given: the longest window of a limit."""

CARBS_AHEAD_MS = Milliseconds(HOUR_MS)
"""[ms] after now that carbohydrate may be eaten."""


def _decide(state: BolusState, entry: Entry, now: Now) -> tuple[Event, ...]:
    shared = decide_common(state.common, entry)
    if shared is not None:
        return shared
    actor = str(entry.actor)
    match entry.body:
        case SetBolusSettings() as asked:
            return _set_settings(state, asked, actor, now)
        case RecordCarbs() as asked:
            return _record_carbs(asked, actor, now)
        case RecordInjection() as asked:
            return _record_injection(asked, actor, now)
        case CorrectDose() as wrong:
            return (correct_dose(state.doses, wrong, actor=actor, now=now),)
        case CorrectCarbs() as wrong_meal:
            return (correct_carbs(state.meals, wrong_meal, actor=actor, now=now),)
        case RequestAdvice() as wanted:
            return _advise(state, wanted, now)
        case AcceptAdvice() as asked:
            return accept(state, asked, actor, now)
        case OrderBolus() as asked:
            return order_own(state, asked, actor, now)
        case SetBolusPreset() as asked:
            return set_preset(state, asked, actor)
        case OrderPreset() as wanted_preset:
            return order_preset(state, wanted_preset, actor, now)
        case GlucoseMeasured() | ReadingVoided():
            return _look_ahead(state, entry, now)
        case OrderSigned() as signed:
            return take_signed(state, signed)
        case Restarted():
            renewed = decide_clock(state.clock, state.common.alarms, entry, now)
            return (*withdraw_unsigned(state), *renewed)
        case _:
            return decide_clock(state.clock, state.common.alarms, entry, now)


def _look_ahead(state: BolusState, entry: Entry, now: Now) -> tuple[Event, ...]:
    """Say where a new reading leads if it is the newest, and the others without one."""
    renewed = decide_clock(state.clock, state.common.alarms, entry, now)
    pending = PendingEvents(state, now, speaker=BOLUS_ADVISOR, evolve=evolve).take(entry)
    known = pending.state
    if isinstance(entry.body, GlucoseMeasured) and known.reading_id != entry.id:
        return renewed
    ahead = forecast(advice_inputs_of(known), now)
    return renewed if ahead is None else (*renewed, ahead)


def _set_settings(
    state: BolusState, asked: SetBolusSettings, actor: str, now: Now
) -> tuple[Event, ...]:
    refused = settings_problem(asked)
    if refused is not None:
        return (refused,)
    changes = setting_changes(state.settings, asked)
    if any(one.reason not in asked.confirmed for one in changes):
        field = changes[0].reason.removesuffix("_changed")
        unsure = BolusSettingsRefused(reason="confirmation_needed", field=field, changes=changes)
        return (unsure,)
    taken = BolusSettingsSet(
        zone=asked.zone,
        carb_ratios=asked.carb_ratios,
        sensitivities=asked.sensitivities,
        targets=asked.targets,
        insulin=asked.insulin,
        rules=asked.rules,
        actor=actor,
        because=asked.because,
        safe_minimum=asked.safe_minimum,
        confirmed=tuple(one.reason for one in changes),
    )
    return (taken, ZoneLookupRequested(zone=asked.zone, since=now.therapy))


def _record_carbs(asked: RecordCarbs, actor: str, now: Now) -> tuple[Event, ...]:
    if not 1 <= asked.grams <= CARBS_G_MAX:
        return (CarbsRefused(reason="out_of_range", grams=asked.grams),)
    if not -CARBS_BEFORE_MS <= asked.eaten_at - now.therapy <= CARBS_AHEAD_MS:
        return (CarbsRefused(reason="time_out_of_range", grams=asked.grams),)
    return (CarbsRecorded(grams=asked.grams, eaten_at=asked.eaten_at, actor=actor),)


def _record_injection(asked: RecordInjection, actor: str, now: Now) -> tuple[Event, ...]:
    if not 1 <= asked.amount <= INJECTION_MU_MAX:
        return (InjectionRefused(reason="out_of_range", amount=asked.amount),)
    if not -INJECTED_BEFORE_MS <= asked.given_at - now.therapy <= 0:
        return (InjectionRefused(reason="time_out_of_range", amount=asked.amount),)
    return (InjectionRecorded(amount=asked.amount, given_at=asked.given_at, actor=actor),)


def _advise(state: BolusState, wanted: RequestAdvice, now: Now) -> tuple[Event, ...]:
    found = advise(advice_inputs_of(state), wanted, now)
    if isinstance(found, BolusAdvised):
        return (found, *disagreement(state, found.reasons))
    takes = ""
    if found == "duration_out_of_range" and state.limits is not None:
        takes = spreads_in_words(PUMP_MODELS[state.limits.pump_model])
    return (AdviceRefused(reason=found, carbs=wanted.carbs, takes=takes),)


def _wake_at(state: BolusState) -> UtcMillis | None:
    return state.clock.renew_at


class BolusDecider(Decider[BolusState]):
    """The thinking of the service bolus_advisor."""

    name = BOLUS_ADVISOR
    subscribes_to = SUBSCRIPTIONS[name]
    emits = (
        *COMMON_EVENTS,
        BolusSettingsSet,
        BolusSettingsRefused,
        ZoneLookupRequested,
        CarbsRecorded,
        CarbsRefused,
        InjectionRecorded,
        InjectionRefused,
        DoseCorrected,
        DoseCorrectionRefused,
        CarbsCorrected,
        CarbsCorrectionRefused,
        BolusAdvised,
        AdviceRefused,
        AdviceAccepted,
        AcceptanceRefused,
        BolusOrdered,
        BolusOrderSigned,
        BolusOrderWithdrawn,
        OrderRefused,
        BolusPresetSet,
        BolusPresetRefused,
        GlucoseForecast,
    )
    handles = (
        *COMMON_COMMANDS,
        SetBolusSettings,
        RecordCarbs,
        RecordInjection,
        CorrectDose,
        CorrectCarbs,
        RequestAdvice,
        AcceptAdvice,
        OrderBolus,
        SetBolusPreset,
        OrderPreset,
    )

    def initial(self, pump: PumpId) -> BolusState:
        """Know nothing yet."""
        return initial(pump)

    def decide(self, state: BolusState, entry: Entry, now: Now) -> tuple[Event, ...]:
        """Say what follows from a message."""
        return _decide(state, entry, now)

    def evolve(self, state: BolusState, entry: Entry) -> BolusState:
        """Fold an entry."""
        return evolve(state, entry)

    def wake_at(self, state: BolusState) -> UtcMillis | None:
        """Give when time alone has something to do [ms]."""
        return _wake_at(state)

    def effects(self, entry: Entry) -> tuple[Effect, ...]:
        """Name what must happen in the world."""
        return bolus_effects(entry)

    def view(self, state: BolusState, now: Now) -> BolusView:
        """Show the state to a person."""
        return view(state, now)


BOLUS_DECIDER: Final = BolusDecider()
"""[-] the thinking of the service bolus_advisor."""
