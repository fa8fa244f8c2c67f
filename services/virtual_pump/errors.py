"""What can go wrong in the virtual pump, as exceptions with fields."""

from dataclasses import dataclass

from services.runtime.platform.errors import BasaltError


@dataclass(eq=False)
class PumpMemoryError(BasaltError):
    """The memory file is in use, broken, or not a pump's; the pump does not start or stops."""

    path: str
    reason: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"pump memory {self.path}: {self.reason}"


@dataclass(eq=False)
class PumpAddressInUse(BasaltError):
    """Another process answers where this pump is to listen."""

    address: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.address}: another process listens there"
