"""Which kinds of event the dose diff tells in milliunits, and why the others are no dose."""

import re
from typing import get_type_hints

import msgspec
import pytest

import core.record.decision_diff
from core.record.decision_diff import change_of
from schemas.corrections import DoseCorrected
from schemas.delivery.unresolved_doses import BolusUnknown
from schemas.message import Event
from schemas.units import DoseId, MilliUnits, UtcMillis
from schemas.wire import codec
from support.simulated.mutant_pairs import is_caught

NO_DOSE = frozenset(
    {
        "AdviceAccepted",  # the order that follows has the amount
        "BasalMissed",  # it did not flow
        "BolusPresetSet",  # a setting
        "BolusRefused",  # it is not given
        "DeliveryLimitsSet",  # a setting
        "MechanismRefused",  # what may be primed
        "OcclusionReleased",  # it was counted when it was pressed
        "OrderRefused",  # it is not given
        "PrimeRequested",  # it fills the tube
        "PumpBasalMaximumRequested",  # a setting
        "PumpCountAccepted",  # what the pump shows
        "PumpDoubted",  # what the pump shows
        "PumpFound",  # what the pump shows
        "PumpPrimed",  # it fills the tube
        "ReservoirFillRequested",  # it fills the reservoir
        "ReservoirFilled",  # it fills the reservoir
        "TemporaryRateStarted",  # the plan that follows has the amount
    }
)
"""[-] kinds that name an amount of insulin which nobody is given by them."""


def every_amount_is_told() -> bool:
    """Each kind that names insulin is told in milliunits, or stands in the list above."""
    named = {
        kind.__name__
        for kind in codec.EVENT_KINDS
        if {"MilliUnits", "MilliUnitsPerHour", "PlanStep"} & _names_in(kind)
    }
    plans = {"BasalPlanMade", "BasalPlanAccepted"}
    told = plans | {kind.__name__ for kind in core.record.decision_diff._BY_FIELD}
    return not told & NO_DOSE and named == told | NO_DOSE


def _names_in(kind: type[msgspec.Struct]) -> set[str]:
    """Give the words of the types of its fields."""
    text = " ".join(
        getattr(hint, "__name__", "") + " " + str(hint) for hint in get_type_hints(kind).values()
    )
    return set(re.findall(r"\w+", text))


def test_whatever_counts_as_insulin_is_told_in_milliunits() -> None:
    """A new event about insulin is a dose, or somebody says why it is none."""
    assert every_amount_is_told()


@pytest.mark.parametrize("kind", [DoseCorrected, BolusUnknown])
def test_a_kind_of_dose_that_is_left_out_is_caught(
    kind: type[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stand among the differences that are no dose."""
    assert is_caught(
        every_amount_is_told,
        lambda patch: patch.delitem(core.record.decision_diff._BY_FIELD, kind),
        monkeypatch,
    )


def test_a_correction_and_what_is_not_known_count_as_insulin() -> None:
    """By pen what a person says now; of an unknown dose all of it, as in every limit."""
    corrected = DoseCorrected(
        dose=DoseId("bolus_advisor:p1:9"),
        amount=MilliUnits(3_000),
        given_at=UtcMillis(0),
        was=MilliUnits(2_000),
        actor="person:a",
        because="misread",
    )
    unknown = BolusUnknown(
        dose=DoseId("bolus_advisor:p1:7"),
        least=MilliUnits(500),
        most=MilliUnits(2_000),
        reason="no_answer",
    )

    less = change_of(corrected, msgspec.structs.replace(corrected, amount=MilliUnits(2_500)))
    more = change_of(unknown, msgspec.structs.replace(unknown, most=MilliUnits(2_400)))

    assert [-500, 400] == [less.difference, more.difference]
    assert change_of(None, unknown).difference == 2_000
