"""The names of the deciders and who subscribes to whom, for whoever needs none of their rules."""

from typing import Final

from schemas.units import Speaker

GLUCOSE_INGEST: Final = Speaker("glucose_ingest")
BASAL_SCHEDULER: Final = Speaker("basal_scheduler")
BOLUS_ADVISOR: Final = Speaker("bolus_advisor")
ACTUATOR: Final = Speaker("actuator")
HISTORIAN: Final = Speaker("historian")

SPEAKERS: Final = (GLUCOSE_INGEST, BASAL_SCHEDULER, BOLUS_ADVISOR, ACTUATOR, HISTORIAN)
"""[-] every one, in the order of the registry."""

SUBSCRIPTIONS: Final = {
    GLUCOSE_INGEST: (BOLUS_ADVISOR, ACTUATOR),
    BASAL_SCHEDULER: (ACTUATOR,),
    BOLUS_ADVISOR: (GLUCOSE_INGEST, BASAL_SCHEDULER, ACTUATOR),
    ACTUATOR: (BASAL_SCHEDULER, BOLUS_ADVISOR),
    HISTORIAN: (GLUCOSE_INGEST, BASAL_SCHEDULER, BOLUS_ADVISOR, ACTUATOR),
}
"""[-] whose events each decider receives."""
