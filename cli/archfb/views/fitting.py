"""Tables that fit: the columns that matter most, as many as the width takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from archfb.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table

T = TypeVar("T")

GAP = 2
"""Columns that a table spends between two of its own."""

PLAIN_BELOW = 60
"""Columns under which a table is no longer read but guessed; lines take its place."""


class Column(NamedTuple, Generic[T]):
    """One column: its title, what it says of a row, and how early it is given up (rank 0 never)."""

    title: str
    value: Callable[[T], str]
    rank: int = 0
    right: bool = False
    flexible: int = 0
    """Columns that a long text may be folded to; 0 keeps every word on its line."""
    style: Callable[[T], str] | None = None


BETWEEN = " · "
"""What stands between the parts of a line."""


def parted(line: str, width: int) -> list[str]:
    """Return a line of parts as lines no wider than `width`, broken between parts; a part that is wider is cut."""
    lines: list[str] = []
    for part in filter(None, line.split(BETWEEN)):
        longer = f"{lines[-1]}{BETWEEN}{part}" if lines else part
        if lines and len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(clean(part, limit=width))
    return lines


def width_needed(column: Column[T], rows: Sequence[T]) -> int:
    """Return the columns that a column needs, folded where it may be."""
    from rich.cells import cell_len

    longest = max((cell_len(column.value(row)) for row in rows), default=0)
    natural = max(longest, len(column.title))
    return min(natural, column.flexible) if column.flexible else natural


def fitting(columns: Sequence[Column[T]], rows: Sequence[T], width: int) -> list[Column[T]]:
    """Return the columns that fit the width: those of the highest rank are left out first."""
    needs = {column.title: width_needed(column, rows) + GAP for column in columns}
    kept = list(columns)
    while sum(needs[one.title] for one in kept) - GAP > width:
        expendable = max(kept, key=lambda one: one.rank)
        if expendable.rank == 0:
            break
        kept.remove(expendable)
    return kept


def table(columns: Sequence[Column[T]], rows: Sequence[T], width: int) -> Table:
    """Return the rows as a table no wider than `width`; every cell is literal text."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    kept = fitting(columns, rows, width)
    found = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1), collapse_padding=True)
    for column in kept:
        found.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=not column.flexible,
            overflow="fold",
            header_style="bold",
        )
    for row in rows:
        cells = (Text(one.value(row), style=one.style(row) if one.style else "") for one in kept)
        found.add_row(*cells)
    return found
