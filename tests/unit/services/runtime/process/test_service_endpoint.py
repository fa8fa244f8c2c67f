"""What a service answers to who asks it for old events."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.deciders.delivery.decider import DELIVERY_DECIDER
from schemas.units import Speaker
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.bus import HistoryRequest
from services.runtime.nats.memory_bus import FakeBus
from services.runtime.process.loop import Loop
from services.runtime.process.service_endpoint import Questions
from support.simulated.fake_system import PUMP, FakeSystem

ACTUATOR, ADVISOR = Speaker("actuator"), Speaker("bolus_advisor")


def page(system: FakeSystem, of: Speaker, *, first: int) -> list[bytes]:
    """Ask the actuator for events from a version on."""
    store = system.stores[ACTUATOR]
    bus = FakeBus(
        broker=system.broker, speaker=ACTUATOR, subscribes_to=DELIVERY_DECIDER.subscribes_to
    )
    loop: Loop[Any] = Loop(decider=DELIVERY_DECIDER, store=store, bus=bus, clock=system.clock)
    questions = Questions(loop=loop, store=store, clock=system.clock, pid=1)
    return [*questions._page(HistoryRequest(speaker=of, pump=PUMP, first=first, last=2**62))]


@pytest.mark.parametrize("of", [ACTUATOR, ADVISOR])
def test_who_asks_for_more_than_there_is_makes_nobody_read_a_journal(
    of: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal of ten years takes seconds, in which a pump would wait for its actuator."""
    system, reads = FakeSystem(), []
    system.set_up()
    newest = system.services[ACTUATOR].processor.unit_of_work.pump_stream(PUMP).heads[of].version
    read = FakeStore.history

    def counted(self: FakeStore, **asked: Any) -> Iterator[bytes]:
        reads.append(asked)
        return read(self, **asked)

    monkeypatch.setattr(FakeStore, "history", counted)

    assert [] == page(system, of, first=newest + 1)
    assert [] == page(system, Speaker("nobody"), first=1)
    assert not reads
    assert 1 == len(page(system, of, first=newest))
