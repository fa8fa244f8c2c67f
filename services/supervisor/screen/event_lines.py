"""Events as lines that a person reads; what is not worth a line gives none."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.alarms import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmRepeated,
    AlarmSnoozed,
)
from schemas.basal.plans import BasalPlanRefused
from schemas.basal.profiles import (
    BasalPlanMade,
    BasalProfileSet,
    BasalWeekSet,
    BasalZoneSet,
    TemporaryRateEnded,
    TemporaryRateStarted,
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
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStopped,
    DeliveryGap,
    DeliveryLimitsSet,
)
from schemas.delivery.device import PULSE_MU
from schemas.delivery.mechanism import (
    BasalMissed,
    MotorRanUnasked,
    OcclusionReleased,
    PumpFaultCleared,
    PumpFaulted,
    PumpPrimed,
)
from schemas.delivery.pump import (
    DeliveryResumed,
    DeliverySuspended,
    PumpClockRead,
    PumpControlLost,
    PumpFound,
    PumpLost,
    ReservoirFilled,
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
from schemas.message import Event, Refusal, name_of
from schemas.record import ProcessReported, StorageReported
from schemas.units import MINUTE_MS, MilliUnits, UtcMillis
from services.supervisor.screen.text_format import between, rate, second, units, wall, words

PROGRESS_MU = MilliUnits(500)
"""[mU] of a bolus from one line to the next."""

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


class Line(NamedTuple):
    """One notable change."""

    at: UtcMillis
    """[ms] therapy time."""
    text: str
    """[-] in words."""
    is_routine: bool = False
    """[-] comes so often that the screen shows it elsewhere."""
    times: int = 1
    """[-] that it came in a row."""


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


def describe(event: Event, *, at: UtcMillis, zone: str) -> Line | None:
    """Write an event as a line.

    Args:
        event: what was said.
        at: [ms] therapy time of the decision.
        zone: IANA name of the wall clock of times inside the text.
    """
    for texts in (_of_bolus, _of_delivery, _of_the_rest):
        text = texts(event, zone)
        if text:
            routine = isinstance(event, BolusProgressed | GlucoseMeasured)
            return Line(at, text, routine)
    if isinstance(event, Refusal):
        reason = words(str(getattr(event, "reason", "")))
        return Line(at, f"{words(name_of(type(event)))}: {reason}")
    return None


def _of_bolus(event: Event, zone: str) -> str:
    del zone
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
        case DoseCorrected(amount=amount, was=was, actor=actor):
            return f"by pen it was {units(amount)}, not {units(was)}, says {actor}"
        case CarbsCorrected(grams=grams, was=was, actor=actor):
            return f"the meal was {grams} g, not {was} g, says {actor}"
        case BolusPresetSet(name=name, amount=amount, actor=actor):
            return f"preset {name}: {units(amount)} by {actor}"
        case BolusSettingsSet(actor=actor):
            return f"ratios and targets set by {actor}"
        case _:
            return ""


def _of_delivery(event: Event, zone: str) -> str:
    match event:
        case BolusProgressed(delivered=delivered, amount=amount, odometer=odometer):
            crossed = delivered // PROGRESS_MU > (delivered - amount) // PROGRESS_MU
            pulses = odometer // PULSE_MU
            return f"bolus: {units(delivered)} given, pulses: {pulses}" if crossed else ""
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
        case BolusRefused(amount=amount, reason=reason):
            return f"bolus of {units(amount)} not given: {words(reason)}"
        case BolusCancelled(actor=actor):
            return f"bolus cancelled by {actor}"
        case DeliveryGap(starts_at=starts_at, ends_at=ends_at):
            off = f"{second(starts_at, zone=zone)} to {second(ends_at, zone=zone)}"
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
        case PumpLost(reason=reason):
            return f"the pump does not answer: {reason}"
        case PumpFound(odometer=odometer, reservoir=reservoir):
            return f"the pump answers: odometer {units(odometer)}, reservoir {units(reservoir)}"
        case PumpClockRead(ahead=ahead):
            way = "ahead" if ahead > 0 else "behind"
            return f"the pump's clock is {abs(ahead) // MINUTE_MS} min {way}"
        case PumpControlLost():
            return "another controller drives the pump"
        case PumpFaulted(fault=fault):
            return f"the pump has stopped its motor: {words(fault)}"
        case PumpFaultCleared(fault=fault):
            return f"the pump's motor may turn again after {words(fault)}"
        case OcclusionReleased(amount=amount):
            return f"the line is open again: {units(amount)} that had been counted flow now"
        case PumpPrimed(amount=amount, what=what):
            return f"{what} filled with {units(amount)}, in no body"
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


def _of_the_rest(event: Event, zone: str) -> str:
    match event:
        case GlucoseMeasured(glucose=glucose, source=source, device=device):
            return f"glucose {glucose} mg/dL ({device or source})"
        case GlucoseBeyondRange(bound=bound, source=source):
            return f"glucose {bound.upper()} ({source})"
        case ReadingVoided(received=received, actor=actor):
            return f"the reading {received} was wrong, says {actor}"
        case BasalProfileSet(name=name, actor=actor, activate=activate):
            return f"basal profile {name} {'set' if activate else 'kept'} by {actor}"
        case BasalWeekSet(actor=actor):
            return f"profiles of the week set by {actor}"
        case BasalZoneSet(zone=moved, actor=actor):
            return f"profiles run by the clock of {moved}, set by {actor}"
        case BasalPlanMade(ends_at=ends_at):
            return f"basal plan made, until {wall(ends_at, zone=zone)} in two days"
        case TemporaryRateStarted() as temporary:
            what = rate(temporary.rate) if temporary.percent is None else f"{temporary.percent} %"
            return f"temporary rate {what} until {wall(temporary.ends_at, zone=zone)}"
        case TemporaryRateEnded(reason=reason):
            return f"temporary rate ended: {reason}"
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
            return f"alarm silenced by {actor} until {wall(until, zone=zone)}: {words(alarm)}"
        case AlarmAcknowledged(alarm=alarm, actor=actor):
            return f"alarm seen by {actor}: {words(alarm)}"
        case GlucoseAlertsSet(low=low, high=high, actor=actor):
            return f"alerts below {low} and above {high} mg/dL, set by {actor}"
        case _:
            return ""
