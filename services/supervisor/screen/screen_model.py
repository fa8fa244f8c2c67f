"""What the live screen shows, folded from events heard and answers of services."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from core.deciders.basal.state import BasalView
from core.deciders.bolus.view import BolusView
from core.deciders.delivery.view import DeliveryView
from core.deciders.glucose.state import GlucoseView
from core.deciders.record.decider import RecordView
from core.formats.display import between, change, rate
from core.kernel.alarms import ActiveAlarm
from schemas.delivery.device import PULSE_MU
from schemas.glucose import GlucoseMeasured
from schemas.message import Event
from schemas.units import (
    MINUTE_MS,
    MgDl,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    PumpId,
    UtcMillis,
)
from services.runtime.process.service_endpoint import Health
from services.supervisor.screen.event_lines import Line, describe

LINES_KEPT = 30
"""[-] last lines kept for the screen."""

EVENTS_KEPT = 500
"""[-] ids of events kept to know a repeated one: a batch may be sent twice."""

WHY_CHARS_MAX = 100
"""[-] of the last log lines of a process on its line."""

BOARD_STEP_MU = MilliUnits(500)
"""[mU] of insulin on board from one line to the next."""

TREND_MS_MAX = Milliseconds(15 * MINUTE_MS)
"""[ms] between two readings of a sensor that make a trend."""

_ARROWS: Final = ((3, "⇈"), (2, "↑"), (1, "↗"), (-1, "→"), (-2, "↘"), (-3, "↓"))
"""[mg/dL/min] the arrow at and above each slope; source: the bounds of Dexcom's arrows."""

Views = GlucoseView | BasalView | BolusView | DeliveryView | RecordView


class Step(NamedTuple):
    """A change of the basal rate that was seen."""

    at: UtcMillis
    before: MilliUnitsPerHour
    after: MilliUnitsPerHour


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """How a process of this system is."""

    state: str
    """[-] starting, up, restarting or stopped."""
    restarts: int
    """[-] since the start."""
    why: str = ""
    """[-] the last lines of its log, if it ended by itself and had any."""


@dataclass(slots=True, kw_only=True)
class ScreenModel:
    """The picture of one pump and its services."""

    pump: PumpId
    zone: str
    speed: int
    glucose_from: str
    plays_trace: bool
    trace_ends_at: UtcMillis | None = None
    tell: Callable[[Line], None]
    glucose: GlucoseView | None = None
    basal: BasalView | None = None
    bolus: BolusView | None = None
    delivery: DeliveryView | None = None
    record: RecordView | None = None
    health: dict[str, Health] = field(default_factory=dict)
    lag: dict[str, int | None] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    step: Step | None = None
    sensor: tuple[GlucoseMeasured, ...] = ()
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    _board_told: tuple[MilliUnits, MilliUnits] = (MilliUnits(0), MilliUnits(0))
    _rate_told: MilliUnitsPerHour | None = None
    _known: deque[str] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))

    def hear(self, event: Event, *, name: str, at: UtcMillis) -> None:
        """Take an event that was just said; `name` is its id."""
        if name in self._known:
            return
        self._known.append(name)
        if isinstance(event, GlucoseMeasured) and event.source == "sensor":
            self.sensor = (*self.sensor[-1:], event)
        line = describe(event, at=at, zone=self.zone)
        if line is not None:
            self._say(line)

    def take(self, view: Views, *, at: UtcMillis) -> None:
        """Take the answer of a service, given at therapy time `at`."""
        match view:
            case GlucoseView():
                self.glucose = view
            case BasalView():
                self.basal = view
            case BolusView():
                self._see_board(view, at)
                self.bolus = view
            case DeliveryView():
                self._see_rate(view, at)
                self.delivery = view
            case RecordView():
                self.record = view
        if self.trace_ends_at is not None and at > self.trace_ends_at:
            self.trace_ends_at, self.plays_trace = None, False
            self._say(Line(at, "the recorded trace is over: no more readings come from it"))

    def take_process(self, name: str, *, process: Process, at: UtcMillis) -> None:
        """Take how a process is."""
        before = self.processes.get(name)
        self.processes[name] = process
        if process.state == "restarting":
            why = f" ({process.why[:WHY_CHARS_MAX]})" if process.why else ""
            self._say(Line(at, f"process {name} ended by itself{why} and is started again"))
        elif before is not None and before.state == "restarting" and process.state == "up":
            self._say(Line(at, f"process {name} is up again, restarts: {process.restarts}"))

    @property
    def trend(self) -> str:
        """Give the arrow of the sensor's last two readings, empty without them."""
        if len(self.sensor) < 2:
            return ""
        before, last = self.sensor
        apart = last.measured_at - before.measured_at
        if not 0 < apart <= TREND_MS_MAX:
            return ""
        slope = (last.glucose - before.glucose) * MINUTE_MS / apart
        return next((arrow for least, arrow in _ARROWS if slope >= least), "⇊")

    @property
    def pulses(self) -> int:
        """Count the strokes of the pump."""
        return self.delivery.odometer // PULSE_MU if self.delivery else 0

    @property
    def last_glucose(self) -> MgDl | None:
        """Give the newest value."""
        return self.glucose.glucose if self.glucose else None

    def alarms(self) -> tuple[ActiveAlarm, ...]:
        """Give all alarms, the most urgent first."""
        views = (self.glucose, self.basal, self.bolus, self.delivery, self.record)
        found = [alarm for view in views if view for alarm in view.alarms]
        return tuple(sorted(found, key=lambda alarm: ("high", "medium", "low").index(alarm[1])))

    def _see_board(self, view: BolusView, at: UtcMillis) -> None:
        """Tell of insulin on board as one answer has it: joined to an event it would be wrong."""
        least, most = view.insulin_on_board_least, view.insulin_on_board_most
        if least is None or most is None:
            return
        least_told, most_told = self._board_told
        if max(abs(least - least_told), abs(most - most_told)) < BOARD_STEP_MU:
            return
        self._board_told = (least, most)
        text = f"insulin on board: {between(least, most)}"
        self._say(Line(at, text, is_routine=True))

    def _see_rate(self, view: DeliveryView, at: UtcMillis) -> None:
        before = self._rate_told
        if view.rate is None or view.rate == before:
            return
        self._rate_told = view.rate
        if before is None:
            self._say(Line(at, f"basal rate: {rate(view.rate)}"))
            return
        self.step = Step(at, before, view.rate)
        self._say(Line(at, f"basal rate: {change(before, view.rate)}"))

    def _say(self, line: Line) -> None:
        if not line.is_routine:
            if self.lines and self.lines[-1].text == line.text:
                line = line._replace(times=self.lines.pop().times + 1)
            self.lines.append(line)
        self.tell(line)
