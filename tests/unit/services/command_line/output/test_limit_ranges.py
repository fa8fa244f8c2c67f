"""What a limit may be is said as it is checked."""

from typing import Any

import msgspec
import pytest

from core.dosing.limits.limits import limits_problem
from schemas.delivery.delivery import DeliveryLimitsRefused
from schemas.units import HOUR_MS
from services.command_line.output.event_messages import LIMIT_RANGES, refused
from support.simulated.fake_system import LIMITS

AT_THE_END = {
    "single": ({"single": 25_000, "hourly": 25_000}, {"single": 25_001, "hourly": 25_001}),
    "hourly": ({"hourly": 75_000}, {"hourly": 75_001}),
    "daily": ({"daily": 500_000}, {"daily": 500_001}),
    "basal": ({"basal": 30_000}, {"basal": 30_001}),
    "calendar_day": ({"calendar_day": 500_000}, {"calendar_day": 500_001}),
    "on_board": ({"on_board": 500_000}, {"on_board": 500_001}),
}
"""[-] the largest that is said, and a little more."""


@pytest.mark.parametrize("field", AT_THE_END)
def test_the_largest_that_is_said_is_the_largest_that_is_taken(field: str) -> None:
    most, more = AT_THE_END[field]

    def problem(changes: dict[str, Any]) -> str | None:
        return limits_problem(msgspec.structs.replace(LIMITS, **changes))

    said = LIMIT_RANGES[field].split()[-2]
    assert float(said) * 1_000 == most[field]
    assert (None, field) == (problem(most), problem(more))


def test_the_longest_wait_is_said() -> None:
    longest = msgspec.structs.replace(LIMITS.lockout, person=4 * HOUR_MS)
    assert limits_problem(msgspec.structs.replace(LIMITS, lockout=longest)) is None
    assert "0 to 4 h" == LIMIT_RANGES["lockout"]


def test_a_limit_out_of_range_is_refused_with_its_range() -> None:
    """It named the limit alone."""
    why = DeliveryLimitsRefused(reason="out_of_range", field="hourly")
    assert "a limit is out of range: hourly takes the single bolus to 75 U" == refused(why)
