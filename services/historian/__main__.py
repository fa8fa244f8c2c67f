"""Start historian: `python -m services.historian --nats URL --store URL`, where it may sign."""

import argparse
import sys
from pathlib import Path

from core.deciders.record.decider import RECORD_DECIDER
from services.historian.checkpoint_handler import CheckpointHandler
from services.historian.snapshot_keeper import SnapshotKeeper
from services.runtime.platform.signing_keys import read_record_key
from services.runtime.process.service import ServiceContext, ServiceWiring, parser_for, run_service


def _parser() -> argparse.ArgumentParser:
    parser = parser_for(RECORD_DECIDER)
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="FOLDER",
        help="where signed checkpoints are kept, best on another disk; without it none are made",
    )
    parser.add_argument(
        "--sign-with", type=Path, metavar="FILE", help="seed that checkpoints are signed with"
    )
    parser.add_argument(
        "--snapshots",
        type=Path,
        metavar="FILE",
        help="where states of the record are kept, so that any instant is near; without it not",
    )
    return parser


def _wiring(context: ServiceContext) -> ServiceWiring:
    path: Path | None = context.arguments.sign_with
    key = read_record_key(path) if path else None
    effect_handler = CheckpointHandler(
        context.store,
        key=key,
        folder=context.arguments.checkpoints,
        peers=context.loop,
    )
    snapshots = SnapshotKeeper(context.store, path=context.arguments.snapshots)
    return ServiceWiring(
        effect_handler=effect_handler,
        input_sources=[effect_handler.keep, snapshots.keep],
        hears_to_the_end=True,
        at_end=effect_handler.finish,
    )


if __name__ == "__main__":
    sys.exit(run_service(RECORD_DECIDER, wiring=_wiring, parser=_parser()))
