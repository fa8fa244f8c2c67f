"""Start bolus_advisor: `python -m services.bolus_advisor --nats URL --store sqlite:FILE`."""

import sys

from core.bolus import BOLUS_DECIDER
from services.runtime.process import run_service

if __name__ == "__main__":
    sys.exit(run_service(BOLUS_DECIDER))
