"""Numbers over time in one line: a bar of eight heights a period, or a digit where there are no such bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

BARS = "▁▂▃▄▅▆▇█"
DIGITS = "12345678"


class Marks(NamedTuple):
    """The characters of a strip: eight heights, and what stands for nothing known."""

    heights: str
    nothing: str


UNICODE = Marks(BARS, "·")
ASCII = Marks(DIGITS, ".")


def marks(encoding: str | None) -> Marks:
    """Return the characters that a stream of that encoding can show."""
    return UNICODE if (encoding or "utf-8").lower().replace("_", "-").startswith("utf") else ASCII


def height(share: float, of: Marks) -> str:
    """Return the bar of a share of 1."""
    return of.heights[min(7, max(0, int(share * 8)))]


def shares(values: Iterable[float | None], of: Marks) -> Text:
    """Return shares of 1 as bars, coloured by how far they are from 1."""
    from rich.text import Text

    strip = Text()
    for one in values:
        strip.append(of.nothing if one is None else height(one, of), style=colour(one))
    return strip


def colour(share: float | None) -> str:
    """Return the style of an availability: what is under a tenth of failures is worth a look, more is bad."""
    if share is None:
        return "dim"
    return "green" if share >= 0.99 else "yellow" if share >= 0.9 else "red"


def amounts(values: Sequence[float | None], of: Marks) -> str:
    """Return amounts as bars, the largest the highest; equal ones are low ones."""
    known = [one for one in values if one is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (high - low) or 1.0
    return "".join(of.nothing if one is None else height((one - low) / scale, of) for one in values)
