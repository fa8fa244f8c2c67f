"""Start bolus_advisor: `python -m services.bolus_advisor --nats URL --store URL` and its key."""

import argparse
import sys
from pathlib import Path

from core.deciders.bolus.decider import BOLUS_DECIDER
from services.bolus_advisor.order_hands import OrderHands
from services.runtime.platform.signing_keys import read_signer
from services.runtime.process.service import Body, World, parser_for, run_service


def _parser() -> argparse.ArgumentParser:
    parser = parser_for(BOLUS_DECIDER)
    parser.add_argument(
        "--sign-with",
        type=Path,
        metavar="FILE",
        help="seed that bolus orders are signed with; without it advice is given and no order",
    )
    return parser


def _body(world: World) -> Body:
    path: Path | None = world.arguments.sign_with
    return Body(hands=OrderHands(read_signer(path) if path else None))


if __name__ == "__main__":
    sys.exit(run_service(BOLUS_DECIDER, body=_body, parser=_parser()))
