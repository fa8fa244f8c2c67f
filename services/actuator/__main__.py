"""Start actuator: `python -m services.actuator --nats URL --store URL --pump ID=ADDRESS`."""

import argparse
import sys
from functools import partial

from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.delivery.state import DeliveryState
from schemas.units import PumpId
from schemas.wire.subjects import is_token
from services.actuator.pump_effect_handler import PumpEffectHandler
from services.actuator.pump_poller import PumpPoller
from services.runtime.process.service import ServiceContext, ServiceWiring, parser_for, run_service
from services.runtime.pump_link.address import PumpAddress, parse_pump_address
from services.runtime.pump_link.port import PumpDevice
from services.runtime.pump_link.stream_client import StreamPumpDevice


def _parser() -> argparse.ArgumentParser:
    parser = parser_for(DELIVERY_DECIDER)
    parser.add_argument(
        "--pump",
        action="append",
        required=True,
        type=_pump,
        metavar="ID=ADDRESS",
        help="a pump and its line: ID=unix:PATH or ID=tcp:HOST:PORT; may be given again",
    )
    return parser


def _pump(text: str) -> tuple[PumpId, PumpAddress]:
    name, found, address = text.partition("=")
    if not found or not is_token(name):
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=unix:PATH or ID=tcp:HOST:PORT")
    try:
        return PumpId(name), parse_pump_address(address)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _body(context: ServiceContext) -> ServiceWiring:
    devices: dict[PumpId, PumpDevice] = {
        pump: StreamPumpDevice(address) for pump, address in context.arguments.pump
    }

    def state(pump: PumpId) -> DeliveryState:
        known: DeliveryState = context.loop().processor.unit_of_work.pump_stream(pump).state
        return known

    watches = [
        PumpPoller(pump=pump, device=device, state=partial(state, pump), clock=context.clock)
        for pump, device in devices.items()
    ]
    return ServiceWiring(
        effect_handler=PumpEffectHandler(devices=devices, clock=context.clock),
        input_sources=[watch.run for watch in watches],
    )


if __name__ == "__main__":
    sys.exit(run_service(DELIVERY_DECIDER, wiring=_body, parser=_parser()))
