"""Which release of Basalt and of the time-zone data this is."""

from importlib.metadata import version as installed


def version() -> str:
    """Give the release of Basalt."""
    return installed("basalt")


def tzdata_version() -> str:
    """Give the release of the time-zone data."""
    return installed("tzdata")
