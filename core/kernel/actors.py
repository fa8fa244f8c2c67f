"""Who asks, as far as a rule depends on it: the first word of an actor."""

from typing import Literal

Origin = Literal["person", "controller", "remote"]

CONTROLLER: Origin = "controller"
"""[-] an automated controller; everybody who is neither this nor remote counts as a person."""


def origin_of(actor: str) -> Origin:
    """Say where a wish comes from: 'controller:NAME', 'remote:NAME', or a person at the pump."""
    kind, _, _ = actor.partition(":")
    if kind in ("controller", "automatic"):
        return "controller"
    return "remote" if kind == "remote" else "person"
