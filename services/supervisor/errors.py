"""Why `basalt up` does not start, as exceptions."""

from services.runtime.platform.errors import BasaltError


class StartRefused(BasaltError):
    """The system cannot start here and now; the text is the one line that says why."""
