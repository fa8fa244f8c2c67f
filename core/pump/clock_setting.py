"""A pump whose clock is set: strokes go on by elapsed time, none is skipped or repeated (R85)."""

from typing import Final

import msgspec

from core.pump.memory import BolusInMotion, PumpMemory, PumpStep
from core.pump.step import PumpDraft
from schemas.units import Milliseconds, UtcMillis

_INSTANTS: Final = ("on_at", "basal_at", "refused_since", "resume_at")
"""[-] registers that are instants of the pump's clock."""


def set_clock(memory: PumpMemory, *, by: Milliseconds) -> PumpStep:
    """Set the clock on, or back where `by` [ms] is below 0; the change stands in the history.

    Every instant that the pump remembers moves along. The basal plan does not: its steps are times
    of day, and hold by the new clock.
    """
    draft = PumpDraft(memory)
    draft.write(
        kind="clock_set", starts_at=memory.on_at, ends_at=UtcMillis(max(0, memory.on_at + by))
    )
    known = {name: getattr(memory, name) for name in _INSTANTS}
    moved = {name: max(0, at + by) for name, at in known.items() if at is not None}
    draft.change(
        **moved, bolus=_moved(memory.bolus, by=by), extended=_moved(memory.extended, by=by)
    )
    return draft.step()


def _moved(bolus: BolusInMotion | None, *, by: Milliseconds) -> BolusInMotion | None:
    if bolus is None:
        return None
    return msgspec.structs.replace(bolus, started_at=UtcMillis(bolus.started_at + by))
