"""Which files matter: what a plan must cover and what an analysis speaks of first."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archfb.repository.records import File, Repository

MOST = 150
"""Files that a plan is expected to cover in a large repository; five readers cannot take in more."""

_LAST = 1_000_000


def readable(file: File) -> bool:
    """Return whether a file's text may and can be shown to a reader."""
    return file.kind == "text" and not file.withheld


def is_code(file: File) -> bool:
    """Return whether a file is source or test of the project's own."""
    return readable(file) and file.language is not None and file.role in {"source", "test"}


def product(repo: Repository) -> list[File]:
    """Return the source files, the most central first."""
    found = [one for one in repo.files if is_code(one) and one.role == "source"]
    return sorted(found, key=lambda one: (-weight(one), -one.lines, one.path))


def weight(file: File) -> float:
    """Return how much a file matters: its rank, lifted by how many import it and, slowly, by its size.

    The rank alone puts a small file that only one central file imports beside that central file.
    """
    return (file.rank + 1e-9) * (1 + file.importers) * log2(2 + file.lines)


def ours(file: File) -> bool:
    """Return whether a file is the project's own; its hidden folders (automation, editors) count as its own."""
    return file.kind != "vendored" or file.path.startswith(".")


def entry_files(repo: Repository) -> list[str]:
    """Return the listed files in which execution begins, in order of declaration."""
    return _unique(one.target for one in repo.entry_points if one.target in repo.by_path)


def important(repo: Repository) -> tuple[str, ...]:
    """Return the files that a plan must cover: entry points, main manifests, and source by rank up to `MOST`.

    In a repository without source code, its readable text files stand in, the longest first.
    """
    manifests = [one.path for one in repo.manifests if "/" not in one.path]
    source = [one.path for one in product(repo) if one.lines > 0]
    if not source:
        texts = sorted((one for one in repo.files if readable(one) and one.lines), key=lambda one: -one.tokens)
        source = [one.path for one in texts]
    names = _unique([*entry_files(repo)[:20], *manifests[:10], *source])
    return tuple(one for one in names if readable(repo.by_path[one]))[:MOST]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def agents_wanted(repo: Repository) -> tuple[int, int]:
    """Return the least and the most agents that fit the repository's size: 3 to 5, fewer for a small one."""
    files = len(product(repo)) or sum(readable(one) for one in repo.files)
    for size, bounds in ((6, (1, 1)), (15, (2, 2)), (30, (3, 3)), (80, (3, 4)), (_LAST, (3, 5))):
        if files < size:
            return bounds
    return 3, 5


def folder(path: str) -> str:
    """Return a path's folder, "" at the top."""
    return path.rpartition("/")[0]


def nearness(one: str, other: str) -> int:
    """Return how many leading folders two paths share."""
    shared = 0
    for mine, theirs in zip(folder(one).split("/"), folder(other).split("/"), strict=False):
        if mine != theirs or not mine:
            break
        shared += 1
    return shared


def importers(repo: Repository) -> dict[str, list[str]]:
    """Return, for each file that is imported, the files that import it."""
    found: dict[str, list[str]] = {}
    for one in repo.files:
        for path in one.imports:
            found.setdefault(path, []).append(one.path)
    return found
