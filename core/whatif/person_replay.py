"""What persons did, given to the fork at their own time, naming what the fork shows instead."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Final, TypeVar

import msgspec

from core.deciders.bolus.state import BolusState
from core.kernel.decider import Entry
from core.whatif.basal_replay import Schedule, Word, twins
from core.whatif.dose_replay import Doses
from core.whatif.shapes import SAID_TWICE, Other
from schemas.bolus.advice import AcceptAdvice, BolusAdvised, CarbsRecorded
from schemas.bolus.orders import InjectionRecorded, OrderSigned
from schemas.bolus.settings import BolusSettingsSet, SetBolusSettings
from schemas.message import Command
from schemas.units import UtcMillis

CommandT = TypeVar("CommandT", bound=Command)

SEEN_MAX: Final = 512
"""[-] pairs of what was to be seen on both sides, kept back from now."""

NOT_SAID: Final = "not said in the fork: "
"""[-] before the name of a recorded event that has no place in the fork."""

_NAMED = (BolusAdvised, CarbsRecorded, InjectionRecorded)
"""[-] what commands of persons name: to accept it, or to correct it."""


class People:
    """Which event of the fork stands for which of the record, and what was to be seen when."""

    def __init__(self, doses: Doses) -> None:
        """Know no event."""
        self._names: dict[str, str] = {}
        self._amounts: dict[str, tuple[int, int]] = {}
        self._doses = doses
        self._seen: deque[tuple[Mapping[str, int], Mapping[str, int]]] = deque(maxlen=SEEN_MAX)

    def see(self, recorded: BolusState, forked: BolusState) -> None:
        """Note what a person would see on both sides now."""
        pair = (recorded.newest_changes.heard, forked.newest_changes.heard)
        if not self._seen or self._seen[-1] != pair:
            self._seen.append(pair)

    def note(self, said: Iterable[Entry], recorded: Iterable[Entry]) -> None:
        """Note what one decision said on both sides and persons may name."""
        there = {one.id: one for one in recorded if isinstance(one.body, _NAMED)}
        here = [one for one in said if isinstance(one.body, _NAMED)]
        self._names.update({name: f"{NOT_SAID}{name}" for name in there})
        for one, twin in twins(here, there.values()):
            if twin is None:
                continue
            self._names[twin] = one.id
            advised = there[twin].body
            if isinstance(one.body, BolusAdvised) and isinstance(advised, BolusAdvised):
                self._amounts[twin] = (advised.amount, one.body.amount)

    def asked(self, entry: Entry) -> Entry | None:
        """Say a command or report to the fork; None where it is about what the fork has not."""
        match entry.body:
            case AcceptAdvice() as accepted:
                body: Command = self._accept(accepted)
            case OrderSigned(dose=dose) as signed:
                forked = self._doses.dose_of(dose)
                if forked is None:
                    return None
                named = msgspec.structs.replace(signed, dose=forked)
                return msgspec.structs.replace(entry, body=named)
            case Command() as command:
                body = self._renamed(command)
            case _:
                return entry
        return msgspec.structs.replace(entry, body=body)

    def _renamed(self, command: CommandT) -> CommandT:
        """Let a command name, for each recorded event, the one that stands for it."""
        fields = {name: getattr(command, name) for name in command.__struct_fields__}
        changed = {
            name: self._names[value]
            for name, value in fields.items()
            if isinstance(value, str) and value in self._names
        }
        return msgspec.structs.replace(command, **changed) if changed else command

    def _accept(self, accepted: AcceptAdvice) -> AcceptAdvice:
        advised, forked = self._amounts.get(accepted.advice, (None, None))
        return msgspec.structs.replace(
            self._renamed(accepted),
            amount=forked if accepted.amount == advised else accepted.amount,
            versions_seen=self._seen_in_fork(accepted.versions_seen),
        )

    def _seen_in_fork(self, seen: Mapping[str, int]) -> dict[str, int]:
        """Give what somebody saw in the fork who saw in the record as much as this."""
        if not seen:
            return {}
        for recorded, forked in reversed(self._seen):
            if all(seen.get(speaker, 0) >= version for speaker, version in recorded.items()):
                return {**seen, **forked}
        return dict(seen)


def settings_of(set_: BolusSettingsSet, other: Other) -> SetBolusSettings:
    """Ask for settings again as they are, with the fork's rule set and insulin."""
    return SetBolusSettings(
        zone=set_.zone,
        carb_ratios=set_.carb_ratios,
        sensitivities=set_.sensitivities,
        targets=set_.targets,
        insulin=other.insulin or set_.insulin,
        rules=other.rules or set_.rules,
        safe_minimum=set_.safe_minimum,
        confirmed=SAID_TWICE,
    )


def settings_asked(asked: SetBolusSettings, other: Other) -> SetBolusSettings:
    """Let a recorded change of settings bring the fork's rule set and insulin."""
    return msgspec.structs.replace(
        asked,
        insulin=other.insulin or asked.insulin,
        rules=other.rules or asked.rules,
        confirmed=SAID_TWICE,
    )


class Waiting:
    """What the fork is yet to hear, and what it hears instead of what was recorded."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._twins: dict[str, Word] = {}
        self._replaced: set[str] = set()
        self._due: list[tuple[UtcMillis, int, Word]] = []
        self._numbered = 0

    def schedule(self, schedule: Schedule) -> None:
        """Take the scheduler's words: each at the place of the recorded one, or at its time."""
        self._replaced = schedule.replaced
        for word in schedule.words:
            if word.twin is not None:
                self._twins[word.twin] = word
            else:
                self.add(word)

    def add(self, word: Word) -> None:
        """Let a word be heard at its time."""
        self._numbered += 1
        heappush(self._due, (word.now.therapy, self._numbered, word))

    def due(self, *, until: UtcMillis) -> Iterator[Word]:
        """Give the words up to an instant [ms], by time; what is added meanwhile too."""
        while self._due and self._due[0][0] <= until:
            yield heappop(self._due)[2]

    def instead_of(self, recorded: Entry) -> Entry | None:
        """Give what is heard in place of a word of the scheduler; None for nothing."""
        word = self._twins.get(recorded.id)
        if word is not None:
            return word.entry
        return None if recorded.id in self._replaced else recorded
