"""Dividing files into batches that belong together, each within a budget."""

from __future__ import annotations

from archfb.repository.records import Batch, Piece
from archfb.repository.tokens import estimate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archfb.repository.records import File, Repository

_OVERHEAD = 90  # tokens of a context's frame
_PER_FILE = 24  # tokens of a file's heading
_NUMBERS = 1.06  # what line numbers add, and what the estimate of a large file may be off
_SHARE = 0.86  # of a budget, so that every batch packs whole


def batches(repo: Repository, files: Sequence[str], budget_tokens: int) -> tuple[Batch, ...]:
    """Return the files in batches of at most `budget_tokens` each, neighbours in the import graph together.

    A file larger than a batch is split at its definitions. Files that cannot be shown are left out.
    """
    room = max(200, int(budget_tokens * _SHARE) - _OVERHEAD)
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
    """Return the showable files, depth first from the most central: what imports one another stands together."""
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
        stack += sorted(
            near[path], key=lambda other: (other.rpartition("/")[0] == folder, repo.by_path[other].rank, other)
        )


def _showable(file: File) -> bool:
    return not file.withheld and file.kind != "binary" and file.size > 0


def _pieces(repo: Repository, file: File, room: int) -> Iterable[tuple[Piece, int]]:
    cost = cost_of(file)
    if cost <= room:
        return [(Piece(file.path), cost)]
    text = repo.source.text(file)
    if text is None:
        return []
    lines = text.text.split("\n")
    known = {line: estimate(line) * _NUMBERS + 1 for line in set(lines)}  # many are alike
    costs = [known[line] for line in lines]
    starts = {one.line for one in repo.source.outline(file) if one.depth == 0}
    pieces: list[tuple[Piece, int]] = []
    first = 1
    while first <= len(lines):
        last, used = _cut(costs, starts, first, room - _PER_FILE)
        pieces.append((Piece(file.path, first, last), used + _PER_FILE))
        first = last + 1
    return pieces


def _cut(costs: Sequence[float], starts: set[int], first: int, room: int) -> tuple[int, int]:
    """Return the last line of a piece that begins at `first`, and its cost.

    It ends before a definition, if one lies in its second half.
    """
    used, last, best = 0.0, first - 1, None
    half = room / 2
    for line in range(first, len(costs) + 1):
        if line > first and line in starts and used > half:
            best = (line - 1, used)
        if line > first and used + costs[line - 1] > room:
            return (best[0], int(best[1])) if best else (last, int(used))
        used += costs[line - 1]
        last = line
    return last, int(used)
