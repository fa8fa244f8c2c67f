"""The inner messages of an atomic batch as one piece of NATS protocol.

nats-py checks and copies every header of every message (about 4 us each, nine an event). A batch
is written here at once and handed over whole; the library still owns the connection. It relies on
one private method, which the pinned version has and the contract tests of the bus exercise.
"""

from collections.abc import Mapping, Sequence

from nats.aio.client import Client

from services.runtime.ports import Outgoing

HEADER_LINE = "NATS/1.0\r\n"
"""[-] first line of every block of headers; source: the NATS client protocol."""


def hpub(subject: str, headers: Mapping[str, str], data: bytes) -> bytes:
    """Write one HPUB without reply; names and values must hold no line break."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    block = f"{HEADER_LINE}{lines}\r\n".encode()
    sizes = f"HPUB {subject} {len(block)} {len(block) + len(data)}\r\n".encode()
    return b"".join((sizes, block, data, b"\r\n"))


async def send_inner(
    client: Client, *, batch: str, messages: Sequence[Outgoing], guard: Mapping[str, str]
) -> None:
    """Send all messages of a batch but the last; the first carries the guard."""
    pieces: list[bytes] = []
    for number, message in enumerate(messages, start=1):
        headers = {
            **message.headers,
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(number),
            **(guard if number == 1 else {}),
        }
        pieces.append(hpub(message.subject, headers, message.data))
    await client._send_command(b"".join(pieces))
