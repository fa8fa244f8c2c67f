"""Time travel in two senses: what happened until then, and what a service knew of it."""

from typing import Any

import pytest

from schemas.bolus.orders import RecordInjection
from schemas.message import Now
from schemas.units import HOUR_MS, MINUTE_MS, MilliUnits, Speaker, UtcMillis
from services.runtime.journal.entries import ReadEntry, read_row
from services.runtime.replay.replay import known_by, replay
from support.simulated.fake_system import DECIDER_OF, PUMP, FakeSystem

ADVISOR = Speaker("bolus_advisor")


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    system.order(500)
    system.run(ms=10 * MINUTE_MS)
    return system


def known(system: FakeSystem, name: str, at: UtcMillis | None = None) -> Any:
    speaker = Speaker(name)
    return known_by(DECIDER_OF[speaker], system.stores[speaker], pump=PUMP, at=at)


def test_what_a_service_knows_now_is_its_live_state(system: FakeSystem) -> None:
    """Of each of them, by its own journal alone."""
    for name, decider in DECIDER_OF.items():
        seen = known(system, name)
        assert seen == decider.view(system.state(name), last_now(system, name))


def last_now(system: FakeSystem, name: Speaker) -> Now:
    *_, (_, row) = system.stores[name].rows(pump=PUMP)
    return read_row(row).now


def test_at_each_instant_it_is_what_the_live_state_was_then(system: FakeSystem) -> None:
    """Looked at while it happened, and again after."""
    seen: dict[UtcMillis, Any] = {}
    for value in ("120", "140", "160"):
        system.glucose(value)
        system.run(ms=5 * MINUTE_MS)
        seen[system.clock.now().therapy] = system.view("bolus_advisor")
        system.clock.advance(therapy_ms=1)

    assert seen == {at: known(system, "bolus_advisor", at) for at in seen}
    assert known(system, "bolus_advisor", UtcMillis(0)) == DECIDER_OF[ADVISOR].view(
        DECIDER_OF[ADVISOR].initial(PUMP), Now(therapy=UtcMillis(0), real=UtcMillis(0), speed=1)
    )


def told_late(system: FakeSystem) -> UtcMillis:
    """Somebody injects insulin, and records it two hours later; give the instant in between."""
    given_at = system.clock.now().therapy
    system.run(ms=2 * HOUR_MS)
    system.ask(RecordInjection(amount=MilliUnits(3_000), given_at=given_at), to="bolus_advisor")
    return UtcMillis(given_at + HOUR_MS)


def test_what_was_told_late_is_absent_from_what_was_known(system: FakeSystem) -> None:
    """An advice of then must be judged by what could be known then."""
    between = told_late(system)

    then = known(system, "bolus_advisor", between).insulin_on_board_most
    now = known(system, "bolus_advisor").insulin_on_board_most

    assert then < 500 < now


def test_the_mutant_that_folds_on_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what came later in it, the state of then would be a made-up one."""
    between = told_late(system)
    monkeypatch.setattr(ReadEntry, "now", Now(therapy=UtcMillis(0), real=UtcMillis(0), speed=1))

    assert known(system, "bolus_advisor", between).insulin_on_board_most > 1_000


def test_what_happened_until_then_has_what_was_told_late_by_its_own_time(
    system: FakeSystem,
) -> None:
    """The record is cut by the time of the decision: what was said later was not said then."""
    between = told_late(system)

    record = system.stores[Speaker("historian")]
    then: Any = replay(record, pump=PUMP, at=between)["bolus_advisor"]
    now: Any = replay(record, pump=PUMP)["bolus_advisor"]
    assert then.insulin_on_board_most < now.insulin_on_board_most
