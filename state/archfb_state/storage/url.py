"""Which addresses name a state on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeGuard

SCHEMES = ("postgresql://", "postgres://")
"""How the address of a state begins that many machines share."""


def is_url(path: str | None) -> TypeGuard[str]:
    """Say whether a state is on PostgreSQL rather than in a file."""
    return path is not None and path[:13].lower().startswith(SCHEMES)
