"""Stores put back from an older copy; `make nightly` tries every set of them (D5, B10)."""

import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from core.deciders.record.decider import HISTORIAN
from core.deciders.registry import DECIDERS
from schemas.alarms import AlarmRaised
from schemas.delivery.delivery import BolusDelivered, BolusStartRequested
from schemas.delivery.unresolved_doses import PumpDoubted
from schemas.message import Event
from services.runtime.catch_up.peer_heads import holders_of
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")
STREAM = "broker"
STORES = (*sorted(DECIDERS), STREAM)
"""[-] what a person backs up: the journal of each service, and the stream."""

KEPT = ("actuator",)
"""[-] whose journal alone is put back in `make test`: who drives the pump."""

SINCE_MU = 2_000
"""[mU] given after the copy was made."""


class Copies(NamedTuple):
    """A system on disk at two instants; between them insulin was given."""

    old: Path
    new: Path


def sets_of_stores() -> Iterator[Any]:
    """Give every set of stores; all but one are for `make nightly`."""
    for size in range(1, len(STORES) + 1):
        for stores in combinations(STORES, size):
            marks = () if stores == KEPT else pytest.mark.nightly
            yield pytest.param(stores, marks=marks, id="+".join(stores))


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    folder = tmp_path_factory.mktemp("put_back")
    data, old = folder / "data", folder / "old"
    for amount in ("1", "2"):
        with real_system(data, *QUIET) as system:
            system.basalt("bolus", amount, "--confirm")
            system.wait_until(system.has_come_to_rest, "everybody knows everything")
            assert system.stop() == 0
        if not old.exists():
            shutil.copytree(data, old)
    return Copies(old, data)


def put_back(folder: Path, old: Path, store: str) -> None:
    """Replace one store by its older copy, as a restore from a backup does."""
    if store == STREAM:
        shutil.rmtree(folder / STREAM)
        shutil.copytree(old / STREAM, folder / STREAM)
        return
    for path in (folder / "journals").glob(f"{store}.db*"):
        path.unlink()
    for path in (old / "journals").glob(f"{store}.db*"):
        shutil.copy(path, folder / "journals" / path.name)


def may_be_forgotten(stores: tuple[str, ...]) -> bool:
    """Say whether nobody has a service's newest words any more, whoever went on from them."""
    lost = {name for name in DECIDERS if {name, *holders_of(name), STREAM} <= {*stores}}
    return bool(lost - {HISTORIAN}) and set(stores) != set(STORES)


def is_refused(folder: Path) -> bool:
    """Start the system; where it ends instead it says why, and no bolus was begun."""
    system = RealSystem(folder, *QUIET)
    try:
        system.wait_ready()
    except AssertionError as error:
        assert "put back a newer copy" in str(error)
        assert 2 == len([one for one in system.ledger() if one.kind == "bolus_started"])
        return True
    finally:
        system.stop()
    return False


def given_before(system: RealSystem) -> list[BolusDelivered]:
    """Give what the actuator's record knew to be given when its last bolus began."""
    rows = [
        event
        for event in system.said("actuator", Event)
        if isinstance(event, BolusDelivered | BolusStartRequested)
    ]
    last = max(at for at, event in enumerate(rows) if isinstance(event, BolusStartRequested))
    return [event for event in rows[:last] if isinstance(event, BolusDelivered)]


def order_until_given(system: RealSystem) -> None:
    """Ask for a bolus; where the pump is doubted, name a reason and ask again."""
    before = len(system.said("actuator", BolusStartRequested))
    asked = system.basalt("bolus", "0.5", "--confirm", check=False)
    if asked.returncode:
        assert "look at the pump" in asked.stderr, asked
        system.wait_until(
            lambda: (
                system.basalt(
                    "count", "accept", "--because", "put back by the test", check=False
                ).returncode
                == 0
            ),
            "the count is accepted",
        )
        system.wait_until(
            lambda: system.basalt("bolus", "0.5", "--confirm", check=False).returncode == 0,
            "boluses again",
        )
    system.wait_until(
        lambda: len(system.said("actuator", BolusStartRequested)) > before, "the bolus has begun"
    )


@pytest.mark.requirement("R97")
@pytest.mark.requirement("R45")
@pytest.mark.parametrize("stores", sets_of_stores())
def test_stores_put_back_give_nothing_before_all_is_accounted(
    copies: Copies, tmp_path: Path, stores: tuple[str, ...]
) -> None:
    """Either the others give back what is missing, or a person is told how much it is.

    What nobody has any more but others have built upon is refused as a whole: nothing is given.
    """
    folder = tmp_path / "data"
    shutil.copytree(copies.new, folder)
    for store in stores:
        put_back(folder, copies.old, store)
    if may_be_forgotten(stores) and is_refused(folder):
        return

    with real_system(folder, *QUIET) as system:
        given = system.pumped()
        order_until_given(system)
        assert system.stop() == 0
    let_it_rest(system)

    system.assert_each_dose_once_by_ledger()
    system.assert_accounted()
    doubted = system.said("actuator", PumpDoubted)
    known = sum(one.delivered for one in given_before(system))
    print(stores, given, known, [(one.reason, one.missing) for one in doubted])
    assert known >= 3_000 or [one for one in doubted if one.missing >= SINCE_MU], doubted
    alarms = {one.alarm for name in DECIDERS for one in system.said(name, AlarmRaised)}
    print(alarms)
    assert not {one for one in alarms if one.startswith("speaker_forked")}
    for name in DECIDERS:
        own = system.own_events(name)
        assert list(range(1, len(own) + 1)) == sorted(own)
        if name != "historian":
            assert own == system.recorded_events(name)
    system.assert_orders_are_sound()
    assert not any(report.differences for report in system.reports().values())
