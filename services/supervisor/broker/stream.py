"""The stream and the consumers, made by the supervisor alone."""

import json
from typing import Any, Protocol

from core.deciders.registry import DECIDERS
from schemas.units import DAY_MS
from schemas.wire.subjects import CLIENT_API, STREAM, STREAM_SUBJECTS, listening_filters
from services.runtime.platform.errors import BasaltError

MAX_AGE_DAYS = 30
"""[d] that the stream carries; the journals are the record."""

API_S = 5.0
"""[s] until the broker counts as not answering."""


class Answer(Protocol):
    """What the broker sends back."""

    data: bytes


class Asker(Protocol):
    """A connection that can ask the broker's API."""

    async def request(
        self,
        subject: str,
        payload: bytes,
        timeout: float,  # noqa: ASYNC109  # the shape of nats-py's own method
    ) -> Answer:
        """Ask and wait at most `timeout` [s]."""
        ...


class StreamRefused(BasaltError):
    """The broker would not make the stream or a consumer."""


def stream_config(*, replicas: int = 1) -> dict[str, Any]:
    """Give the configuration of the one stream."""
    return {
        "name": STREAM,
        "subjects": [STREAM_SUBJECTS],
        "storage": "file",
        "num_replicas": replicas,
        "allow_atomic": True,
        "allow_direct": True,
        "deny_delete": True,
        "deny_purge": True,
        "max_age": MAX_AGE_DAYS * DAY_MS * 1_000_000,
    }


def consumer_configs() -> dict[str, dict[str, Any]]:
    """Give the configuration of each decider's consumer: all that it listens to."""
    return {
        name: {
            "durable_name": name,
            "name": name,
            "ack_policy": "none",
            "deliver_policy": "all",
            "max_waiting": 8,
            "filter_subjects": listening_filters(
                name, decider.subscribes_to, keeps_commands=decider.keeps_commands
            ),
        }
        for name, decider in DECIDERS.items()
    }


async def make_stream(client: Asker, *, replicas: int = 1) -> None:
    """Make the stream and the consumers, or bring them to this configuration.

    Raises:
        StreamRefused: the broker says no, with its reason.
        TimeoutError: it does not answer.
    """
    config = stream_config(replicas=replicas)
    known = await _ask(client, f"STREAM.INFO.{STREAM}", {})
    verb = "CREATE" if known.get("error") else "UPDATE"
    _check(await _ask(client, f"STREAM.{verb}.{STREAM}", config))
    for name, consumer in consumer_configs().items():
        body = {"stream_name": STREAM, "config": consumer, "action": ""}
        _check(await _ask(client, f"CONSUMER.CREATE.{STREAM}.{name}", body))


async def _ask(client: Asker, name: str, body: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(body).encode() if body else b""
    answer = await client.request(f"{CLIENT_API}.{name}", data, API_S)
    found: dict[str, Any] = json.loads(answer.data)
    return found


def _check(answer: dict[str, Any]) -> None:
    if answer.get("error"):
        raise StreamRefused(str(answer["error"].get("description", answer["error"])))
