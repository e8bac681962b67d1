"""What manifests declare, gathered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archfb.repository.records import Command, Convention, Dependency, EntryPoint, Manifest


@dataclass(frozen=True, slots=True)
class Declared:
    """Everything that is declared, sorted by path and name."""

    manifests: tuple[Manifest, ...] = ()
    lock_files: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    commands: tuple[Command, ...] = ()
    conventions: tuple[Convention, ...] = ()
    notes: tuple[str, ...] = ()
