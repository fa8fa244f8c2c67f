"""Start basal_scheduler: `python -m services.basal_scheduler --nats URL --store sqlite:FILE`."""

import sys

from core.deciders.basal.decider import BASAL_DECIDER
from services.runtime.platform.zone_lookup import ZoneLookupHandler
from services.runtime.process.service import ServiceContext, ServiceWiring, run_service


def _wiring(context: ServiceContext) -> ServiceWiring:
    del context
    return ServiceWiring(effect_handler=ZoneLookupHandler())


if __name__ == "__main__":
    sys.exit(run_service(BASAL_DECIDER, wiring=_wiring))
