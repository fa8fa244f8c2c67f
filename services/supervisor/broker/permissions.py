"""Who may say and hear what on the broker: exactly what HEARS and SAYS name, nothing anonymous."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.deciders.names import HISTORIAN
from core.deciders.registry import DECIDERS
from core.kernel.decider import Decider
from schemas.basal.profiles import SetBasalProfile
from schemas.bolus.settings import SetBolusSettings
from schemas.delivery.delivery import SetDeliveryLimits
from schemas.message import Command, name_of, tag_of
from schemas.record import ReportProcess, ReportStorage
from schemas.units import PumpId, Speaker
from schemas.wire.subjects import (
    BROKER_API,
    CLIENT_API,
    ENDPOINTS,
    PEER_ENDPOINTS,
    STREAM,
    command_subject,
    reply_inbox,
    request_inbox,
    service_endpoint,
    speaker_filter,
)
from schemas.wire.upcasts import tags_read_as
from services.runtime.catch_up.peer_heads import peers_to_ask

ANY_PUMP = PumpId("*")
"""[-] wildcard for the pump's token."""

SUPERVISOR = "supervisor"
"""[-] the user that makes the stream and the consumers, sets what the demonstration needs, and
listens to events for the screen."""

CONSOLE = "console"
"""[-] the user of people's tools: commands to everybody, no events."""

GLUCOSE_PLAYER = "glucose_player"
"""[-] the user that plays a trace: readings only."""

SCRIPTED_PERSON = "scripted_person"
"""[-] the user of the demonstration's person."""

DISCOVERY = "$SRV.>"
"""[-] where all services answer who they are, by the NATS services protocol."""

CLIENT_COMMANDS: dict[str, tuple[str, ...]] = {
    CONSOLE: tuple(DECIDERS),
    GLUCOSE_PLAYER: ("glucose_ingest",),
    SCRIPTED_PERSON: ("glucose_ingest", "basal_scheduler", "bolus_advisor", "actuator"),
}
"""[-] which deciders each client may command."""

SUPERVISOR_COMMANDS: tuple[tuple[Speaker, type[Command]], ...] = (
    (Speaker("actuator"), SetDeliveryLimits),
    (Speaker("basal_scheduler"), SetBasalProfile),
    (Speaker("bolus_advisor"), SetBolusSettings),
    (Speaker("historian"), ReportProcess),
    (Speaker("historian"), ReportStorage),
)
"""[-] the demonstration's settings, and how the processes are: all that the supervisor may ask."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one user may publish and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions() -> dict[str, Permissions]:
    """Give the permissions of every user by name."""
    deciders = {name: _of_decider(decider) for name, decider in DECIDERS.items()}
    clients = {name: _of_client(name) for name in CLIENT_COMMANDS}
    return {**deciders, **clients, SUPERVISOR: _of_supervisor()}


def _of_decider(decider: Decider[object]) -> Permissions:
    me = decider.name
    # Older names too: what an older release stored and did not publish yet keeps its subject.
    names = {tag.rpartition(".")[0] for kind in decider.emits for tag in tags_read_as(tag_of(kind))}
    emits = [f"basalt.*.event.{me}.{name}" for name in names]
    asks = sorted(
        {name for one in (me, *decider.subscribes_to) for name in peers_to_ask(one, by=me)}
    )
    return Permissions(
        publish=(
            *sorted(emits),
            f"{BROKER_API}.STREAM.INFO.{STREAM}",
            f"{BROKER_API}.CONSUMER.MSG.NEXT.{STREAM}.{me}",
            f"{BROKER_API}.CONSUMER.RESET.{STREAM}.{me}",
            f"{BROKER_API}.DIRECT.GET.{STREAM}.{speaker_filter(me)}",
            *(service_endpoint(service=name, endpoint="history") for name in asks),
            *(service_endpoint(service=name, endpoint="tail") for name in _witnesses_of(me)),
            "basalt_reply.*.*",
            "_INBOX.>",
            "_R_.>",
        ),
        subscribe=(
            f"{request_inbox(me)}.>",
            *(service_endpoint(service=me, endpoint=endpoint) for endpoint in ENDPOINTS),
            DISCOVERY,
        ),
    )


def _witnesses_of(me: Speaker) -> Sequence[Speaker]:
    """Name those whom a service may ask what they got: the historian all that it hears."""
    return DECIDERS[me].subscribes_to if me == HISTORIAN else ()


def _of_client(name: str) -> Permissions:
    commands = [
        command_subject(pump=ANY_PUMP, service=service, name=name_of(kind))
        for service in map(Speaker, CLIENT_COMMANDS[name])
        for kind in DECIDERS[service].handles
    ]
    questions = [
        service_endpoint(service=service, endpoint=endpoint)
        for service in DECIDERS
        for endpoint in ENDPOINTS
        if endpoint not in PEER_ENDPOINTS
    ]
    return Permissions(
        publish=(
            *sorted(commands),
            *questions,
            DISCOVERY,
            f"{CLIENT_API}.STREAM.INFO.{STREAM}",
            f"{CLIENT_API}.CONSUMER.INFO.{STREAM}.*",
        ),
        subscribe=(f"{request_inbox(name)}.>", reply_inbox(client=name, token="*")),
    )


def _of_supervisor() -> Permissions:
    stream = ("INFO", "CREATE", "UPDATE")
    settings = (
        command_subject(pump=ANY_PUMP, service=service, name=name_of(kind))
        for service, kind in SUPERVISOR_COMMANDS
    )
    return Permissions(
        publish=(
            *(f"{CLIENT_API}.STREAM.{verb}.{STREAM}" for verb in stream),
            f"{CLIENT_API}.CONSUMER.CREATE.{STREAM}.>",
            f"{CLIENT_API}.CONSUMER.INFO.{STREAM}.*",
            *(service_endpoint(service=name, endpoint="state") for name in DECIDERS),
            *(service_endpoint(service=name, endpoint="health") for name in DECIDERS),
            *settings,
        ),
        subscribe=(
            f"{request_inbox(SUPERVISOR)}.>",
            reply_inbox(client=SUPERVISOR, token="*"),
            *(speaker_filter(name) for name in DECIDERS),
        ),
    )
