"""`basalt calc pulses`: the strokes of a pump, and how true they are to what was asked."""

from collections.abc import Sequence
from typing import Final

from core.calc.calculation import Kind, instant, millis, whole_milli
from core.calc.pulses.shapes import (
    AccuracyAsked,
    AccuracyFound,
    BandFound,
    BolusGiven,
    KindFound,
    PulseFound,
    PulsesResult,
    PulsesScenario,
    StepGiven,
    TotalFound,
)
from core.kernel.errors import ScenarioError
from core.models.pulse_scheduler import (
    KINDS,
    Bolus,
    Flow,
    Motor,
    Pulse,
    flows,
    largest_owed,
    pulses,
)
from core.models.pulses import Stretch
from core.models.pump_accuracy import (
    BANDS_PERCENT,
    ERROR_MODELS,
    ErrorModel,
    Totals,
    basal_totals,
    bolus_bands,
)
from core.models.pump_models import (
    PUMP_MODELS,
    PumpModel,
    extended_problem,
    floor_bolus,
    floor_rate,
    spreads_in_words,
)
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)

SPAN_DAYS_MAX: Final = 31
"""[d] longest stretch asked about."""

STROKES_MAX: Final = 200_000
"""[-] strokes in one calculation."""

BOLUS_MU_PER_MIN: Final = 1_500
"""[mU/min] speed of a bolus where a model's is not published; source: Omnipod and Medtronic."""


def _run(scenario: PulsesScenario) -> PulsesResult:
    start, end = millis(scenario.start), millis(scenario.end)
    if not 0 < end - start <= SPAN_DAYS_MAX * DAY_MS:
        raise ScenarioError("$.end", f"not after the start, or more than {SPAN_DAYS_MAX} days")
    if scenario.pump not in PUMP_MODELS:
        raise ScenarioError("$.pump", f"no such model; known: {', '.join(PUMP_MODELS)}")
    model = PUMP_MODELS[scenario.pump]
    basal = _basal(scenario.basal, model, start=start, end=end)
    boluses = _boluses(scenario.boluses, model, start=start)
    try:
        requested = flows(basal, boluses, motor=_motor(scenario, model))
    except ValueError as error:
        raise ScenarioError("$.basal", str(error)) from error
    if sum(flow.parts for flow in requested) > STROKES_MAX * model.pulse * HOUR_MS:
        raise ScenarioError("$.end", f"more than {STROKES_MAX} strokes")
    given = pulses(requested, pulse=model.pulse)
    listed = given if scenario.list_pulses else []
    return PulsesResult(
        pulse_u=model.pulse / 1000,
        kinds={kind: _kind(kind, requested, given, model.pulse) for kind in KINDS},
        total_u=len(given) * model.pulse / 1000,
        pulses=tuple(PulseFound(at=instant(one.at), kind=one.kind) for one in listed),
        accuracy=_accuracy(scenario, given, model, start),
    )


def _motor(scenario: PulsesScenario, model: PumpModel) -> Motor:
    speed = MilliUnitsPerHour((model.bolus_mu_per_min or BOLUS_MU_PER_MIN) * 60)
    most = speed
    if scenario.combined_max_u_per_h is not None:
        path = "$.combined_max_u_per_h"
        most = MilliUnitsPerHour(whole_milli(scenario.combined_max_u_per_h, path=path))
    return Motor(pulse=model.pulse, bolus_rate=speed, rate_max=most)


def _basal(
    given: Sequence[StepGiven], model: PumpModel, *, start: UtcMillis, end: UtcMillis
) -> list[Stretch]:
    edges: list[tuple[UtcMillis, MilliUnitsPerHour]] = [(start, MilliUnitsPerHour(0))]
    for index, step in enumerate(given):
        at, path = millis(step.start), f"$.basal[{index}]"
        if at < edges[-1][0] or (index > 0 and at == edges[-1][0]):
            raise ScenarioError(f"{path}.start", "before the start, or not after the step before")
        rate = MilliUnitsPerHour(whole_milli(step.u_per_h, path=f"{path}.u_per_h"))
        edges.append((at, floor_rate(model, rate)))
    ends = [*(at for at, _ in edges[1:]), end]
    return [
        Stretch(at, UtcMillis(min(until, end)), rate)
        for (at, rate), until in zip(edges, ends, strict=True)
        if at < min(until, end)
    ]


def _boluses(given: Sequence[BolusGiven], model: PumpModel, *, start: UtcMillis) -> list[Bolus]:
    found: list[Bolus] = []
    for index, one in enumerate(given):
        path = f"$.boluses[{index}]"
        at = millis(one.start)
        if at < (found[-1].starts_at if found else start):
            raise ScenarioError(f"{path}.start", "before the start, or before the bolus before")
        if one.stopped is not None and millis(one.stopped) < at:
            raise ScenarioError(f"{path}.stopped", "before its start")
        if one.duration_min and extended_problem(model, Milliseconds(one.duration_min * MINUTE_MS)):
            raise ScenarioError(f"{path}.duration_min", spreads_in_words(model))
        amount = floor_bolus(model, MilliUnits(whole_milli(one.units, path=f"{path}.units")))
        if amount == 0:
            raise ScenarioError(f"{path}.units", f"less than a step of {model.name}")
        found.append(
            Bolus(
                starts_at=at,
                amount=amount,
                duration=Milliseconds(one.duration_min * MINUTE_MS),
                ends_at=None if one.stopped is None else millis(one.stopped),
            )
        )
    return found


def _kind(
    kind: str, requested: Sequence[Flow], given: Sequence[Pulse], pulse: MilliUnits
) -> KindFound:
    """Compare what was owed with what was delivered, at every whole millisecond."""
    parts = [flow for flow in requested if flow.kind == kind]
    count = sum(1 for stroke in given if stroke.kind == kind)
    size = pulse * HOUR_MS
    total, largest = 0, 0
    for flow in parts:
        largest = max(largest, largest_owed(flow, owed=total % size, size=size))
        total += flow.parts
    return KindFound(
        pulses=count,
        delivered_u=count * pulse / 1000,
        requested_u=round(total / HOUR_MS / 1000, 9),
        difference_u_max=round(largest / HOUR_MS / 1000, 9),
    )


def _accuracy(
    scenario: PulsesScenario, given: Sequence[Pulse], model: PumpModel, start: UtcMillis
) -> AccuracyFound | None:
    asked = scenario.accuracy
    if asked is None:
        return None
    if asked.model not in ERROR_MODELS:
        known = ", ".join(ERROR_MODELS)
        raise ScenarioError("$.accuracy.model", f"no such error model; known: {known}")
    errors = ERROR_MODELS[asked.model]
    step, most = model.bolus_steps[0].step, model.bolus_max or 25_000
    sizes = {step, floor_bolus(model, MilliUnits(most // 2)), most}
    sizes |= {floor_bolus(model, MilliUnits(round(one.units * 1000))) for one in scenario.boluses}
    totals = basal_totals(
        given,
        pulse=model.pulse,
        starts_at=start,
        model=errors,
        seed=asked.seed,
        pumps=asked.pumps,
    )
    return AccuracyFound(
        basal=tuple(_total(one) for one in totals),
        boluses=tuple(_bands(MilliUnits(size), model, errors, asked) for size in sorted(sizes)),
    )


def _total(one: Totals) -> TotalFound:
    return TotalFound(
        hours=one.hours,
        programmed_u=one.programmed / 1000,
        typical_u=one.typical,
        lowest_u=one.lowest,
        highest_u=one.highest,
    )


def _bands(
    size: MilliUnits, model: PumpModel, errors: ErrorModel, asked: AccuracyAsked
) -> BandFound:
    counts = bolus_bands(
        size, pulse=model.pulse, model=errors, seed=asked.seed, boluses=asked.pumps
    )
    return BandFound(units=size / 1000, counts=dict(zip(_BANDS, counts, strict=True)))


_BANDS = (
    f"<{BANDS_PERCENT[0]}",
    *(f"{low}-{high}" for low, high in zip(BANDS_PERCENT, BANDS_PERCENT[1:], strict=False)),
    f">{BANDS_PERCENT[-1]}",
)

PULSES: Final = Kind(
    name="pulses",
    text="the strokes of a pump for basal and boluses, exact, with tables of accuracy",
    scenario=PulsesScenario,
    result=PulsesResult,
    example="""{
  "start": "2026-11-01T00:00:00Z",
  "end": "2026-11-01T02:00:00Z",
  "pump": "omnipod_dash",
  "basal": [
    {"start": "2026-11-01T00:00:00Z", "u_per_h": 0.6},
    {"start": "2026-11-01T00:04:00Z", "u_per_h": 0.9}],
  "boluses": [
    {"start": "2026-11-01T00:30:00Z", "units": 0.5},
    {"start": "2026-11-01T00:40:00Z", "units": 1.0, "duration_min": 60}]
}""",
    run=_run,
)
"""[-] the calculation."""
