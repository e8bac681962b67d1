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

TINY = 0.12
"""Share of the mean size below which a group is not worth an agent."""

PACKAGE = 1.0
"""What belonging to one package is worth: its files see each other without imports."""

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
    alive, links = _joined(files, count)
    _even_out(alive, links, count)
    groups = [sorted(one.files, key=lambda file: (-weight(file), file.path)) for one in alive.values()]
    return sorted(groups, key=lambda group: (-weight(group[0]), group[0].path))


def _joined(files: Sequence[File], count: int) -> tuple[dict[int, _Unit], dict[tuple[int, int], float]]:
    """Return `count` groups or fewer, as they come of joining alone, and how they are tied."""
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
    return alive, links


def _even_out(alive: dict[int, _Unit], links: dict[tuple[int, int], float], count: int) -> None:
    """Join what was left over to the group that it is tied to most, and halve the largest in its place."""
    for _ in range(count):
        mean = sum(one.tokens for one in alive.values()) / max(1, len(alive))
        tiny = min(alive, key=lambda at: (alive[at].tokens, at))
        if len(alive) < 2 or alive[tiny].tokens > mean * TINY:
            return
        others = [at for at in alive if at != tiny]
        home = max(others, key=lambda at: (links.get((min(at, tiny), max(at, tiny)), 0.0), -alive[at].tokens, -at))
        _join(alive, links, home, tiny)
        large = max(alive, key=lambda at: (alive[at].tokens, -at))
        halves = list(_joined(alive[large].files, 2)[0].values())
        if len(halves) == 2:
            alive[large], alive[max(alive) + 1] = halves


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
    found: dict[tuple[int, int], float] = {}
    packages = {name for unit in units for one in unit.files for name in one.imports if name.endswith("/")}
    for at, unit in enumerate(units):
        for other in range(at):
            if (near := _folders(unit, units[other], packages)) > 0:
                found[other, at] = near
    homes = _homes(units)
    for at, unit in enumerate(units):
        for name in [name for one in unit.files for name in one.imports]:
            importers, others = homes.get(name, (0, []))
            for other in [other for other in others if other != at]:
                pair = (min(at, other), max(at, other))
                found[pair] = found.get(pair, 0.0) + 1 / log2(2 + importers) / len(others)
    return found


def _homes(units: Sequence[_Unit]) -> dict[str, tuple[int, list[int]]]:
    """Return for each file, and each folder that may be imported as a package, its importers and its units."""
    found: dict[str, tuple[int, list[int]]] = {}
    for at, unit in enumerate(units):
        for one in unit.files:
            for name in (one.path, folder(one.path) + "/"):
                importers, homes = found.setdefault(name, (one.importers, []))
                found[name] = (max(importers, one.importers), homes)
                if at not in homes:
                    homes.append(at)
    return found


def _folders(one: _Unit, other: _Unit, packages: set[str]) -> float:
    mine, theirs = one.files[0].path, other.files[0].path
    if folder(mine) == folder(theirs) and folder(mine) + "/" in packages:
        return PACKAGE
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
