"""Where a journal in PostgreSQL is: a database by URL, and the schema of one service in it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from services.runtime.platform.errors import StoreUrlWrong

PASSWORD_VARIABLE = "PGPASSWORD"  # noqa: S105  # the name of the variable, not what is in it
"""[-] variable of the environment that libpq reads a password from."""

SCHEMA_PREFIX = "basalt_"
"""[-] before the name of the service whose journal a schema holds."""

DEFAULTS: Mapping[str, str] = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "client_encoding": "utf8",
    "application_name": "basalt",
}
"""[-] what is said of a connection where the URL does not: a server that is gone is noticed."""


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A schema in a database; printed without its password."""

    url: str
    """[-] as it may be shown and handed on: without a password."""
    schema: str
    """[-] of one service."""
    options: Mapping[str, str] = field(repr=False)
    """[-] what libpq is told, the password among it if the URL had one."""

    def __str__(self) -> str:
        """Name the database and the schema."""
        return f"{self.url} ({self.schema})"


def postgres_address(url: str, *, service: str) -> PostgresAddress:
    """Read the URL of a database.

    Raises:
        StoreUrlWrong: libpq would not take it; its text is not repeated, a password may be in it.
    """
    said = _options(url)
    return PostgresAddress(
        url=_shown(said), schema=f"{SCHEMA_PREFIX}{service}", options={**DEFAULTS, **said}
    )


def url_without_password(url: str) -> str:
    """Move a password out of a URL into the environment, where `ps` does not show it."""
    said = _options(url)
    if "password" in said:
        os.environ[PASSWORD_VARIABLE] = said["password"]
    return _shown(said)


def first_line(error: BaseException) -> str:
    """Give what is said first of all that a server says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _options(url: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    except ProgrammingError as error:
        raise StoreUrlWrong(
            "the URL of the store is not of the form postgresql://USER@HOST:PORT/DATABASE"
        ) from error


def _shown(said: Mapping[str, str]) -> str:
    left = {name: value for name, value in said.items() if name != "password"}
    host, port, user = left.pop("host", ""), left.pop("port", ""), left.pop("user", "")
    database = left.pop("dbname", "")
    if host.startswith(("/", "@")) or "," in host or "," in port:
        left.update({"host": host} | ({"port": port} if port else {}))
        host = port = ""
    place = f"[{host}]" if ":" in host else host
    before, behind = f"{quote(user, safe='')}@" if user else "", f":{port}" if port else ""
    rest = f"?{urlencode(left, quote_via=quote)}" if left else ""
    return f"postgresql://{before}{place}{behind}/{quote(database, safe='')}{rest}"
