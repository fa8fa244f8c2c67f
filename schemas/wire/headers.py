"""Headers of the wire: CloudEvents 1.0.2 in binary mode and W3C trace context."""

import hashlib
import re
from datetime import UTC, datetime
from functools import lru_cache

from schemas.units import PumpId, Speaker, UtcMillis

TRACE_HEADER = "traceparent"
"""[-] W3C trace context, level 1."""

EVENT_ID_HEADER = "ce-id"
"""[-] id of the event, also where its bytes cannot be read."""

SHA256_HEADER = "Basalt-Sha256"
"""[-] hash (hex) of the bytes as they were sent: NATS itself has no checksum of a payload."""

_TRACE = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def trace_id_of(header: str | None, *, cause: str) -> str:
    """Take the trace on from the header of what was heard, else begin one from the cause's id."""
    found = _TRACE.fullmatch(header) if header else None
    if found is not None:
        return found.group(1)
    return hashlib.blake2b(cause.encode(), digest_size=16).hexdigest()


def traceparent(*, trace: str, span: str) -> str:
    """Write the trace header of one message from 32 and 16 hex digits."""
    return f"00-{trace}-{span}-01"


def event_headers(
    *,
    event_id: str,
    speaker: Speaker,
    pump: PumpId,
    tag: str,
    at: UtcMillis,
    trace: str,
    sha256: str,
) -> dict[str, str]:
    """Write the headers of an event; `at` [ms] is the therapy time of the decision.

    The span is the first 16 hex digits of the hash of the event's bytes.
    """
    return {
        "ce-specversion": "1.0",
        EVENT_ID_HEADER: event_id,
        "ce-source": f"/basalt/{speaker}/{pump}",
        "ce-type": tag,
        "ce-time": iso_time(at),
        "content-type": "application/json",
        TRACE_HEADER: traceparent(trace=trace, span=sha256[:16]),
        SHA256_HEADER: sha256,
    }


@lru_cache(maxsize=1024)
def iso_time(at: UtcMillis) -> str:
    """Write an instant as RFC 3339 in UTC with milliseconds; all events of a step share one."""
    second = datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{second}.{at % 1000:03d}Z"
