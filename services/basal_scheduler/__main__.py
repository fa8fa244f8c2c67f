"""Start basal_scheduler: `python -m services.basal_scheduler --nats URL --store sqlite:FILE`."""

import sys

from core.deciders.basal.decider import BASAL_DECIDER
from services.runtime.platform.zone_lookup import ZoneHands
from services.runtime.process.service import Body, World, run_service


def _body(world: World) -> Body:
    del world
    return Body(hands=ZoneHands())


if __name__ == "__main__":
    sys.exit(run_service(BASAL_DECIDER, body=_body))
