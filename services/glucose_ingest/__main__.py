"""Start glucose_ingest: `python -m services.glucose_ingest --nats URL --store sqlite:FILE`."""

import sys

from core.glucose import GLUCOSE_DECIDER
from services.runtime.process import run_service

if __name__ == "__main__":
    sys.exit(run_service(GLUCOSE_DECIDER))
