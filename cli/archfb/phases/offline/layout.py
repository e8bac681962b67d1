"""Statements about what is where: folders, components, entry points, central files, layers, cycles."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from archfb.phases.importance import folder, ours
from archfb.phases.offline.facts import Component, count, listed, said
from archfb.phases.offline.purpose import purpose
from archfb.text import code

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from archfb.phases.importance import Module
    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import EntryPoint, File

ROLE_WORDS = {
    "source": "source",
    "test": "tests",
    "docs": "documentation",
    "example": "examples",
    "config": "configuration",
    "other": "other files",
    "marked": "generated",
}
_ONE = {"tests": "test", "examples": "example", "other files": "other file"}

TEST_DATA = re.compile(r"(?:^|/)(?:testdata|test[-_]?data|fixtures?|__fixtures__|snapshots?)/")


def layout(facts: Facts, limit: int = 14, *, hidden: bool = True) -> list[str]:
    """Say what each top folder (without `hidden`: that does not begin with a dot) holds, the largest first."""
    homes = _homes([one for one in facts.repo.files if hidden or not one.path.startswith(".")])
    ordered = sorted(
        (name for name in homes if name), key=lambda name: (-_code(homes[name]), -len(homes[name]), name)
    )
    found = [_folder(name, homes[name]) for name in ordered[:limit]]
    if len(ordered) > limit:
        rest = sum(len(homes[name]) for name in ordered[limit:])
        found.append(
            f"- {count(len(ordered) - limit, 'further folder')} with {count(rest, 'file')}: {_names(ordered[limit:])}"
        )
    return found


NEARLY_ALL = 0.95
"""Share of the files from which on a folder says nothing, and what is in it does."""


def _homes(files: list[File]) -> dict[str, list[File]]:
    """Return the files by top folder; one that holds nearly all of them is parted into what is in it."""
    homes, parted = {"": files}, ""
    for _ in range(4):
        inside: dict[str, list[File]] = defaultdict(list)
        for one in homes.pop(parted):
            inside[_child(parted, folder(one.path))].append(one)
        homes |= inside
        parted = max(homes, key=lambda name: len(homes[name]))
        if not parted or parted not in inside or len(homes[parted]) < NEARLY_ALL * len(files):
            break
        if not any("/" in one.path[len(parted) + 1 :] for one in homes[parted]):
            break
    return homes


def _names(names: list[str]) -> str:
    return listed([code(one + "/") for one in names], 8)


def _code(files: list[File]) -> int:
    return sum(one.lines for one in files if one.language and one.role == "source" and one.kind == "text")


def _word(one: File) -> str:
    """Return what a file is there for; what lies in folders of test data is test data, whoever wrote it."""
    if one.kind == "vendored" and TEST_DATA.search(one.path):
        return "test data"
    if one.kind == "text" or (one.kind == "vendored" and ours(one)):
        return ROLE_WORDS.get(one.role, one.role)
    return ROLE_WORDS.get(one.kind, one.kind)


def _folder(name: str, files: list[File]) -> str:
    roles = Counter(_word(one) for one in files)
    parts = [f"{number:,} {_ONE.get(role, role) if number == 1 else role}" for role, number in roles.most_common(3)]
    first = Counter(f.language for f in files if f.language and f.kind == "text").most_common(2)
    languages = [one for one, times in first if times * 5 >= first[0][1]]
    spoken = f"; mostly {' and '.join(languages)}" if languages else ""
    chief = max(files, key=lambda one: (one.rank, one.role == "source", one.kind == "text", one.lines, one.path))
    return said(f"{code(name + '/')}: {count(len(files), 'file')} ({', '.join(parts)}){spoken}", chief.path)


def components(facts: Facts, limit: int = 10) -> list[Component]:
    """Return the folders of product code that matter, found by splitting whatever holds more than its share."""
    if limit not in facts.kept:
        facts.kept[limit] = _components(facts, limit)
    return facts.kept[limit]


def _components(facts: Facts, limit: int) -> list[Component]:
    sizes = Counter(folder(one.path) for one in facts.source)
    groups = {"": list(sizes)}  # folders; there are many fewer of them than files
    for _ in range(6):
        large = [name for name, homes in groups.items() if _splits(name, homes, sizes, len(groups), limit)]
        if not large:
            break
        for name in large:
            for home in groups.pop(name):
                groups.setdefault(_child(name, home), []).append(home)
    everything = sum(one.lines for one in facts.source) or 1
    found = _filled(groups, facts.source)
    found = [one for one in found if one.lines * 100 >= everything] or found
    return sorted(found, key=lambda one: (-one.weight, one.name))[:limit]


def _filled(groups: dict[str, list[str]], source: Sequence[File]) -> list[Component]:
    named = {name: Component(name) for name in groups}
    files = {home: named[name].files for name, homes in groups.items() for home in homes}
    for one in source:
        files[folder(one.path)].append(one)
    return list(named.values())


def _splits(name: str, homes: list[str], sizes: Counter[str], groups: int, limit: int) -> bool:
    children = {_child(name, home) for home in homes}
    if children == {name}:
        return False
    share = sum(sizes[home] for home in homes) / max(1, sizes.total())
    return groups == 1 or share > 0.5 or (share > 0.25 and groups + len(children) <= 6 * limit)


def _child(name: str, home: str) -> str:
    if home == name:
        return name
    rest = home[len(name) + 1 :] if name else home
    return f"{name}/{rest.partition('/')[0]}" if name else rest.partition("/")[0]


def _chief(facts: Facts, component: Component) -> File:
    """Return the file in which a component does most of its work."""
    mine = {one.path for one in component.files}
    return next((one for one in facts.chiefs if one.path in mine), component.files[0])


def parts(facts: Facts, limit: int = 8) -> list[Component]:
    """Return the components that are product code of some size: no tooling, documentation or build files."""
    everything = sum(one.lines for one in facts.source) or 1
    found = [one for one in components(facts, 3 * limit) if one.lines * 50 >= everything]
    return [one for one in found if one.name and not is_aside(f"{one.name}/")][:limit]


def is_aside(path: str) -> bool:
    """Return whether a file's top folder is there for the work on a product, and not the product."""
    top, below, _ = path.partition("/")
    return bool(below) and (top.lstrip(".").lower() in _ASIDE or _FOR_TESTS.match(top) is not None)


_FOR_TESTS = re.compile(r"tests?[-_]|\w+[-_]tests?$", re.IGNORECASE)


_ASIDE = {
    "docs", "doc", "scripts", "script", "tools", "tool", "examples", "example", "m4", "config", "build", "ci",
    "github", "devcontainer", "release", "benchmarks", "bench", "website", "site", "hack", "contrib",
    "benches", "benchmark", "dev", "playground", "playgrounds", "fuzz",
}  # fmt: skip


def part_lines(facts: Facts, limit: int = 6) -> list[str]:
    """Say what each part of the product is; of a product in one folder, its main modules."""
    found = parts(facts, limit)
    if len(found) > 1:
        return [_part(facts, one) for one in found]
    return [_module(facts, one) for one in facts.chiefs[: limit + 2]]


def _part(facts: Facts, one: Component) -> str:
    chief = _chief(facts, one)
    about = purpose(facts, chief.path)
    defined = facts.named(chief.path, 3)
    inside = chief.path.removeprefix(f"{one.name}/")
    size = f"{count(len(one.files), 'file')}, {count(one.lines, 'line')}"
    text = f"{code(one.name + '/')} ({size}): start at {code(inside)}"
    text += f", which defines {defined}" if defined else ""
    text += f". “{about[0]}”" if about else ""
    return said(text, chief.path, about[1] if about else facts.first_line(chief.path))


def _module(facts: Facts, file: File) -> str:
    about, defined = purpose(facts, file.path), facts.named(file.path, 4)
    parts = [f"“{about[0]}”"] if about else []
    parts += [f"defines {defined}"] if defined else []
    text = f"{code(file.path)} ({count(file.lines, 'line')})" + (f": {'; '.join(parts)}" if parts else "")
    return said(text, file.path, about[1] if about else facts.first_line(file.path))


def allowed_lines(facts: Facts, limit: int = 5) -> list[str]:
    """Say which parts know which, as far as it goes one way only and often enough to be meant."""
    edges, example = _between(facts)
    names = {one.name for one in parts(facts, 12)}
    oneway = [
        pair
        for pair in edges
        if names.issuperset(pair) and edges[pair] >= 5 and edges.get((pair[1], pair[0]), 0) * 50 <= edges[pair]
    ]
    oneway.sort(key=lambda pair: (-edges[pair], pair))
    return [_allowed(facts, pair, edges, example[pair]) for pair in oneway[:limit]]


def _allowed(facts: Facts, pair: Pair, edges: Counter[Pair], example: Pair) -> str:
    back = edges.get((pair[1], pair[0]), 0)
    never = "never back" if not back else f"{count(back, 'time')} back"
    upper, lower = (code(one + "/") for one in pair)
    text = f"Let {upper} import {lower}, not the reverse ({edges[pair]:,} imports, {never})"
    return said(text, example[0], facts.import_line(*example))


def component_lines(facts: Facts, limit: int = 10) -> list[str]:
    """Say what each component is, its weight and its most central file."""
    found = []
    for one in components(facts, limit):
        chief = _chief(facts, one)
        about = purpose(facts, chief.path)
        name = code(one.name + "/") if one.name else "the top folder"
        says = f" “{about[0]}”" if about else ""
        defined = facts.named(chief.path, 3)
        centre = f"its centre {code(chief.path)}" + (f" defines {defined}" if defined else "")
        size = f"{count(len(one.files), 'source file')}, {count(one.lines, 'line')}"
        text = f"{name} has {size}; {centre}{says and '.' + says}"
        found.append(said(text, chief.path, about[1] if about else facts.first_line(chief.path)))
    return found


def entry_lines(facts: Facts, limit: int = 12) -> list[str]:
    """Say where execution or use begins, as declared."""
    order = {"script": 0, "bin": 0, "program": 1, "main": 1, "service": 2, "module": 3, "library": 4, "task": 5}
    own = [one for one in facts.repo.entry_points if _declared_by_product(facts, one)]
    own.sort(key=lambda one: (order.get(one.kind, 9), one.manifest.count("/"), one.manifest, one.line, one.name))
    found = [_entry(one) for one in own[:limit]]
    if len(own) > limit:
        found.append(f"- {len(own) - limit:,} further entry points are declared")
    return found


def _declared_by_product(facts: Facts, one: EntryPoint) -> bool:
    file = facts.repo.by_path.get(one.target) or facts.repo.by_path.get(one.manifest)
    return file is None or (file.kind == "text" and file.role in {"source", "config", "other"})


def _entry(one: EntryPoint) -> str:
    target = f" → {code(one.target)}" if one.target and one.target != one.name else ""
    return said(f"{one.kind} {code(one.name)}{target}", one.manifest or one.target, one.line)


def central_lines(facts: Facts, limit: int = 8) -> list[str]:
    """Say which modules most others build on, and what they define."""
    return [_central(facts, one) for one in facts.modules[:limit] if one.importers]


def _central(facts: Facts, module: Module) -> str:
    path = module.chief.path
    about, defined = purpose(facts, path), facts.named(path)
    size = f"{count(len(module.files), 'file')}, " if module.name != path else ""
    users = count(len(module.importers), "file")
    text = f"{code(module.name)} ({size}{count(module.lines, 'line')}) is imported by {users}"
    text += f"; “{about[0]}”" if about else ""
    where = f"{code(path)} " if module.name != path else ""
    text += f"; {where}defines {defined}" if defined else ""
    return said(text, path, about[1] if about else facts.first_line(path))


def direction_lines(facts: Facts, limit: int = 8) -> list[str]:
    """Say which components import which, with one import line as evidence, and where it goes both ways."""
    edges, example = _between(facts)
    ordered = sorted(edges, key=lambda pair: (-edges[pair], pair))
    ordered = [pair for at, pair in enumerate(ordered) if (pair[1], pair[0]) not in ordered[:at]]
    return [_direction(facts, pair, edges, example[pair]) for pair in ordered[:limit]]


Pair = tuple[str, str]


def _between(facts: Facts) -> tuple[Counter[Pair], dict[Pair, Pair]]:
    """Return how often each component imports each other one, and an importing file and its target as an example."""
    homes: dict[str, str] = {}
    for group in components(facts, 40):
        for one in group.files:
            homes[one.path] = homes[folder(one.path) + "/"] = group.name
    edges: Counter[Pair] = Counter()
    example: dict[Pair, Pair] = {}
    for one in facts.source:
        for name in one.imports:
            pair = (homes.get(one.path, ""), homes.get(name, ""))
            if name in homes and one.path in homes and pair[0] != pair[1]:
                edges[pair] += 1
                example.setdefault(pair, (one.path, name))
    return edges, example


def _direction(facts: Facts, pair: Pair, edges: Counter[Pair], example: Pair) -> str:
    back = edges.get((pair[1], pair[0]), 0)
    both = f", which imports back {back:,} times" if back else ""
    names = [code(one + "/") if one else "the top folder" for one in pair]
    text = f"{names[0]} imports {names[1]} {edges[pair]:,} times{both}"
    return said(text, example[0], facts.import_line(*example))


def _in_one_crate(facts: Facts, cycle: Sequence[str]) -> bool:
    """Return whether these are modules of one Rust crate: those may name each other, and nearly all do."""
    if any(facts.repo.by_path[path].language != "Rust" for path in cycle):
        return False
    homes = {folder(one.path) for one in facts.repo.manifests if one.ecosystem == "rust"}
    return len({nearest(homes, path) for path in cycle}) == 1


def nearest(homes: Collection[str], path: str) -> str:
    """Return the path itself or the nearest folder above it that is one of these; "" where none is."""
    while path and path not in homes:
        path = folder(path)
    return path


def cycle_lines(facts: Facts, limit: int = 6, within: set[str] | None = None) -> list[str]:
    """Say which source files (those touching `within`) import each other in a circle, with a line that does."""
    own = facts.own
    cycles = [
        one for one in facts.repo.cycles if all(path in own for path in one) and (within is None or within & set(one))
    ]
    cycles = [one for one in cycles if not _in_one_crate(facts, one)]
    cycles.sort(key=lambda one: (-len(one), one))
    found = []
    for cycle in cycles[:limit]:
        first = cycle[0]
        target = next((path for path in facts.repo.by_path[first].imports if path in cycle), cycle[-1])
        names = listed([code(path) for path in cycle], 5)
        text = f"{count(len(cycle), 'file')} import each other in a circle: {names}"
        found.append(said(text, first, facts.import_line(first, target)))
    if len(cycles) > limit:
        found.append(f"- {len(cycles) - limit:,} further, smaller import cycles")
    return found


def layer_lines(facts: Facts) -> list[str]:
    """Say what lies at the bottom and at the top of the import graph."""
    linked = [one for one in facts.modules if one.importers or any(file.imports for file in one.files)]
    if len(linked) < 4:
        return []
    bottom = [one for one in linked if one.importers and not any(file.imports for file in one.files)]
    top = [one for one in linked if facts.members.keys().isdisjoint(one.importers)]
    bottom.sort(key=lambda one: (-len(one.importers), one.name))
    top.sort(key=lambda one: (-max(file.layer for file in one.files), -one.lines, one.name))
    found = []
    if bottom:
        names = listed([code(one.name) for one in bottom], 4)
        found.append(said(f"At the bottom, importing nothing of the repository: {names}", bottom[0].chief.path))
    if top:
        names = listed([code(one.name) for one in top], 4)
        found.append(said(f"At the top, imported by no other source file: {names}", top[0].chief.path))
    return found
