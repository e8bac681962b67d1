"""Which files matter: what a plan must cover and what an analysis speaks of first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archfb.repository.records import File, Repository

MOST = 150
"""Files that a plan is expected to cover in a large repository; five readers cannot take in more."""

FALLING = 0.75
"""What each further file of a package counts beside the one before it."""

_DECLARES = re.compile(
    r"^\.|(?:^|/)(?:docs?/(?:[^/]+/)?conf\.py|Rakefile|Gemfile|Podfile|Brewfile|setup\.py|conftest\.py|noxfile\.py|build\.gradle(?:\.kts)?|"
    r"settings\.gradle(?:\.kts)?|[\w.-]+\.gemspec|[\w.-]+\.config\.[cm]?[jt]s|module-info\.java)$"
)

_LAST = 1_000_000


def readable(file: File) -> bool:
    """Return whether a file's text may and can be shown to a reader."""
    return file.kind == "text" and not file.withheld


def is_code(file: File) -> bool:
    """Return whether a file is source or test of the project's own; what only declares the project is neither."""
    is_own = readable(file) and file.language is not None and file.role in {"source", "test"}
    return is_own and not _DECLARES.search(file.path)


def product(repo: Repository, known: Sequence[Module] | None = None) -> list[File]:
    """Return the source files, the most important first: central, imported by many, often changed.

    Of a package that is imported as a whole, each further file counts for less, or one package would fill the list.
    `known` are the repository's modules, where they have been worked out.
    """
    commits = {one.path: one.commits for one in repo.churn.files}
    worth: dict[str, float] = {}
    for unit in modules(repo) if known is None else known:
        for at, one in enumerate(unit.files):
            changed = 1 + log2(1 + commits.get(one.path, 0)) / 4
            worth[one.path] = weight(one) * changed * FALLING**at
    found = [one for one in repo.files if one.path in worth]
    return sorted(found, key=lambda one: (-worth[one.path], -one.lines, one.path))


def weight(file: File) -> float:
    """Return how much a file matters: its rank, lifted by how many import it and, slowly, by its size.

    The rank alone puts a small file that only one central file imports beside that central file.
    """
    return (file.rank + 1e-9) * (1 + file.importers) * log2(2 + file.lines)


@dataclass(frozen=True, slots=True)
class Module:
    """What is imported as one: a file, or a package whose folder stands for its files (`name` ends in "/")."""

    name: str
    files: tuple[File, ...]
    """The main one first: the one of the package's name, else the longest."""
    importers: tuple[str, ...]

    @property
    def chief(self) -> File:
        """Return its main file."""
        return self.files[0]

    @property
    def lines(self) -> int:
        """Return its lines."""
        return sum(one.lines for one in self.files)

    @property
    def weight(self) -> float:
        """Return how much it matters, by the same measure as a file."""
        rank = sum(one.rank for one in self.files)
        return (rank + 1e-9) * (1 + len(self.importers)) * log2(2 + self.lines)


def modules(repo: Repository) -> list[Module]:
    """Return the product's modules, the most important first."""
    users = importers(repo)
    groups: dict[str, list[File]] = {}
    for one in repo.files:
        if is_code(one) and one.role == "source":
            package = folder(one.path) + "/"
            groups.setdefault(package if package in users else one.path, []).append(one)
    found = [_module(name, files, users.get(name, [])) for name, files in groups.items()]
    return sorted(found, key=lambda one: (-one.weight, -one.lines, one.name))


def _module(name: str, files: list[File], users: list[str]) -> Module:
    if len(files) == 1:
        return Module(name, tuple(files), tuple(path for path in users if path != files[0].path))
    mine = {one.path for one in files}
    package = name.rstrip("/").rpartition("/")[2] if name.endswith("/") else ""
    ordered = sorted(
        files, key=lambda one: (_side(one.path), not _eponymous(one.path, package), -one.lines, one.path)
    )
    return Module(name, tuple(ordered), tuple(path for path in users if path not in mine))


def _eponymous(path: str, package: str) -> bool:
    """Whether a file bears its package's name, as main files do: `state.go` in `states`, `core.java` in `core`."""
    stem = path.rpartition("/")[2].partition(".")[0].lower()
    return len(stem) > 2 and package.lower().startswith(stem)


def _side(path: str) -> bool:
    """Whether a file is there for tests or mocks, and so never the main one."""
    stem = path.rpartition("/")[2].partition(".")[0].lower()
    return stem.startswith(("test", "mock", "fake")) or stem.endswith(("_mock", "_testing", "testing", "_fake"))


def ours(file: File) -> bool:
    """Return whether a file is the project's own; its hidden folders (automation, editors) count as its own."""
    return file.kind != "vendored" or file.path.startswith(".")


def entry_files(repo: Repository) -> list[str]:
    """Return the listed files in which execution begins, in order of declaration."""
    found = (_target(repo, one.target) for one in repo.entry_points)
    return _unique(path for path in found if path is not None)


def _target(repo: Repository, target: str) -> str | None:
    """Return the file that an entry point names by its path or, as Python does, by its module."""
    for name in (target, target.partition(":")[0]):
        if name in repo.by_path:
            return name
    name = target.partition(":")[0].replace(".", "/")
    if not name.isascii() or not name.replace("/", "").replace("_", "").isalnum():
        return None
    places = [f"{top}{name}{tail}" for top in ("", "src/") for tail in (".py", "/__main__.py", "/__init__.py")]
    return next((path for path in places if path in repo.by_path), None)


def important(repo: Repository, known: Sequence[File] | None = None) -> tuple[str, ...]:
    """Return the files that a plan must cover: entry points, main manifests, and source by rank up to `MOST`.

    In a repository without source code, its readable text files stand in, the longest first. `known` is its source
    by rank, where that has been worked out.
    """
    manifests = [one.path for one in repo.manifests if "/" not in one.path]
    source = [one.path for one in (product(repo) if known is None else known) if one.lines > 0]
    if not source:
        texts = sorted((one for one in repo.files if readable(one) and one.lines), key=lambda one: -one.tokens)
        source = [one.path for one in texts]
    names = _unique([*entry_files(repo)[:20], *manifests[:10], *source])
    return tuple(one for one in names if readable(repo.by_path[one]))[:MOST]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def agents_wanted(repo: Repository, source: Sequence[File]) -> tuple[int, int]:
    """Return the least and the most agents that fit the repository's size: 3 to 5, fewer for a small one."""
    files = len(source) or sum(readable(one) for one in repo.files)
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
    """Return, for each file or package folder (ending in "/") that is imported, the files that import it."""
    found: dict[str, list[str]] = {}
    for one in repo.files:
        for path in one.imports:
            found.setdefault(path, []).append(one.path)
    return found
