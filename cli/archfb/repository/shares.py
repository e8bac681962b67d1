"""How many bytes are in which language."""

from __future__ import annotations

from archfb.repository.records import Language

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.repository.records import File

_LONG_LINES = 110


def count(files: Sequence[File], counted: Sequence[str | None]) -> tuple[Language, ...]:
    """Return the shares of the languages that the files are counted as (None: not at all), the largest first."""
    sums: dict[str, list[int]] = {}
    for file, name in zip(files, counted, strict=True):
        if name is not None:
            entry = sums.setdefault(name, [0, 0])
            entry[0] += 1
            entry[1] += file.size
    return _shared(sums)


def _shared(sums: Mapping[str, Sequence[int]]) -> tuple[Language, ...]:
    total = sum(size for _, size in sums.values()) or 1
    shares = (Language(name, number, size, size / total) for name, (number, size) in sums.items())
    return tuple(sorted(shares, key=lambda one: (-one.size, one.name)))


def regrown(shares: Sequence[Language], grown: Mapping[str, int]) -> tuple[Language, ...]:
    """Return the shares after each language grew by so many bytes."""
    return _shared({one.name: (one.files, one.size + grown.get(one.name, 0)) for one in shares})


def uncounted(path: str, size: int, lines: int) -> bool:
    """Return whether a file is empty, or a script or style sheet with more than 110 bytes a line on average."""
    return not size or (path.lower().endswith((".js", ".css")) and (size - lines) // (lines + 1) > _LONG_LINES)
