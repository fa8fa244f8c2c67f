"""Lines to the broker that fail, one service at a time or all: on real processes, without root."""

import time
from collections.abc import Iterator

import pytest

from schemas.alarms import AlarmRaised
from schemas.delivery.delivery import BolusDelivered, BolusRefused
from schemas.record import MessageQuarantined, SpeakerForked
from support.real.bus_proxy import Direction, Mangler
from support.real.crash_system import look
from support.real.proxied_system import SERVICES, ProxiedSystem, proxied_system

pytestmark = pytest.mark.system

AWAY_S = 6.0
"""[s] that a line stays bad after an order was typed; it must start within 5."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedSystem]:
    with proxied_system(tmp_path_factory.mktemp("lines") / "data") as running:
        yield running


def noticed(system: ProxiedSystem, name: str) -> int:
    """Count the times that a service has told of its line."""
    log = system.folder.log(name).read_text()
    return log.count("bus.disconnected") + log.count("bus.line_error") + log.count("bus.resetting")


def settle(system: ProxiedSystem) -> None:
    """All lines are well again: full function, and everybody knows everything."""
    for line in system.lines.values():
        line.heal()
    system.wait_until(
        lambda: system.basalt("bolus", "0.1", "--confirm", check=False).returncode == 0,
        "boluses again",
        s=40,
    )
    system.wait_until(system.has_come_to_rest, "everybody knows everything")


def assert_well(system: ProxiedSystem) -> None:
    """Nothing twice, nothing lost, nobody called a liar, and every decision made again alike."""
    look(system)
    system.assert_each_dose_once()
    system.assert_record_is_whole()
    system.assert_orders_are_sound()
    for name in SERVICES:
        assert not system.said(name, SpeakerForked), name
    assert not any(report.differences for report in system.reports().values())


@pytest.mark.requirement("R52")
@pytest.mark.requirement("R98")
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("actuator", "half open"),
        ("actuator", "mute"),
        pytest.param("actuator", "cut", marks=pytest.mark.nightly),
        pytest.param("actuator", "deaf", marks=pytest.mark.nightly),
        pytest.param("bolus_advisor", "half open", marks=pytest.mark.nightly),
    ],
)
def test_a_service_that_is_cut_off_gives_nothing_late(
    system: ProxiedSystem, name: str, how: str
) -> None:
    """Both ways, or one (N1, N5): noticed, basal flows, what was ordered meanwhile is not given."""
    refused, line = len(system.said("actuator", BolusRefused)), system.lines[name]
    given = len(system.said("actuator", BolusDelivered))
    before = noticed(system, name)
    match how:
        case "cut":
            line.cut()
        case "half open":
            line.up, line.down = Direction(is_held=True), Direction(is_held=True)
        case "deaf":
            line.down = Direction(is_held=True)
        case _:
            line.up = Direction(is_held=True)
    ordered = system.basalt("bolus", "0.7", "--confirm", check=False)
    system.wait_until(lambda: noticed(system, name) > before, "it is noticed", s=10)
    flowed = system.pumped()
    system.wait_until(lambda: system.pumped() > flowed, "basal flows")
    look(system)
    time.sleep(AWAY_S)
    settle(system)

    assert ordered.returncode != 0
    news = system.said("actuator", BolusDelivered)[given:]
    # Who is mute still hears: the order came in time, and what became of it is told late.
    is_given = how == "mute"
    assert is_given == (700 in [event.delivered for event in news])
    is_refused = len(system.said("actuator", BolusRefused)) > refused
    assert is_refused == (name == "actuator" and not is_given)
    assert_well(system)


@pytest.mark.requirement("R44")
def test_lines_that_are_slow_lose_nothing(system: ProxiedSystem) -> None:
    """Half a second each way (N3): late is late, never twice."""
    for line in system.lines.values():
        line.up, line.down = Direction(delay_s=0.05), Direction(delay_s=0.05)
    for _ in range(3):
        system.basalt("bolus", "0.1", "--confirm", check=False)
    settle(system)

    assert_well(system)


@pytest.mark.requirement("R98")
@pytest.mark.requirement("R44")
def test_messages_doubled_lost_swapped_and_hurt_change_nothing(system: ProxiedSystem) -> None:
    """Both ways, one message in seven of the stream (N2, N4): nothing is believed that was hurt."""
    manglers = []
    ways = ("double", "lose", "swap", "hurt")
    for number, line in enumerate(system.lines.values()):
        down = Mangler(seed=number, one_in=7, ways=ways)
        up = Mangler(seed=100 + number, one_in=7, ways=ways)
        line.down, line.up = Direction(mutate=down), Direction(mutate=up)
        manglers += [down, up]
    for _ in range(8):
        system.basalt("bolus", "0.2", "--confirm", check=False)
        look(system)
    settle(system)

    done = {way: sum(one.done[way] for one in manglers) for way in ways}
    assert all(done.values()), done
    assert_well(system)
    hurt = [event.reason for name in SERVICES for event in system.said(name, MessageQuarantined)]
    assert all("changed on the way" in reason for reason in hurt), hurt
    raised = {event.alarm for name in SERVICES for event in system.said(name, AlarmRaised)}
    assert not [alarm for alarm in raised if alarm.startswith(("speaker_forked", "history"))]
