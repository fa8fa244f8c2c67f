"""Bytes that change between sender and listener: NATS has no checksum of its own (N4)."""

import msgspec
import pytest

import services.runtime.decider_host.inbox
from schemas.bolus.orders import OrderBolus
from schemas.record import MessageQuarantined
from schemas.units import MINUTE_MS, MilliUnits, Speaker
from schemas.wire import codec
from schemas.wire.headers import EVENT_ID_HEADER, SHA256_HEADER
from services.runtime.audit.redecide import verify_decisions
from services.runtime.decider_host.inbox import InboxPolicy, accept
from services.runtime.decider_host.inbox_results import Gap, Ignored, Quarantined
from services.runtime.ports import Arrived, StreamHead
from support.simulated.fake_system import DECIDER_OF, PUMP, FakeSystem

ACTUATOR = Speaker("actuator")


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    system.order(500)
    system.run(ms=5 * MINUTE_MS)
    return system


def newest(system: FakeSystem) -> Arrived:
    """The newest event of the actuator as the stream has it."""
    found = [one for one in system.broker.messages if ".event.actuator." in one.subject]
    return found[-1]


def heard(system: FakeSystem, arrived: Arrived, *, known: int | None = None) -> object:
    ledger = system.services[Speaker("historian")].processor.unit_of_work.pump_stream(PUMP)
    heads = dict(ledger.heads)
    if known is not None:
        heads[ACTUATOR] = StreamHead(known, "x")
    policy = InboxPolicy(Speaker("historian"), (ACTUATOR,), frozenset(), lambda *_: None)
    return accept(
        arrived, policy=policy, heads=heads, blocked_producers=set(), now=system.clock.now()
    )


def changed(arrived: Arrived, at: int, bit: int = 1) -> Arrived:
    data = bytearray(arrived.data)
    data[at] ^= bit
    return Arrived(arrived.subject, bytes(data), arrived.headers, arrived.sequence)


def version_of(arrived: Arrived) -> int:
    return int(arrived.headers[EVENT_ID_HEADER].rsplit(":", 1)[1])


@pytest.mark.requirement("R98")
@pytest.mark.requirement("R102")
def test_an_event_that_changed_on_the_way_is_fetched_from_its_speaker(system: FakeSystem) -> None:
    """At every byte: it is not believed, and its speaker is no liar for it."""
    event = newest(system)
    version = version_of(event)

    for at in range(len(event.data)):
        found = heard(system, changed(event, at), known=version - 3)
        assert isinstance(found, Gap | Quarantined)
        if isinstance(found, Gap):
            assert (ACTUATOR, version - 2, version) == (found.speaker, found.first, found.last)
        assert isinstance(heard(system, changed(event, at)), Ignored | Quarantined)


def test_an_event_whose_header_names_another_is_set_aside(system: FakeSystem) -> None:
    """Of two names one is wrong: the next event of that speaker brings the true one."""
    event = newest(system)
    headers = {**event.headers, EVENT_ID_HEADER: f"actuator:{PUMP}:999999"}
    for named in (headers, {**headers, EVENT_ID_HEADER: "actuator"}):
        named = {**named, SHA256_HEADER: "0" * 64}  # noqa: PLW2901  # the damage itself
        arrived = Arrived(event.subject, event.data, named, event.sequence)
        assert isinstance(heard(system, arrived, known=1), Quarantined)


@pytest.mark.requirement("R98")
def test_a_command_that_changed_on_the_way_is_not_obeyed(system: FakeSystem) -> None:
    """0.5 U must not become 4.5 U by three bits; it is told and nothing is given."""
    before = system.odometer
    _send_changed(system)

    assert system.said_of("bolus_advisor", MessageQuarantined)
    assert system.odometer - before < 500


def _send_changed(system: FakeSystem) -> None:
    order = OrderBolus(amount=MilliUnits(500))
    system.post(order, to="bolus_advisor", command_id="once")
    sent = system.broker.messages.pop()
    headers = {**sent.headers, SHA256_HEADER: codec.sha256_hex(sent.data)}
    data = sent.data.replace(b'"amount":500', b'"amount":4500')
    assert data != sent.data
    system.broker.put(sent.subject, data, headers)
    system.settle()
    system.run(ms=5 * MINUTE_MS)


def test_what_was_set_aside_is_read_back_alike(system: FakeSystem) -> None:
    """A start, and `basalt verify decisions`, take nothing that was hurt for heard."""
    historian = Speaker("historian")
    silent, before = system.services.pop(historian), len(system.broker.messages)
    system.order(500)
    system.settle()
    sent = next(one for one in system.broker.messages[before:] if ".event." in one.subject)
    system.services[historian] = silent
    set_aside = 0
    for at in range(len(sent.data)):
        hurt = msgspec.structs.replace(changed(sent, at, bit=2), sequence=0)
        step = silent.processor.handle([hurt], now=system.clock.now())
        set_aside += step.missing is None
    assert set_aside

    system.restart("historian")
    system.run(ms=5 * MINUTE_MS)

    store = system.stores[historian]
    assert () == verify_decisions(DECIDER_OF[historian], store).differences
    assert (
        silent.processor.unit_of_work.pump_stream(PUMP).heads[ACTUATOR].version
        < system.services[historian]
        .processor.unit_of_work.pump_stream(PUMP)
        .heads[ACTUATOR]
        .version
    )


def test_the_mutant_that_compares_no_hash_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the comparison nine times the insulin would be given."""
    monkeypatch.setattr(services.runtime.decider_host.inbox, "_is_damaged", lambda *_: False)
    before = system.odometer

    _send_changed(system)

    assert system.odometer - before >= 4_500
