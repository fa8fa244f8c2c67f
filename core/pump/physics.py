"""What happens to a pump that no firmware decides: a blocked line, a motor stuck or running.

A script of faults belongs to a test or a demonstration; the machine meets it stroke by stroke and
must end in the safe state, with every stroke that moved insulin on record.
"""

from typing import Final

import msgspec

from core.pump.memory import PumpFaultName, PumpMemory, PumpRefusal, PumpStep
from core.pump.step import PumpDraft
from schemas.delivery.device import PULSE_MU
from schemas.units import MilliUnits, UtcMillis

OCCLUSION_MU_MAX = MilliUnits(3_000)
"""[mU] pressed into a blocked line before the pressure is noticed; source: R72, MMT-511, 3 U."""

PRIME_MU_MAX = MilliUnits(30_000)
"""[mU] largest prime at once; project's own choice, three times the longest tube."""


class PumpPhysics(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions outside the firmware; an odometer [mU] names the stroke at which each begins."""

    blocked_from: MilliUnits | None = None
    """[mU] odometer from which on the line to the body is blocked; none while it is open."""
    stuck_from: MilliUnits | None = None
    """[mU] odometer from which on the motor does not turn; none while it does."""


HEALTHY: Final = PumpPhysics()
"""[-] nothing is wrong."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How many strokes the world lets the motor make, and what stops the next one."""

    strokes: int
    """[-] 0 or more."""
    cause: PumpFaultName
    """[-] of the one after them."""


def reach(memory: PumpMemory, world: PumpPhysics) -> Reach | None:
    """Find how far the motor gets; None where nothing is in its way."""
    found: list[Reach] = []
    if world.stuck_from is not None:
        found.append(Reach(strokes=_until(memory, world.stuck_from), cause="motor_stuck"))
    if world.blocked_from is not None:
        room = max(0, OCCLUSION_MU_MAX - memory.backlog) // PULSE_MU
        strokes = _until(memory, world.blocked_from) + room
        found.append(Reach(strokes=strokes, cause="occlusion"))
    return min(found, key=lambda one: one.strokes, default=None)


def backlog_after(memory: PumpMemory, world: PumpPhysics, *, odometer: MilliUnits) -> MilliUnits:
    """Give what is pressed into a blocked line [mU] when the odometer has come so far."""
    if world.blocked_from is None:
        return memory.backlog
    pressed = odometer - max(memory.odometer, world.blocked_from)
    return MilliUnits(memory.backlog + max(0, pressed))


def trip(memory: PumpMemory, *, fault: PumpFaultName, now: UtcMillis) -> PumpStep:
    """Stop the motor until somebody clears it (R48, R66); what ran ends with what it has given."""
    draft = PumpDraft(memory)
    if memory.fault is None:
        draft.end_all(at=now, how="occlusion" if fault == "occlusion" else "fault")
        draft.write(kind="fault", starts_at=now, ends_at=now, detail=fault)
        draft.change(fault=fault)
    return draft.step()


def run_unasked(
    memory: PumpMemory, *, strokes: int, now: UtcMillis, world: PumpPhysics = HEALTHY
) -> PumpStep:
    """Let the motor turn without a command: the encoder counts it, the motor is cut off (R83)."""
    held = (memory.reservoir or 0) // PULSE_MU
    far = reach(memory, world)
    draft = PumpDraft(memory)
    made = min(strokes, held) if far is None else min(strokes, held, far.strokes)
    draft.move_plain(made, kind="unasked", at=now)
    draft.change(backlog=backlog_after(memory, world, odometer=draft.memory.odometer))
    tripped = trip(draft.memory, fault="motor_unasked", now=now)
    return PumpStep(memory=tripped.memory, records=(*draft.records, *tripped.records))


def clear(memory: PumpMemory, *, now: UtcMillis) -> PumpStep:
    """Let the motor turn again; what was pressed into the line is released, as counted (R73)."""
    draft = PumpDraft(memory)
    if memory.fault is not None:
        if memory.backlog:
            draft.write(kind="released", starts_at=now, ends_at=now, amount=memory.backlog)
        draft.write(kind="fault_cleared", starts_at=now, ends_at=now, detail=memory.fault)
        draft.change(fault=None, backlog=MilliUnits(0), basal_at=now)
    return draft.step()


def prime(
    memory: PumpMemory,
    *,
    amount: MilliUnits,
    what: str,
    now: UtcMillis,
    world: PumpPhysics = HEALTHY,
) -> PumpStep | PumpRefusal:
    """Fill tube or cannula: it leaves the reservoir and never enters insulin on board.

    Strokes that the motor cannot make are not on record: the pump stops at the first of them.

    Args:
        memory: the registers at `now`.
        amount: [mU] whole pulses, 50 to PRIME_MU_MAX.
        what: [-] 'tube' or 'cannula'.
        now: [ms] the pump's clock.
        world: what is in the motor's way.
    """
    if not PULSE_MU <= amount <= PRIME_MU_MAX or amount % PULSE_MU:
        return PumpRefusal(reason="out_of_range")
    if memory.fault is not None:
        return PumpRefusal(reason="fault")
    if not memory.suspended:
        return PumpRefusal(reason="not_suspended")
    if memory.reservoir is None or memory.reservoir < amount:
        return PumpRefusal(reason="reservoir_low")
    asked, far = amount // PULSE_MU, reach(memory, world)
    made = asked if far is None else min(asked, far.strokes)
    draft = PumpDraft(memory)
    draft.move_plain(made, kind="primed", at=now, detail=what)
    draft.change(
        primed=MilliUnits(memory.primed + made * PULSE_MU),
        backlog=backlog_after(memory, world, odometer=draft.memory.odometer),
    )
    if far is None or made == asked:
        return draft.step()
    tripped = trip(draft.memory, fault=far.cause, now=now)
    return PumpStep(memory=tripped.memory, records=(*draft.records, *tripped.records))


def is_balanced(memory: PumpMemory) -> bool:
    """Say whether fill = what the motor moved since + what is left, to the milliunit."""
    if memory.reservoir is None or not memory.filled:
        return True  # never filled, or by a release that did not write it down
    return memory.filled == memory.odometer - memory.filled_at + memory.reservoir


def _until(memory: PumpMemory, odometer: MilliUnits) -> int:
    return max(0, odometer - memory.odometer) // PULSE_MU
