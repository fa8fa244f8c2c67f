"""Who has a service's events beside itself: the historian, and everybody who hears it."""

from collections.abc import Sequence

from core.deciders import DECIDERS
from core.record import HISTORIAN
from schemas.units import Speaker


def witnesses(speaker: Speaker) -> Sequence[Speaker]:
    """Name those who keep what a speaker says, the historian first; its own words nobody keeps."""
    hearers = [name for name, decider in DECIDERS.items() if speaker in decider.hears]
    return tuple(sorted(hearers, key=lambda name: (name != HISTORIAN, name)))


def askable(speaker: Speaker) -> Sequence[Speaker]:
    """Name those who may have a speaker's events, itself first."""
    return (speaker, *(name for name in witnesses(speaker) if name != speaker))
