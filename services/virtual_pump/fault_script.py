"""Faults of a virtual pump by script, for tests and demonstrations; an honest pump has none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from core.models.pump_accuracy import ERROR_MODELS, ErrorModel
from core.pump.memory import PumpMemory
from core.pump.physics import PumpPhysics
from schemas.units import Milliseconds, MilliUnits
from services.runtime.platform.errors import PumpScriptBroken

Lasting = Literal["occlusion", "motor_stuck"]
Felt = Literal["air_in_line", "overheated", "reservoir_missing", "battery_depleted"]
Momentary = (
    Felt
    | Literal[
        "motor_unasked", "power_lost", "odometer_back", "memory_flipped", "watchdog", "clock_set"
    ]
)
OnTheLine = Literal[
    "lost_request", "lost_answer", "late_answer", "double_answer", "wrong_answer", "cut_answer"
]


class ScriptedFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault and when it comes."""

    fault: Lasting | Momentary | OnTheLine | Literal["self_test_failed", "battery", "error_model"]
    """[-] which."""
    from_odometer: MilliUnits = MilliUnits(0)
    """[mU] it begins, or happens, when the odometer gets there."""
    amount: MilliUnits = MilliUnits(0)
    """[mU] moved unasked, or that the odometer goes back by."""
    ahead_ms: int = 0
    """[ms] by which the pump's clock is set on, or back where it is below 0."""
    percent: int = 100
    """[%] that the battery has from then on."""
    act: str = ""
    """[-] on the line: the request it happens to, such as 'start_bolus'; empty for any."""
    times: int = 1
    """[-] on the line: so often."""
    late_ms: int = 0
    """[ms] real time by which an answer is late."""
    after_bytes: int = 0
    """[B] of the answer that come through before the line is cut."""
    model: str = ""
    """[-] of 'error_model': how far strokes stray from what is counted, as in ERROR_MODELS."""
    seed: int = 0
    """[-] of 'error_model': the same seed and strokes give the same insulin."""
    stubborn: bool = False
    """[-] it is there again after somebody has cleared it."""


FELT: frozenset[str] = frozenset(get_args(Felt))
"""[-] what a sensor of the pump notices at once, and then stops the motor."""

MOMENTARY = FELT | {
    "motor_unasked",
    "power_lost",
    "odometer_back",
    "memory_flipped",
    "watchdog",
    "clock_set",
}
"""[-] what happens at one stroke."""

FOR_GOOD = ("error_model", "clock_set")
"""[-] what nobody mends by clearing a fault."""

ON_THE_LINE: frozenset[str] = frozenset(get_args(OnTheLine))
"""[-] what happens to a request or its answer."""


class PumpScript:
    """Walks through the faults of one pump."""

    def __init__(self, faults: Sequence[ScriptedFault] = ()) -> None:
        """Begin with none of them over."""
        self._faults = list(faults)
        self._line = [one for one in faults for _ in range(one.times) if one.fault in ON_THE_LINE]

    @property
    def fails_self_test(self) -> bool:
        """Say whether the self-test finds something, until somebody has cleared it."""
        return any(one.fault == "self_test_failed" for one in self._faults)

    @property
    def error_model(self) -> tuple[ErrorModel, int] | None:
        """Give how far strokes stray, and the seed; None where nobody keeps count of the world."""
        asked = next((one for one in self._faults if one.fault == "error_model"), None)
        return None if asked is None else (ERROR_MODELS[asked.model], asked.seed)

    def world(self) -> PumpPhysics:
        """Give what is in the motor's way."""
        return PumpPhysics(
            blocked_from=self._first("occlusion"), stuck_from=self._first("motor_stuck")
        )

    def battery_percent(self, memory: PumpMemory) -> int:
        """Give what the battery has left [%]."""
        reached = [
            one.percent
            for one in self._faults
            if one.fault == "battery" and one.from_odometer <= memory.odometer
        ]
        return min(reached, default=100)

    def clock_ahead(self, memory: PumpMemory | None) -> Milliseconds:
        """Give by how much the pump's clock is ahead of the one that all others share [ms]."""
        reached = 0 if memory is None else memory.odometer
        return Milliseconds(
            sum(
                one.ahead_ms
                for one in self._faults
                if one.fault == "clock_set" and one.from_odometer <= reached
            )
        )

    def crossed(self, before: PumpMemory, after: PumpMemory) -> tuple[ScriptedFault, ...]:
        """Give the momentary faults that the odometer came past, in order."""
        return tuple(
            one
            for one in self._faults
            if one.fault in MOMENTARY and before.odometer < one.from_odometer <= after.odometer
        )

    def on_the_line(self, act: str) -> ScriptedFault | None:
        """Give what happens to a request and its answer, once for each of its times."""
        found = next((one for one in self._line if one.act in ("", act)), None)
        if found is not None:
            self._line.remove(found)
        return found

    def cleared(self, memory: PumpMemory) -> None:
        """Somebody has mended what had begun, unless it is stubborn."""
        self._faults = [
            one
            for one in self._faults
            if one.stubborn or one.fault in FOR_GOOD or one.from_odometer > memory.odometer
        ]

    def _first(self, fault: Lasting) -> MilliUnits | None:
        begins = [one.from_odometer for one in self._faults if one.fault == fault]
        return min(begins, default=None)


def read_pump_script(path: Path) -> PumpScript:
    """Read a script: a JSON list of faults.

    Raises:
        PumpScriptBroken: there is none, or it says something else.
    """
    try:
        faults = msgspec.json.decode(path.read_bytes(), type=list[ScriptedFault])
    except (OSError, msgspec.DecodeError) as error:
        raise PumpScriptBroken(str(path), str(error)) from error
    models = [one for one in faults if one.fault == "error_model"]
    if any(one.model not in ERROR_MODELS for one in models):
        raise PumpScriptBroken(str(path), f"error models known: {', '.join(ERROR_MODELS)}")
    if len(models) > 1 or any(one.from_odometer for one in models):
        raise PumpScriptBroken(str(path), "one error model at most, from the first stroke on")
    return PumpScript(faults)
