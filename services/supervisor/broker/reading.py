"""Whether the historian is reading a long stream anew, which others wait for."""

from schemas.units import Speaker

HISTORIAN = Speaker("historian")
"""[-] who has everybody's events."""

READ_ON_MESSAGES = 1_000
"""[-] messages that it must have read since it was last seen to go on; no live system says as many
in the time in which it must become ready."""


class Reading:
    """Remembers how far the historian was seen to be."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._read = 0

    def goes_on(self, handled: int) -> bool:
        """Say whether so much more was read that waiting is worth it."""
        if handled < self._read + READ_ON_MESSAGES:
            return False
        self._read = handled
        return True
