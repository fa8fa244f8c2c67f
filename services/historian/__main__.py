"""Start historian: `python -m services.historian --nats URL --store sqlite:FILE`."""

import sys

from core.record import RECORD_DECIDER
from services.runtime.process import run_service

if __name__ == "__main__":
    sys.exit(run_service(RECORD_DECIDER))
