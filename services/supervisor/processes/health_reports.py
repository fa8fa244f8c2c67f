"""Which process stands still, told to the record: the record's alarms reach whoever looks."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.deciders.record.decider import HISTORIAN
from core.kernel.alarm_catalogue import PROCESS_DOWN
from schemas.record import WHY_CHARS_MAX, ReportProcess
from schemas.units import PumpId
from services.runtime.nats.client import BusClient, OutcomeUnknown
from services.runtime.platform.logs import get_logger
from services.runtime.platform.shutdown import EXIT_USAGE
from services.supervisor.broker.health import BrokerHealth
from services.supervisor.children import Child
from services.supervisor.screen.observer import SERVICES
from services.supervisor.screen.screen_model import ScreenModel

LOOK_S = 1.0
"""[s] between two looks."""

LOOKS_MAX = 8
"""[-] looks in a row at which a process stands still until it is told; a restart takes less."""

STEADY_LOOKS = 10
"""[-] looks in a row at which a process that nobody asks must run to count as well."""

BROKER = "broker"
"""[-] without it nothing can be told, and nobody answers."""

BROKER_RENEWED = (
    ReportProcess(
        process=BROKER,
        state="down",
        why="The stream took no event: the broker was started anew. Is the disk full?",
    ),
    ReportProcess(process=BROKER, state="up"),
)
"""[-] what the record is told of a broker that had to be started anew, when it runs again."""

State = Literal["up", "down", "silent"]

log = get_logger()


@dataclass(slots=True)
class _Watched:
    """What was seen of a process, and what was told."""

    restarts: int = 0
    """[-] when it last went well."""
    seen_restarts: int = 0
    steady_looks: int = STEADY_LOOKS
    still_looks: int = 0
    told: State = "up"


@dataclass(slots=True)
class ProcessReports:
    """Tells the historian of each process that stands still, and when it goes on, once."""

    client: BusClient
    pump: PumpId
    watched: dict[str, _Watched] = field(default_factory=dict)
    care: BrokerHealth = field(default_factory=BrokerHealth)
    owed: Collection[ReportProcess] = ()

    async def watch(self, children: Mapping[str, Child], *, model: ScreenModel) -> None:
        """Look and tell, for ever; the model is kept up to date by whoever asks the services."""
        while True:
            await asyncio.sleep(LOOK_S)
            alarms = model.record.alarms if model.record else ()
            standing = [one.alarm for one in alarms]
            await self.tell(self.look(children, answering=model.health, standing=standing))
            if self.care.must_renew(model.health):
                log.warning("supervisor.broker_renewed")
                children[BROKER].renew()
                self.owed = BROKER_RENEWED
            if self.owed and await self.tell(self.owed):
                self.owed = ()

    def look(
        self,
        children: Mapping[str, Child],
        *,
        answering: Collection[str],
        standing: Collection[str] = (),
    ) -> list[ReportProcess]:
        """Look once; give what is to be told.

        Args:
            children: the processes.
            answering: the services that answered when they were last asked.
            standing: alarms of the record; one that an earlier run raised is cleared by this one.
        """
        told: list[ReportProcess] = []
        for name, child in children.items():
            if name == BROKER:
                continue
            was_down = f"{PROCESS_DOWN}{name}" in standing
            one = self.watched.setdefault(name, _Watched(told="down" if was_down else "up"))
            state = _look(one, child, answers=name in answering if name in SERVICES else None)
            if state not in (None, one.told):
                why = child.last_words[-WHY_CHARS_MAX:] if state == "down" else ""
                told.append(ReportProcess(process=name, state=state, why=why))
        return told

    async def tell(self, reports: Collection[ReportProcess]) -> bool:
        """Tell the historian; say whether it took all, else they are told at the next look."""
        for report in reports:
            try:
                await self.client.send(report, to=HISTORIAN, pump=self.pump)
            except OutcomeUnknown as error:
                log.warning("supervisor.not_told", process=report.process, reason=str(error))
                return False
            self.watched.setdefault(report.process, _Watched()).told = report.state
        return True


def _look(one: _Watched, child: Child, *, answers: bool | None) -> State | None:
    """Say how a process is, None while that is not sure; `answers` is None where nobody asks."""
    is_steady = child.state == "up" and child.restarts == one.seen_restarts
    one.steady_looks = one.steady_looks + 1 if is_steady else 0
    one.seen_restarts = child.restarts
    if one.steady_looks >= STEADY_LOOKS if answers is None else answers:
        one.still_looks, one.restarts = 0, child.restarts
        return "up"
    one.still_looks += 1
    is_down = child.restarts > one.restarts
    if one.still_looks < LOOKS_MAX and not (is_down and child.exit_code == EXIT_USAGE):
        return None
    return "down" if is_down else "silent"
