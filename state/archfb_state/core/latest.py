"""What was worked out last for each name, to be worked out again only where something about it has changed."""

from __future__ import annotations

from typing import TypeVar

V = TypeVar("V")

MOST = 1024
"""Names that are kept; with one more all are forgotten, since a program that has so many asks them in turn."""


class Latest(dict[str, V]):
    """The last value of each name."""

    def keep(self, name: str, value: V) -> V:
        """Keep a value in place of the last one, and return it."""
        if len(self) >= MOST:
            self.clear()
        self[name] = value
        return value
