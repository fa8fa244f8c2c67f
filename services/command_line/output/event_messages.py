"""Events in words: one line for each that a command can lead to."""

from typing import Final

from core.formats.amounts import print_units
from core.record.event_sentences import sentence
from schemas.alarms import (
    AcknowledgementRefused,
)
from schemas.basal.profiles import (
    BasalProfileRefused,
    BasalWeekRefused,
    TemporaryRateRefused,
)
from schemas.bolus.advice import AcceptanceRefused, AdviceRefused
from schemas.bolus.orders import OrderRefused
from schemas.bolus.settings import BolusSettingsRefused
from schemas.delivery.delivery import (
    BolusRefused,
    DeliveryLimitsRefused,
)
from schemas.delivery.mechanism import MechanismRefused
from schemas.glucose import (
    GlucoseAlertsRefused,
)
from schemas.message import Event, Refusal, tag_of
from schemas.units import MilliUnits, UtcMillis
from schemas.wire.headers import iso_time
from services.command_line.output.reason_messages import in_words
from services.command_line.output.setting_messages import programmed, second_word


def signed_units(amount: int) -> str:
    """Write insulin in U with a sign where it is below zero and three decimals at most."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{print_units(MilliUnits(abs(amount)))} U"


LIMIT_RANGES: Final = {
    "single": "0.05 to 25 U",
    "hourly": "the single bolus to 75 U",
    "daily": "the hourly limit to 500 U",
    "four_hours": "the hourly to the daily limit",
    "basal": "0.05 to 30 U/h",
    "soft": "0.05 U to the single bolus",
    "calendar_day": "the hourly limit to 500 U",
    "on_board": "0.05 to 500 U",
    "lockout": "0 to 4 h",
}
"""[-] what each limit may be; a test holds it to the bounds, which would be dear to load here."""


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
        case OrderRefused(limit=limit, profile=profile) if limit is not None:
            return f"{sentence}{_by_basal(profile)}; {signed_units(limit)} may be given now"
        case (
            BasalProfileRefused(changes=changes)
            | BasalWeekRefused(changes=changes)
            | BolusSettingsRefused(changes=changes)
        ) if changes:
            return second_word(changes)
        case DeliveryLimitsRefused(field=field, misfit=misfit) if misfit is not None:
            return f"{field}: {programmed(misfit)}; {sentence}"
        case (
            BasalProfileRefused(misfit=misfit)
            | BasalWeekRefused(misfit=misfit)
            | TemporaryRateRefused(misfit=misfit)
        ) if misfit is not None:
            return f"{programmed(misfit)}; {sentence}"
        case DeliveryLimitsRefused(field=field) if field in LIMIT_RANGES:
            return f"{sentence}: {field} takes {LIMIT_RANGES[field]}"
        case BolusSettingsRefused(field=field) | DeliveryLimitsRefused(field=field):
            return f"{sentence}: {field}"
        case BasalProfileRefused(name=name):
            return f"profile {name!r}: {sentence}"
        case MechanismRefused(limit=limit) if limit is not None:
            return f"{sentence}; {signed_units(limit)} may be primed now"
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
        case BolusRefused(profile=profile) if profile:
            return f"{sentence}{_by_basal(profile)}"
        case _:
            return sentence


def _by_basal(profile: str) -> str:
    """Say that basal leaves no room, and by which profile; nothing where it does."""
    return f": basal of profile {profile!r} uses it up" if profile else ""


def tell(event: Event) -> str:
    """Say in a line what an event means to the person who caused it; empty where nothing does."""
    if isinstance(event, Refusal):
        return refused(event)
    return sentence(event, clock=moment)
