"""Start glucose_ingest: `python -m services.glucose_ingest --nats URL --store sqlite:FILE`."""

import sys

from core.deciders.glucose.decider import GLUCOSE_DECIDER
from services.runtime.process.service import run_service

if __name__ == "__main__":
    sys.exit(run_service(GLUCOSE_DECIDER))
