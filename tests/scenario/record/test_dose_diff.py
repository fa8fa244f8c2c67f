"""After a change of the rules: which decisions come out otherwise, by how much, and why."""

from collections.abc import Callable
from typing import Any

import pytest

import core.deciders.basal.decider
import core.dosing.advice.advise
from core.formats.amounts import print_units
from core.models.schedules import plan_steps
from core.record.decision_diff import EventChange, amount_in, change_of, paired
from schemas.basal.profiles import BasalPlanMade
from schemas.bolus.advice import AdviceRefused, BolusAdvised
from schemas.delivery.delivery import BolusDelivered
from schemas.delivery.device import PlanStep
from schemas.message import Event
from schemas.record import ReportStorage
from schemas.units import (
    HOUR_MS,
    DoseId,
    EventId,
    MilliUnits,
    MilliUnitsPerHour,
    Speaker,
    UtcMillis,
)
from services.command_line.record.verify.dose_diffs import print_doses, print_versions
from services.runtime.audit import redecide
from services.runtime.audit.findings import VerificationReport, Versions
from services.runtime.audit.redecide import verify_decisions
from services.runtime.platform.release import version
from services.runtime.platform.zones import tzdata_version
from support.simulated.fake_system import DECIDER_OF, FakeSystem
from support.simulated.three_meals import ADVISOR, half_as_much, three_meals

SCHEDULER = Speaker("basal_scheduler")
Patch = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def system() -> FakeSystem:
    return three_meals()


def report(system: FakeSystem, name: str = ADVISOR) -> VerificationReport:
    return verify_decisions(DECIDER_OF[Speaker(name)], system.stores[Speaker(name)])


def refuses_high(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        core.dosing.advice.advise,
        "_glucose_refusal",
        lambda reading, **_: "low_glucose" if reading.glucose > 160 else None,
    )


def of_kind(found: VerificationReport, kind: str) -> list[EventChange]:
    return [event for one in found.changed for event in one.events if event.kind == kind]


def test_the_rules_of_today_differ_in_nothing(system: FakeSystem) -> None:
    assert [(report(system, name).changed, report(system, name).differences)
            for name in DECIDER_OF] == [((), ())] * len(DECIDER_OF)  # fmt: skip


def test_each_dose_that_differs_is_told_in_milliunits(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once each, and at its own place: what follows goes on from what was really said."""
    said = system.said_of(ADVISOR, BolusAdvised)
    half_as_much(monkeypatch)
    found = report(system)

    advised = [one for one in of_kind(found, "bolus_advised") if one.is_stored]
    assert [one.stored for one in advised] == [one.amount for one in said]
    assert all(one.difference == (one.decided or 0) - (one.stored or 0) < 0 for one in advised)
    lines = [one.position for one in found.changed]
    assert lines == sorted(set(lines))
    assert {one.kind for one in found.changed} == {"request_advice", "accept_advice"}
    assert len(found.changed) == 6


def test_the_mutant_that_goes_on_from_what_is_decided_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One change would be told a thousand times, each time otherwise."""
    half_as_much(monkeypatch)
    honest = report(system)
    monkeypatch.setattr(redecide, "_fold", lambda *_: None)
    assert report(system).changed != honest.changed


def test_a_dose_that_is_refused_today_is_told_with_the_reason(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuses_high(monkeypatch)
    found = report(system)

    gone, refusal = of_kind(found, "bolus_advised"), of_kind(found, "advice_refused")
    assert [(one.is_decided, one.decided) for one in gone] == [(False, None)]
    assert gone[0].difference == -(gone[0].stored or 0)
    assert '"low_glucose"' == refusal[0].fields[0].decided
    print_doses({ADVISOR: found})
    told = capsys.readouterr().out
    assert "not said any more" in " ".join(told.split())
    assert '"low_glucose"' in told


def test_the_sums_by_kind_are_printed(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    half_as_much(monkeypatch)
    found = report(system)
    orders = of_kind(found, "bolus_ordered")
    by = sum(one.difference or 0 for one in orders)
    print_doses({ADVISOR: found})
    out = capsys.readouterr().out
    assert f"bolus_ordered: {len(orders)} differ, -{print_units(MilliUnits(-by))} U in all" in out
    assert by < -1_000


def test_a_plan_is_told_as_all_that_it_delivers(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan_steps

    def higher(*given: Any, **named: Any) -> Any:
        steps = planned(*given, **named)
        return tuple(PlanStep(at=one.at, rate=MilliUnitsPerHour(one.rate + 100)) for one in steps)

    monkeypatch.setattr(core.deciders.basal.decider, "plan_steps", higher)
    plans = of_kind(report(system, SCHEDULER), "basal_plan_made")
    assert plans
    assert all(4_700 <= (one.difference or 0) <= 4_900 for one in plans)


def test_what_is_no_dose_stands_apart(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system.ask(ReportStorage(free_mib=100), to="historian")
    monkeypatch.setattr("core.deciders.record.decider.STORAGE_LOW_MIB", 50)
    found = report(system, "historian")
    assert [event.is_dose for one in found.changed for event in one.events] == [False]
    print_doses({"historian": found})
    assert capsys.readouterr().out == "1 events differ that are no dose\n"


def test_versions_are_part_of_the_record(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A difference may come from other time-zone data: it is said which there were."""
    known = tzdata_version()
    assert report(system).versions == (Versions("", known), Versions(version(), known))
    refuses_high(monkeypatch)
    monkeypatch.setattr(redecide, "tzdata_version", lambda: "2030.1")
    found = report(system)
    assert found.today == Versions(version(), "2030.1")
    print_doses({ADVISOR: found})
    told = capsys.readouterr().err
    then = f"release {version()} with time-zone data {known}"
    now = f"this is release {version()} with time-zone data 2030.1"
    assert f"basalt: {len(found.changed)} that differ were decided by {then}; {now}\n" == told


def test_versions_are_named_where_nothing_differs(
    system: FakeSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    """That all is as it was holds under these versions, and nobody has to guess under which."""
    known = tzdata_version()
    print_versions({ADVISOR: report(system)})
    first = f"release unknown with time-zone data {known}"
    again = f"release {version()} with time-zone data {known}"
    out, err = capsys.readouterr()
    assert (f"decided by {first}, {again}\ndecided again by {again}\n", "") == (out, err)


def test_only_so_many_are_printed(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    half_as_much(monkeypatch)
    monkeypatch.setattr("services.command_line.record.verify.dose_diffs.DOSES_SHOWN", 2)
    print_doses({ADVISOR: report(system)})
    assert "more; --json has all" in capsys.readouterr().out


def given(dose: str, amount: int) -> Event:
    return BolusDelivered(
        dose=DoseId(dose), requested=MilliUnits(amount), delivered=MilliUnits(amount)
    )


REFUSED = AdviceRefused(reason="no_settings", carbs=10)


def test_events_of_one_kind_are_put_beside_each_other() -> None:
    """One more in the middle does not make all after it differ."""
    one, two = given("a", 1), given("b", 2)
    assert list(paired([one, two], [REFUSED, one, two])) == [(None, 0), (0, 1), (1, 2)]
    assert list(paired([REFUSED], [one])) == [(0, None), (None, 0)]


def test_what_differs_in_an_event_is_named_by_its_path() -> None:
    steps = tuple(PlanStep(at=UtcMillis(at), rate=MilliUnitsPerHour(1_000)) for at in (0, HOUR_MS))
    plan = BasalPlanMade(
        profile=EventId("a:b:1"), tzdata="1", steps=steps, ends_at=UtcMillis(3 * HOUR_MS)
    )
    other = BasalPlanMade(
        profile=EventId("a:b:1"), tzdata="2", steps=steps[:1], ends_at=UtcMillis(3 * HOUR_MS)
    )
    found = change_of(plan, other)
    assert {(one.field, one.stored != "", one.decided) for one in found.fields} == {
        ("tzdata", True, '"2"'),
        ("steps.1", True, ""),
    }
    assert (amount_in(plan), found.difference, found.is_dose) == (3_000, None, False)


def test_no_more_fields_are_told_than_a_person_reads() -> None:
    steps = [PlanStep(at=UtcMillis(at), rate=MilliUnitsPerHour(at)) for at in range(1, 60)]
    more = [PlanStep(at=one.at, rate=MilliUnitsPerHour(one.rate + 1)) for one in steps]
    plans = [
        BasalPlanMade(profile=EventId("a:b:1"), tzdata="1", steps=tuple(of), ends_at=UtcMillis(60))
        for of in (steps, more)
    ]
    found = change_of(*plans)
    assert (len(found.fields), found.more) == (20, 39)


def test_nothing_beside_nothing_is_no_change() -> None:
    with pytest.raises(ValueError, match="nothing"):
        change_of(None, None)
    assert amount_in(REFUSED) is None
    assert not change_of(REFUSED, AdviceRefused(reason="no_settings", carbs=11)).is_dose
