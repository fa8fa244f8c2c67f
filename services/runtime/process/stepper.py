"""One service without asyncio: the same machine, stepped by hand on a fake clock."""

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from core.kernel.decider import Decider
from schemas.message import Now
from schemas.units import UtcMillis
from services.runtime.catch_up.causal_backfill import give_up
from services.runtime.catch_up.startup import clock_reports, restarted
from services.runtime.decider_host.event_writer import outgoing_again
from services.runtime.decider_host.inbox_results import Gap
from services.runtime.decider_host.processor import (
    DeciderProcessor,
    Input,
    ProcessingResult,
    Reported,
)
from services.runtime.journal.entries import read_row
from services.runtime.journal.event_ids import event_id_in
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.platform.clock import Clock
from services.runtime.platform.failpoints import failpoint
from services.runtime.ports import Outgoing, Store
from services.runtime.process.loop import EffectHandler

StateT = TypeVar("StateT")
ResultT = TypeVar("ResultT")


def finish(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine that never waits to its end.

    Raises:
        RuntimeError: it waited.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: ResultT = stop.value
        return result
    coroutine.close()
    raise RuntimeError("a fake must not wait")


class Stepper(Generic[StateT]):
    """One decider with its journal on a FakeBroker."""

    def __init__(
        self,
        *,
        decider: Decider[StateT],
        store: Store,
        broker: FakeBroker,
        clock: Clock,
        effect_handler: EffectHandler | None = None,
        sense: Callable[[], Sequence[Reported]] | None = None,
    ) -> None:
        """Fold the journal and join the stream where it ends."""
        self.processor: DeciderProcessor[StateT] = DeciderProcessor(decider=decider, store=store)
        self._broker = broker
        self._clock = clock
        self._effect_handler = effect_handler
        self._sense = sense
        self._bus = FakeBus(
            broker=broker,
            speaker=decider.name,
            subscribes_to=decider.subscribes_to,
            keeps_commands=decider.keeps_commands,
        )
        finish(self._bus.reset(position=self.processor.unit_of_work.follow(stream=broker.created)))
        reports = (
            restarted(clock.unproven),
            *clock_reports(self.processor.unit_of_work.last_now, clock.now()),
        )
        self._reports: deque[Reported] = deque(
            Reported(pump, report)
            for pump in self.processor.unit_of_work.pump_streams
            for report in reports
        )
        self._unsent: deque[Sequence[Outgoing]] = deque()
        self._recover(store)

    def _recover(self, store: Store) -> None:
        """Line up what a former process stored and did not publish."""
        newest = finish(self._bus.last_own())
        after = event_id_in(newest.data) if newest else None
        rows = store.said_after(event=after)
        self._unsent.extend((outgoing_again(read_row(row)),) for row in rows)

    def put(self, reported: Reported) -> None:
        """Bring a report to the decider with the next step."""
        self._reports.append(reported)

    def step(self) -> bool:
        """Hear, decide, store, speak and act once; give whether anything happened."""
        self._speak()
        inputs: list[Input] = list(self._bus.fetch_nowait())
        if self._sense is not None:
            inputs.extend(self._sense())
        inputs.extend(self._reports)
        self._reports.clear()
        now = self._clock.now()
        if inputs:
            self._think(inputs, now)
            return True
        at = self.wake_at()
        if at is None or at > now.therapy:
            return False
        self._follow(self.processor.wake(now=now))
        return True

    def wake_at(self) -> UtcMillis | None:
        """Give the next instant of therapy time at which the decider wants a Tick."""
        return self.processor.wake_at()

    def _think(self, inputs: Sequence[Input], now: Now) -> None:
        while inputs:
            step = self.processor.handle(inputs, now=now)
            self._follow(step)
            inputs = step.unread
            if step.missing is not None:
                inputs = [self._give_up(step.missing), *inputs]

    def _give_up(self, missing: Gap) -> Reported:
        """Go on without what only a report said was lost: here nobody can be asked.

        Raises:
            RuntimeError: it is a hole.
        """
        if not missing.was_heard:
            raise RuntimeError(f"a fake broker loses nothing, yet {missing} is missing")
        return give_up(self.processor, missing.pump, {missing.speaker: missing.last})

    def _follow(self, step: ProcessingResult) -> None:
        self._unsent.extend(step.decisions)
        self._speak()
        for inbox, data in step.answers:
            failpoint("answer_before")
            finish(self._bus.answer(inbox=inbox, data=data))
            failpoint("answer_after")
        for pump, effect in step.effects:
            if self._effect_handler is None:
                raise TypeError(f"no effect handler for {type(effect).__name__}")
            failpoint("effect_before")
            report = finish(self._effect_handler.handle(pump, effect))
            failpoint("effect_after")
            if report is not None:
                self._reports.append(Reported(pump, report))

    def _speak(self) -> None:
        while self._unsent:
            decision = self._unsent.popleft()
            newest = finish(self._bus.last_own())
            expected = newest.sequence if newest else 0
            failpoint("publish_before")
            finish(self._bus.publish(decision, expected_last=expected))
            failpoint("publish_after")
