"""The profiles that are kept and which of them is for which day, as every listener folds them."""

from typing import Final

import msgspec

from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.models.schedules import Week
from schemas.basal.profiles import (
    WEEK_DAYS,
    BasalPlanMade,
    BasalProfileRefused,
    BasalProfileSet,
    BasalWeekSet,
    BasalZoneRefused,
    BasalZoneSet,
    SetBasalProfile,
)
from schemas.units import EventId


class Programme(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The profiles kept, and which of them is for which day."""

    profiles: tuple[BasalProfileSet, ...] = ()
    """[-] sorted by name."""
    ids: tuple[EventId, ...] = ()
    """[-] their events, in the same order."""
    days: tuple[str, ...] = ()
    """[-] the profile of each day, Monday first; empty when none was ever activated."""
    zone: str = ""
    """[-] IANA name of the clock that they run by."""
    settings: EventId = EventId("")
    """[-] the event of its newest change."""

    @property
    def week(self) -> Week:
        """Give the segments of each day."""
        return tuple(self.profiles[self._index(name)].segments for name in self.days)

    def id_of(self, name: str) -> EventId:
        """Give the event of the profile of a name."""
        return self.ids[self._index(name)]

    def has(self, name: str) -> bool:
        """Say whether a profile of that name is kept."""
        return any(profile.name == name for profile in self.profiles)

    def name_of(self, event: EventId) -> str:
        """Give the name of the profile of an event; empty where none is kept by it."""
        return next(
            (p.name for p, of in zip(self.profiles, self.ids, strict=True) if of == event), ""
        )

    def with_profile(self, profile: BasalProfileSet, name: EventId) -> "Programme":
        """Keep a profile; put it to use where it is activated, or is in use already.

        Args:
            profile: one of its name is replaced.
            name: its event.
        """
        kept = {one.name: (one, of) for one, of in zip(self.profiles, self.ids, strict=True)}
        kept[profile.name] = (profile, name)
        ordered = [kept[key] for key in sorted(kept)]
        changed = msgspec.structs.replace(
            self, profiles=tuple(one for one, _ in ordered), ids=tuple(of for _, of in ordered)
        )
        if profile.activate:
            return msgspec.structs.replace(
                changed, days=(profile.name,) * WEEK_DAYS, zone=profile.zone, settings=name
            )
        if profile.name in self.days:
            return msgspec.structs.replace(changed, settings=name)
        return changed

    def _index(self, name: str) -> int:
        return next(i for i, profile in enumerate(self.profiles) if profile.name == name)


class HeardProgramme(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What basal_scheduler has said of its programme."""

    in_force: Programme = Programme()
    """[-] the newest plan is made of it."""
    waiting: Programme | None = None
    """[-] taken, and in force with the first plan made of it."""

    @property
    def newest(self) -> Programme:
        """Give what a change builds on: what waits already, else what is in force."""
        return self.waiting or self.in_force

    def made_of(self, plan: BasalPlanMade) -> Programme:
        """Give the programme that a plan is made of."""
        waits = self.waiting is not None and self.waiting.settings == settings_of(plan)
        return self.newest if waits else self.in_force


def programme_of(asked: SetBasalProfile) -> HeardProgramme:
    """Give the programme of a profile that nobody has set yet, for every day."""
    profile = BasalProfileSet(
        name=asked.name, zone=asked.zone, segments=asked.segments, actor="", activate=True
    )
    return HeardProgramme(in_force=Programme().with_profile(profile, EventId("")))


def settings_of(plan: BasalPlanMade) -> EventId:
    """Name the newest change of profile, week or zone that a plan follows."""
    return plan.settings or plan.profile


HEARD_PROGRAMME: Final = EventHandlers[HeardProgramme]()
"""[-] what each event of basal_scheduler does to what is known of its programme."""


def hear(known: HeardProgramme, entry: Entry) -> HeardProgramme:
    """Fold what basal_scheduler says; the same comes back where nothing changes."""
    return HEARD_PROGRAMME(known, entry)


@HEARD_PROGRAMME.register
def _hear_profile(known: HeardProgramme, profile: BasalProfileSet, entry: Entry) -> HeardProgramme:
    name = EventId(entry.id)
    changed = known.newest.with_profile(profile, name)
    if changed.settings == name or known.waiting is not None:
        return HeardProgramme(in_force=known.in_force, waiting=changed)
    return HeardProgramme(in_force=changed)


@HEARD_PROGRAMME.register
def _hear_week(known: HeardProgramme, week: BasalWeekSet, entry: Entry) -> HeardProgramme:
    waiting = msgspec.structs.replace(known.newest, days=week.days, settings=EventId(entry.id))
    return HeardProgramme(in_force=known.in_force, waiting=waiting)


@HEARD_PROGRAMME.register
def _hear_zone(known: HeardProgramme, moved: BasalZoneSet, entry: Entry) -> HeardProgramme:
    waiting = msgspec.structs.replace(known.newest, zone=moved.zone, settings=EventId(entry.id))
    return HeardProgramme(in_force=known.in_force, waiting=waiting)


@HEARD_PROGRAMME.register
def _hear_refusal(
    known: HeardProgramme, refused: BasalProfileRefused | BasalZoneRefused, entry: Entry
) -> HeardProgramme:
    del entry
    if refused.reason != "unknown_zone":
        return known
    return HeardProgramme(in_force=known.in_force)


@HEARD_PROGRAMME.register
def _hear_plan(known: HeardProgramme, made: BasalPlanMade, entry: Entry) -> HeardProgramme:
    del entry
    if known.made_of(made) is known.in_force:
        return known
    return HeardProgramme(in_force=known.newest)
