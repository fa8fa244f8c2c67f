"""Where a pump listens: `unix:PATH` or `tcp:HOST:PORT`."""

from typing import NamedTuple

PORT_MAX = 65_535
"""[-] the highest TCP port."""


class PumpAddress(NamedTuple):
    """A Unix socket, or a host with a port."""

    host: str
    """[-] path of the socket if `port` is None."""
    port: int | None
    """[-] 0 to 65535; None for a Unix socket."""

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"unix:{self.host}" if self.port is None else f"tcp:{self.host}:{self.port}"


def parse_pump_address(text: str) -> PumpAddress:
    """Read an address.

    Raises:
        ValueError: it is neither `unix:PATH` nor `tcp:HOST:PORT`.
    """
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest:
        return PumpAddress(rest, None)
    host, _, port = rest.rpartition(":")
    if kind == "tcp" and host and port.isascii() and port.isdigit() and int(port) <= PORT_MAX:
        return PumpAddress(host, int(port))
    raise ValueError(f"address {text!r} is neither unix:PATH nor tcp:HOST:PORT")
