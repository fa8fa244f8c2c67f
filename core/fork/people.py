"""What persons did, said to the fork: they name what the fork shows them in its place."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from core.bolus_state import BolusState
from core.decider import Entry
from core.fork.doses import Doses
from core.fork.schedule import twins
from core.fork.shapes import Other
from schemas.bolus import AcceptAdvice, BolusAdvised
from schemas.orders import OrderSigned
from schemas.therapy import BolusSettingsSet, SetBolusSettings
from schemas.units import EventId

SEEN_MAX: Final = 512
"""[-] pairs of what was to be seen on both sides, kept back from now."""

NOT_ADVISED: Final = "not advised in the fork: "
"""[-] before the name of a recorded advice that the fork did not give."""


class People:
    """Which advice of the fork stands for which of the record, and what was to be seen when."""

    def __init__(self, doses: Doses) -> None:
        """Know no advice."""
        self._advices: dict[str, EventId] = {}
        self._amounts: dict[str, tuple[int, int]] = {}
        self._gone: set[str] = set()
        self._doses = doses
        self._seen: deque[tuple[Mapping[str, int], Mapping[str, int]]] = deque(maxlen=SEEN_MAX)

    def see(self, recorded: BolusState, forked: BolusState) -> None:
        """Note what a person would see on both sides now."""
        pair = (recorded.news.heard, forked.news.heard)
        if not self._seen or self._seen[-1] != pair:
            self._seen.append(pair)

    def note(self, said: Iterable[Entry], recorded: Iterable[Entry]) -> None:
        """Note the advices of one decision on both sides."""
        there = {one.id: one.body for one in recorded if isinstance(one.body, BolusAdvised)}
        here = [one for one in said if isinstance(one.body, BolusAdvised)]
        self._gone.update(there)
        for one, twin in twins(here, [one for one in recorded if one.id in there]):
            if twin is not None and isinstance(one.body, BolusAdvised):
                self._gone.discard(twin)
                self._advices[twin] = EventId(one.id)
                self._amounts[twin] = (there[twin].amount, one.body.amount)

    def asked(self, entry: Entry) -> Entry | None:
        """Say a command or report to the fork; None where it is about what the fork has not."""
        match entry.body:
            case AcceptAdvice() as accepted:
                return msgspec.structs.replace(entry, body=self._accept(accepted))
            case OrderSigned(dose=dose) as signed:
                forked = self._doses.dose_of(dose)
                if forked is None:
                    return None
                return msgspec.structs.replace(
                    entry, body=msgspec.structs.replace(signed, dose=forked)
                )
            case _:
                return entry

    def _accept(self, accepted: AcceptAdvice) -> AcceptAdvice:
        name = accepted.advice
        advised, forked = self._amounts.get(name, (None, None))
        if name in self._gone:
            named = EventId(f"{NOT_ADVISED}{name}")
        else:
            named = self._advices.get(name, name)
        return msgspec.structs.replace(
            accepted,
            advice=named,
            amount=forked if accepted.amount == advised else accepted.amount,
            heard=self._heard(accepted.heard),
        )

    def _heard(self, heard: Mapping[str, int]) -> dict[str, int]:
        """Give what somebody saw in the fork who saw in the record as much as this."""
        if not heard:
            return {}
        for recorded, forked in reversed(self._seen):
            if all(heard.get(speaker, 0) >= version for speaker, version in recorded.items()):
                return {**heard, **forked}
        return dict(heard)


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
    )


def settings_asked(asked: SetBolusSettings, other: Other) -> SetBolusSettings:
    """Let a recorded change of settings bring the fork's rule set and insulin."""
    return msgspec.structs.replace(
        asked, insulin=other.insulin or asked.insulin, rules=other.rules or asked.rules
    )
