"""The scripted person at work: asks, accepts, measures; every command has an id of its own day."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from core.deciders.delivery.view import DeliveryView
from core.formats.glucose_readings import FileReading, plain
from schemas.bolus.advice import (
    AcceptAdvice,
    AdviceRefused,
    BolusAdvised,
    RecordCarbs,
    RequestAdvice,
)
from schemas.delivery.pump import FillReservoir
from schemas.glucose import RecordReading
from schemas.message import Command, Outcome
from schemas.units import (
    MINUTE_MS,
    CommandId,
    EventId,
    Grams,
    Milliseconds,
    MilliUnits,
    PumpId,
    Speaker,
    UtcMillis,
)
from schemas.wire import codec
from services.runtime.nats.client import BusClient, OutcomeUnknown, ServiceAbsent
from services.runtime.platform.clock import Clock
from services.runtime.platform.logs import get_logger
from services.scripted_person.schedule import LATE_MS_MAX, Act, acts_around, due, next_after

ADVISOR: Final = Speaker("bolus_advisor")
INGEST: Final = Speaker("glucose_ingest")
ACTUATOR: Final = Speaker("actuator")

NEW_RESERVOIR_BELOW_MU = MilliUnits(20_000)
"""[mU] left in the reservoir, from where on a new one is put in before the next meal."""

NEW_RESERVOIR_MU = MilliUnits(200_000)
"""[mU] in a new reservoir."""

LOW_REASONS: Final = frozenset({"glucose_below_safe_minimum", "glucose_low_mark"})
"""[-] refusals of advice that mean: eat first."""

LOW_TREATMENT_G = Grams(15)
"""[g] against a low; source: the rule of 15."""

ACCEPTED_MAX = 2
"""[-] an advice that has changed meanwhile is accepted once more, then no further."""

MEASURED_WITHIN_MS = Milliseconds(5 * MINUTE_MS)
"""[ms] between the measurement and the trace's reading that stands for it."""

DEVICE: Final = "scripted meter"
"""[-] how the person's meter names itself."""

SLEEP_S_MAX = 5.0
"""[s] longest sleep before the clock is looked at again."""

TRIES_MAX = 5
"""[-] of one command with one id; the broker and a service may just be starting again."""

RETRY_S = 1.0
"""[s] between tries."""

_views: Final = msgspec.json.Decoder(dict[str, DeliveryView])
log = get_logger()


class Person:
    """Acts by the schedule; what was done is known by the ids of the commands alone."""

    def __init__(
        self,
        *,
        client: BusClient,
        clock: Clock,
        pump: PumpId,
        zone: str,
        trace: Sequence[FileReading],
    ) -> None:
        """Prepare; `trace` is what the meter shows, sorted by time, empty without a meter."""
        self._client = client
        self._clock = clock
        self._pump = pump
        self._zone = zone
        self._trace = trace

    async def live(self) -> None:
        """Act by the schedule for ever."""
        done = UtcMillis(self._clock.now().therapy - LATE_MS_MAX)
        while True:
            now = self._clock.now()
            acts = acts_around(now.therapy, zone=self._zone)
            for act in due(acts, after=done, now=now.therapy):
                await self._act(act)
            done = now.therapy
            upcoming = next_after(acts, now=now.therapy)
            wait_ms = (upcoming - now.therapy) / now.speed if upcoming else SLEEP_S_MAX * 1_000
            await asyncio.sleep(min(SLEEP_S_MAX, wait_ms / 1_000 + 0.01))

    async def _act(self, act: Act) -> None:
        try:
            if act.kind == "eat":
                await self.eat(act)
            else:
                await self._measure(act)
        except OutcomeUnknown as error:
            log.warning("person.gave_up", act=act.name, reason=str(error))

    async def _change_reservoir(self, act: Act) -> None:
        """Put a full reservoir in when the old one would not last for the meal."""
        try:
            views = _views.decode(await self._client.ask(ACTUATOR, "state"))
        except (ServiceAbsent, msgspec.DecodeError) as error:
            log.warning("person.did_not_look", reason=str(error))
            return
        left = views[self._pump].reservoir if self._pump in views else None
        if left is None or left >= NEW_RESERVOIR_BELOW_MU:
            return
        log.info("person.new_reservoir", left_mu=left)
        fill = FillReservoir(amount=NEW_RESERVOIR_MU)
        await self._send(fill, to=ACTUATOR, name=f"{act.name}-reservoir")

    async def eat(self, act: Act) -> None:
        """Eat a meal with the insulin that is advised for it."""
        await self._change_reservoir(act)
        log.info("person.meal", name=act.name, carbs_g=act.grams)
        outcome = await self._send(RequestAdvice(carbs=act.grams), to=ADVISOR, name=act.name)
        for number in range(1, ACCEPTED_MAX + 1):
            advice = advice_in(outcome)
            if advice is None:
                await self._give_up(outcome, act)
                return
            log.info("person.accepts", advice=advice)
            name = f"{act.name}-accept-{number}"
            outcome = await self._send(AcceptAdvice(advice=advice), to=ADVISOR, name=name)
            if outcome.accepted:
                return
        log.warning("person.refused", act=act.name, reason=outcome.reason)

    async def _give_up(self, outcome: Outcome, act: Act) -> None:
        """Say why there is no insulin for this meal, and eat against a low."""
        log.warning("person.refused", act=act.name, reason=outcome.reason)
        refusals = [said for said in map(codec.decode_event, outcome.said)]
        if any(isinstance(said, AdviceRefused) and said.reason in LOW_REASONS for said in refusals):
            eaten = RecordCarbs(grams=LOW_TREATMENT_G, eaten_at=self._clock.now().therapy)
            await self._send(eaten, to=ADVISOR, name=f"{act.name}-low")

    async def _measure(self, act: Act) -> None:
        reading = nearest(self._trace, at=act.at)
        if reading is None:
            return
        command = RecordReading(
            measured_at=act.at,
            source="meter",
            unit=reading.unit,
            received=plain(reading),
            device=DEVICE,
        )
        outcome = await self._send(command, to=INGEST, name=f"{act.name}-measured")
        log.info("person.measured", received=reading.received, accepted=outcome.accepted)

    async def _send(self, command: Command, *, to: Speaker, name: str) -> Outcome:
        """Send until the outcome is known; the same id is obeyed once."""
        for left in reversed(range(TRIES_MAX)):
            try:
                return await self._client.send(
                    command, to=to, pump=self._pump, command_id=CommandId(f"person-{name}")
                )
            except OutcomeUnknown as error:
                if not left:
                    raise
                log.warning("person.no_outcome", name=name, reason=str(error))
                await asyncio.sleep(RETRY_S)
        raise OutcomeUnknown(name)


def advice_in(outcome: Outcome) -> EventId | None:
    """Find the advice that an outcome brings, be it asked for or handed back."""
    for name, said in zip(outcome.events, outcome.said, strict=True):
        if isinstance(codec.decode_event(said), BolusAdvised):
            return name
    return None


def nearest(trace: Sequence[FileReading], *, at: UtcMillis) -> FileReading | None:
    """Find the reading of a trace nearest to an instant, within MEASURED_WITHIN_MS."""
    near = [reading for reading in trace if abs(reading.at - at) <= MEASURED_WITHIN_MS]
    return min(near, key=lambda reading: abs(reading.at - at), default=None)
