"""Whether the broker still accepts events, and whether the historian is catching up.

nats-server does not write to a stream again after one write of it has failed, as on a full disk,
not even when there is room; a new process does, so it is restarted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.units import Speaker
from services.runtime.process.service_endpoint import Health

LOOKS_MAX = 10
"""[-] looks, a second apart, at which events wait and none is taken; a publish may take 7 s."""


@dataclass(slots=True)
class BrokerHealth:
    """Counts how long each service has waited for the broker to take an event."""

    looks: dict[str, int] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)

    def must_renew(self, health: Mapping[str, Health]) -> bool:
        """Look once at how the services are; say whether the broker must be started anew."""
        for name, one in health.items():
            is_stuck = one.unpublished > 0 and one.published == self.published.get(name)
            self.looks[name] = self.looks.get(name, 0) + 1 if is_stuck else 0
            self.published[name] = one.published
        # Who does not answer says nothing of the broker.
        self.looks = {name: looks for name, looks in self.looks.items() if name in health}
        if max(self.looks.values(), default=0) < LOOKS_MAX:
            return False
        self.looks.clear()
        return True


HISTORIAN = Speaker("historian")
"""[-] who has everybody's events."""

READ_ON_MESSAGES = 1_000
"""[-] messages that it must have read since it was last seen to go on; no live system says as many
in the time in which it must become ready."""


class CatchUpStatus:
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
