"""The demonstration's therapy settings: events by the actor 'demonstration', sent once."""

from typing import Final

from schemas.basal.profiles import ProfileSegment, SetBasalProfile
from schemas.bolus.settings import (
    CarbRatioSegment,
    InsulinAction,
    SensitivitySegment,
    SetBolusSettings,
    TargetSegment,
)
from schemas.delivery.delivery import SetDeliveryLimits
from schemas.message import Command
from schemas.units import (
    MINUTE_MS,
    Actor,
    CommandId,
    MgDl,
    MicrogramsPerDlPerUnit,
    MilligramsPerUnit,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    PumpId,
    Speaker,
)
from services.runtime.nats.client import BusClient
from services.supervisor.errors import StartRefused

ACTOR: Final = Actor("demonstration")
"""[-] who set what no person chose."""

FILL_U = 200
"""[U] in the reservoir of the virtual pump at its first start."""

_RATES: Final = ((0, 800), (3 * 60, 1_000), (6 * 60, 1_300), (7 * 60 + 15, 1_100), (9 * 60, 900))
"""[min, mU/h] a dawn rise; the step at 07:15 comes in the first minute of the demonstration."""


def settings(*, zone: str) -> tuple[tuple[CommandId, Speaker, Command], ...]:
    """Give the commands with their fixed ids, so that sending them again changes nothing.

    Args:
        zone: IANA name of the profile's wall clock.

    Returns:
        Limits first: no plan reaches the pump without them.
    """
    rates = (*_RATES, (22 * 60, 800))
    limits = SetDeliveryLimits(
        single=MilliUnits(10_000),
        hourly=MilliUnits(15_000),
        daily=MilliUnits(80_000),
        basal=MilliUnitsPerHour(3_000),
    )
    profile = SetBasalProfile(
        name="demonstration",
        zone=zone,
        segments=tuple(
            ProfileSegment(start_minute=minute, rate=MilliUnitsPerHour(rate))
            for minute, rate in rates
        ),
    )
    ratios = SetBolusSettings(
        zone=zone,
        carb_ratios=(CarbRatioSegment(start_minute=0, carb_ratio=MilligramsPerUnit(10_000)),),
        sensitivities=(
            SensitivitySegment(start_minute=0, sensitivity=MicrogramsPerDlPerUnit(40_000)),
        ),
        targets=(
            TargetSegment(start_minute=0, low=MgDl(100), high=MgDl(130)),
            TargetSegment(start_minute=6 * 60, low=MgDl(90), high=MgDl(120)),
            TargetSegment(start_minute=22 * 60, low=MgDl(100), high=MgDl(130)),
        ),
        insulin=InsulinAction(
            duration=Milliseconds(360 * MINUTE_MS),
            peak=Milliseconds(75 * MINUTE_MS),
            delay=Milliseconds(10 * MINUTE_MS),
        ),
        rules="basalt",
    )
    return (
        (CommandId("demonstration-limits"), Speaker("actuator"), limits),
        (CommandId("demonstration-settings"), Speaker("bolus_advisor"), ratios),
        (CommandId("demonstration-profile"), Speaker("basal_scheduler"), profile),
    )


async def send_settings(client: BusClient, *, pump: PumpId, zone: str) -> None:
    """Send the settings and see that each was taken.

    Raises:
        StartRefused: one was not.
        OutcomeUnknown: a service did not say.
    """
    for name, service, command in settings(zone=zone):
        outcome = await client.send(command, to=service, pump=pump, command_id=name)
        if not outcome.accepted:
            raise StartRefused(f"the demonstration's {name} was refused: {outcome.reason}")
