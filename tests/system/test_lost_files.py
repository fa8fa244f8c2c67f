"""A journal that is gone, a pump's memory put back from a copy: on real processes."""

import shutil
from pathlib import Path

import pytest

from real_house import RealHouse, let_it_rest, real_house
from schemas.alarms import AlarmRaised
from schemas.delivery import BolusDelivered
from schemas.doubt import PumpDoubted
from schemas.units import Speaker

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")
LOST = ("glucose_ingest", "basal_scheduler", "bolus_advisor", "actuator", "historian")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house that has given a bolus and stopped."""
    folder = tmp_path_factory.mktemp("lost") / "data"
    with real_house(folder, *QUIET) as house:
        house.basalt("bolus", "1")
        house.wait_until(lambda: "bolus delivered" in house.text(), "the bolus is given")
        assert house.stop() == 0
    return folder


def again(lived: Path, tmp_path: Path) -> Path:
    """Give a copy of the house, so that each test breaks its own."""
    folder = tmp_path / "data"
    shutil.copytree(lived, folder)
    return folder


def alarms(house: RealHouse) -> set[str]:
    return {
        event.alarm
        for name in LOST
        if name != "historian"
        for event in house.said(name, AlarmRaised)
    }


@pytest.mark.requirement("R97")
@pytest.mark.parametrize("name", LOST)
def test_a_service_whose_journal_is_gone_takes_its_past_over(
    lived: Path, tmp_path: Path, name: str
) -> None:
    """Nothing is said twice under one number, and boluses go on."""
    folder = again(lived, tmp_path)
    for path in (folder / "journals").glob(f"{name}.db*"):
        path.unlink()

    with real_house(folder, *QUIET) as house:
        house.basalt("bolus", "0.5", "--confirm")
        house.wait_until(
            lambda: (
                [1_000, 500] == [e.delivered for e in house.said("actuator", BolusDelivered)]
                or name == "actuator"
            ),
            "the second bolus is given",
        )
        assert house.stop() == 0
    let_it_rest(house)

    forked = {alarm for alarm in alarms(house) if alarm.startswith("speaker_forked")}
    assert not forked
    house.assert_each_dose_once_by_ledger()
    house.assert_accounted()
    heads = house.journal("historian").heads()
    versions = house.recorded_events("bolus_advisor")
    assert list(range(1, len(versions) + 1)) == sorted(versions)
    assert heads[house.pump, Speaker("bolus_advisor")].version == len(versions)


@pytest.mark.requirement("R45")
def test_a_pumps_memory_put_back_from_a_copy_is_found(lived: Path, tmp_path: Path) -> None:
    """No bolus until somebody has looked; basal flows, and what flows is accounted."""
    folder = again(lived, tmp_path)
    with real_house(folder, *QUIET) as house:
        house.basalt("bolus", "2", "--confirm")
        house.wait_until(lambda: "bolus delivered" in house.text(), "the bolus is given")
        assert house.stop() == 0
    for path in (folder / "pump").glob("demo.nvm*"):
        path.unlink()
    for path in (lived / "pump").glob("demo.nvm*"):
        shutil.copy(path, folder / "pump" / path.name)

    with real_house(folder, *QUIET) as house:
        house.wait_until(lambda: house.said("actuator", PumpDoubted), "the pump is doubted")
        refused = house.basalt("bolus", "0.5", "--confirm", check=False)
        count = ("count", "accept", "--because", "put back by the test")
        house.wait_until(
            lambda: house.basalt(*count, check=False).returncode == 0, "the pump is read again"
        )
        given = house.basalt("bolus", "0.5", "--confirm")
        assert house.stop() == 0

    (doubted,) = house.said("actuator", PumpDoubted)
    assert ("count_went_back", True) == (doubted.reason, doubted.missing >= 2_000)
    assert (1, 0) == (refused.returncode, given.returncode)
    assert "look at the pump" in refused.stderr
