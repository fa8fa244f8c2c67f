"""Who has a service's events beside itself: the historian, and everybody who hears it."""

from collections.abc import Sequence

from core.deciders.record.decider import HISTORIAN
from core.deciders.registry import DECIDERS
from schemas.units import Speaker


def witnesses(speaker: Speaker) -> Sequence[Speaker]:
    """Name those who keep what a speaker says, the historian first; its own words nobody keeps."""
    hearers = [name for name, decider in DECIDERS.items() if speaker in decider.hears]
    return tuple(sorted(hearers, key=lambda name: (name != HISTORIAN, name)))


def askable(speaker: Speaker, *, by: Speaker) -> Sequence[Speaker]:
    """Name those whom a service can ask for a speaker's events, the speaker first."""
    return tuple(name for name in (speaker, *witnesses(speaker)) if name != by)
