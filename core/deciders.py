"""All deciders by name: what is heard, said and obeyed in the whole house."""

from typing import Any, Final

from core.basal import BASAL_DECIDER
from core.bolus import BOLUS_DECIDER
from core.decider import Decider
from core.delivery import DELIVERY_DECIDER
from core.glucose import GLUCOSE_DECIDER
from core.record import RECORD_DECIDER
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
"""[-] every speaker's decider, in the order of the columns of the house."""
