"""Which processes make the system, and how each is started."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.deciders.registry import DECIDERS
from schemas.units import PumpId
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.signing_keys import public_path
from services.supervisor.broker.permissions import GLUCOSE_PLAYER, SCRIPTED_PERSON
from services.supervisor.children import ChildSpec
from services.supervisor.demonstration import FILL_U
from services.supervisor.processes.pump_socket import socket_path
from services.supervisor.trace_choice import Begun

PUMP_PROCESS = "virtual_pump"
"""[-] name of the pump's process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the commands of the processes are made of."""

    folder: DataFolder
    pump: PumpId
    url: str
    begun: Begun
    has_person: bool
    pump_faults: Path | None = None


def pump_spec(plan: Plan) -> Iterator[ChildSpec]:
    """Say how the virtual pump is started."""
    arguments = (
        f"--listen=unix:{socket_path(plan.folder)}",
        f"--memory={plan.folder.pump_memory(plan.pump)}",
        f"--fill-u={FILL_U}",
        f"--pump={plan.pump}",
        f"--trust={public_path(plan.folder.order_key)}",
        f"--key={plan.folder.pump_key(plan.pump)}",
    )
    faults = (f"--faults={plan.pump_faults.resolve()}",) if plan.pump_faults else ()
    yield _spec(plan, PUMP_PROCESS, (*arguments, *faults))


def decider_specs(plan: Plan) -> Iterator[ChildSpec]:
    """Say how the services are started that hear and say events."""
    socket = socket_path(plan.folder)
    own = {
        "actuator": (
            f"--pump={plan.pump}=unix:{socket}",
            f"--pump-key={plan.pump}={plan.folder.pump_key(plan.pump)}",
        ),
        "bolus_advisor": (f"--sign-with={plan.folder.order_key}",),
        "historian": (
            f"--sign-with={plan.folder.record_key}",
            f"--checkpoints={plan.folder.checkpoints}",
            f"--snapshots={plan.folder.snapshots}",
        ),
    }
    for name in DECIDERS:
        store = f"--store={plan.folder.store_of(name)}"
        state = f"--state={plan.folder.state(name)}"
        yield _spec(plan, name, (*_bus(plan, name), store, state, *own.get(name, ())))


def client_specs(plan: Plan) -> Iterator[ChildSpec]:
    """Say how those are started that only send commands, when the services are ready."""
    begun = plan.begun
    told = [f"--pump={plan.pump}", f"--zone={begun.zone}"]
    if begun.file:
        told.append(f"--file={begun.file}")
    if begun.unit:
        told.append(f"--unit={begun.unit}")
    if begun.file:
        yield _spec(plan, GLUCOSE_PLAYER, (*_bus(plan, GLUCOSE_PLAYER), *told))
    if plan.has_person:
        yield _spec(plan, SCRIPTED_PERSON, (*_bus(plan, SCRIPTED_PERSON), *told))


def _bus(plan: Plan, user: str) -> tuple[str, ...]:
    return (f"--nats={plan.url}", f"--creds={plan.folder.seed(user)}")


def _spec(plan: Plan, name: str, arguments: tuple[str, ...]) -> ChildSpec:
    # -P: a folder called `services` where the user stands is not ours.
    python = (sys.executable, "-P", "-m", f"services.{name}")
    return ChildSpec(
        name=name,
        command=(*python, f"--clock={plan.folder.clock}", "--exit-with-parent", *arguments),
        log=plan.folder.log(name),
    )
