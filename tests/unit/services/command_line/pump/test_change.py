"""A change of set that was interrupted: what was done counts, and nothing of the one before."""

import pytest

from schemas.delivery.mechanism import PumpPrimed
from schemas.delivery.pump import DeliveryResumed, DeliverySuspended, ReservoirFilled
from schemas.message import Event
from schemas.units import MilliUnits, UtcMillis
from services.command_line.pump.change import steps_done

AT = UtcMillis(0)
STOP, GO = DeliverySuspended(at=AT), DeliveryResumed(at=AT)
FILL = ReservoirFilled(amount=MilliUnits(200_000), at=AT)
TUBE, CANNULA = (
    PumpPrimed(
        amount=MilliUnits(500), what=what, at=AT, odometer=MilliUnits(500), history_sequence=1
    )
    for what in ("tube", "cannula")
)


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ([], set()),
        ([STOP], set()),
        ([STOP, FILL], {"fill"}),
        ([STOP, FILL, TUBE, TUBE], {"fill", "tube"}),
        ([STOP, FILL, TUBE, CANNULA], {"fill", "tube", "cannula"}),
        ([STOP, FILL, TUBE, GO], set()),
        ([STOP, FILL, TUBE, GO, STOP], set()),
        ([STOP, FILL, GO, STOP, TUBE], {"tube"}),
        ([STOP, FILL, STOP, TUBE], {"fill", "tube"}),
        ([STOP, FILL, GO, STOP, STOP], set()),
    ],
)
def test_steps_count_since_the_pump_was_stopped_last(said: list[Event], done: set[str]) -> None:
    """A second prime wastes insulin; one that was left out leaves air in the tube."""
    assert done == steps_done(said)
