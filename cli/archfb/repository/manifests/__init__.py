"""What the repository declares about itself, ecosystem by ecosystem. Nothing of it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.repository.manifests.declared import Declared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Declared", "collect"]


def collect(paths: Sequence[str], read: Callable[[str], bytes | None]) -> Declared:
    """Return what the manifests among `paths` declare; what cannot be parsed becomes a note."""
    return Declared()
