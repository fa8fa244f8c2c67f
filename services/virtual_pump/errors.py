"""What can go wrong in the virtual pump, as exceptions with fields."""

from dataclasses import dataclass

from services.runtime.platform.errors import BasaltError, PathError


class PumpMemoryError(PathError):
    """The memory file is in use, broken, or not a pump's; the pump does not start or stops."""

    TEXT = "pump memory {path}: {reason}"


@dataclass(eq=False)
class PumpAddressInUse(BasaltError):
    """Another process answers where this pump is to listen."""

    address: str

    TEXT = "{address}: another process listens there"
