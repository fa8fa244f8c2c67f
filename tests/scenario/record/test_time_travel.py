"""Time travel in two senses: what happened until then, and what a service knew of it."""

from typing import Any

import pytest

from schemas.bolus.orders import RecordInjection
from schemas.message import Now
from schemas.units import HOUR_MS, MINUTE_MS, MilliUnits, Speaker, UtcMillis
from services.runtime.journal.entries import ReadEntry, read_row
from services.runtime.replay.replay import known_by, replay
from support.simulated.fake_system import DECIDER_OF, PUMP, FakeHouse

ADVISOR = Speaker("bolus_advisor")


@pytest.fixture
def house() -> FakeHouse:
    house = FakeHouse()
    house.set_up()
    house.order(500)
    house.run(ms=10 * MINUTE_MS)
    return house


def known(house: FakeHouse, name: str, at: UtcMillis | None = None) -> Any:
    speaker = Speaker(name)
    return known_by(DECIDER_OF[speaker], house.stores[speaker], pump=PUMP, at=at)


def test_what_a_service_knows_now_is_its_live_state(house: FakeHouse) -> None:
    """Of each of them, by its own journal alone."""
    for name, decider in DECIDER_OF.items():
        seen = known(house, name)
        assert seen == decider.view(house.state(name), last_now(house, name))


def last_now(house: FakeHouse, name: Speaker) -> Now:
    *_, (_, row) = house.stores[name].rows(pump=PUMP)
    return read_row(row).now


def test_at_each_instant_it_is_what_the_live_state_was_then(house: FakeHouse) -> None:
    """Looked at while it happened, and again after."""
    seen: dict[UtcMillis, Any] = {}
    for value in ("120", "140", "160"):
        house.glucose(value)
        house.run(ms=5 * MINUTE_MS)
        seen[house.clock.now().therapy] = house.view("bolus_advisor")
        house.clock.advance(therapy_ms=1)

    assert seen == {at: known(house, "bolus_advisor", at) for at in seen}
    assert known(house, "bolus_advisor", UtcMillis(0)) == DECIDER_OF[ADVISOR].view(
        DECIDER_OF[ADVISOR].initial(PUMP), Now(therapy=UtcMillis(0), real=UtcMillis(0), speed=1)
    )


def told_late(house: FakeHouse) -> UtcMillis:
    """Somebody injects insulin, and records it two hours later; give the instant in between."""
    given_at = house.clock.now().therapy
    house.run(ms=2 * HOUR_MS)
    house.ask(RecordInjection(amount=MilliUnits(3_000), given_at=given_at), to="bolus_advisor")
    return UtcMillis(given_at + HOUR_MS)


def test_what_was_told_late_is_absent_from_what_was_known(house: FakeHouse) -> None:
    """An advice of then must be judged by what could be known then."""
    between = told_late(house)

    then = known(house, "bolus_advisor", between).insulin_on_board_most
    now = known(house, "bolus_advisor").insulin_on_board_most

    assert then < 500 < now


def test_the_mutant_that_folds_on_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what came later in it, the state of then would be a made-up one."""
    between = told_late(house)
    monkeypatch.setattr(ReadEntry, "now", Now(therapy=UtcMillis(0), real=UtcMillis(0), speed=1))

    assert known(house, "bolus_advisor", between).insulin_on_board_most > 1_000


def test_what_happened_until_then_has_what_was_told_late_by_its_own_time(
    house: FakeHouse,
) -> None:
    """The record is cut by the time of the decision: what was said later was not said then."""
    between = told_late(house)

    record = house.stores[Speaker("historian")]
    then: Any = replay(record, pump=PUMP, at=between)["bolus_advisor"]
    now: Any = replay(record, pump=PUMP)["bolus_advisor"]
    assert then.insulin_on_board_most < now.insulin_on_board_most
