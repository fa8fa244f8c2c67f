"""Which release of Basalt this is."""

from importlib.metadata import version as installed


def version() -> str:
    """Give the release of Basalt."""
    return installed("basalt")


def in_words() -> str:
    """Say which release this is."""
    return f"basalt {version()}; not a medical device"
