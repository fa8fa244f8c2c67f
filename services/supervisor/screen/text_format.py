"""Local times as the live screen shows them."""

from schemas.units import UtcMillis
from services.runtime.platform.zones import local_time


def wall(at: UtcMillis, *, zone: str) -> str:
    """Write the wall clock in hours and minutes."""
    return local_time(at, zone=zone).strftime("%H:%M")


def second(at: UtcMillis, *, zone: str) -> str:
    """Write the wall clock to the second."""
    return local_time(at, zone=zone).strftime("%H:%M:%S")
