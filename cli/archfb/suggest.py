"""Did you mean …?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like this one; None where none is."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known word, else an empty string."""
    near = nearest(word, known)
    return "" if near is None else f" Did you mean '{near}'?"


def one_of(word: str, known: Iterable[str], what: str) -> str:
    """Return a word that is known. Raises UnknownName with the nearest one, or all of them."""
    names = list(known)
    if word in names:
        return word
    from archfb.errors import UnknownName
    from archfb.text import clean

    near = did_you_mean(word, names)
    raise UnknownName(
        f"Unknown {what} '{clean(word, one_line=True, limit=80)}'.{near or ' Known: ' + ', '.join(names) + '.'}"
    )
