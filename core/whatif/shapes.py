"""What goes into a fork of a history, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import msgspec

from core.kernel.decider import Entry
from core.kernel.errors import CoreError
from schemas.basal.profiles import SetBasalProfile, ZoneLookupRequested, ZoneResolved
from schemas.bolus.settings import InsulinAction, SetBolusSettings
from schemas.delivery.delivery import SetDeliveryLimits
from schemas.message import Event, Now
from schemas.setting_checks import SecondWord
from schemas.units import Actor, MgDl, PumpId, UtcMillis

WHAT_IF: Final = Actor("whatif")
"""[-] who sets the other settings of a fork."""

SAID_TWICE: Final[tuple[SecondWord, ...]] = get_args(SecondWord)
"""[-] what a fork confirms: nobody is dosed by it, and the record was asked already."""

GLUCOSE_CAVEAT: Final = (
    "Glucose stays as recorded. With other insulin it would have been other too: what follows "
    "the first difference is no forecast, and no bound of one."
)
"""[-] what every answer of a fork says."""

ZoneOf = Callable[[ZoneLookupRequested], ZoneResolved]
"""Looks up a zone that the record did not ask for."""


class DecisionRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry that a service decided on, and what it said because of it."""

    input: Entry | None = None
    """[-] none for own events that were taken over without deciding."""
    now: Now
    """[-] the time that `decide` got."""
    said: tuple[Entry, ...] = ()
    """[-] in order; may be empty."""


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that hold in the fork instead of those recorded; none of them for none."""

    profile: SetBasalProfile | None = None
    """[-] basal; a recorded change of profile or week is left out then."""
    settings: SetBolusSettings | None = None
    """[-] of the advisor; a recorded change of them is left out then."""
    rules: str | None = None
    """[-] rule set, in whatever settings hold."""
    insulin: InsulinAction | None = None
    """[-] how insulin acts, in whatever settings hold."""
    limits: SetDeliveryLimits | None = None
    """[-] of delivery; a recorded change of them is left out then."""


RowKind = Literal["advice", "order", "refused", "left_out", "carried"]


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one side, the record or the fork, said."""

    amount: int | None = None
    """[mU] advised or ordered; none where it was refused or never came to it."""
    reason: str = ""
    """[-] of the refusal; empty for none."""
    said_by: str = ""
    """[-] tag of what says the reason; empty for none."""
    shaped_by: tuple[str, ...] = ()
    """[-] reasons and limits that shaped an advice, in order."""
    terms: tuple[tuple[str, int], ...] = ()
    """[mU] each addend of an advice."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One advice or order, as recorded and as it would have been."""

    at: UtcMillis
    """[ms] therapy time."""
    kind: RowKind
    """[-] 'refused': an order of the fork that its actuator refused; 'left_out': a recorded
    setting that the fork's stands in place of; 'carried': what was eaten, kept although the fork
    refused the bolus that it was recorded with."""
    cause: str
    """[-] id of the command; for 'refused', of the order."""
    carbs: int = 0
    """[g] that it was for."""
    glucose: MgDl | None = None
    """[mg/dL] newest, as recorded."""
    recorded: Side = Side()
    """[-] in the record."""
    forked: Side = Side()
    """[-] in the fork."""
    text: str = ""
    """[-] what was refused, left out or carried: the tag of the command or event; else empty."""

    @property
    def difference(self) -> int:
        """Give the fork's amount less the recorded one [mU]; what was refused is nothing."""
        return (self.forked.amount or 0) - (self.recorded.amount or 0)

    @property
    def differs(self) -> bool:
        """Say whether the two sides say other things."""
        return self.recorded != self.forked or self.kind not in ("advice", "order")


class DayTotal(msgspec.Struct, frozen=True, kw_only=True):
    """Insulin of one day of the pump's wall clock, on both sides."""

    day: str
    """[-] such as '2026-03-01'."""
    basal_recorded: int = 0
    """[mU] as the pump counted it."""
    basal_forked: int = 0
    """[mU] by the fork's programme."""
    bolus_recorded: int = 0
    """[mU] as the pump counted it."""
    bolus_forked: int = 0
    """[mU] as ordered in the fork, in the share that was given."""


class OnBoard(msgspec.Struct, frozen=True, kw_only=True):
    """Bolus insulin on board at an instant, open doses in full."""

    at: UtcMillis
    """[ms] therapy time."""
    recorded: int | None
    """[mU] by the recorded settings; none without settings."""
    forked: int | None
    """[mU] by the fork's settings; none without settings."""


class Forked(msgspec.Struct, frozen=True, kw_only=True):
    """A fork beside the record."""

    pump: PumpId
    """[-] whose history."""
    since: UtcMillis
    """[ms] where they part."""
    until: UtcMillis
    """[ms] end of what was compared."""
    rows: tuple[Row, ...]
    """[-] each advice and order, and what could not be carried over; by time."""
    days: tuple[DayTotal, ...]
    """[-] sorted."""
    on_board: tuple[OnBoard, ...]
    """[-] sorted."""
    differs_from: UtcMillis | None = None
    """[ms] first difference of an advice, an order or a basal plan; none where all is the same."""
    basal_differs_from: UtcMillis | None = None
    """[ms] since when the basal of the fork is no more the recorded one; none where it is."""
    caveat: str = GLUCOSE_CAVEAT
    """[-] what is not said by any of it."""


@dataclass(eq=False)
class ForkRefused(CoreError):
    """A fork that cannot be begun."""

    reason: Literal["before_record", "after_record", "no_settings", "setting_refused"]
    """[-] why."""
    refusal: Event | None = None
    """[-] what refused a setting, for 'setting_refused'."""
    at: UtcMillis = UtcMillis(0)
    """[ms] begin of the record, or its end."""

    TEXT = "{reason}"
