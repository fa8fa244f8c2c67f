"""A limit stands in many places; one that was left out of any of them is found here."""

from typing import get_args

import msgspec
import pytest

from core.deciders.delivery.plan_capping import _WINDOWS
from core.dosing.advice.advise import _CUT_REASONS
from schemas.delivery.delivery import DeliveryLimitsSet, SetDeliveryLimits
from schemas.limit_names import ClampName
from schemas.units import MilliUnits
from services.command_line.output.reason_messages import in_words
from services.command_line.therapy.advice_table import _CUTS
from support.simulated.fake_system import FakeSystem

COMMAND = {one.name for one in msgspec.structs.fields(SetDeliveryLimits)}
EVENT = {one.name for one in msgspec.structs.fields(DeliveryLimitsSet)}
AMOUNTS = ("single", "hourly", "daily", "basal", "four_hours", "soft", "calendar_day", "on_board")


def test_each_field_of_the_command_is_a_field_of_the_event() -> None:
    """A limit that is accepted and not kept is not in force, and nobody is told."""
    assert COMMAND | {"actor"} == EVENT


@pytest.mark.parametrize("field", sorted(COMMAND & set(AMOUNTS)))
def test_each_limit_that_is_set_is_in_force(field: str) -> None:
    """The decider copies field by field: one that it forgets keeps its default."""
    system = FakeSystem()
    system.set_up()
    before = system.state("actuator").limits
    asked = {name: getattr(before, name) for name in COMMAND}
    known = asked[field]
    not_set = 2_000 if field in ("soft", "on_board") else 40_000
    lower = MilliUnits(not_set if known is None else known - 100)

    outcome = system.ask(SetDeliveryLimits(**{**asked, field: lower}), to="actuator")

    assert outcome.accepted, outcome
    assert lower == getattr(system.state("actuator").limits, field)


def test_each_cut_of_an_advice_has_its_reason_and_its_words() -> None:
    """A name that is missing ends an advice in a KeyError: the person gets none."""
    names = set(get_args(ClampName))

    assert names == set(_CUT_REASONS) == set(_CUTS)
    assert all(in_words(reason) != reason for reason in _CUT_REASONS.values())


def test_each_window_that_can_cut_basal_has_its_reason() -> None:
    """A window without one would end the actuator's plan in a KeyError."""
    windows = {name for name in get_args(ClampName) if name.endswith("_limit")}
    not_of_basal = {"single_limit", "hourly_limit", "on_board_limit", "combined_limit"}

    assert windows - not_of_basal == set(_WINDOWS)
