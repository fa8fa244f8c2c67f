"""Headers of the wire: CloudEvents 1.0.2 in binary mode and W3C trace context."""

import hashlib
import re
from datetime import UTC, datetime

from schemas.units import PumpId, Speaker, UtcMillis

TRACE_HEADER = "traceparent"
"""[-] W3C trace context, level 1."""

_TRACE = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def trace_id_of(header: str | None, *, cause: str) -> str:
    """Take the trace on from the header of what was heard, else begin one from the cause's id."""
    found = _TRACE.fullmatch(header) if header else None
    if found is not None:
        return found.group(1)
    return hashlib.sha256(cause.encode()).hexdigest()[:32]


def traceparent(*, trace: str, span_of: str) -> str:
    """Write the trace header of one message; the span follows from the message's id."""
    return f"00-{trace}-{hashlib.sha256(span_of.encode()).hexdigest()[:16]}-01"


def event_headers(
    *, event_id: str, speaker: Speaker, pump: PumpId, tag: str, at: UtcMillis, trace: str
) -> dict[str, str]:
    """Write the headers of an event; `at` [ms] is the therapy time of the decision."""
    return {
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-source": f"/basalt/{speaker}/{pump}",
        "ce-type": tag,
        "ce-time": iso_time(at),
        "content-type": "application/json",
        TRACE_HEADER: traceparent(trace=trace, span_of=event_id),
    }


def iso_time(at: UtcMillis) -> str:
    """Write an instant as RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"
