"""The pump as a pure machine: registers and an instant in, new registers and history out.

Time goes first: every command below expects registers that `run_until` brought to `now`.
"""

import msgspec

from core.models.pulses import Parts, due, next_due, rate_at, stretches
from core.pump.basal_maximum import highest_rate
from core.pump.checks import bolus_fault, is_id, is_plan
from core.pump.memory import BolusInMotion, PumpMemory, PumpRefusal, PumpStep
from core.pump.physics import HEALTHY, PumpPhysics, Reach, backlog_after, reach, trip
from core.pump.pulse_instants import bolus_instants, extended_instants
from core.pump.step import SLOTS, PumpDraft, Slot
from core.pump.suspension import end_of_pause
from schemas.delivery.device import PULSE_MU, PumpPlan, PumpStatus, RunningBolus, digest_of
from schemas.units import (
    DAY_MS,
    DoseId,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)

AT_ONCE = Milliseconds(0)
"""[ms] the duration of a normal bolus."""

FILL_MU_MAX = MilliUnits(300_000)
"""[mU] the largest reservoir."""

PLAN_LEAD_MS_MAX = Milliseconds(300_000)
"""[ms] a plan that begins later than this is refused; until it begins its first rate holds."""

BARRED_MAX = 100
"""[-] doses remembered that were stopped before they came, so that a late start stays out; R42."""

CLAIMED_BY_CHARS_MAX = 64
"""[-] kept of the name of who claims."""

BASAL, EXTENDED, NORMAL = -1, 0, 1
"""[-] strokes in order of precedence, those of a bolus by the number of their slot."""

NEXT_DUE_MS_MAX = DAY_MS
"""[ms] how far ahead the next pulse is looked for."""


def power_on(memory: PumpMemory | None, *, now: UtcMillis, fill: MilliUnits | None) -> PumpStep:
    """Start the pump: time without power is not made up, a bolus that ran has ended (R45, R47).

    Args:
        memory: the registers found; None for a pump that has never been on.
        now: [ms] the pump's clock; earlier than the registers is taken as their instant.
        fill: [mU] 1 to 300000, reservoir of a pump that has never been on; None for none.
    """
    first = memory is None
    known = PumpMemory(basal_at=now, on_at=now) if memory is None else memory
    now = UtcMillis(max(now, known.on_at))
    draft = PumpDraft(known)
    draft.write(kind="powered", starts_at=known.on_at, ends_at=now)
    draft.end_all(at=known.on_at, how="power_lost")
    draft.change(on_at=now, basal_at=now)
    if first and fill is not None:
        draft.fill(amount=fill, now=now)
    return draft.step()


def run_until(memory: PumpMemory, *, now: UtcMillis, world: PumpPhysics = HEALTHY) -> PumpStep:
    """Deliver what falls due after the registers' instant, up to `now` and including it.

    Whole pulses in order of time; at the same instant basal first, then the extended bolus. A
    pulse that the reservoir does not hold is dropped: a bolus ends there, basal is not made up. An
    earlier `now` does nothing.

    Args:
        memory: the registers.
        now: [ms] the pump's clock.
        world: what is in the motor's way.

    Returns:
        One record for the basal pulses and one for those of each bolus, then its end if it ended.
    """
    if now < memory.on_at:
        return PumpStep(memory=memory)
    ended = end_of_pause(memory, now=now)
    if ended is not None:
        after = run_until(ended.memory, now=now, world=world)
        return PumpStep(memory=after.memory, records=(*ended.records, *after.records))
    plan = _flowing(memory)
    basal = due(memory.owed, over=stretches(plan, starts_at=memory.on_at, ends_at=now))
    extended = extended_instants(memory.extended, until=now)
    others = sorted([*((at, BASAL) for at in basal.instants), *((at, EXTENDED) for at in extended)])
    bolus, held_up = bolus_instants(memory.bolus, [at for at, _ in others], until=now)
    pulses = sorted([*others, *((at, NORMAL) for at in bolus)])
    draft = PumpDraft(memory)
    far, held = reach(memory, world), (memory.reservoir or 0) // PULSE_MU
    is_tripped = far is not None and far.strokes < min(held, len(pulses))
    if far is not None and is_tripped:
        return _trip(memory, pulses[: far.strokes + 1], far, now=now, world=world)
    given, dry = pulses[:held], pulses[held:]
    draft.change(owed=basal.owed, on_at=now)
    draft.move_basal([at for at, kind in given if kind == BASAL])
    for number, slot in enumerate(SLOTS):
        draft.move_bolus([at for at, kind in given if kind == number], slot=slot)
        dry_at = next((at for at, kind in dry if kind == number), None)
        if dry_at is not None:
            draft.end_bolus(at=dry_at, how="reservoir_empty", slot=slot)
    if draft.memory.bolus is not None:
        draft.change(bolus=msgspec.structs.replace(draft.memory.bolus, held_up=held_up))
    draft.change(backlog=backlog_after(memory, world, odometer=draft.memory.odometer))
    return draft.step()


def _trip(
    memory: PumpMemory,
    pulses: list[tuple[UtcMillis, int]],
    far: Reach,
    *,
    now: UtcMillis,
    world: PumpPhysics,
) -> PumpStep:
    """Move what the world lets the motor move, and stop at the stroke after it; time goes on."""
    at = pulses[-1][0]
    draft = PumpDraft(memory)
    draft.change(on_at=at)
    moved = pulses[:-1]
    draft.move_basal([due_at for due_at, kind in moved if kind == BASAL])
    for number, slot in enumerate(SLOTS):
        draft.move_bolus([due_at for due_at, kind in moved if kind == number], slot=slot)
    draft.change(
        owed=Parts(0), backlog=backlog_after(memory, world, odometer=draft.memory.odometer)
    )
    tripped = trip(draft.memory, fault=far.cause, now=at)
    after = run_until(tripped.memory, now=now)
    return PumpStep(memory=after.memory, records=(*draft.records, *tripped.records, *after.records))


def claim(memory: PumpMemory, *, by: str = "") -> PumpStep:
    """Raise the epoch by one: whoever claimed drives the pump, nobody before it (R43).

    Args:
        memory: the registers.
        by: [-] who claims, 64 characters at most count; so the answer may be lost.
    """
    claimed_by = by[:CLAIMED_BY_CHARS_MAX]
    return PumpStep(
        memory=msgspec.structs.replace(memory, epoch=memory.epoch + 1, claimed_by=claimed_by)
    )


def start_bolus(
    memory: PumpMemory,
    *,
    dose: DoseId,
    amount: MilliUnits,
    duration: Milliseconds = AT_ONCE,
    executed: bool,
    now: UtcMillis,
    world: PumpPhysics = HEALTHY,
) -> PumpStep | PumpRefusal:
    """Start a bolus, a normal one with its first pulse at once, unless something is against it.

    Args:
        memory: the registers at `now`.
        dose: [-] 1 to 200 characters.
        amount: [mU] whole pulses, 50 to 25000.
        duration: [ms] 10 min to 24 h over which it is spread; 0 for a normal bolus.
        executed: [-] whether the history has this dose (R34).
        now: [ms] the pump's clock.
        world: what is in the motor's way, at the first pulse as at any other.
    """
    bolus = BolusInMotion(dose=dose, requested=amount, started_at=now, duration=duration)
    refusal = bolus_fault(memory, bolus, executed=executed)
    if refusal is not None:
        return refusal
    draft = PumpDraft(memory)
    slot = _slot(bolus)
    detail = "extended" if duration else ""
    draft.write(
        kind="bolus_started", starts_at=now, ends_at=now, amount=amount, dose=dose, detail=detail
    )
    draft.change(**{slot: bolus})
    first = run_until(draft.memory, now=now, world=world)
    return PumpStep(memory=first.memory, records=(*draft.records, *first.records))


def stop_bolus(
    memory: PumpMemory, *, dose: DoseId, executed: bool, now: UtcMillis
) -> PumpStep | PumpRefusal:
    """Stop the bolus if it runs; bar it if it never came, so that a late start stays out.

    Args:
        memory: the registers at `now`.
        dose: [-] 1 to 200 characters.
        executed: [-] whether the history has this dose.
        now: [ms] the pump's clock.
    """
    if not is_id(dose):
        return PumpRefusal(reason="broken_id")
    draft = PumpDraft(memory)
    runs = [one for one in memory.running if one.dose == dose]
    if runs:
        draft.end_bolus(at=now, how="stopped", slot=_slot(runs[0]))
    elif not executed and dose not in memory.barred:
        draft.change(barred=(*memory.barred, dose)[-BARRED_MAX:])
    return draft.step()


def load_plan(memory: PumpMemory, *, plan: PumpPlan, now: UtcMillis) -> PumpStep | PumpRefusal:
    """Replace the basal plan; what is owed is carried over, the very same plan changes nothing.

    A name alone proves no plan: another one under a name that is known replaces it, and is written.
    """
    if memory.plan == plan:
        return PumpStep(memory=memory)
    if not is_id(plan.plan):
        return PumpRefusal(reason="broken_id")
    if not is_plan(plan):
        return PumpRefusal(reason="broken_plan")
    if plan.steps[0].at > now + PLAN_LEAD_MS_MAX:
        return PumpRefusal(reason="plan_not_begun")
    if highest_rate(plan, now=now) > memory.basal_max:
        return PumpRefusal(reason="above_maximum")
    draft = PumpDraft(memory)
    digest = digest_of(plan)
    draft.write(kind="plan_loaded", starts_at=now, ends_at=now, detail=plan.plan, digest=digest)
    draft.change(plan=plan, plan_digest=digest)
    return draft.step()


def fill(memory: PumpMemory, *, amount: MilliUnits, now: UtcMillis) -> PumpStep | PumpRefusal:
    """Take a new reservoir that holds `amount` [mU, 1 to 300000]; not while a bolus runs."""
    if not 1 <= amount <= FILL_MU_MAX:
        return PumpRefusal(reason="out_of_range")
    if memory.running:
        return PumpRefusal(reason="bolus_running")
    draft = PumpDraft(memory)
    draft.fill(amount=amount, now=now)
    return draft.step()


def status(memory: PumpMemory, *, now: UtcMillis) -> PumpStatus:
    """Show the registers at `now` [ms]; the basal rate is 0 while nothing can flow."""
    plan, dry = memory.plan, (memory.reservoir or 0) < PULSE_MU
    idle = _flowing(memory) is None or dry
    runs_out = plan is not None and now >= plan.ends_at - DAY_MS
    return PumpStatus(
        at=now,
        odometer=memory.odometer,
        history_sequence=memory.sequence,
        epoch=memory.epoch,
        claimed_by=memory.claimed_by,
        reservoir=memory.reservoir or MilliUnits(0),
        suspended=memory.suspended,
        resume_at=memory.resume_at,
        basal_rate=MilliUnitsPerHour(0) if plan is None or idle else rate_at(plan, at=now),
        plan=None if plan is None else plan.plan,
        plan_ends_at=None if plan is None else plan.ends_at,
        plan_digest=memory.plan_digest,
        basal_max=memory.basal_max,
        order_numbers=memory.order_numbers,
        trusted=memory.trusted,
        fault=memory.fault,
        orders_refused=memory.orders_refused,
        order_refused=memory.order_refused,
        primed=memory.primed,
        filled=memory.filled,
        filled_at=memory.filled_at,
        bolus=_shown(memory.bolus),
        extended=_shown(memory.extended),
        alarms=("plan_runs_out",) * runs_out + ("reservoir_empty",) * dry,
    )


def next_pulse_at(memory: PumpMemory) -> UtcMillis | None:
    """Find the instant [ms] of the next pulse within 24 h or of a resumption, None without one."""
    ends_at = UtcMillis(memory.on_at + NEXT_DUE_MS_MAX)
    plan = _flowing(memory)
    basal = next_due(memory.owed, over=stretches(plan, starts_at=memory.on_at, ends_at=ends_at))
    resumed = memory.resume_at if memory.suspended else None
    dues = [basal, resumed, *(one.pulse_at(one.delivered // PULSE_MU) for one in memory.running)]
    return min((at for at in dues if at is not None), default=None)


def _flowing(memory: PumpMemory) -> PumpPlan | None:
    """Give the plan if basal may flow by it."""
    return None if memory.suspended or memory.fault is not None else memory.plan


def _shown(bolus: BolusInMotion | None) -> RunningBolus | None:
    if bolus is None:
        return None
    return RunningBolus(dose=bolus.dose, requested=bolus.requested, delivered=bolus.delivered)


def _slot(bolus: BolusInMotion) -> Slot:
    return "extended" if bolus.duration else "bolus"
