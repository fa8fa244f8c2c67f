"""Start bolus_advisor: `python -m services.bolus_advisor --nats URL --store sqlite:FILE`."""

import sys

from core.bolus import BOLUS_DECIDER
from services.runtime.process import Body, World, run_service
from services.runtime.zone_hands import ZoneHands


def _body(world: World) -> Body:
    del world
    return Body(hands=ZoneHands())


if __name__ == "__main__":
    sys.exit(run_service(BOLUS_DECIDER, body=_body))
