"""One line of the doctor's report."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple


class Finding(NamedTuple):
    """How something is, and what to do about it. Only what is "wrong" makes the command fail."""

    level: Literal["ok", "note", "wrong"]
    topic: str
    what: str
    do: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return a row of `findings`."""
        return self._asdict()
