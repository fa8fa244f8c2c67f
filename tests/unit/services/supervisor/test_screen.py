"""The live screen, drawn as text: what must stand on it, and that it fits."""

from io import StringIO

import msgspec
import pytest
from rich.console import Console

from core.deciders.basal.state import BasalView
from core.deciders.bolus.view import BolusView
from core.deciders.delivery.view import DeliveryView
from core.deciders.glucose.state import GlucoseView
from core.deciders.record.decider import RecordView
from core.dosing.insulin_account.last_bolus import LastDose
from core.kernel.alarms import ActiveAlarm
from schemas.bolus.advice import BolusAdvised, CarbsRecorded, Clamp
from schemas.delivery.delivery import BolusProgressed
from schemas.glucose import GlucoseMeasured, ReadingRejected
from schemas.message import Deadline, Now
from schemas.units import (
    MINUTE_MS,
    DoseId,
    EventId,
    Grams,
    MgDl,
    MilliUnits,
    MilliUnitsPerHour,
    PumpId,
    UtcMillis,
)
from services.runtime.process.service_endpoint import Health
from services.supervisor.screen.event_lines import Line
from services.supervisor.screen.screen import NO_RESPONSE, NOT_MEDICAL, render
from services.supervisor.screen.screen_model import Process, ScreenModel

AT = UtcMillis(1_489_588_200_000)
"""[ms] 2017-03-15 07:30 in Los Angeles."""

ADVISED = BolusAdvised(
    amount=MilliUnits(10_000),
    carbs=Grams(120),
    food=MilliUnits(12_000),
    correction=MilliUnits(1_500),
    insulin_on_board_least=MilliUnits(200),
    insulin_on_board_most=MilliUnits(400),
    glucose=MgDl(180),
    clamps=(Clamp(limit="single_limit", before=MilliUnits(13_100), after=MilliUnits(10_000)),),
    reasons=("insulin_on_board_subtracted", "clamped_to_single_limit"),
    expires=Deadline(therapy=AT, real=AT),
)


def told() -> tuple[ScreenModel, list[Line]]:
    lines: list[Line] = []
    model = ScreenModel(
        pump=PumpId("demo"),
        zone="America/Los_Angeles",
        speed=30,
        glucose_from="recorded trace x.csv",
        plays_trace=True,
        tell=lines.append,
    )
    return model, lines


def reading(minutes: int, glucose: int) -> GlucoseMeasured:
    return GlucoseMeasured(
        measured_at=UtcMillis(AT + minutes * MINUTE_MS),
        glucose=MgDl(glucose),
        source="sensor",
        unit="mg/dL",
        received=str(glucose),
    )


def delivery(*, rate: int, odometer: int = 400) -> DeliveryView:
    dose = LastDose(
        dose=DoseId("bolus_advisor:demo:4"),
        requested=MilliUnits(4_000),
        delivered=MilliUnits(1_000),
        state="running",
        at=AT,
    )
    return DeliveryView(
        rate=MilliUnitsPerHour(rate),
        suspended=False,
        reservoir=MilliUnits(180_000),
        odometer=MilliUnits(odometer),
        basal_total=MilliUnits(odometer),
        bolus_total=MilliUnits(0),
        last_extended=None,
        resume_at=None,
        last_dose=dose,
        unknown_doses=0,
        plan=EventId("basal_scheduler:demo:3"),
        fault=None,
        primed_total=MilliUnits(0),
        gaps=0,
        alarms=(ActiveAlarm("pump_lost", "high", "person", "The pump does not answer.", AT, ""),),
    )


def full_model() -> tuple[ScreenModel, list[Line]]:
    model, lines = told()
    model.hear(reading(-10, 150), name="g:demo:1", at=AT)
    model.hear(reading(-5, 162), name="g:demo:2", at=AT)
    model.take(
        GlucoseView(
            glucose=MgDl(162),
            mark=None,
            measured_at=UtcMillis(AT - 5 * MINUTE_MS),
            readings=2,
            rejected=1,
            alarms=(),
        ),
        at=AT,
    )
    model.take(
        BasalView(
            profile="demonstration",
            zone="America/Los_Angeles",
            rate=MilliUnitsPerHour(1_100),
            temporary="50 %",
            temporary_ends_at=UtcMillis(AT + 30 * MINUTE_MS),
            plan=EventId("basal_scheduler:demo:3"),
            plan_ends_at=UtcMillis(AT + 2_880 * MINUTE_MS),
            alarms=(),
        ),
        at=AT,
    )
    model.take(
        BolusView(
            insulin_on_board_least=MilliUnits(200),
            insulin_on_board_most=MilliUnits(400),
            advice=EventId("bolus_advisor:demo:2"),
            advised=ADVISED.amount,
            carbs_total=Grams(120),
            alarms=(),
            advice_terms=ADVISED,
            last_carbs=CarbsRecorded(grams=Grams(120), eaten_at=AT, actor="person:x"),
        ),
        at=AT,
    )
    model.take(delivery(rate=1_300), at=UtcMillis(AT - 20 * MINUTE_MS))
    model.take(delivery(rate=1_100), at=UtcMillis(AT - 15 * MINUTE_MS))
    model.take_process("actuator", process=Process(state="restarting", restarts=1), at=AT)
    model.take_process("historian", process=Process(state="up", restarts=0), at=AT)
    return model, lines


def drawn(model: ScreenModel, *, width: int = 100, height: int = 40) -> str:
    console = Console(record=True, width=width, height=height, file=StringIO())
    now = Now(therapy=AT, real=AT, speed=30)
    console.print(render(model, now=now, height=height))
    return console.export_text()


def test_the_screen_shows_everything_that_a_person_must_see() -> None:
    """What is not on the screen is not known to the person who looks at it."""
    text = drawn(full_model()[0])

    wanted = (
        "162 mg/dL ↑",
        "5 min",
        "2 taken, 1 rejected",
        "1.10 U/h",
        "07:15  1.30 to 1.10 U/h",
        "50 % until 08:00",
        "0.20 to 0.40 U",
        "180.00 U",
        "0.40 U basal, 0.00 U bolus",
        "1.00 U of 4.00 U",
        "food 120 g",
        "13.10 U to 10.00 U, single limit",
        "clamped to single limit",
        "07:30  120 g",
        "high: The pump does not answer.",
        "restarting",
        "07:30:00",
    )
    assert [] == [part for part in wanted if part not in text]


def test_the_screen_says_what_it_is_not() -> None:
    """A trace does not respond to insulin, and nobody may believe it does."""
    text = drawn(full_model()[0])

    assert NO_RESPONSE in text
    assert NOT_MEDICAL in text


def test_the_screen_fits_a_terminal_of_100_by_40() -> None:
    """What falls off the end is not read."""
    lines = drawn(full_model()[0]).rstrip("\n").split("\n")

    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


def test_an_empty_system_can_be_drawn() -> None:
    """The first picture comes before the first answer."""
    assert "no reading yet" in drawn(told()[0])


def test_a_repeated_event_is_told_once() -> None:
    """A batch may be sent twice; a person would count two meals."""
    model, lines = told()
    for _ in range(2):
        model.hear(
            CarbsRecorded(grams=Grams(45), eaten_at=AT, actor="person:x"), name="b:demo:1", at=AT
        )

    assert ["meal: 45 g"] == [line.text for line in lines]


def test_lines_that_repeat_are_shown_once_with_their_count() -> None:
    """A file of old readings must not push an alarm off the screen."""
    model, lines = told()
    refused = ReadingRejected(
        measured_at=AT, source="meter", unit="mg/dL", received="100", reason="ancient"
    )
    for number in range(3):
        model.hear(refused, name=f"g:demo:{number}", at=AT)

    assert 3 == len(lines)
    assert ["reading rejected: ancient"] == [line.text for line in model.lines]
    assert "reading rejected: ancient (3 times)" in drawn(model)


def test_a_line_joins_no_numbers_of_two_instants() -> None:
    """Insulin on board comes with an answer, later than the pulse it would be shown with."""
    model, lines = told()
    given = BolusProgressed(
        dose=DoseId("bolus_advisor:demo:4"),
        starts_at=AT,
        ends_at=AT,
        amount=MilliUnits(500),
        delivered=MilliUnits(1_000),
        odometer=MilliUnits(1_150),
        history_sequence=3,
    )
    model.hear(given, name="a:demo:1", at=AT)
    for least in (200, 400, 700, 1_300):
        view = BolusView(
            insulin_on_board_least=MilliUnits(least),
            insulin_on_board_most=MilliUnits(1_300),
            advice=None,
            advised=None,
            carbs_total=Grams(0),
            alarms=(),
            advice_terms=None,
            last_carbs=None,
        )
        model.take(view, at=AT)

    assert [
        "bolus: 1.00 U given, odometer 1.15 U",
        "insulin on board: 0.20 to 1.30 U",
        "insulin on board: 0.70 to 1.30 U",
        "insulin on board: 1.30 U",
    ] == [line.text for line in lines]


def test_the_same_alarm_of_several_services_is_shown_once() -> None:
    """One fault of the broker must not push the other alarms off the screen."""
    model, _ = told()
    alarm = ActiveAlarm("bus_error", "medium", "person", "bus error: EOF", AT, "")
    model.take(msgspec.structs.replace(delivery(rate=1_100), alarms=(alarm,)), at=AT)
    model.take(RecordView(events=1, root="", alarms=(alarm,)), at=AT)

    assert 1 == drawn(model).count("bus error: EOF")
    assert "medium: bus error: EOF  (2 services)" in drawn(model)


def test_the_end_of_the_trace_is_told_once_and_it_is_not_shown_as_playing() -> None:
    """Nobody should wait for readings that do not come."""
    model, lines = told()
    model.trace_ends_at = AT
    model.take(RecordView(events=1, root="", alarms=()), at=AT)
    assert "does not respond to insulin" in drawn(model)
    for minutes in (1, 2):
        at = UtcMillis(AT + minutes * MINUTE_MS)
        model.take(RecordView(events=1, root="", alarms=()), at=at)

    assert ["the recorded trace is over: no more readings come from it"] == [
        line.text for line in lines
    ]
    assert "does not respond to insulin" not in drawn(model)


def test_a_rate_is_told_again_only_when_it_is_another() -> None:
    """While a new plan is on its way nobody says a rate; it is no change."""
    model, lines = told()
    for rate in (1_100, None, 1_100, 900):
        model.take(msgspec.structs.replace(delivery(rate=0), rate=rate), at=AT)

    assert ["basal rate: 1.10 U/h", "basal rate: 1.10 to 0.90 U/h"] == [one.text for one in lines]


def test_an_empty_reservoir_stands_beside_the_rate() -> None:
    """A rate that is shown and not delivered would be believed."""
    model, _ = told()
    model.take(msgspec.structs.replace(delivery(rate=1_100), reservoir=MilliUnits(10)), at=AT)

    assert "1.10 U/h reservoir empty, none flows" in drawn(model)


def test_an_advice_is_told_with_each_term() -> None:
    """A person decides by the terms, not by the sum."""
    model, lines = told()
    model.hear(ADVISED, name="b:demo:2", at=AT)

    assert (
        "advice: 10.00 U = food 120 g 12.00 U; correction 1.50 U at 180 mg/dL; "
        "on board 0.20 to 0.40 U; cut 13.10 U to 10.00 U, single limit; "
        "because insulin on board subtracted, clamped to single limit" == lines[0].text
    )


@pytest.mark.parametrize("height", [24, 50])
def test_a_service_that_does_not_answer_is_not_shown_as_up(height: int) -> None:
    """A process that exists and hangs doses nothing and hears no alarm."""
    model, _ = told()
    for name in ("actuator", "bolus_advisor", "virtual_pump"):
        model.take_process(name, process=Process(state="up", restarts=0), at=AT)
    model.health["actuator"] = Health(
        service="actuator", pid=1, ready=True, handled=1, unpublished=0, waiting=0, bus_errors=0
    )

    picture = drawn(model, height=height)

    assert 1 == picture.count("silent")
    (line,) = [line for line in picture.split("\n") if "silent" in line]
    assert "bolus_advisor silent" in " ".join(line.split())


def test_a_process_that_ends_and_comes_back_is_told() -> None:
    """A restart that nobody sees hides the fault."""
    model, lines = told()
    model.take_process("actuator", process=Process(state="restarting", restarts=1), at=AT)
    model.take_process("actuator", process=Process(state="up", restarts=1), at=AT)

    full = Process(state="restarting", restarts=2, why="actuator: disk full")
    model.take_process("actuator", process=full, at=AT)

    assert [
        "process actuator ended by itself and is started again",
        "process actuator is up again, restarts: 1",
        "process actuator ended by itself (actuator: disk full) and is started again",
    ] == [line.text for line in lines]
