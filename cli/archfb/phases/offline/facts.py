"""What the offline analysis looks up again and again: lines of a text, importers, where an import stands."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from math import log2, sqrt
from typing import TYPE_CHECKING

from archfb.phases.importance import folder, importers, modules, product, weight
from archfb.text import clean, code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archfb.phases.importance import Module
    from archfb.repository.records import Definition, File, Repository, Secret

HELD = 300_000
"""Lines that are kept for the next look at them."""

SEARCHED = 4_000_000
"""Bytes that are searched for likely secrets; all of a large repository would take longer than the analysis."""

_IMPORT = re.compile(
    r"^\s*(?:from\s|import\b|export\s.*\bfrom\b|use\s|mod\s|pub\s+(?:use|mod)\s|#\s*include|require|\"[\w./-]+\"|\w+\s+\"|[\w{},\s]*=\s*require|.*\b(?:import|require\w*)\s*\(|.*\bfrom\s+['\"]|load\b|autoload|extern\s)"
)
_TYPES = {"class", "struct", "interface", "trait", "type", "enum", "protocol", "module", "record", "object", "union"}
_WRAPPERS = {"module", "namespace", "package"}
_FUNCTIONS = {"function", "func", "fn", "def", "method", "macro", "sub", "procedure", "const fn"}
_PRIVATE = re.compile(r"^_(?!_init__$)|^(?:test|Test)_?")


def said(text: str, path: str, line: int = 1) -> str:
    """Return a statement with its evidence as a list item."""
    return f"- {text} ({place(path, line)})"


def place(path: str, line: int = 1) -> str:
    """Return where something stands as an answer cites it."""
    return code(f"{path}:{max(line, 1)}")


def shown(path: str) -> str:
    """Return a path as it can be printed."""
    return clean(path, one_line=True)


_TEST_WORD = re.compile(r"^test_?|[_-]?tests?$|[_-]?spec$")


def bare_name(path: str) -> str:
    """Return a file's name without its ending and what says that it is a test."""
    return _TEST_WORD.sub("", path.rpartition("/")[2].partition(".")[0].lower()).strip("_")


def count(number: int, one: str, many: str | None = None) -> str:
    """Return e.g. "1 file", "12 files"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: list[str], limit: int = 6) -> str:
    """Return names as a phrase: "a, b and c", and how many more."""
    kept, more = names[:limit], len(names) - limit
    if more > 0:
        return f"{', '.join(kept)} and {more:,} more"
    return kept[0] if len(kept) == 1 else ", ".join(kept[:-1]) + f" and {kept[-1]}" if kept else ""


Section = tuple[str, list[str]]


def text_of(sections: Iterable[Section]) -> str:
    """Return the sections that have something to say as Markdown; nothing is said about the others."""
    return "\n\n".join(f"## {title}\n\n" + "\n".join(lines) for title, lines in sections if lines) + "\n"


@dataclass(slots=True)
class Component:
    """A folder of product code."""

    name: str
    files: list[File] = field(default_factory=list)

    @property
    def weight(self) -> float:
        """Return its rank, and a little for its size."""
        return sum(one.rank for one in self.files) + 1e-7 * sum(one.lines for one in self.files)

    @property
    def lines(self) -> int:
        """Return its lines."""
        return sum(one.lines for one in self.files)


@dataclass
class Facts:
    """A repository, and what was looked up in it so far."""

    repo: Repository
    kept: dict[int, list[Component]] = field(default_factory=dict)
    """The components by how many were asked for; made by the layout."""
    inline: list[File] | None = None
    """The source files that hold their own tests, once they were looked for."""
    _lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _held: int = 0

    @cached_property
    def importers(self) -> dict[str, list[str]]:
        """Return who imports each file."""
        return importers(self.repo)

    def users(self, path: str) -> list[str]:
        """Return who imports a file, or the package that it belongs to, the most important first."""
        package = folder(path) + "/"
        found = {*self.importers.get(path, []), *self.importers.get(package, [])} - {path}
        return sorted(found, key=lambda user: (-weight(self.repo.by_path[user]), user))

    @cached_property
    def modules(self) -> list[Module]:
        """Return what is imported as one, the most important first."""
        return modules(self.repo)

    @cached_property
    def members(self) -> dict[str, Module]:
        """Return each source file's module."""
        return {one.path: module for module in self.modules for one in module.files}

    @cached_property
    def source(self) -> list[File]:
        """Return the product's own files, the most central first."""
        return product(self.repo, self.modules)

    @cached_property
    def own(self) -> dict[str, File]:
        """Return the product's own files by path."""
        return {one.path: one for one in self.source}

    @cached_property
    def chiefs(self) -> list[File]:
        """Return the product's files by how much a reader learns of it there: large, much used, often changed.

        Unlike the rank it does not put a small file that all others import before the one that does the work.
        """
        found = [one for one in self.source if not is_barrel(one) and not _is_aside(one.path)]
        found = [one for one in found if one.language in self.spoken] or self.source
        return sorted(found, key=lambda one: (-self._worth(one), one.path))

    def _worth(self, file: File) -> float:
        own = len(self.importers.get(file.path, ()))
        package = len(self.importers.get(folder(file.path) + "/", ())) / sqrt(self._siblings[folder(file.path)])
        return sqrt(1 + own + package) * file.lines * log2(2 + self.churn.get(file.path, 0))

    @cached_property
    def _siblings(self) -> Counter[str]:
        """Return how many source files share each folder, and with it those who import it as a package."""
        return Counter(folder(one.path) for one in self.source)

    @cached_property
    def spoken(self) -> set[str]:
        """Return the languages that the product is written in, as far as they matter."""
        return {one.name for one in self.repo.languages if one.share >= 0.02} or {
            one.name for one in self.repo.languages
        }

    @cached_property
    def churn(self) -> dict[str, int]:
        """Return how often files changed in the commits looked at."""
        return {one.path: one.commits for one in self.repo.churn.files}

    @cached_property
    def tests(self) -> list[File]:
        """Return the test files with code in them, the longest first."""
        found = [one for one in self.repo.files if one.role == "test" and one.kind == "text" and one.language]
        return sorted(found, key=lambda one: (-one.lines, one.path))

    @cached_property
    def tests_by_name(self) -> dict[str, list[File]]:
        """Return the test files by what they are named after."""
        found: dict[str, list[File]] = {}
        for one in self.tests:
            found.setdefault(bare_name(one.path), []).append(one)
        return found

    @cached_property
    def secrets(self) -> tuple[Secret, ...]:
        """Return the likely secrets in configuration and in the most central source, within `SEARCHED` bytes."""
        room, paths = SEARCHED, []
        config = [one for one in self.repo.files if one.role in {"config", "other"} and one.kind == "text"]
        for one in [*config, *self.source]:
            if one.size <= room:
                room -= one.size
                paths.append(one.path)
        return self.repo.find_secrets(paths)

    def lines(self, path: str) -> tuple[str, ...]:
        """Return a file's lines; empty where it may not or cannot be shown."""
        if path not in self._lines:
            text = self.repo.text(path)
            found = () if text is None else tuple(text.text.splitlines())
            self._held += len(found)
            if self._held > HELD:
                self._lines.clear()
                self._held = len(found)
            self._lines[path] = found
        return self._lines[path]

    def line_of(self, path: str, needle: str) -> int:
        """Return the first line that holds a text, 1 where none does."""
        return next((at for at, line in enumerate(self.lines(path), 1) if needle in line), 1)

    def import_line(self, path: str, target: str) -> int:
        """Return the line at which a file imports another, 1 where it cannot be told."""
        stem = target.rpartition("/")[2].partition(".")[0]
        home = folder(target).rpartition("/")[2]
        names = [home] if stem in {"", "__init__", "index", "mod", "lib"} else [stem, home]
        for name in filter(None, names):
            word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
            for at, line in enumerate(self.lines(path), 1):
                if name in line and word.search(line) and _IMPORT.match(line):
                    return at
        return 1

    def definitions(self, path: str, limit: int = 4) -> list[Definition]:
        """Return a file's main public definitions in line order: types first, then what is longest."""
        file = self.repo.by_path.get(path)
        outer = _outermost(self.repo.outline(path)) if file else []
        last = file.lines + 1 if file else 0
        ends = [*(one.line for one in outer[1:]), last][: len(outer)]
        sized = [(one, end - one.line) for one, end in zip(outer, ends, strict=True) if not _PRIVATE.match(one.name)]
        if file is not None and file.language == "Go":
            sized = [pair for pair in sized if pair[0].name[:1].isupper()] or sized
        sized.sort(key=lambda pair: (_standing(pair[0]), -pair[1], pair[0].line))
        found: dict[str, Definition] = {}
        for one, _ in sized:
            found.setdefault(one.name, one)
        return sorted(list(found.values())[:limit], key=lambda one: one.line)

    def first_line(self, path: str) -> int:
        """Return the line of the first of a file's main definitions, 1 where there is none."""
        found = self.definitions(path)
        return found[0].line if found else 1

    def named(self, path: str, limit: int = 4) -> str:
        """Return a file's main definitions as a phrase: "`Command` (line 920), `Group` (line 1560)"."""
        return ", ".join(f"{code(one.name)} (line {one.line})" for one in self.definitions(path, limit))


def is_barrel(file: File) -> bool:
    """Whether a file is there to collect others under one name."""
    stem = file.path.rpartition("/")[2].partition(".")[0]
    return stem in {"__init__", "index", "mod", "version"} and file.lines < 60 * (1 + len(file.imports))


def _is_aside(path: str) -> bool:
    """Whether a file serves tests, or is an exception: no place to learn what a part does."""
    stem = path.rpartition("/")[2].partition(".")[0].lower()
    return stem.endswith(("exception", "error", "errors", "_mock", "testing")) or stem.startswith(("mock", "testing"))


def _outermost(outline: tuple[Definition, ...]) -> list[Definition]:
    """Return the definitions of the outermost depth at which there is more than a wrapping module or namespace."""
    for depth in range(4):
        found = [one for one in outline if one.depth == depth and one.kind.lower() not in _WRAPPERS]
        if found:
            return found
    return [one for one in outline if one.depth == 0]


def _standing(one: Definition) -> int:
    """Return 0 for a type, 1 for a function, 2 for a constant or anything else."""
    kind = one.kind.lower()
    return 0 if kind in _TYPES else 1 if kind in _FUNCTIONS else 2
