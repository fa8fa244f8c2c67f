"""The pump's clock against this service's: read at each look, corrected by, never trusted (R87).

What the pump tells of its past bears its own times, and a plan or the end of a suspension is
followed by them. So its times are taken off by the difference that was read, and what is sent to it
is put on by the same. No record of it lies in the future, whatever it says.
"""

from typing import Final

import msgspec

from core.deciders.delivery.events.pending import DeliveryEvents
from core.deciders.delivery.state import DeliveryState
from core.kernel.alarms import Condition, clear_alarm, raise_alarm
from schemas.delivery.device import PumpRecord, PumpStatus
from schemas.delivery.pump import PumpChallenged, PumpClockRead
from schemas.message import Now
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, UtcMillis

CLOCK_MS_MAX: Final = Milliseconds(MINUTE_MS)
"""[ms] by which the pump's clock may differ from what is known of it; project's own choice."""

POLL_REAL_MS_MAX: Final = Milliseconds(1_000)
"""[ms] of real time in which an answer of the pump tells its clock; later ones are not used."""

DRIFT_REAL_MS_MAX: Final = Milliseconds(5_000)
"""[ms] by which the pump's own count may run away from what orders are made out for: they hold 30 s
and at least 5 s of real time."""

CLOCK_WRONG: Final = Condition(
    "pump_clock_wrong",
    "reversible",
    "delayed",
    "as_before",
    "operator",
    "The pump's clock is wrong by a minute or more; its times are corrected. Set it.",
)


def measured_ahead(state: DeliveryState, status: PumpStatus, read_at: Now | None) -> Milliseconds:
    """Give by how much the pump's clock is ahead [ms]; what is known where it is about the same."""
    if read_at is None:
        return state.pump_ahead
    ahead = status.at - read_at.therapy
    allowed = CLOCK_MS_MAX + POLL_REAL_MS_MAX * read_at.speed
    return state.pump_ahead if abs(ahead - state.pump_ahead) <= allowed else Milliseconds(ahead)


def has_drifted(state: DeliveryState, status: PumpStatus, read_at: Now | None) -> bool:
    """Say whether the pump's clock, or its count since the challenge, is not where it should be."""
    if read_at is None:
        return False
    known = state.challenged
    if known is not None and known.challenge == status.challenge:
        ran = status.uptime - known.uptime
        if abs(ran - (read_at.real - known.real)) > DRIFT_REAL_MS_MAX:
            return True
    return measured_ahead(state, status, read_at) != state.pump_ahead


def add_ahead(pending: DeliveryEvents, ahead: Milliseconds) -> None:
    """Tell that the pump's clock is by so much ahead, if that is news, and alarm while it is."""
    if ahead == pending.state.pump_ahead:
        return
    pending.add(PumpClockRead(ahead=ahead))
    alarms = pending.state.common.alarms
    is_wrong = abs(ahead) > CLOCK_MS_MAX
    pending.add(
        *(raise_alarm(alarms, CLOCK_WRONG) if is_wrong else clear_alarm(alarms, CLOCK_WRONG.alarm))
    )


def add_clock(
    pending: DeliveryEvents, status: PumpStatus, fresh: tuple[PumpRecord, ...], read_at: Now | None
) -> None:
    """Before new records are accounted: tell what of the difference they do not explain.

    Where the pump has written down that its clock was set, the records before it bear the old time.
    """
    explained = sum(one.ends_at - one.starts_at for one in fresh if one.kind == "clock_set")
    state = pending.state
    expected = msgspec.structs.replace(state, pump_ahead=Milliseconds(state.pump_ahead + explained))
    unexplained = measured_ahead(expected, status, read_at) - expected.pump_ahead
    add_ahead(pending, Milliseconds(state.pump_ahead + unexplained))


def by_our_clock(pending: DeliveryEvents, record: PumpRecord) -> PumpRecord:
    """Give a record with the times that this service's clock had then; none lies in the future."""
    now, ahead = pending.now.therapy, pending.state.pump_ahead
    return msgspec.structs.replace(
        record,
        starts_at=UtcMillis(min(now, record.starts_at - ahead)),
        ends_at=UtcMillis(min(now, record.ends_at - ahead)),
    )


def add_session(pending: DeliveryEvents, status: PumpStatus, read_at: Now | None) -> None:
    """Tell what orders must bear: when the pump drew anew, each hour, and when its count drifts."""
    known, real = pending.state.challenged, (read_at or pending.now).real
    is_old = known is None or known.challenge != status.challenge
    is_due = real - (known.real if known else 0) >= HOUR_MS
    if status.challenge and (is_old or is_due or has_drifted(pending.state, status, read_at)):
        uptime = status.uptime
        pending.add(PumpChallenged(challenge=status.challenge, uptime=uptime, real=real))
