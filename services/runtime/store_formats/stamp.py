"""What a store says of its own format, and the one line that refuses what is not known."""

from typing import NamedTuple

from services.runtime.platform.errors import StoreFormatUnknown
from services.runtime.platform.release import version
from services.runtime.store_formats.known import NUMBER_MAX, UNNUMBERED, StoreFormat

SHOWN_MAX = 40
"""[-] characters of a number that is none."""


class Stamp(NamedTuple):
    """The format of a store as it says itself."""

    number: object
    """[-] a whole number from 1 on, or whatever stands there instead."""
    release: str = ""
    """[-] of Basalt that made the store, or upgraded it to this format; empty where unknown."""


class Upgraded(NamedTuple):
    """A store that was brought to the newest format."""

    what: str
    """[-] kind of store, in words."""
    before: int
    """[-] its format before."""
    now: int
    """[-] its format from now on."""

    def __str__(self) -> str:
        """Say it."""
        return f"{self.what} from format {self.before} to {self.now}"


def known_number(path: object, stamp: Stamp, kind: StoreFormat) -> int:
    """Give the number of a store of a format that this release knows.

    Raises:
        StoreFormatUnknown: it is of a newer release, or the number is none.
    """
    number = stamp.number
    knows = f"Basalt {version()} knows formats {UNNUMBERED} to {kind.newest}"
    if isinstance(number, bool) or not isinstance(number, int) or not _is_possible(number):
        shown = repr(number)[:SHOWN_MAX]
        reason = f"{shown} is no number of a format; {knows}; {kind.if_damaged}"
        raise StoreFormatUnknown(str(path), reason)
    if number > kind.newest:
        made = f"Basalt {stamp.release}" if stamp.release else "a release that it does not name"
        later = f"Basalt {stamp.release}" if stamp.release else "the release that wrote it"
        reason = (
            f"a {kind.what} of format {number}, written by {made}; {knows}; nothing was "
            f"started or changed: use {later} or a later one"
        )
        raise StoreFormatUnknown(str(path), reason)
    return number


def _is_possible(number: int) -> bool:
    return UNNUMBERED <= number <= NUMBER_MAX
