"""Stop on real processes: one stroke at most after the word, and none after a second."""

import pytest

from real_house import RealHouse, real_house
from schemas.delivery import CancelBolus
from schemas.device import PumpRecord
from schemas.pump import SuspendDelivery
from schemas.units import SECOND_MS
from services.runtime.entries import read_row

pytestmark = pytest.mark.system

QUIET = ("--speed", "1", "--no-person", "--glucose", "none")
ROUNDS = 3


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> RealHouse:
    """A house in real time in which a bolus is cancelled, thrice, and then all is suspended."""
    with real_house(tmp_path_factory.mktemp("stop") / "data", *QUIET) as house:
        for _ in range(ROUNDS):
            house.basalt("bolus", "2", "--confirm")
            house.basalt("cancel")
            house.until_settled()
        house.basalt("bolus", "2", "--confirm")
        house.basalt("suspend")
        house.until_settled()
        assert house.stop() == 0
    return house


def asked_at(house: RealHouse) -> list[int]:
    """Give when the actuator heard each word to stop [ms]; therapy time is real time here."""
    rows = [read_row(row) for _, row in house.journal("actuator").rows(pump=house.pump)]
    stops = (CancelBolus, SuspendDelivery)
    return [one.now.therapy for one in rows if isinstance(one.entry.body, stops)]


def strokes_of(ledger: list[PumpRecord], dose: str) -> list[int]:
    """Give the last stroke of each record of a dose [ms]."""
    return [one.ends_at for one in ledger if one.kind == "bolus" and one.dose == dose]


@pytest.mark.requirement("R30")
@pytest.mark.requirement("R31")
def test_stop_is_obeyed_within_a_stroke_and_a_second(house: RealHouse) -> None:
    """From the word to the last stroke, by the pump's own ledger; what was given by then stands."""
    ledger = house.ledger()
    doses = [str(one.dose) for one in ledger if one.kind == "bolus_started"]
    words = asked_at(house)

    assert ROUNDS + 1 == len(doses) == len(words)
    for dose, word in zip(doses, words, strict=True):
        after = [at for at in strokes_of(ledger, dose) if at > word]
        assert len(after) <= 1
        assert all(at - word <= SECOND_MS for at in after)
    given = [one.amount for one in ledger if one.kind == "bolus_ended"]
    assert all(0 < amount < 2_000 for amount in given)
    house.assert_accounted()
    house.assert_each_dose_once()
