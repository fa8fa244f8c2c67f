"""The broker gone for hours, in `make nightly` for three days: on real processes (B4)."""

import os
from pathlib import Path

import pytest

from schemas.alarms import AlarmRaised
from schemas.basal.profiles import BasalProfileSet
from schemas.delivery.delivery import BolusDelivered
from schemas.delivery.device import PULSE_MU
from schemas.units import HOUR_MS, MINUTE_MS, UtcMillis
from support.real.crash_system import look
from support.real.proxied_system import SERVICES, proxied_system

pytestmark = pytest.mark.system

SPEED = 600
AWAY_H = int(os.environ.get("NIGHTLY_AWAY_H", "3"))
"""[h] therapy time; three hours are 18 s."""


def due_mu(profile: BasalProfileSet, since: UtcMillis, until: UtcMillis) -> float:
    """Add up a profile whose zone is UTC [mU]."""
    total = 0.0
    for minute in range(since // MINUTE_MS, until // MINUTE_MS):
        of_day = minute % (24 * 60)
        segment = [one for one in profile.segments if one.start_minute <= of_day][-1]
        total += segment.rate * MINUTE_MS / HOUR_MS
    return total


@pytest.mark.requirement("R52")
@pytest.mark.requirement("R53")
def test_while_the_broker_is_away_basal_flows_as_programmed_and_all_is_told_after(
    tmp_path: Path,
) -> None:
    """To the pulse; a person gets three alarms at most; nothing stale is done on return."""
    with proxied_system(tmp_path / "data", speed=SPEED) as system:
        for line in system.lines.values():
            line.cut()
        begun = system.ledger()[-1].ends_at
        refused = system.basalt("bolus", "0.5", check=False)
        system.wait_until(
            lambda: system.ledger()[-1].ends_at >= begun + AWAY_H * HOUR_MS,
            "the hours are over",
            s=AWAY_H * 3_600 / SPEED + 30,
        )
        look(system)
        for line in system.lines.values():
            line.heal()
        system.wait_until(
            lambda: system.basalt("bolus", "0.6", check=False).returncode == 0,
            "boluses again",
            s=40,
        )
        system.wait_until(system.has_come_to_rest, "everybody knows everything")
        look(system)

    (profile,) = system.said("basal_scheduler", BasalProfileSet)
    basal = [one for one in system.ledger() if one.kind == "basal" and one.ends_at > begun]
    due = due_mu(profile, begun, basal[-1].ends_at)
    assert abs(due - sum(one.amount for one in basal)) <= 2 * PULSE_MU
    told = [
        event.alarm
        for name in SERVICES
        for event in system.said(name, AlarmRaised)
        if event.to == "person"
    ]
    assert len(told) <= 3, told
    assert refused.returncode == 3
    assert [600] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    system.assert_each_dose_once()
    for name in SERVICES:
        own, kept = system.own_events(name), system.recorded_events(name)
        assert list(range(1, len(own) + 1)) == sorted(own)
        # All was known when everybody had come to rest; a last word may fall into the stop.
        assert name == "historian" or (kept.items() <= own.items() and len(own) - len(kept) <= 3)
    system.assert_orders_are_sound()
