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
    number, release = stamp
    newest = kind.newest
    formats = f"formats {UNNUMBERED} to {newest}" if newest > UNNUMBERED else f"format {newest}"
    knows = f"Basalt {version()} knows {formats}"
    if isinstance(number, bool) or not isinstance(number, int) or not _is_possible(number):
        shown = repr(number)[:SHOWN_MAX]
        reason = f"{shown} is no number of a format; {knows}; {kind.if_damaged}"
    elif number <= newest:
        return number
    elif release == version():
        reason = (
            f"{kind.what} of format {number}, and yet written by this release; {knows}: the "
            f"number is damaged; {kind.if_damaged}"
        )
    else:
        made, later = "a release that it does not name", "the release that wrote it"
        if release:
            made = later = f"Basalt {release}"
        reason = (
            f"{kind.what} of format {number}, written by {made}; {knows}; nothing was "
            f"started or changed: use {later} or a later one"
        )
    raise StoreFormatUnknown(str(path), reason)


def _is_possible(number: int) -> bool:
    return UNNUMBERED <= number <= NUMBER_MAX
