"""All deciders by name: what is heard, said and obeyed in the whole system."""

from typing import Any, Final

from core.deciders.basal.decider import BASAL_DECIDER
from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.glucose.decider import GLUCOSE_DECIDER
from core.deciders.record.decider import RECORD_DECIDER
from core.kernel.decider import Decider
from schemas.units import Speaker

DECIDERS: Final[dict[Speaker, Decider[Any]]] = {
    decider.name: decider
    for decider in (
        GLUCOSE_DECIDER,
        BASAL_DECIDER,
        BOLUS_DECIDER,
        DELIVERY_DECIDER,
        RECORD_DECIDER,
    )
}
"""[-] every speaker's decider, in the order of design.md's table."""
