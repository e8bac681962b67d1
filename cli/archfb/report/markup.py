"""HTML that is safe by how it is made: whatever is not an element is text, cleaned and escaped."""

from __future__ import annotations

from html import escape

from archfb.text import clean

VOID = frozenset({"meta", "rect", "line", "path", "polyline", "circle", "br"})


class Markup(str):
    """Text that is HTML already; only this module makes it."""

    __slots__ = ()


Piece = str | float | None
"""What stands in an element: markup, text, a number, or nothing."""


def text(piece: Piece) -> Markup:
    """Return a piece as HTML."""
    if isinstance(piece, Markup):
        return piece
    if piece is None:
        return Markup("")
    return Markup(escape(clean(str(piece)), quote=True))


def el(name: str, /, *pieces: Piece, **attributes: Piece) -> Markup:
    """Return an element. An attribute `class_` is `class`, `a_b` is `a-b`; one that is None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(map(text, pieces))
    return Markup(f"<{name}{said}/>" if name in VOID else f"<{name}{said}>{inner}</{name}>")


def joined(*pieces: Piece) -> Markup:
    """Return pieces one after the other."""
    return Markup("".join(map(text, pieces)))


def _number(value: Piece) -> Piece:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


def trusted(source: str) -> Markup:
    """Return a text of this program's own, such as a style sheet, as it is."""
    return Markup(source)
