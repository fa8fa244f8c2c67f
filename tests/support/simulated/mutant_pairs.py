"""Pairs of a check and what weakens the mechanism behind it: the check must break."""

from collections.abc import Callable

import pytest

Patch = pytest.MonkeyPatch
Check = Callable[[], bool]
Weaken = Callable[[Patch], None]


def is_caught(
    check: Check, weaken: Weaken, patch: Patch, *, breaks_by: tuple[type[Exception], ...] = ()
) -> bool:
    """Weaken a mechanism; say whether its check breaks, by its own word or by one of the errors.

    Were it to hold with the mechanism weakened, it would prove nothing.
    """
    weaken(patch)
    try:
        return not check()
    except breaks_by:
        return True
