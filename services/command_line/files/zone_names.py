"""Names of time zones in what a person has written."""

from services.command_line.output.exit_codes import wrong_input
from services.runtime.platform.errors import ZoneError
from services.runtime.platform.zones import local_resolver


def must_be_zone(name: str, *, said_in: str) -> None:
    """Refuse what is no time zone.

    Raises:
        CommandFailed: there is none of that name.
    """
    try:
        local_resolver(name)
    except ZoneError as error:
        raise wrong_input(f"{said_in}: {error}; nothing was sent") from error
