"""kill -9 of any process while insulin flows: nothing lost, nothing doubled, nothing made up."""

import pytest

from schemas.bolus.advice import BolusAdvised
from schemas.delivery.delivery import BolusStopped, DeliveryGap
from schemas.delivery.device import PULSE_MU
from schemas.glucose import GlucoseMeasured
from schemas.units import HOUR_MS
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = pytest.mark.system

VICTIMS = (
    "actuator",
    "bolus_advisor",
    "broker",
    "glucose_ingest",
    "basal_scheduler",
    "historian",
    "glucose_player",
    "scripted_person",
)
RATE_STEP_AT = 1_489_587_300_000  # 2017-03-15 07:15 in Los Angeles: 1.3 to 1.1 U/h
NINE_AT = RATE_STEP_AT + 105 * 60_000  # 0.9 U/h until the evening


@pytest.fixture(scope="module")
def survived(tmp_path_factory: pytest.TempPathFactory) -> RealSystem:
    """A breakfast at speed 60 with every process but the pump killed, the first in mid-bolus."""
    folder = tmp_path_factory.mktemp("kill") / "data"
    with real_system(folder, "--speed", "60") as system:
        system.wait_until(lambda: "advice accepted" in system.text(), "breakfast")
        for victim in VICTIMS:
            system.kill(victim)
            system.wait_until(
                lambda: system.basalt("status", check=False).returncode == 0, "all are back"
            )
        system.basalt("bolus", "1.5", check=False)
        assert system.stop() == 0
    let_it_rest(system)
    return system


@pytest.fixture(scope="module")
def pump_died(tmp_path_factory: pytest.TempPathFactory) -> RealSystem:
    """The pump itself killed in mid-bolus."""
    folder = tmp_path_factory.mktemp("pump") / "data"
    with real_system(folder, "--speed", "30", "--no-person") as system:
        system.basalt("bolus", "6")
        system.wait_until(lambda: "bolus: " in system.text(), "the bolus runs")
        system.kill("virtual_pump")
        system.wait_until(lambda: "stopped" in system.text(), "the bolus is told to have stopped")
        assert system.stop() == 0
    let_it_rest(system)
    return system


def test_no_event_is_lost_or_doubled(survived: RealSystem) -> None:
    """Each speaker's versions have no hole, and the record holds the same bytes."""
    survived.assert_record_is_whole()
    assert survived.said("glucose_ingest", GlucoseMeasured)
    assert survived.said("bolus_advisor", BolusAdvised)


@pytest.mark.requirement("R34")
@pytest.mark.requirement("R44")
def test_no_dose_is_given_twice(survived: RealSystem) -> None:
    """The pump's own ledger is the judge: each order moved the motor once at most."""
    survived.assert_each_dose_once()


@pytest.mark.requirement("R44")
def test_the_record_equals_the_pumps_own_ledger(survived: RealSystem) -> None:
    """Accounted insulin is what was delivered, to the pulse, through every crash."""
    survived.assert_accounted()


def test_basal_is_what_it_would_have_been(survived: RealSystem) -> None:
    """No death of a service, or of the broker, touches the trickle: one pulse at most."""
    gaps = [one for one in survived.ledger() if one.kind == "powered"]
    off_from = next(one.starts_at for one in gaps if one.starts_at < one.ends_at)
    basal = [one for one in survived.ledger() if one.kind == "basal" and one.ends_at <= off_from]
    begun = next(one.starts_at for one in survived.ledger() if one.kind == "plan_loaded")

    due = scheduled_mu(begun, basal[-1].ends_at)

    assert abs(due - sum(one.amount for one in basal)) <= PULSE_MU


def scheduled_mu(starts_at: int, ends_at: int) -> float:
    """Add up the demonstration's profile by the wall clock of its zone [mU]."""
    rates = (
        (starts_at, RATE_STEP_AT, 1300),
        (RATE_STEP_AT, NINE_AT, 1100),
        (NINE_AT, NINE_AT + 13 * HOUR_MS, 900),
    )
    return sum(
        max(0, min(ends_at, to) - max(starts_at, since)) * rate / HOUR_MS
        for since, to, rate in rates
    )


@pytest.mark.requirement("R97")
def test_replay_and_live_state_agree_field_by_field(survived: RealSystem) -> None:
    """What the record says is what each service knows; each decision is made again alike."""
    survived.assert_replay_agrees()


@pytest.mark.requirement("R45")
def test_a_killed_pump_leaves_a_partial_dose_and_nothing_is_made_up(
    pump_died: RealSystem,
) -> None:
    """What went in is known, the rest never comes, the record equals the pump's ledger."""
    stopped = pump_died.said("actuator", BolusStopped)

    assert ["power_lost"] == [event.reason for event in stopped]
    assert 0 < stopped[0].delivered < 6_000
    assert pump_died.said("actuator", DeliveryGap)
    pump_died.assert_accounted()
    pump_died.assert_each_dose_once()
    pump_died.assert_record_is_whole()
    pump_died.assert_replay_agrees()
