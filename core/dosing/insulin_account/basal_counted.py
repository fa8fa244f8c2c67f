"""Basal as the pump counted it, for as long as any limit or any insulin action reaches back."""

from itertools import chain
from typing import Final

import msgspec

from core.models.insulin.on_board import Delivered
from schemas.units import Milliseconds, UtcMillis

BLOCK_MAX: Final = 32
"""[-] parts that are added to one by one, then moved over together: of a day's 600 one more part
copies few."""


class BasalCounted(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Counted basal in order of arrival."""

    newest: tuple[Delivered, ...] = ()
    """[-] those that came last, fewer than a block."""
    blocks: tuple[tuple[Delivered, ...], ...] = ()
    """[-] those that came before them."""

    @property
    def parts(self) -> tuple[Delivered, ...]:
        """Give all, in order of arrival."""
        return tuple(chain.from_iterable((*self.blocks, self.newest)))

    @property
    def ends_at(self) -> UtcMillis | None:
        """Give when the newest ended [ms]; None where there is none."""
        last = self.newest or (self.blocks[-1] if self.blocks else ())
        return last[-1].ends_at if last else None

    def with_part(self, part: Delivered, *, kept: Milliseconds) -> "BasalCounted":
        """Add a part, and let go of blocks that ended longer ago than `kept` [ms]."""
        newest = (*self.newest, part)
        if len(newest) < BLOCK_MAX:
            return BasalCounted(newest=newest, blocks=self.blocks)
        since = part.ends_at - kept
        return BasalCounted(
            blocks=(*(one for one in self.blocks if one[-1].ends_at >= since), newest)
        )
