"""Looks at the running system for the screen: hears events, asks services how they are."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from core.deciders.basal.state import BasalView
from core.deciders.bolus.view import BolusView
from core.deciders.delivery.view import DeliveryView
from core.deciders.glucose.state import GlucoseView
from core.deciders.record.decider import RecordView
from schemas.units import Speaker
from schemas.wire import codec
from schemas.wire.subjects import parse_subject, speaker_filter
from services.runtime.nats.client import BusClient, ServiceAbsent
from services.runtime.platform.clock import Clock
from services.runtime.platform.shutdown import end
from services.runtime.process.service_endpoint import Health
from services.supervisor.screen.screen_model import ScreenModel, Views

LOOK_S = 0.5
"""[s] between two questions to a service."""

LAG_LOOKS = 4
"""[-] looks between two questions to the broker."""

_decoders: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "glucose_ingest": msgspec.json.Decoder(dict[str, GlucoseView]),
    "basal_scheduler": msgspec.json.Decoder(dict[str, BasalView]),
    "bolus_advisor": msgspec.json.Decoder(dict[str, BolusView]),
    "actuator": msgspec.json.Decoder(dict[str, DeliveryView]),
    "historian": msgspec.json.Decoder(dict[str, RecordView]),
}
_health: Final = msgspec.json.Decoder(Health)

SERVICES: Final = tuple(map(Speaker, _decoders))
"""[-] those that are asked."""


class Observer:
    """Keeps a model up to date; what it misses changes nothing but the picture."""

    def __init__(self, *, client: BusClient, clock: Clock, model: ScreenModel) -> None:
        """Look through this client."""
        self._client = client
        self._clock = clock
        self._model = model

    async def listen(self) -> None:
        """Hear events from now on."""
        for service in SERVICES:
            await self._client.listen(speaker_filter(service), heard=self._hear)

    async def look(self) -> None:
        """Ask each service again and again, for ever; a slow one holds up no other."""
        # No TaskGroup: it cancels its tasks once, and one that swallowed that would hold up Ctrl-C.
        following = [asyncio.create_task(self._follow(service)) for service in SERVICES]
        try:
            done, _ = await asyncio.wait(following, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await asyncio.gather(*map(end, following))

    async def look_once(self, services: Iterable[Speaker] = SERVICES) -> bool:
        """Ask each service once; say whether all have joined the stream."""
        return all(await asyncio.gather(*map(self._ask, services)))

    def handled(self, service: Speaker) -> int:
        """Count what a service had heard when it was last asked, 0 if it never answered."""
        health = self._model.health.get(service)
        return health.handled if health else 0

    async def _follow(self, service: Speaker) -> None:
        looks = 0
        while True:
            if looks % LAG_LOOKS == 0:
                self._model.lag[service] = await self._client.lag(service)
            looks += 1
            if not await self._ask(service):
                self._model.health.pop(service, None)
            await asyncio.sleep(LOOK_S)

    async def _ask(self, service: Speaker) -> bool:
        try:
            health = _health.decode(await self._client.ask(service, "health"))
            views: dict[str, Views] = _decoders[service].decode(
                await self._client.ask(service, "state")
            )
        except (ServiceAbsent, msgspec.DecodeError):
            return False
        self._model.health[service] = health
        if self._model.pump in views:
            self._model.take(views[self._model.pump], at=self._clock.now().therapy)
        return health.ready

    def _hear(self, subject: str, data: bytes) -> None:
        try:
            if parse_subject(subject).pump != self._model.pump:
                return
            envelope = codec.decode_envelope(data)
            event = codec.decode_event(envelope.event)
        except codec.DECODE_ERRORS:
            # Not an event of ours: those who hear it quarantine it and say so.
            return
        self._model.hear(event, name=envelope.id, at=envelope.at)
