"""Which files belong together: greedy joining over the import graph and the folders, within a size."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log2, sqrt
from typing import TYPE_CHECKING

from archfb.phases.importance import folder, nearness, weight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.repository.records import File

UNITS = 90
"""Units that joining starts from; more are first grouped by folder, since each round looks at every pair."""

SLACK = 1.35
"""How far a cluster may outgrow its even share before joining prefers another pair."""

FOLDER = 0.35
"""What sharing every folder is worth beside one import between two files of middling size."""


@dataclass(slots=True)
class _Unit:
    files: list[File]
    tokens: int = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = sum(max(one.tokens, 1) for one in self.files)


def clusters(files: Sequence[File], count: int) -> list[list[File]]:
    """Return the files in `count` groups or fewer, connected ones together and the groups of similar size.

    Deterministic: ties are broken by path. Each group is ordered by weight, the groups by their first file's.
    """
    if not files:
        return []
    units = _units(files, count)
    limit = SLACK * sum(one.tokens for one in units) / count
    links = _links(units)
    alive = dict(enumerate(units))
    while len(alive) > max(1, count):
        pair = _best(alive, links, limit)
        if pair is None:
            limit *= 1.3
            continue
        _join(alive, links, *pair)
    groups = [sorted(one.files, key=lambda file: (-weight(file), file.path)) for one in alive.values()]
    return sorted(groups, key=lambda group: (-weight(group[0]), group[0].path))


def _units(files: Sequence[File], count: int) -> list[_Unit]:
    """Return single files, or small folders as one where there are too many files."""
    if len(files) <= UNITS:
        return [_Unit([one]) for one in sorted(files, key=lambda file: file.path)]
    share = sum(one.tokens for one in files) / (3 * count)
    homes: dict[str, list[File]] = {}
    for one in sorted(files, key=lambda file: file.path):
        homes.setdefault(folder(one.path), []).append(one)
    found: list[_Unit] = []
    for group in homes.values():
        whole = _Unit(group)
        found.extend([whole] if whole.tokens <= share else [_Unit([one]) for one in group])
    return found


def _links(units: Sequence[_Unit]) -> dict[tuple[int, int], float]:
    """Return how strongly each pair of units is tied: imports (an often imported file says less), and folders."""
    home = {one.path: at for at, unit in enumerate(units) for one in unit.files}
    importers = {one.path: one.importers for unit in units for one in unit.files}
    found: dict[tuple[int, int], float] = {}
    for at, unit in enumerate(units):
        for other in range(at):
            if (near := _folders(unit, units[other])) > 0:
                found[other, at] = near
    for at, unit in enumerate(units):
        for one in unit.files:
            for path in one.imports:
                other = home.get(path, at)
                if other != at:
                    pair = (min(at, other), max(at, other))
                    found[pair] = found.get(pair, 0.0) + 1 / log2(2 + importers[path])
    return found


def _folders(one: _Unit, other: _Unit) -> float:
    mine, theirs = one.files[0].path, other.files[0].path
    deepest = max(mine.count("/"), theirs.count("/"), 1)
    return FOLDER * nearness(mine, theirs) / deepest


def _best(alive: Mapping[int, _Unit], links: Mapping[tuple[int, int], float], limit: float) -> tuple[int, int] | None:
    """Return the pair to join next: strongly tied for its size, else the two smallest."""
    best, score = None, 0.0
    for (one, other), tie in links.items():
        size = alive[one].tokens + alive[other].tokens
        if size <= limit and (found := tie / sqrt(size)) > score:
            best, score = (one, other), found
    if best is not None:
        return best
    smallest = sorted(alive, key=lambda at: (alive[at].tokens, at))[:2]
    return (smallest[0], smallest[1]) if sum(alive[at].tokens for at in smallest) <= limit else None


def _join(alive: dict[int, _Unit], links: dict[tuple[int, int], float], one: int, other: int) -> None:
    gone = alive.pop(other)
    alive[one] = _Unit([*alive[one].files, *gone.files])
    for pair in [pair for pair in links if other in pair]:
        tie = links.pop(pair)
        third = pair[0] if pair[1] == other else pair[1]
        if third != one:
            kept = (min(one, third), max(one, third))
            links[kept] = links.get(kept, 0.0) + tie
