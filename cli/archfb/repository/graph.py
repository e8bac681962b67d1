"""The import graph: rank, cycles, layers. Everything in plain Python and in a fixed order."""

from __future__ import annotations

from archfb.repository.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_DAMPING = 0.85
_ROUNDS = 40
_CLOSE = 1e-7
_TYPES_ONLY = (".d.ts", ".d.mts", ".d.cts")  # what these import is needed by nothing that runs


class Graph(Record):
    """What the edges tell: by path `rank` (sums to 1), `layer`, `importers`; and the cycles, largest first."""

    rank: Mapping[str, float]
    layer: Mapping[str, int]
    importers: Mapping[str, int]
    cycles: tuple[tuple[str, ...], ...]


def build(edges: Mapping[str, Sequence[str]], paths: Sequence[str], silent: Collection[str] = frozenset()) -> Graph:
    """Return the graph of `edges` (path to paths; a folder, ending with "/", stands for the files in it).

    What `silent` files import gains no rank by it (tests and examples reach for what is theirs to try, not for what
    the rest is built on), unless nothing else imports.
    """
    nodes, targets = _numbered(edges, paths)
    number = {node: at for at, node in enumerate(nodes)}
    running = [() if node.endswith(_TYPES_ONLY) else out for node, out in zip(nodes, targets, strict=True)]
    components = _components(running)
    layers = _layers(running, components)
    quiet = silent if any(path not in silent for path in edges) else ()
    ranks = pagerank([() if node in quiet else out for node, out in zip(nodes, targets, strict=True)])
    real = [not node.endswith("/") for node in nodes]
    total = sum(rank for rank, is_file in zip(ranks, real, strict=True) if is_file) or 1.0
    cycles = [tuple(sorted(nodes[at] for at in found if real[at])) for found in components if len(found) > 1]
    return Graph(
        {node: ranks[at] / total for at, node in enumerate(nodes) if real[at]},
        {node: layers[at] for at, node in enumerate(nodes) if real[at]},
        _importers(edges, number),
        tuple(sorted((cycle for cycle in cycles if len(cycle) > 1), key=lambda cycle: (-len(cycle), cycle))),
    )


def _numbered(edges: Mapping[str, Sequence[str]], paths: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    folders = {target for targets in edges.values() for target in targets if target.endswith("/")}
    members: dict[str, list[str]] = {folder: [] for folder in sorted(folders)}
    if members:
        for path in paths:
            folder = path.rpartition("/")[0] + "/"
            if folder in members and not _is_test(path):
                members[folder].append(path)
    linked = dict(edges) | members
    nodes = sorted(set(linked).union(*linked.values())) if linked else []
    number = {node: at for at, node in enumerate(nodes)}
    return nodes, [sorted(number[target] for target in linked.get(node, ())) for node in nodes]


def _is_test(path: str) -> bool:
    return path.rpartition(".")[0].endswith("_test")


def _importers(edges: Mapping[str, Sequence[str]], number: Mapping[str, int]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for targets in edges.values():
        for target in targets:
            counted[target] = counted.get(target, 0) + 1
    for node in number:
        folder = node.rpartition("/")[0] + "/"
        if not node.endswith("/") and folder in counted and not _is_test(node):
            counted[node] = counted.get(node, 0) + counted[folder]
    return counted


def pagerank(targets: Sequence[Sequence[int]]) -> list[float]:
    """Return the PageRank of each node (damping 0.85, dangling weight spread evenly); the sum is 1."""
    count = len(targets)
    if not count:
        return []
    ranks = [1.0 / count] * count
    linked = [(at, out, _DAMPING / len(out)) for at, out in enumerate(targets) if out]
    dangling = [at for at, out in enumerate(targets) if not out]
    for _ in range(_ROUNDS):
        base = (1.0 - _DAMPING + _DAMPING * sum([ranks[at] for at in dangling])) / count
        after = [base] * count
        for at, out, share in linked:
            given = ranks[at] * share
            for target in out:
                after[target] += given
        moved = sum([abs(old - new) for old, new in zip(ranks, after, strict=True)])
        ranks = after
        if moved < _CLOSE:
            break
    return ranks


def _components(targets: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components, each after those it leads to (after Tarjan, not recursive)."""
    count = len(targets)
    order = [0] * count
    low = [0] * count
    on_stack = bytearray(count)
    stack: list[int] = []
    found: list[list[int]] = []
    clock = 0
    for start in range(count):
        if order[start]:
            continue
        work = [(start, 0)]
        while work:
            node, at = work.pop()
            if at == 0:
                clock += 1
                order[node] = low[node] = clock
                stack.append(node)
                on_stack[node] = 1
            out = targets[node]
            while at < len(out):
                target = out[at]
                at += 1
                if not order[target]:
                    work.append((node, at))
                    work.append((target, 0))
                    break
                if on_stack[target]:
                    low[node] = min(low[node], order[target])
            else:
                if low[node] == order[node]:
                    found.append(_popped(stack, on_stack, node))
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[node])
    return found


def _popped(stack: list[int], on_stack: bytearray, node: int) -> list[int]:
    component = []
    while True:
        member = stack.pop()
        on_stack[member] = 0
        component.append(member)
        if member == node:
            return sorted(component)


def _layers(targets: Sequence[Sequence[int]], components: Sequence[Sequence[int]]) -> list[int]:
    """Return for each node how many steps lie between it and the bottom; a cycle is one layer."""
    of = [0] * len(targets)
    for number, component in enumerate(components):
        for node in component:
            of[node] = number
    heights = [0] * len(components)
    for number, component in enumerate(components):
        heights[number] = max(
            (heights[of[target]] + 1 for node in component for target in targets[node] if of[target] != number),
            default=0,
        )
    return [heights[of[node]] for node in range(len(targets))]
