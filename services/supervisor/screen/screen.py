"""The live screen: one picture of pump and services, drawn twice a second."""

import asyncio
from collections import Counter
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from core.deciders.delivery.view import DeliveryView
from core.deciders.registry import DECIDERS
from core.dosing.advice.projection import CLOSE
from core.formats.display import between, change, rate, units
from core.record.event_sentences import advice_terms
from schemas.delivery.device import PULSE_MU
from schemas.message import Now
from schemas.units import MINUTE_MS
from services.runtime.platform.clock import Clock
from services.runtime.platform.zones import local_time
from services.supervisor.screen.screen_model import ScreenModel
from services.supervisor.screen.text_format import wall

DRAWN_EVERY_S = 0.5
"""[s] between two pictures."""

NOT_MEDICAL = "not a medical device"
"""[-] stands on every picture."""

NO_RESPONSE = "recorded glucose, does not respond to insulin"
"""[-] stands on every picture while a trace plays."""

ALARMS_SHOWN = 4
"""[-] the most urgent ones."""

TALL_ROWS = 30
"""[-] terminals with fewer rows get the services in one line."""

BAR_CELLS = 16
"""[-] width of the bar of a running bolus."""

GLUCOSE_OLD_MS = 10 * MINUTE_MS
"""[ms] from here no bolus uses the reading; source: R57."""

_COLOURS = {"high": "bold white on red", "medium": "bold black on yellow", "low": "cyan"}


async def draw(model: ScreenModel, *, clock: Clock, console: Console) -> None:
    """Draw the picture for ever."""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            picture = render(model, now=clock.now(), height=console.size.height)
            live.update(picture, refresh=True)
            await asyncio.sleep(DRAWN_EVERY_S)


def render(model: ScreenModel, *, now: Now, height: int) -> RenderableType:
    """Draw one picture.

    Args:
        model: what is known.
        now: both times.
        height: [-] rows of the terminal.
    """
    is_tall = height >= TALL_ROWS
    middle = Table.grid(expand=True)
    middle.add_column(ratio=1)
    middle.add_column(ratio=1)
    middle.add_row(_panel("glucose", _glucose(model, now)), _panel("basal", _basal(model)))
    middle.add_row(_panel("insulin", _insulin(model)), _panel("advice", _advice(model)))
    alarms = tuple(_alarms(model))
    services = _services(model) if is_tall else _services_line(model)
    used = 19 + len(alarms) + (len(model.processes) + 3 if is_tall else 2)
    return Group(
        _head(model, now),
        *alarms,
        *((middle, services) if is_tall else (services, middle)),
        *_last_lines(model, rows=max(1, height - used)),
    )


def _panel(title: str, rows: Iterator[tuple[str, RenderableType]]) -> Panel:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return Panel(table, title=title, title_align="left", border_style="dim", height=None)


def _head(model: ScreenModel, now: Now) -> RenderableType:
    at = local_time(now.therapy, zone=model.zone).strftime("%a %Y-%m-%d %H:%M:%S")
    first = Text.assemble(
        ("Basalt", "bold"),
        f"  pump {model.pump}  {at} {model.zone}  ",
        (f"speed {model.speed}", "cyan"),
    )
    notes = (NO_RESPONSE, NOT_MEDICAL) if model.plays_trace else (NOT_MEDICAL,)
    return Group(first, Text("  ·  ".join(notes), style="yellow"))


def _glucose(model: ScreenModel, now: Now) -> Iterator[tuple[str, RenderableType]]:
    view = model.glucose
    if view is None or view.measured_at is None:
        yield "now", Text("no reading yet", style="dim")
        yield "source", model.glucose_from
        return
    shown = f"{view.glucose} mg/dL" if view.glucose is not None else str(view.mark).upper()
    age_ms = max(0, now.therapy - view.measured_at)
    style = "bold red" if age_ms > GLUCOSE_OLD_MS else "bold green"
    yield "now", Text.assemble((f"{shown} {model.trend}", style))
    yield "age", f"{age_ms // MINUTE_MS} min, measured {wall(view.measured_at, zone=model.zone)}"
    ahead = model.bolus.forecast if model.bolus else None
    if ahead is not None and ahead.measured_at == view.measured_at:
        soon = ahead.points[CLOSE - 1].glucose if len(ahead.points) >= CLOSE else ahead.eventual
        lowest = f"{ahead.lowest.glucose} at {wall(ahead.lowest.at, zone=model.zone)}"
        yield "forecast", f"{soon} in 30 min, lowest {lowest}, then {ahead.eventual}"
    yield "readings", f"{view.readings} taken, {view.rejected} rejected"
    yield "source", model.glucose_from


def _basal(model: ScreenModel) -> Iterator[tuple[str, RenderableType]]:
    plan, pump = model.basal, model.delivery
    now = rate(pump.rate) if pump else "-"
    yield "rate", Text.assemble((now, "bold"), (_why_nothing_flows(pump), "bold red"))
    step = model.step
    if step is not None:
        yield "step", f"{wall(step.at, zone=model.zone)}  {change(step.before, step.after)}"
    if plan is None or plan.profile is None:
        yield "profile", Text("none", style="dim")
        return
    elsewhere = f" ({plan.zone})" if plan.zone != model.zone else ""
    yield "profile", f"{plan.profile}{elsewhere}"
    if plan.plan_ends_at is not None:
        until = local_time(plan.plan_ends_at, zone=model.zone).strftime("%a %H:%M")
        held = "at the pump" if pump and pump.plan == plan.plan else "not there yet"
        yield "plan", f"until {until}, {held}"
    if plan.temporary is not None and plan.temporary_ends_at is not None:
        until = wall(plan.temporary_ends_at, zone=model.zone)
        yield "temporary", Text(f"{plan.temporary} until {until}", style="magenta")


def _why_nothing_flows(pump: DeliveryView | None) -> str:
    if pump is None:
        return ""
    if pump.suspended:
        return " the pump stands"
    is_empty = pump.reservoir is not None and pump.reservoir < PULSE_MU
    return " reservoir empty, none flows" if is_empty else ""


def _insulin(model: ScreenModel) -> Iterator[tuple[str, RenderableType]]:
    bolus, pump = model.bolus, model.delivery
    if bolus is not None:
        board = between(bolus.insulin_on_board_least, bolus.insulin_on_board_most)
        yield "on board", Text(board, style="bold")
    if pump is None:
        return
    yield "reservoir", units(pump.reservoir)
    yield "pulses", str(model.pulses)
    yield "given", f"{units(pump.basal_total)} basal, {units(pump.bolus_total)} bolus"
    dose = pump.last_dose
    if dose is None:
        yield "last dose", Text("none yet", style="dim")
    else:
        done = BAR_CELLS * dose.delivered // max(1, dose.requested)
        yield (
            "last dose",
            f"{wall(dose.at, zone=model.zone)}  {units(dose.delivered)} of {units(dose.requested)}",
        )
        yield "", Text("█" * done + "░" * (BAR_CELLS - done) + f" {dose.state}", style="green")
    spread = pump.last_extended
    if spread is not None and spread.state in ("started", "running"):
        part = f"{units(spread.delivered)} of {units(spread.requested)}"
        yield "extended", f"{part} over {spread.duration // MINUTE_MS} min"
    if pump.driven_by_another:
        yield "pump", Text("another controller drives the pump", style="bold red")
    if pump.unknown_doses:
        yield "unknown", Text(f"{pump.unknown_doses} counted as given", style="bold yellow")


def _advice(model: ScreenModel) -> Iterator[tuple[str, RenderableType]]:
    bolus = model.bolus
    if bolus is not None and bolus.last_carbs is not None:
        meal = bolus.last_carbs
        yield "last meal", f"{wall(meal.eaten_at, zone=model.zone)}  {meal.grams} g"
    if bolus is None or bolus.advice_terms is None:
        yield "advice", Text("none yet", style="dim")
        return
    yield "advice", Text(units(bolus.advice_terms.amount), style="bold")
    yield from advice_terms(bolus.advice_terms)


def _alarms(model: ScreenModel) -> Iterator[RenderableType]:
    alarms = model.alarms()
    # One fault of the broker is an alarm of each service: it is shown once, with their number.
    counts = Counter((alarm.priority, alarm.text, alarm.acknowledged_by) for alarm in alarms)
    for (priority, text, by), count in list(counts.items())[:ALARMS_SHOWN]:
        seen = f"  (seen by {by})" if by else ""
        raised = f"  ({count} services)" if count > 1 else ""
        yield Text(f" {priority}: {text}{raised}{seen} ", style=_COLOURS[priority])
    if len(counts) > ALARMS_SHOWN:
        yield Text(f" and more, {len(counts) - ALARMS_SHOWN}: see basalt alarms")


def _services(model: ScreenModel) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("process")
    table.add_column("is")
    for name in ("handled", "unpublished", "lag", "restarts"):
        table.add_column(name, justify="right")
    for name, process in model.processes.items():
        health = model.health.get(name)
        lag = model.lag.get(name)
        table.add_row(
            name,
            _health(model, name),
            str(health.handled) if health else "",
            str(health.unpublished) if health else "",
            "" if lag is None else str(lag + (health.waiting if health else 0)),
            Text(str(process.restarts), style="yellow" if process.restarts else ""),
        )
    return Panel(table, title="processes", title_align="left", border_style="dim")


def _health(model: ScreenModel, name: str) -> Text:
    """Say how a process is: one that exists and does not answer is not up."""
    state = model.processes[name].state
    if state != "up":
        return Text(state, style="bold red")
    if name in DECIDERS and name not in model.health:
        return Text("silent", style="bold yellow")
    return Text("up", style="green")


def _services_line(model: ScreenModel) -> RenderableType:
    line = Text()
    for name, process in model.processes.items():
        health = _health(model, name)
        line.append("● ", style=health.style)
        silent = " silent" if health.plain == "silent" else ""
        line.append(f"{name}{silent}{f' ({process.restarts})' if process.restarts else ''}  ")
    return line


def _last_lines(model: ScreenModel, *, rows: int) -> Iterator[RenderableType]:
    for line in list(model.lines)[-rows:]:
        times = f" ({line.times} times)" if line.times > 1 else ""
        text = Text.assemble((wall(line.at, zone=model.zone), "dim"), f" {line.text}{times}")
        text.truncate(200)
        text.no_wrap = True
        text.overflow = "ellipsis"
        yield text
