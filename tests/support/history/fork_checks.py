"""What must hold of every history that anybody lived: forked with nothing changed, it is itself."""

from core.whatif.shapes import Forked, Other
from schemas.units import PumpId, UtcMillis
from services.runtime.ports import Store
from services.runtime.replay.whatif_input import decision_records, what_if

FORKS = 3
"""[-] instants at which a history is forked, evenly spread."""


def assert_fork_is_the_record(scheduler: Store, advisor: Store, *, pump: PumpId) -> None:
    """Fork a history at some instants without other settings: nothing differs, to the milliunit."""
    times = [decision.now.therapy for decision in decision_records(advisor, pump=pump)]
    for part in range(FORKS):
        since = UtcMillis(times[0] + (times[-1] - times[0]) * part // FORKS)
        found = what_if(
            scheduler=scheduler,
            advisor=advisor,
            pump=pump,
            since=since,
            until=None,
            other=Other(),
            zone="UTC",
        )
        assert_same(found)


def assert_same(found: Forked) -> None:
    """Both sides say the same and give the same."""
    assert [] == [row for row in found.rows if row.differs or row.difference]
    assert [] == [one for one in found.on_board if one.recorded != one.forked]
    for day in found.days:
        assert (day.basal_recorded, day.bolus_recorded) == (day.basal_forked, day.bolus_forked)
    assert (None, None) == (found.differs_from, found.basal_differs_from)
