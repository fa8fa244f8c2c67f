"""The pump stands: until somebody resumes, or by its own clock to the end that a person set."""

from core.pump.memory import PumpMemory, PumpStep
from core.pump.step import PumpDraft
from schemas.units import UtcMillis

TIME_OVER = "time_over"
"""[-] detail of the record of a pump that resumed by itself."""


def suspend(memory: PumpMemory, *, now: UtcMillis, until: UtcMillis | None = None) -> PumpStep:
    """Stop all insulin, a running bolus included; of two suspensions the later says the end.

    Args:
        memory: the registers at `now`.
        now: [ms] the pump's clock.
        until: [ms] when basal flows again, whoever is left to say so (R54); None for never.
    """
    draft = PumpDraft(memory)
    if not memory.suspended:
        draft.end_all(at=now, how="suspended")
        draft.write(kind="suspended", starts_at=now, ends_at=now)
        draft.change(suspended=True)
    draft.change(resume_at=until)
    return draft.step()


def resume(memory: PumpMemory, *, now: UtcMillis, detail: str = "") -> PumpStep:
    """Deliver basal by the plan again from `now` [ms]; the time suspended is not made up."""
    draft = PumpDraft(memory)
    if memory.suspended:
        draft.write(kind="resumed", starts_at=now, ends_at=now, detail=detail)
        draft.change(suspended=False, basal_at=now, resume_at=None)
    return draft.step()


def end_of_pause(memory: PumpMemory, *, now: UtcMillis) -> PumpStep | None:
    """End a suspension whose time is over by `now` [ms]; None while it goes on."""
    due = memory.resume_at
    if not memory.suspended or due is None or due > now:
        return None
    at = UtcMillis(max(due, memory.on_at))  # it fell into a time without power: not made up
    ended = resume(memory, now=at, detail=TIME_OVER)
    draft = PumpDraft(ended.memory)
    draft.change(on_at=at)
    return PumpStep(memory=draft.memory, records=ended.records)
