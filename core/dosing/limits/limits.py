"""Hard limits on boluses: how much more may be given now, and which limit says so.

Every window that holds the dose is looked at, those that reach into the future too (R4): what was
given, what may have been given, and the programmed basal that is still to come, which no limit
stops. All of it is computed by two implementations; where they differ nothing is given (R20).
"""

from collections.abc import Iterator, Sequence
from typing import Final, get_args

import msgspec

from core.dosing.limits.caps_shapes import Asked, Flow, WindowCap
from core.dosing.limits.caps_twice import rooms_twice
from core.kernel.alarms import Condition
from core.models.calendar_days import days_through
from core.models.insulin.on_board import Delivered
from core.models.pump_models import PUMP_MODELS
from schemas.delivery.delivery import DeliveryLimitsSet, SetDeliveryLimits
from schemas.delivery.device import PULSE_MU
from schemas.limit_names import LimitName
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, MgDl, Milliseconds, MilliUnits, UtcMillis

SINGLE_MU_MAX = MilliUnits(25_000)
"""[mU] largest bolus that anybody may set; source: Tandem, 25 U."""

BASAL_MU_PER_H_MAX = 30_000
"""[mU/h] largest basal rate that anybody may set; source: Omnipod, 30 U/h."""

HOURLY_MU_MAX = MilliUnits(75_000)
"""[mU] largest hourly limit; project's own choice, three of the largest boluses."""

DAILY_MU_MAX = MilliUnits(500_000)
"""[mU] largest daily limit; project's own choice, above any insulin resistance."""

FOUR_HOURS_MS = Milliseconds(4 * HOUR_MS)
"""[ms] window of the optional limit for a meal and its corrections."""

MERGED_MS = Milliseconds(10 * MINUTE_MS)
"""[ms] of deliveries taken together, as of the last of them: parts count in full, never less."""

LOCKOUT_MS_MAX = Milliseconds(4 * HOUR_MS)
"""[ms] longest wait between two boluses that anybody may set; project's own choice."""

SAFE_MINIMUM_MG_DL = MgDl(70)
"""[mg/dL] below it no insulin is advised, unless a person sets another; source: Omnipod 5."""

SAFE_MINIMUM_MG_DL_MIN, SAFE_MINIMUM_MG_DL_MAX = 50, 100
"""[mg/dL] what a person may set; source: Omnipod's 50 to 70, and project's own choice above."""


LIMITS: Final[dict[str, LimitName]] = {name: name for name in get_args(LimitName)}
"""[-] names of limits, as events spell them."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was given, and what may have been given, so far."""

    boluses: tuple[Delivered, ...] = ()
    """[-] boluses of the last 24 h at least, unknown ones in full, any order."""
    basal: tuple[Delivered, ...] = ()
    """[-] basal of the last 24 h at least, any order."""
    ahead: tuple[Flow, ...] = ()
    """[-] programmed basal that no record accounts for yet, as far as any window reaches."""
    on_board: MilliUnits = MilliUnits(0)
    """[mU] the most bolus insulin that can be on board."""
    midnights: tuple[UtcMillis, ...] = ()
    """[ms] by the profile's clock, sorted; empty while nobody knows it."""


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """The most that may be given now, and the limit that says so."""

    limit: LimitName
    """[-] which limit."""
    amount: MilliUnits
    """[mU] 0 or more."""


LIMITS_DIFFER: Final = Condition(
    "limits_disagree",
    "irreversible",
    "prompt",
    "programmed_basal",
    "operator",
    "Two computations of a limit differ; no bolus is advised or ordered.",
)


def limits_problem(limits: SetDeliveryLimits) -> str | None:
    """Name the first limit that is out of range, None when all are well."""
    if not PULSE_MU <= limits.single <= SINGLE_MU_MAX:
        return "single"
    if not limits.single <= limits.hourly <= HOURLY_MU_MAX:
        return "hourly"
    if not limits.hourly <= limits.daily <= DAILY_MU_MAX:
        return "daily"
    if limits.four_hours is not None and not limits.hourly <= limits.four_hours <= limits.daily:
        return "four_hours"
    if not PULSE_MU <= limits.basal <= BASAL_MU_PER_H_MAX:
        return "basal"
    if limits.soft is not None and not PULSE_MU <= limits.soft <= limits.single:
        return "soft"
    if limits.calendar_day is not None and not limits.hourly <= limits.calendar_day <= DAILY_MU_MAX:
        return "calendar_day"
    if limits.on_board is not None and not PULSE_MU <= limits.on_board <= DAILY_MU_MAX:
        return "on_board"
    for wait in msgspec.structs.astuple(limits.lockout):
        if not 0 <= wait <= LOCKOUT_MS_MAX:
            return "lockout"
    if limits.pump_model not in PUMP_MODELS:
        return "pump_model"
    return None


def headrooms(
    limits: DeliveryLimitsSet,
    given: Given,
    *,
    at: UtcMillis,
    lasting: int = 0,
    is_running: bool = False,
) -> tuple[Headroom, ...]:
    """Give what each limit still allows at an instant, those that are not set left out.

    Computed twice; where the two differ by a milliunit, 'limits_disagree' comes first and allows
    nothing.

    Args:
        limits: in force.
        given: what was given and what flows by itself.
        at: [ms] now.
        lasting: [ms] over which the dose is spread; it must fit in at once and spread.
        is_running: the rest of a dose that flows: spread is enough.
    """
    flows = (*settled(given, at=at, merged=MERGED_MS), *given.ahead)
    found: dict[LimitName, MilliUnits] = {}
    agreed = True
    lengths = (lasting,) if is_running else (1, lasting) if lasting else (1,)
    for length in lengths:
        ends_at = UtcMillis(at + length)
        asked = Asked(
            starts_at=at,
            ends_at=ends_at,
            flows=flows,
            windows=windows_of(limits, given.midnights, start=at, end=ends_at),
            ceilings=_ceilings(limits, given, at=at, length=length, is_running=is_running),
        )
        rooms, agree = rooms_twice(asked)
        agreed = agreed and agree
        for room in rooms:
            name = LIMITS[room.name]
            found[name] = min(room.left, found.get(name, room.left))
    left = tuple(Headroom(limit=name, amount=amount) for name, amount in found.items())
    if agreed:
        return left
    return (Headroom(limit="limits_disagree", amount=MilliUnits(0)), *left)


def _ceilings(
    limits: DeliveryLimitsSet, given: Given, *, at: UtcMillis, length: int, is_running: bool
) -> tuple[tuple[str, MilliUnits, MilliUnits], ...]:
    """Give the caps without a window: name, most, and what is used of it [mU].

    The limit for one bolus was asked for the whole of it: it says nothing about the rest of one.
    """
    found: list[tuple[str, MilliUnits, MilliUnits]] = []
    if not is_running:
        found.append(("single_limit", limits.single, MilliUnits(0)))
    if limits.on_board is not None:
        found.append(("on_board_limit", limits.on_board, given.on_board))
    speed = PUMP_MODELS[limits.pump_model].bolus_mu_per_min
    if speed is not None and length > 1:
        # Bolus and basal together are no faster than the motor; a bolus of a moment waits for it.
        beside = sum(
            -(-flow.amount * length // (flow.ends_at - flow.starts_at))
            for flow in given.ahead
            if flow.starts_at <= at < flow.ends_at
        )
        most = MilliUnits(speed * length // MINUTE_MS)
        found.append(("combined_limit", most, MilliUnits(beside)))
    return tuple(found)


def windows_of(
    limits: DeliveryLimitsSet,
    midnights: Sequence[UtcMillis],
    *,
    start: UtcMillis,
    end: UtcMillis,
    boluses: bool = True,
) -> tuple[WindowCap, ...]:
    """Give the caps on windows.

    Args:
        limits: in force.
        midnights: [ms] by a clock on the wall, sorted; while nobody knows them the limit for a
            calendar day holds in any 24 h.
        start: [ms] first instant of what is asked for.
        end: [ms] first instant after it.
        boluses: a bolus is asked for; the limit on boluses alone says nothing about a rate.
    """
    days = days_through(midnights, start=start, end=end)
    pairs: list[tuple[LimitName, MilliUnits | None, int]] = [
        ("hourly_limit", limits.hourly if boluses else None, HOUR_MS),
        ("daily_limit", limits.daily, DAY_MS),
        ("four_hour_limit", limits.four_hours, FOUR_HOURS_MS),
    ]
    sliding = tuple(
        WindowCap(
            name=name,
            most=most,
            length=Milliseconds(length),
            counts_basal=name != "hourly_limit",
        )
        for name, most, length in pairs
        if most is not None
    )
    if limits.calendar_day is None:
        return sliding
    calendar_day = WindowCap(
        name="calendar_day_limit",
        most=limits.calendar_day,
        length=None if days else Milliseconds(DAY_MS),
        standing=days,
        counts_basal=True,
    )
    return (*sliding, calendar_day)


def settled(given: Given, *, at: UtcMillis, merged: Milliseconds) -> Iterator[Flow]:
    """Give what was given as moments, each as late as the last delivery in it.

    A delivery that a window holds a part of counts in full, so that no window holds less than was
    given in it; what claims a later time than now counts as of now.
    """
    for doses, is_basal in ((given.boluses, False), (given.basal, True)):
        moments: dict[int, tuple[UtcMillis, int]] = {}
        for dose in doses:
            ended = min(dose.ends_at, at)
            slot = -(-ended // merged)
            latest, amount = moments.get(slot, (ended, 0))
            moments[slot] = (max(latest, ended), amount + dose.amount)
        for ended, amount in moments.values():
            yield Flow(
                starts_at=ended,
                ends_at=UtcMillis(ended + 1),
                amount=MilliUnits(amount),
                is_basal=is_basal,
            )


WHOLE: Final[frozenset[LimitName]] = frozenset({"single_limit", "combined_limit"})
"""[-] limits that ask for a bolus and look at nothing that was given before it."""


WITH_BASAL: Final[frozenset[LimitName]] = frozenset(
    {"four_hour_limit", "daily_limit", "calendar_day_limit"}
)
"""[-] limits that count basal as well."""


def breach(
    amount: MilliUnits,
    limits: DeliveryLimitsSet,
    given: Given,
    *,
    at: UtcMillis,
    lasting: int = 0,
    whole: MilliUnits | None = None,
) -> Headroom | None:
    """Name the first limit that an amount would break, with what all of them together allow.

    Args:
        amount: [mU] what is asked for beside all that is given.
        limits: in force.
        given: what was given and what flows by itself.
        at: [ms] now.
        lasting: [ms] over which the dose is spread; 0 for none.
        whole: [mU] of the bolus that it is a half of, whose other half counts as given.
    """
    rooms = headrooms(limits, given, at=at, lasting=lasting)
    most = max(amount, whole or 0)
    broken = next(
        (room for room in rooms if (most if room.limit in WHOLE else amount) > room.amount), None
    )
    if broken is None:
        return None
    return Headroom(limit=broken.limit, amount=min(room.amount for room in rooms))


def used_up_by_basal(
    amount: MilliUnits,
    limits: DeliveryLimitsSet,
    given: Given,
    *,
    at: UtcMillis,
    lasting: int = 0,
) -> bool:
    """Say whether basal alone leaves no room for an amount, as if there had been no bolus.

    Args:
        amount: [mU] what is asked for.
        limits: in force.
        given: what was given and what flows by itself.
        at: [ms] now.
        lasting: [ms] over which the dose is spread; 0 for none.
    """
    alone = msgspec.structs.replace(given, boluses=(), on_board=MilliUnits(0))
    rooms = headrooms(limits, alone, at=at, lasting=lasting)
    return any(amount > room.amount for room in rooms if room.limit in WITH_BASAL)


def whole_pulses(amount: int) -> MilliUnits:
    """Round down to whole pulses [mU]; a negative amount is none."""
    return MilliUnits(max(0, amount) // PULSE_MU * PULSE_MU)
