"""Which processes make the system, and how each is started."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from core.deciders import DECIDERS
from schemas.units import PumpId
from services.runtime.data_folder import DataFolder
from services.supervisor.children import ChildSpec
from services.supervisor.demonstration import FILL_U
from services.supervisor.permissions import GLUCOSE_PLAYER, SCRIPTED_PERSON
from services.supervisor.trace import Begun

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


def specs(plan: Plan) -> tuple[ChildSpec, ...]:
    """Say how each process is started, the broker left out, in the order of starting."""
    address = f"unix:{plan.folder.pump / 'line.sock'}"
    pump = (
        f"--listen={address}",
        f"--memory={plan.folder.pump_memory(plan.pump)}",
        f"--fill-u={FILL_U}",
    )
    return (
        _spec(plan, PUMP_PROCESS, pump),
        *(_decider(plan, name, address) for name in DECIDERS),
        *_clients(plan),
    )


def _decider(plan: Plan, name: str, address: str) -> ChildSpec:
    drives = (f"--pump={plan.pump}={address}",) if name == "actuator" else ()
    store = f"--store=sqlite:{plan.folder.journal(name)}"
    return _spec(plan, name, (*_bus(plan, name), store, *drives))


def _clients(plan: Plan) -> Iterator[ChildSpec]:
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
        command=(*python, f"--clock={plan.folder.clock}", "--leash", *arguments),
        log=plan.folder.log(name),
    )
