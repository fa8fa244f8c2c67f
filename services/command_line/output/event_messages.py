"""Events in words: one line for each that a command can lead to."""

from core.formats.amounts import print_rate, print_units
from schemas.alarms import (
    AcknowledgementRefused,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmRepeated,
    AlarmSnoozed,
)
from schemas.basal.plans import BasalPlanAccepted
from schemas.basal.profiles import (
    BasalPlanMade,
    BasalProfileRefused,
    BasalProfileSet,
    BasalWeekSet,
    BasalZoneSet,
    TemporaryRateEnded,
    TemporaryRateRefused,
    TemporaryRateStarted,
    ZoneLookupRequested,
)
from schemas.bolus.advice import AcceptanceRefused, AdviceAccepted, AdviceRefused, CarbsRecorded
from schemas.bolus.orders import BolusOrdered, BolusPresetSet, InjectionRecorded, OrderRefused
from schemas.bolus.settings import BolusSettingsRefused, BolusSettingsSet
from schemas.corrections import CarbsCorrected, DoseCorrected, ReadingVoided
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusRefused,
    DeliveryLimitsRefused,
    DeliveryLimitsSet,
)
from schemas.delivery.mechanism import FaultClearRequested, PrimeRequested
from schemas.delivery.pump import ReservoirFillRequested, ResumeRequested, SuspendRequested
from schemas.delivery.unresolved_doses import DoseSettled, PumpCountAccepted
from schemas.glucose import (
    GlucoseAlertsRefused,
    GlucoseAlertsSet,
    GlucoseBeyondRange,
    GlucoseMeasured,
)
from schemas.message import Event, Refusal, tag_of
from schemas.record import HistorySettled
from schemas.units import MINUTE_MS, MilliUnits, UtcMillis
from schemas.wire.headers import iso_time
from services.command_line.output.reason_messages import in_words


def signed_units(amount: int) -> str:
    """Write insulin in U with a sign where it is below zero and three decimals at most."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{print_units(MilliUnits(abs(amount)))} U"


def moment(at: UtcMillis) -> str:
    """Write an instant so that a person can read it and `--at` takes it back."""
    return iso_time(UtcMillis(at // 1000 * 1000)).replace(".000Z", "Z")


def refused(why: Event | str) -> str:
    """Say why something was not done, in a sentence."""
    if isinstance(why, str):
        return in_words(why)
    sentence = in_words(str(getattr(why, "reason", "")), tag=tag_of(type(why)))
    match why:
        case OrderRefused(reason="pump_maximum", limit=limit) if limit is not None:
            return f"{sentence}, {signed_units(limit)}"
        case OrderRefused(reason="pump_step", limit=limit) if limit is not None:
            return f"{sentence}; the next below is {signed_units(limit)}"
        case OrderRefused(limit=limit) if limit is not None:
            return f"{sentence}; {signed_units(limit)} may be given now"
        case BolusSettingsRefused(field=field) | DeliveryLimitsRefused(field=field):
            return f"{sentence}: {field}"
        case BasalProfileRefused(name=name):
            return f"profile {name!r}: {sentence}"
        case GlucoseAlertsRefused(field=field):
            return f"{field}: {sentence}"
        case AcknowledgementRefused(alarm=alarm):
            return f"{alarm}: {sentence}"
        case OrderRefused(confirm=confirm) | AcceptanceRefused(confirm=confirm) if confirm:
            return f"{sentence}: {'; '.join(in_words(reason) for reason in confirm)}"
        case TemporaryRateRefused(takes=takes) if takes:
            return f"{sentence}; {takes}"
        case OrderRefused(takes=takes) | AdviceRefused(takes=takes) if takes:
            return f"{sentence}; {takes}"
        case BolusRefused(detail=detail) if detail:
            return f"{sentence} ({detail})"
        case _:
            return sentence


def tell(event: Event) -> str | None:
    """Say in a line what an event means to the person who caused it; None where nothing does."""
    if isinstance(event, Refusal):
        return refused(event)
    return _of_alarms(event) or _of_basal(event) or _of_bolus(event) or _of_delivery(event)


def _of_alarms(event: Event) -> str | None:
    match event:
        case AlarmRaised(alarm=alarm, priority=priority, text=text):
            return f"alarm ({priority}) {alarm}: {text}"
        case AlarmCleared(alarm=alarm):
            return f"alarm {alarm} is over"
        case AlarmAcknowledged(alarm=alarm, actor=actor):
            return f"alarm {alarm} acknowledged by {actor}; it stays until its cause is gone"
        case AlarmRepeated(alarm=alarm, priority=priority):
            return f"alarm ({priority}) {alarm} still stands"
        case AlarmSnoozed(alarm=alarm, until=until):
            return (
                f"alarm {alarm} is silent until {moment(until)}; it stays until its cause is gone"
            )
        case GlucoseAlertsSet(low=low, high=high):
            return f"alerts stand below {low} and above {high} mg/dL from now on"
        case HistorySettled(speaker=speaker):
            return f"the missing events of {speaker} are given up; boluses are possible again"
        case _:
            return None


def _of_basal(event: Event) -> str | None:
    match event:
        case BasalProfileSet(name=name, zone=zone, segments=segments, activate=activate):
            count = f"{len(segments)} segment{'s' if len(segments) > 1 else ''}"
            return f"profile {name!r} {'taken' if activate else 'kept'}: {count}, {zone}"
        case BasalWeekSet(days=days):
            return f"week taken, Monday to Sunday: {', '.join(days)}"
        case BasalZoneSet(zone=zone):
            return f"profiles and bolus settings run by the clock of {zone}"
        case ZoneLookupRequested(zone=zone):
            return f"a plan follows as soon as {zone} is looked up; see 'basalt profile show'"
        case BasalPlanMade(ends_at=ends_at):
            return f"basal plan made, until {moment(ends_at)}"
        case TemporaryRateStarted() as temporary:
            return f"temporary rate {_rate(temporary)} until {moment(temporary.ends_at)}"
        case TemporaryRateEnded(reason=reason):
            why = in_words(reason, tag="temporary_rate_ended.v1")
            return f"the temporary rate that ran has ended: {why}"
        case _:
            return None


def _rate(temporary: TemporaryRateStarted) -> str:
    if temporary.rate is None:
        return f"{temporary.percent} % of the profile"
    return f"{print_rate(temporary.rate)} U/h"


def _of_bolus(event: Event) -> str | None:
    match event:
        case GlucoseMeasured(glucose=glucose, received=received, unit=unit, measured_at=at):
            as_received = f" ({received} {unit})" if unit != "mg/dL" else ""
            return f"glucose {glucose} mg/dL{as_received} taken, measured {moment(at)}"
        case GlucoseBeyondRange(received=received, measured_at=at):
            return f"glucose {received} taken as a mark, not a number, measured {moment(at)}"
        case CarbsRecorded(grams=grams, eaten_at=at):
            return f"{grams} g of carbohydrate recorded, eaten {moment(at)}"
        case AdviceAccepted(advice=advice, recomputed=recomputed, difference=difference):
            newer = f"; with newer glucose {signed_units(recomputed)}" if recomputed else ""
            changed = f"; changed by {signed_units(difference)}" if difference else ""
            return f"advice {advice} accepted{newer}{changed}"
        case BolusOrdered(amount=amount, duration=duration):
            spread = f" over {duration // MINUTE_MS} min" if duration else ""
            return f"{signed_units(amount)} ordered{spread}"
        case InjectionRecorded(amount=amount):
            return f"{signed_units(amount)} by pen or syringe recorded"
        case ReadingVoided(reading=reading, received=received):
            return f"reading {reading} ({received}) counts no more; it stays on record"
        case DoseCorrected(dose=dose, amount=amount, was=was):
            return f"{dose} counts as {signed_units(amount)} by pen, not {signed_units(was)}"
        case CarbsCorrected(carbs=carbs, grams=grams, was=was):
            return f"{carbs} counts as {grams} g of carbohydrate, not {was} g"
        case BolusPresetSet(name=name, amount=amount):
            return f"{name}: {signed_units(amount)} kept" if amount else f"{name}: forgotten"
        case BolusSettingsSet():
            return "bolus settings taken"
        case _:
            return None


def _of_delivery(event: Event) -> str | None:
    match event:
        case BolusCancelled(dose=dose):
            return f"dose {dose} is being stopped; what was given until then stays counted"
        case DoseSettled(dose=dose, delivered=delivered, actor=actor):
            return f"dose {dose} counts as {signed_units(delivered)}, by the word of {actor}"
        case PumpCountAccepted(pump_odometer=odometer):
            return f"boluses are possible again, from the pump's count of {signed_units(odometer)}"
        case PrimeRequested(amount=amount, what=what):
            return f"the pump is told to fill the {what} with {signed_units(amount)}"
        case FaultClearRequested():
            return "the pump is told that its motor may turn again"
        case SuspendRequested():
            return "the pump is told to stop"
        case ResumeRequested():
            return "the pump is told to go on"
        case ReservoirFillRequested(amount=amount):
            return f"the pump is told of a reservoir of {signed_units(amount)}"
        case DeliveryLimitsSet() as limits:
            return (
                f"limits taken: {signed_units(limits.single)} at once, "
                f"{signed_units(limits.hourly)} in 60 min, {signed_units(limits.daily)} in 24 h, "
                f"basal {print_rate(limits.basal)} U/h"
            )
        case BasalPlanAccepted(plan=plan, capped=capped):
            cut = ", cut to the largest basal rate" if capped else ""
            return f"basal plan {plan} goes to the pump{cut}"
        case _:
            return None
