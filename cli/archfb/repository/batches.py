"""Dividing files into batches that belong together, each within a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.repository.records import Batch, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archfb.repository.records import File, Repository

_OVERHEAD = 90  # tokens of a context's frame
_PER_FILE = 24  # tokens of a file's heading
_NUMBERS = 1.06  # what line numbers add


def batches(repo: Repository, files: Sequence[str], budget_tokens: int) -> tuple[Batch, ...]:
    """Return the files in batches of at most `budget_tokens` each, neighbours in the import graph together.

    A file larger than a batch is split at its definitions. Files that cannot be shown are left out.
    """
    room = max(400, int(budget_tokens * 0.95) - _OVERHEAD)
    found: list[Batch] = []
    current: list[Piece] = []
    used = 0
    for path in _in_order(repo, files):
        file = repo.by_path[path]
        for piece, cost in _pieces(repo, file, room):
            if current and used + cost > room:
                found.append(Batch(tuple(current), used + _OVERHEAD))
                current, used = [], 0
            current.append(piece)
            used += cost
    if current:
        found.append(Batch(tuple(current), used + _OVERHEAD))
    return tuple(found)


def cost_of(file: File) -> int:
    """Return about what a whole file costs in a context, in tokens."""
    return int(file.tokens * _NUMBERS) + file.lines // 8 + _PER_FILE


def _in_order(repo: Repository, files: Sequence[str]) -> list[str]:
    """Return the showable files so that what imports one another stands together: depth first from the most central."""
    wanted = {path for path in files if path in repo.by_path and _showable(repo.by_path[path])}
    near: dict[str, list[str]] = {path: [] for path in wanted}
    for path in wanted:
        for target in repo.by_path[path].imports:
            if target in wanted:
                near[path].append(target)
                near[target].append(path)
    by_rank = sorted(wanted, key=lambda path: (-repo.by_path[path].rank, path))
    seen: set[str] = set()
    order: list[str] = []
    for start in by_rank:
        _visit(start, near, seen, order, repo)
    return order


def _visit(start: str, near: dict[str, list[str]], seen: set[str], order: list[str], repo: Repository) -> None:
    stack = [start]
    while stack:
        path = stack.pop()
        if path in seen:
            continue
        seen.add(path)
        order.append(path)
        folder = path.rpartition("/")[0]
        stack += sorted(near[path], key=lambda other: (other.rpartition("/")[0] == folder, repo.by_path[other].rank, other))


def _showable(file: File) -> bool:
    return not file.withheld and file.kind != "binary" and file.size > 0


def _pieces(repo: Repository, file: File, room: int) -> Iterable[tuple[Piece, int]]:
    cost = cost_of(file)
    if cost <= room:
        return [(Piece(file.path), cost)]
    text = repo.source.text(file)
    if text is None:
        return []
    per_line = max(1.0, cost / max(1, file.lines))
    most = max(1, int(room * 0.9 / per_line))
    total = text.text.count("\n") + 1
    starts = [one.line for one in repo.source.outline(file) if one.depth == 0]
    pieces, first = [], 1
    while first <= total:
        last = min(total, first + most - 1)
        if last < total:
            cut = max((line for line in starts if first + most // 2 < line <= last + 1), default=last + 1)
            last = cut - 1
        pieces.append((Piece(file.path, first, last), int((last - first + 1) * per_line) + _PER_FILE))
        first = last + 1
    return pieces
