"""Start basal_scheduler: `python -m services.basal_scheduler --nats URL --store sqlite:FILE`."""

import sys

from core.basal import BASAL_DECIDER
from services.runtime.process import Body, World, run_service
from services.runtime.zone_hands import ZoneHands


def _body(world: World) -> Body:
    del world
    return Body(hands=ZoneHands())


if __name__ == "__main__":
    sys.exit(run_service(BASAL_DECIDER, body=_body))
