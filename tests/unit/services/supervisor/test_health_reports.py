"""A process that stands still is told to the record once, and once that it goes on."""

from pathlib import Path
from typing import Any

import pytest

from core.deciders.record.decider import HISTORIAN
from schemas.alarms import AlarmCleared, AlarmRaised
from schemas.record import ProcessReported, ReportProcess
from schemas.units import PumpId
from services.supervisor.children import Child, ChildSpec
from services.supervisor.processes import health_reports
from services.supervisor.processes.health_reports import LOOKS_MAX, STEADY_LOOKS, ProcessReports
from support.simulated.fake_system import FakeSystem


class Recorder:
    """Takes what is told."""

    def __init__(self) -> None:
        self.told: list[ReportProcess] = []

    async def send(self, command: ReportProcess, **_: object) -> None:
        self.told.append(command)


def child(name: str) -> Child:
    made = Child(ChildSpec(name, (), Path("log")), lambda _: None)
    made.state = "up"
    return made


async def look(reports: ProcessReports, children: dict[str, Child], *, answering: Any) -> None:
    await reports.tell(reports.look(children, answering=answering))


async def test_a_service_that_does_not_answer_is_told_once_and_again_when_it_does() -> None:
    """A process that is stopped by a signal keeps its connection: nobody else would know (K3)."""
    recorder, children = Recorder(), {"actuator": child("actuator")}
    reports = ProcessReports(recorder, PumpId("p1"))  # type: ignore[arg-type]  # a fake

    for _ in range(LOOKS_MAX + 3):
        await look(reports, children, answering=())
    for _ in range(3):
        await look(reports, children, answering={"actuator"})

    assert [("actuator", "silent"), ("actuator", "up")] == [
        (one.process, one.state) for one in recorder.told
    ]


async def test_a_restart_is_no_news_and_a_journal_that_is_broken_is_told_at_once() -> None:
    """One death is mended in a second; an end with the code for broken files is not."""
    recorder, actuator = Recorder(), child("actuator")
    reports = ProcessReports(recorder, PumpId("p1"))  # type: ignore[arg-type]  # a fake
    actuator.state, actuator.restarts, actuator.exit_code = "restarting", 1, -9
    for _ in range(LOOKS_MAX - 1):
        await look(reports, {"actuator": actuator}, answering=())
    await look(reports, {"actuator": actuator}, answering={"actuator"})
    assert [] == recorder.told

    actuator.restarts, actuator.exit_code, actuator.last_words = 2, 2, "line 7 of pump demo"
    await look(reports, {"actuator": actuator}, answering=())

    assert [("down", "line 7 of pump demo")] == [(one.state, one.why) for one in recorder.told]


async def test_a_pump_that_dies_again_and_again_is_down_until_it_stays() -> None:
    """Between two deaths it runs for a moment: that is not well."""
    recorder, pump = Recorder(), child("virtual_pump")
    reports = ProcessReports(recorder, PumpId("p1"))  # type: ignore[arg-type]  # a fake
    await look(reports, {"virtual_pump": pump}, answering=())
    for turn in range(2 * LOOKS_MAX):
        pump.state = "up" if turn % 2 else "restarting"
        pump.restarts = 1 + turn // 2
        await look(reports, {"virtual_pump": pump}, answering=())
    assert ["down"] == [one.state for one in recorder.told]

    for _ in range(STEADY_LOOKS + 1):
        await look(reports, {"virtual_pump": pump}, answering=())

    assert ["down", "up"] == [one.state for one in recorder.told]


async def test_an_alarm_of_an_earlier_run_is_over_when_the_process_runs() -> None:
    """The record outlives whoever watched."""
    recorder, children = Recorder(), {"actuator": child("actuator")}
    reports = ProcessReports(recorder, PumpId("p1"))  # type: ignore[arg-type]  # a fake

    told = reports.look(children, answering={"actuator"}, standing=["process_down_actuator"])

    assert [("actuator", "up")] == [(one.process, one.state) for one in told]


@pytest.mark.parametrize(
    ("process", "priority", "to"),
    [("actuator", "medium", "operator"), ("virtual_pump", "high", "person")],
)
def test_the_record_alarms_once_by_the_table(process: str, priority: str, to: str) -> None:
    """Technical faults go to the operator unless delivery is affected; one cause, one alarm."""
    system = FakeSystem()
    system.set_up()

    for state in ("down", "silent", "up"):
        report = ReportProcess(process=process, state=state, why="killed by SIGKILL")
        assert system.ask(report, to=HISTORIAN, actor="supervisor").accepted

    raised = system.said_of(HISTORIAN, AlarmRaised)
    assert [(f"process_down_{process}", priority, to)] == [
        (one.alarm, one.priority, one.to) for one in raised
    ]
    assert 1 == len(system.said_of(HISTORIAN, AlarmCleared))
    assert ["down", "silent", "up"] == [
        one.state for one in system.said_of(HISTORIAN, ProcessReported)
    ]


def test_the_mutant_that_never_counts_looks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit that is never reached a silent service is never told."""
    monkeypatch.setattr(health_reports, "LOOKS_MAX", 10**9)
    reports = ProcessReports(Recorder(), PumpId("p1"))  # type: ignore[arg-type]  # a fake

    told = [
        reports.look({"actuator": child("actuator")}, answering=()) for _ in range(2 * LOOKS_MAX)
    ]

    assert not any(told)
