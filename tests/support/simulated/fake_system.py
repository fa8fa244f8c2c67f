"""The whole system on fakes: five services, a pump and a clock that jumps."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from core.deciders.basal.decider import BASAL_DECIDER
from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.glucose.decider import GLUCOSE_DECIDER
from core.deciders.record.decider import RECORD_DECIDER
from core.kernel.decider import Decider
from core.record.dose_lifecycle import SPEAKERS, Lives, lives_of
from schemas.basal.profiles import ProfileSegment, SetBasalProfile
from schemas.bolus.orders import OrderBolus
from schemas.bolus.settings import (
    CarbRatioSegment,
    InsulinAction,
    SensitivitySegment,
    SetBolusSettings,
    TargetSegment,
)
from schemas.delivery.delivery import SetDeliveryLimits
from schemas.glucose import RecordReading
from schemas.message import Command, CommandEnvelope, Deadline, Event, Outcome, name_of
from schemas.setting_checks import SecondWord
from schemas.units import (
    HOUR_MS,
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
    UtcMillis,
)
from schemas.wire import codec
from schemas.wire.subjects import REPLY_HEADER, command_subject
from services.actuator.pump_effect_handler import PumpEffectHandler
from services.actuator.pump_poller import PumpPoller
from services.bolus_advisor.order_signing_handler import OrderSigningHandler
from services.historian.checkpoint_handler import CheckpointHandler
from services.runtime.decider_host.processor import Reported
from services.runtime.journal.causal_order import recorded
from services.runtime.journal.entries import INPUT, read_row
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBroker
from services.runtime.platform.clock import FakeClock, Unproven
from services.runtime.platform.zone_lookup import ZoneLookupHandler
from services.runtime.process.stepper import Stepper, finish
from services.virtual_pump.fault_script import PumpScript, ScriptedFault
from services.virtual_pump.in_process_pump import FakePumpDevice
from services.virtual_pump.state_store import FakePumpStore
from support.simulated.signed_orders import SIGNER, identity

PUMP = PumpId("p1")
IDENTITY = identity(PUMP)
START = UtcMillis(1_793_491_200_000)  # 2026-11-01T00:00Z, a day that has 25 hours in New York
STEPS_MAX = 10_000
READ_MS = 60_000

LIMITS = SetDeliveryLimits(
    single=MilliUnits(10_000),
    hourly=MilliUnits(15_000),
    daily=MilliUnits(80_000),
    basal=MilliUnitsPerHour(3_000),
)


def whole_day(
    *,
    carb_ratio: int = 10_000,
    sensitivity: int = 40_000,
    target_low: int = 90,
    target_high: int = 120,
    rules: str = "basalt",
) -> SetBolusSettings:
    """Settings that are the same at every hour."""
    return SetBolusSettings(
        zone="Europe/Berlin",
        carb_ratios=(CarbRatioSegment(start_minute=0, carb_ratio=MilligramsPerUnit(carb_ratio)),),
        sensitivities=(
            SensitivitySegment(start_minute=0, sensitivity=MicrogramsPerDlPerUnit(sensitivity)),
        ),
        targets=(TargetSegment(start_minute=0, low=MgDl(target_low), high=MgDl(target_high)),),
        insulin=InsulinAction(
            duration=Milliseconds(6 * HOUR_MS),
            peak=Milliseconds(75 * MINUTE_MS),
            delay=Milliseconds(10 * MINUTE_MS),
        ),
        rules=rules,
    )


SAID_TWICE: tuple[SecondWord, ...] = get_args(SecondWord)
"""What a person says a second time who knows that a setting changes by more than half."""

SETTINGS = whole_day()
PROFILE = SetBasalProfile(
    name="test",
    zone="Europe/Berlin",
    segments=(
        ProfileSegment(start_minute=0, rate=MilliUnitsPerHour(800)),
        ProfileSegment(start_minute=360, rate=MilliUnitsPerHour(1_200)),
    ),
)


class FakeSystem:
    """Five services stepped by hand around one virtual pump."""

    def __init__(
        self,
        *,
        start: UtcMillis = START,
        speed: int = 1,
        fill_mu: int = 200_000,
        faults: Sequence[ScriptedFault] = (),
    ) -> None:
        self.clock = FakeClock(therapy=start, speed=speed)
        self.broker = FakeBroker()
        self.pump_store = FakePumpStore()
        self.pump = FakePumpDevice(
            self.clock,
            identity=IDENTITY,
            store=self.pump_store,
            fill=MilliUnits(fill_mu),
            script=PumpScript(faults),
        )
        self.stores = {name: FakeStore() for name in DECIDER_OF}
        self.services: dict[Speaker, Stepper[Any]] = {}
        self.line_is_cut = False
        self._sent = 0
        for name in DECIDER_OF:
            self.restart(name)

    def restart(self, name: str) -> None:
        """Kill a service between two steps and start it on its journal."""
        speaker = Speaker(name)
        decider: Decider[Any] = DECIDER_OF[speaker]
        effect_handler: (
            PumpEffectHandler | OrderSigningHandler | ZoneLookupHandler | CheckpointHandler | None
        ) = None
        sense = None
        if decider is DELIVERY_DECIDER:
            effect_handler = PumpEffectHandler(devices={PUMP: self.pump}, clock=self.clock)
            watch = PumpPoller(
                pump=PUMP,
                device=self.pump,
                state=lambda: self.state("actuator"),
                clock=self.clock,
            )
            sense = _Sense(self, watch).poll
        elif decider is BOLUS_DECIDER:
            effect_handler = OrderSigningHandler(SIGNER)
        elif decider is BASAL_DECIDER:
            effect_handler = ZoneLookupHandler()
        elif decider is RECORD_DECIDER:
            effect_handler = CheckpointHandler(self.stores[speaker], key=None, folder=None)
        self.services[speaker] = Stepper(
            decider=decider,
            store=self.stores[speaker],
            broker=self.broker,
            clock=self.clock,
            effect_handler=effect_handler,
            sense=sense,
        )

    def reboot(self, *, passed: int) -> None:
        """Stop everything, and start under a clock that alone says that `passed` [ms] passed."""
        since = self.clock.now().therapy
        self.clock.advance(therapy_ms=passed)
        self.clock.unproven = Unproven(since, Milliseconds(passed))
        self.pump.host.power_on(now=self.clock.now())
        for name in DECIDER_OF:
            self.restart(name)

    def state(self, name: str) -> Any:
        return self.services[Speaker(name)].processor.unit_of_work.pump_stream(PUMP).state

    def view(self, name: str) -> Any:
        decider = DECIDER_OF[Speaker(name)]
        return decider.view(self.state(name), self.clock.now())

    def settle(self) -> None:
        """Step everybody until nobody has anything to do."""
        for _ in range(STEPS_MAX):
            if not any([service.step() for service in self.services.values()]):
                return
        raise RuntimeError("the system never comes to rest")

    def run(self, *, ms: int) -> None:
        """Let therapy time pass, jumping from wake to wake."""
        end = self.clock.now().therapy + ms
        self.settle()
        while (now := self.clock.now().therapy) < end:
            wakes = [service.wake_at() for service in self.services.values()]
            target = min([end, now + READ_MS, *(at for at in wakes if at is not None)])
            self.clock.advance(therapy_ms=max(1, target - now))
            self.settle()

    def post(
        self,
        command: Command,
        *,
        to: str,
        command_id: str | None = None,
        actor: str = "person:test",
    ) -> str:
        """Put a command into the stream; give its reply inbox."""
        self._sent += 1
        name = command_id or f"command-{self._sent}"
        now = self.clock.now()
        envelope = CommandEnvelope(
            id=CommandId(name),
            actor=Actor(actor),
            expires=Deadline(
                therapy=UtcMillis(now.therapy + 30_000), real=UtcMillis(now.real + 10_000)
            ),
            command=codec.encode_raw(command),
        )
        return self.post_bytes(codec.encode(envelope), command, to=to)

    def post_bytes(self, data: bytes, command: Command, *, to: str) -> str:
        self._sent += 1
        inbox = f"basalt_reply.test.{self._sent}"
        subject = command_subject(pump=PUMP, service=Speaker(to), name=name_of(type(command)))
        self.broker.put(subject, data, {REPLY_HEADER: inbox})
        return inbox

    def ask(
        self,
        command: Command,
        *,
        to: str,
        command_id: str | None = None,
        actor: str = "person:test",
    ) -> Outcome:
        """Send a command and let everybody settle."""
        inbox = self.post(command, to=to, command_id=command_id, actor=actor)
        self.settle()
        return msgspec.json.decode(self.broker.answers[inbox][-1], type=Outcome)

    def set_up(self) -> None:
        """Give every setting that a therapy needs, and let the first plan be loaded."""
        self.ask(LIMITS, to="actuator")
        self.ask(SETTINGS, to="bolus_advisor")
        self.ask(PROFILE, to="basal_scheduler")
        self.run(ms=60_000)

    def order(self, amount: int) -> Outcome:
        """Ask for an amount of one's own [mU]."""
        return self.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor")

    def accounted(self) -> int:
        """Give what the actuator accounted for [mU]."""
        view = self.view("actuator")
        return int(view.basal_total + view.bolus_total + view.primed_total)

    def lives(self) -> Lives:
        """Follow each dose through the historian's record."""
        store = self.stores[Speaker("historian")]
        return lives_of(recorded(store, pump=PUMP, speakers=SPEAKERS))

    def glucose(self, value: str, *, at: UtcMillis | None = None) -> Outcome:
        reading = RecordReading(
            measured_at=self.clock.now().therapy if at is None else at,
            source="meter",
            unit="mg/dL",
            received=value,
        )
        return self.ask(reading, to="glucose_ingest")

    def said(self, name: str) -> Sequence[Event]:
        """Give every event that a service ever said, in order."""
        found: list[Event] = []
        for _, row in self.stores[Speaker(name)].rows(pump=PUMP):
            if not row.topic.startswith(INPUT):
                body = read_row(row).entry.body
                if isinstance(body, Event):
                    found.append(body)
        return found

    def said_of(self, name: str, kind: type[Event]) -> list[Any]:
        return [event for event in self.said(name) if isinstance(event, kind)]

    @property
    def odometer(self) -> int:
        """Read the pump's own ledger."""
        return finish(self.pump.read(after=10**9)).status.odometer


class _Sense:
    """Looks at the pump at every step."""

    def __init__(self, system: FakeSystem, watch: PumpPoller) -> None:
        self._system = system
        self._watch = watch

    def poll(self) -> list[Reported]:
        found: list[Reported] = []

        async def put(reported: Reported) -> None:
            found.append(reported)

        if not self._system.line_is_cut:
            finish(self._watch.poll(put))
        return found


DECIDER_OF: dict[Speaker, Decider[Any]] = {
    decider.name: decider
    for decider in (
        GLUCOSE_DECIDER,
        BASAL_DECIDER,
        BOLUS_DECIDER,
        DELIVERY_DECIDER,
        RECORD_DECIDER,
    )
}
