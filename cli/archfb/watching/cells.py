"""Words in a fixed number of columns: cut, padded, counted down, drawn as a small curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archfb.views.phrases import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Glyphs(NamedTuple):
    """What a terminal can show beyond letters: the eight levels of a curve, the mark of a cut, an arrow."""

    levels: str
    cut: str
    arrow: str
    up_down: str


UNICODE = Glyphs("▁▂▃▄▅▆▇█", "…", "→", "↑↓")
ASCII = Glyphs("_.-=+*%#", "~", "->", "up/down")


def wide(text: str) -> int:
    """Return how many columns a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def head(text: str, width: int) -> str:
    """Return as much of the beginning as fits the width."""
    if text.isascii():
        return text[: max(0, width)]
    from rich.cells import set_cell_size

    return text if wide(text) <= width else set_cell_size(text, max(0, width))


def cut(text: str, width: int, glyphs: Glyphs = UNICODE) -> str:
    """Return a text no wider than the width, marked where it was cut."""
    return text if wide(text) <= width else head(text, width - 1) + glyphs.cut if width > 0 else ""


def cut_inside(text: str, width: int, glyphs: Glyphs = UNICODE) -> str:
    """Return a name no wider than the width without its middle: names that begin alike differ at the end."""
    if wide(text) <= width or width < 8 or not text.isascii():
        return cut(text, width, glyphs)
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + glyphs.cut + text[-tail:]


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return a text that fills the width."""
    blank = " " * (width - wide(text))
    return blank + text if right else text + blank


def ago(seconds: float | None) -> str:
    """Return an age in whole seconds, minutes, hours or days; of a clock that moved back it is 0."""
    if seconds is None:
        return NOTHING
    whole = max(0, int(seconds))
    for limit, size, unit in ((100, 1, "s"), (100 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if whole < limit:
            return f"{whole // size} {unit}"
    return f"{whole // 86400} d"


def countdown(seconds: float) -> str:
    """Return how long until something in at most seven columns: now, 0:42, 59:59, 23h 59m, 12 d."""
    whole = -int(-seconds // 1)
    if whole <= 0:
        return "now"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600}h {whole // 60 % 60:02}m" if whole < 100 * 3600 else f"{whole // 86400} d"


def curve(values: Sequence[float], width: int, glyphs: Glyphs = UNICODE) -> str:
    """Return the last values as a curve of one character each, from 0 to the highest of them."""
    last = values[-width:] if width > 0 else ()
    top = max(last, default=0.0)
    if top <= 0:
        return glyphs.levels[0] * len(last)
    return "".join(glyphs.levels[min(7, max(0, int(one / top * 7.999)))] for one in last)
