"""TOML of manifests."""

from __future__ import annotations

import tomllib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST = 4_000


def parse(text: str) -> dict[str, Any] | str:
    """Return the document, or a sentence on why it cannot be parsed.

    A line of more than 4,000 characters is not tried: the parser takes the square of a key's length.
    """
    if max(map(len, text.split("\n"))) > _LONGEST:
        return "cannot be parsed: a line is too long"
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return f"cannot be parsed: {error}"
