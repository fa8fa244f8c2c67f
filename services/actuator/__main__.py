"""Start actuator: `python -m services.actuator --nats URL --store URL --pump ID=ADDRESS`."""

import argparse
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.delivery.state import DeliveryState
from schemas.units import PumpId
from schemas.wire.subjects import is_token
from services.actuator.pump_effect_handler import PumpEffectHandler
from services.actuator.pump_poller import PumpPoller
from services.runtime.platform.signing_keys import read_secret
from services.runtime.process.service import ServiceContext, ServiceWiring, parser_for, run_service
from services.runtime.pump_link.address import PumpAddress, parse_pump_address
from services.runtime.pump_link.port import PumpDevice
from services.runtime.pump_link.stream_client import Pairing, StreamPumpDevice


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
    parser.add_argument(
        "--pump-key",
        action="append",
        required=True,
        type=_pump_key,
        metavar="ID=FILE",
        help="the key shared with a pump, made by 'basalt pump pair'; one for each pump",
    )
    return parser


def _pump_key(text: str) -> tuple[PumpId, Path]:
    name, found, path = text.partition("=")
    if not found or not is_token(name) or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=FILE")
    return PumpId(name), Path(path)


def _pump(text: str) -> tuple[PumpId, PumpAddress]:
    name, found, address = text.partition("=")
    if not found or not is_token(name):
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=unix:PATH or ID=tcp:HOST:PORT")
    try:
        return PumpId(name), parse_pump_address(address)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _body(context: ServiceContext) -> ServiceWiring:
    keys = dict(context.arguments.pump_key)
    devices: dict[PumpId, PumpDevice] = {
        pump: StreamPumpDevice(address, pairing=_pairing(pump, keys))
        for pump, address in context.arguments.pump
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


def _pairing(pump: PumpId, keys: Mapping[PumpId, Path]) -> Pairing:
    """Give the key of a pump.

    Raises:
        ValueError: none was named.
        OrderKeyBroken: the file holds none.
    """
    if pump not in keys:
        raise ValueError(f"no --pump-key {pump}=FILE: nothing could be asked of pump {pump}")
    return Pairing(pump, read_secret(keys[pump]))


if __name__ == "__main__":
    sys.exit(run_service(DELIVERY_DECIDER, wiring=_body, parser=_parser()))
