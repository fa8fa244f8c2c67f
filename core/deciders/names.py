"""The names of the deciders, for whoever speaks to one and needs none of its rules."""

from typing import Final

from schemas.units import Speaker

GLUCOSE_INGEST: Final = Speaker("glucose_ingest")
BASAL_SCHEDULER: Final = Speaker("basal_scheduler")
BOLUS_ADVISOR: Final = Speaker("bolus_advisor")
ACTUATOR: Final = Speaker("actuator")
HISTORIAN: Final = Speaker("historian")

SPEAKERS: Final = (GLUCOSE_INGEST, BASAL_SCHEDULER, BOLUS_ADVISOR, ACTUATOR, HISTORIAN)
"""[-] every one, in the order of the registry."""
