"""Start bolus_advisor: `python -m services.bolus_advisor --nats URL --store URL` and its key."""

import argparse
import sys
from pathlib import Path

from core.deciders.bolus.decider import BOLUS_DECIDER
from services.bolus_advisor.order_signing_handler import OrderSigningHandler
from services.runtime.platform.signing_keys import read_signer
from services.runtime.process.service import ServiceContext, ServiceWiring, parser_for, run_service


def _parser() -> argparse.ArgumentParser:
    parser = parser_for(BOLUS_DECIDER)
    parser.add_argument(
        "--sign-with",
        type=Path,
        metavar="FILE",
        help="seed that bolus orders are signed with; without it advice is given and no order",
    )
    return parser


def _wiring(context: ServiceContext) -> ServiceWiring:
    path: Path | None = context.arguments.sign_with
    return ServiceWiring(effect_handler=OrderSigningHandler(read_signer(path) if path else None))


if __name__ == "__main__":
    sys.exit(run_service(BOLUS_DECIDER, wiring=_wiring, parser=_parser()))
