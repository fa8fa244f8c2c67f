"""Logs: JSON lines for machines, plain lines on a terminal; never history.

structlog imports rich for tracebacks in colour, which no log here has. That took a fifth of the
start of a service, so structlog is imported here alone, and without rich.
"""

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO


@contextlib.contextmanager
def _absent(name: str) -> Iterator[None]:
    """Let a package that nobody has imported yet appear not to be installed."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # Python's own mark for "not to be found"
    try:
        yield
    finally:
        del sys.modules[name]


with _absent("rich"):
    import structlog  # noqa: E402  # without what it would import beside itself


class LogLines:
    """Writes each line at once; one that finds no room on a full disk is lost, and no more."""

    def __init__(self, stream: TextIO) -> None:
        """Write to this stream."""
        self._stream = stream

    def __call__(self, *_: Any) -> "LogLines":
        """Be the logger that structlog asks for."""
        return self

    def msg(self, message: str) -> None:
        """Write a line."""
        with contextlib.suppress(OSError):
            self._stream.write(f"{message}\n")
            self._stream.flush()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def get_logger() -> Any:
    """Give a logger for a module; it follows what `configure_logs` sets up later."""
    return structlog.get_logger()


def configure_logs(*, service: str, level: str = "INFO", into: Path | None = None) -> None:
    """Set structlog up for a process; every line names the service.

    Args:
        service: who logs.
        level: the least that is logged.
        into: file for the log, where standard error belongs to a person; else standard error.

    Raises:
        OSError: the file cannot be written.
    """
    stream = into.open("a", encoding="utf-8", buffering=1) if into else sys.stderr
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer()
    if stream.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=LogLines(stream),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.getLogger("nats").setLevel(logging.CRITICAL)
