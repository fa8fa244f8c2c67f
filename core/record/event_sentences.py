"""Every event as a sentence for a person, said once for screen, answers and history."""

from collections.abc import Callable, Sequence
from typing import Final

from core.formats.display import between, lasting, rate, units, words
from schemas.alarms import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmRepeated,
    AlarmSnoozed,
)
from schemas.basal.plans import BasalPlanAccepted, BasalPlanRefused
from schemas.basal.profiles import (
    BasalPlanMade,
    BasalProfileSet,
    BasalWeekSet,
    BasalZoneSet,
    TemporaryRateEnded,
    TemporaryRateStarted,
    ZoneLookupRequested,
)
from schemas.bolus.advice import (
    AcceptanceRefused,
    AdviceAccepted,
    AdviceRefused,
    BolusAdvised,
    CarbsRecorded,
)
from schemas.bolus.orders import BolusOrdered, BolusPresetSet, InjectionRecorded
from schemas.bolus.settings import BolusSettingsSet
from schemas.corrections import CarbsCorrected, DoseCorrected, ReadingVoided
from schemas.delivery.clock_check import TimeConfirmed, TimeUnproven
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStopped,
    DeliveryGap,
    DeliveryLimitsSet,
)
from schemas.delivery.mechanism import (
    BasalMissed,
    FaultClearRequested,
    MotorRanUnasked,
    OcclusionReleased,
    PrimeRequested,
    PumpFaultCleared,
    PumpFaulted,
    PumpPrimed,
)
from schemas.delivery.pump import (
    DeliveryResumed,
    DeliverySuspended,
    PumpBasalMaximumRequested,
    PumpClockRead,
    PumpControlLost,
    PumpFound,
    PumpLost,
    PumpTakeRequested,
    ReservoirFilled,
    ReservoirFillRequested,
    ResumeRequested,
    SuspendRequested,
)
from schemas.delivery.unresolved_doses import (
    BolusReconciled,
    BolusUnknown,
    DoseSettled,
    OrderAuthenticationFailed,
    OrderRefusedByPump,
    PumpCountAccepted,
    PumpDoubted,
)
from schemas.glucose import GlucoseAlertsSet, GlucoseBeyondRange, GlucoseMeasured
from schemas.message import Event
from schemas.record import HistorySettled, ProcessReported, StorageReported
from schemas.units import MINUTE_MS, UtcMillis

Clock = Callable[[UtcMillis], str]
"""[-] how an instant [ms] inside a sentence is written."""

SETTLED: Final = {
    "running": "the pump is giving it",
    "matched": "given in full",
    "partial": "given in part",
    "failed": "none of it given",
    "blocked": "stopped by an occlusion",
    "expired": "none of it given, it came too late",
    "spontaneous": "given though nobody here ordered it",
}
"""[-] what an unknown bolus came to, in words."""


TEMPORARY_ENDS: Final = {
    "expired": "its time was over",
    "superseded": "another temporary rate took its place",
}
"""[-] why a temporary rate ended, in words."""


def advice_terms(advised: BolusAdvised) -> Sequence[tuple[str, str]]:
    """Write an advice term by term."""
    glucose = "no fresh glucose" if advised.glucose is None else f"{advised.glucose} mg/dL"
    board = between(advised.insulin_on_board_least, advised.insulin_on_board_most)
    reasons = ", ".join(map(words, advised.reasons))
    return (
        (f"food {advised.carbs} g", units(advised.food)),
        ("correction", f"{units(advised.correction)} at {glucose}"),
        ("on board", board),
        *((("later", units(advised.later)),) if advised.later else ()),
        *(
            ("cut", f"{units(cut.before)} to {units(cut.after)}, {words(cut.limit)}")
            for cut in advised.clamps
        ),
        *((("because", reasons),) if reasons else ()),
    )


def sentence(event: Event, *, clock: Clock) -> str:
    """Say what an event means; empty for a refusal, and for what nobody has to read.

    Args:
        event: what was published.
        clock: writes the instants inside the sentence.
    """
    return _of_bolus(event, clock) or _of_delivery(event, clock) or _of_the_rest(event, clock)


def _of_bolus(event: Event, clock: Clock) -> str:
    del clock
    match event:
        case CarbsRecorded(grams=grams):
            return f"meal: {grams} g"
        case BolusAdvised() as advised:
            terms = "; ".join(" ".join(term) for term in advice_terms(advised))
            return f"advice: {units(advised.amount)} = {terms}"
        case AdviceRefused(reason=reason, carbs=carbs):
            return f"no advice for {carbs} g: {words(reason)}"
        case AdviceAccepted(actor=actor):
            return f"advice accepted by {actor}"
        case AcceptanceRefused(reason=reason):
            return f"acceptance refused: {words(reason)}"
        case BolusOrdered(amount=amount, actor=actor, duration=duration):
            spread = f" over {duration // MINUTE_MS} min" if duration else ""
            return f"bolus of {units(amount)}{spread} ordered by {actor}"
        case InjectionRecorded(amount=amount, actor=actor):
            return f"{units(amount)} by pen or syringe, recorded by {actor}"
        case DoseCorrected(dose=dose, amount=amount, was=was, actor=actor):
            return f"{dose} counts as {units(amount)} by pen, not {units(was)}, says {actor}"
        case CarbsCorrected(carbs=carbs, grams=grams, was=was, actor=actor):
            return f"{carbs} counts as {grams} g of carbohydrate, not {was} g, says {actor}"
        case BolusPresetSet(name=name, amount=amount, actor=actor):
            return f"preset {name}: {units(amount)} by {actor}"
        case BolusSettingsSet(actor=actor):
            return f"ratios and targets set by {actor}"
        case _:
            return ""


def _of_delivery(event: Event, clock: Clock) -> str:
    match event:
        case BolusProgressed(delivered=delivered, odometer=odometer):
            return f"bolus: {units(delivered)} given, odometer {units(odometer)}"
        case BolusDelivered(delivered=delivered):
            return f"bolus delivered: {units(delivered)}"
        case BolusStopped(delivered=delivered, requested=requested, reason=reason):
            return f"bolus stopped: {units(delivered)} of {units(requested)}, {words(reason)}"
        case BolusUnknown(least=least, most=most, reason=reason):
            return f"bolus unknown: {between(least, most)} counts as given; {reason}"
        case BolusReconciled(outcome=outcome, delivered=delivered):
            return f"unknown bolus settled: {SETTLED[outcome]}, {units(delivered)}"
        case PumpDoubted(reason=reason, missing=missing):
            return f"no bolus until somebody has looked: {words(reason)}, {units(missing)} missing"
        case PumpCountAccepted(actor=actor, pump_odometer=odometer):
            return f"the pump's count of {units(odometer)} accepted by {actor}"
        case DoseSettled(delivered=delivered, actor=actor):
            return f"unknown bolus settled by {actor}: {units(delivered)}"
        case OrderAuthenticationFailed(reason=reason, count=count):
            return f"an order failed authentication: {words(reason)}; {count} so far"
        case BolusRefused(amount=amount, reason=reason, profile=profile):
            basal = f", used up by basal of profile {profile}" if profile else ""
            return f"bolus of {units(amount)} not given: {words(reason)}{basal}"
        case BolusCancelled(actor=actor):
            return f"bolus cancelled by {actor}"
        case DeliveryGap(starts_at=starts_at, ends_at=ends_at):
            off = f"{clock(starts_at)} to {clock(ends_at)}"
            return f"the pump was off {off}"
        case DeliverySuspended():
            return "the pump stands"
        case DeliveryResumed():
            return "the pump delivers again"
        case DeliveryLimitsSet(single=single, actor=actor):
            return f"hard limits set by {actor}: single bolus {units(single)}"
        case ReservoirFilled(amount=amount):
            return f"reservoir filled: {units(amount)}"
        case _:
            return _of_the_pump(event)


def _of_the_pump(event: Event) -> str:
    match event:
        case PrimeRequested(amount=amount, what=what):
            return f"the pump is told to fill the {what} with {units(amount)}"
        case FaultClearRequested():
            return "the pump is told that its motor may turn again"
        case SuspendRequested():
            return "the pump is told to stop"
        case ResumeRequested():
            return "the pump is told to go on"
        case ReservoirFillRequested(amount=amount):
            return f"the pump is told of a reservoir of {units(amount)}"
        case PumpLost(reason=reason):
            return f"the pump does not answer: {reason}"
        case PumpFound(odometer=odometer, reservoir=reservoir):
            return f"the pump answers: odometer {units(odometer)}, reservoir {units(reservoir)}"
        case PumpClockRead(ahead=ahead):
            way = "ahead" if ahead > 0 else "behind"
            return f"the pump's clock is {abs(ahead) // MINUTE_MS} min {way}"
        case PumpTakeRequested(actor=actor, because=because):
            return f"{actor} takes the pump back{f': {because}' if because else ''}"
        case PumpBasalMaximumRequested(rate=most):
            return f"the pump is told to take no basal rate above {rate(most)}"
        case TimeUnproven(passed=passed):
            return f"by the clock alone {lasting(passed)} passed while the system stood"
        case TimeConfirmed(passed=passed, actor=actor):
            word = "that time has passed" if passed else "the clock was wrong"
            return f"{actor} says that {word}"
        case PumpControlLost():
            return "another controller drives the pump"
        case PumpFaulted(fault=fault):
            return f"the pump has stopped its motor: {words(fault)}"
        case PumpFaultCleared(fault=fault):
            return f"the pump's motor may turn again after {words(fault)}"
        case OcclusionReleased(amount=amount):
            return f"the line is open again: {units(amount)} that had been counted flow now"
        case PumpPrimed(amount=amount, what=what):
            return f"{what} filled with {units(amount)}; it counts as in no body"
        case MotorRanUnasked(amount=amount):
            return f"the motor moved {units(amount)} that nobody asked for"
        case OrderRefusedByPump(reason=reason, count=count):
            return f"the pump refused an order by itself: {words(reason)}; {count} forged so far"
        case BasalMissed(amount=amount, reason=reason):
            return f"basal missed: {units(amount)}, {words(reason)}"
        case BasalPlanRefused(reason="pump_not_heard"):
            return "the basal plan goes to the pump as soon as that is read"
        case _:
            return ""


def _of_the_rest(event: Event, clock: Clock) -> str:
    match event:
        case GlucoseMeasured(glucose=glucose, unit=unit) as measured:
            typed = f" ({measured.received} {unit})" if unit != "mg/dL" else ""
            return f"glucose {glucose} mg/dL{typed} ({measured.device or measured.source})"
        case GlucoseBeyondRange(bound=bound, source=source):
            return f"glucose {bound.upper()} ({source})"
        case ReadingVoided(received=received, actor=actor):
            return f"the reading {received} was wrong, says {actor}; it stays on record"
        case BasalProfileSet(name=name, actor=actor, activate=activate):
            return f"basal profile {name} {'set' if activate else 'kept'} by {actor}"
        case BasalWeekSet(actor=actor):
            return f"profiles of the week set by {actor}"
        case BasalZoneSet(zone=moved, actor=actor):
            return f"profiles run by the clock of {moved}, set by {actor}"
        case BasalPlanAccepted(plan=plan, capped=capped):
            cut = ", cut to the largest basal rate" if capped else ""
            return f"basal plan {plan} goes to the pump{cut}"
        case ZoneLookupRequested(zone=asked):
            return f"a plan follows as soon as {asked} is looked up"
        case HistorySettled(speaker=speaker):
            return f"the missing events of {speaker} are given up; boluses are possible again"
        case BasalPlanMade(ends_at=ends_at):
            return f"basal plan made for two days, until {clock(ends_at)}"
        case TemporaryRateStarted() as temporary:
            percent = f"{temporary.percent} % of the profile"
            what = rate(temporary.rate) if temporary.percent is None else percent
            return f"temporary rate {what} until {clock(temporary.ends_at)}"
        case TemporaryRateEnded(reason=reason):
            return f"temporary rate ended: {TEMPORARY_ENDS.get(reason, words(reason))}"
        case StorageReported(free_mib=free_mib):
            return f"room for the record: {free_mib} MiB"
        case ProcessReported(process=process, state=state, why=why):
            return f"process {process} is {state}{f': {why}' if why else ''}"
        case AlarmRaised(priority=priority, text=text):
            return f"ALARM ({priority}): {text}"
        case AlarmCleared(alarm=alarm):
            return f"alarm over: {words(alarm)}"
        case AlarmRepeated(alarm=alarm, priority=priority):
            return f"ALARM ({priority}), still: {words(alarm)}"
        case AlarmSnoozed(alarm=alarm, until=until, actor=actor):
            return f"alarm silenced by {actor} until {clock(until)}: {words(alarm)}"
        case AlarmAcknowledged(alarm=alarm, actor=actor):
            return f"alarm seen by {actor}: {words(alarm)}"
        case GlucoseAlertsSet(low=low, high=high, actor=actor):
            return f"alerts below {low} and above {high} mg/dL, set by {actor}"
        case _:
            return ""
