"""Tables on a terminal; in a file or a pipe they are plain text."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_COLUMNS = 120
"""[characters] of a line where there is no terminal."""


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    right: frozenset[int] = frozenset(),
) -> None:
    """Print rows under headings; nothing in them is markup.

    Args:
        columns: headings; all empty for none.
        rows: as many cells as headings.
        title: above the table.
        right: [-] columns that are set to the right, from 0.
    """
    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        title_style="bold",
        show_header=any(columns),
        box=None,
        pad_edge=False,
    )
    for number, heading in enumerate(columns):
        table.add_column(heading, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def console() -> Console:
    """Make the console for standard output."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=PIPE_COLUMNS)
