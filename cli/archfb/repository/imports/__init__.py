"""Imports by regular expression: what a file names, and which of the repository's files that is.

Each language has `find(content) -> list of specs` (kept in the cache) and a resolver that turns the specs of one file
into paths; a path that ends with "/" is a folder imported as one package.
"""

from __future__ import annotations

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType
    from typing import Protocol

    from archfb.repository.imports.tree import Tree
else:
    Protocol = object


class Resolver(Protocol):
    """Knows a repository's layout in one language."""

    def resolve(self, path: str, specs: Sequence[str]) -> Iterable[str]:
        """Return the paths that a file's specs mean; what is outside the repository is left out."""


# Module by the languages that it reads: those of a language that a repository does not have are not even imported.
_MODULES = {
    language: module
    for module, languages in {
        "python": ("Python", "Cython"),
        "go": ("Go",),
        "rust": ("Rust",),
        "php": ("PHP",),
        "ruby": ("Ruby",),
        "script": ("JavaScript", "TypeScript", "Vue", "Svelte", "Astro", "CoffeeScript", "MDX"),
        "jvm": ("Java", "Kotlin", "Scala", "Groovy"),
        "c": ("C", "C++", "Objective-C", "Objective-C++", "Cuda", "Yacc", "Lex"),
    }.items()
    for language in languages
}


@cache
def _module(language: str) -> ModuleType | None:
    name = _MODULES.get(language)
    # Not by importlib, which takes longer to load than the module.
    return None if name is None else __import__(f"{__name__}.{name}", fromlist=[name])


def find(language: str | None, content: bytes) -> list[str]:
    """Return what a file imports, as its language writes it; empty for languages that are not known here."""
    module = _module(language or "")
    found: list[str] = [] if module is None else module.find(content)
    return found


def resolve_all(tree: Tree) -> dict[str, list[str]]:
    """Return for each file that imports something inside: the sorted paths, itself left out."""
    resolvers: dict[ModuleType, Resolver] = {}
    edges: dict[str, list[str]] = {}
    for path, language, specs in tree.importing():
        module = _module(language)
        if module is None:
            continue
        resolver = resolvers.get(module)
        if resolver is None:
            resolver = resolvers[module] = module.Resolver(tree)
        found = set(resolver.resolve(path, specs))
        found.discard(path)
        if found:
            edges[path] = sorted(found)
    return edges


def nearest(candidates: Sequence[str], path: str) -> str:
    """Return the candidate that shares most leading folders with the path; the first of equals."""
    if len(candidates) == 1:
        return candidates[0]
    parts = path.split("/")[:-1]

    def shared(candidate: str) -> int:
        count = 0
        for ours, theirs in zip(parts, candidate.split("/"), strict=False):
            if ours != theirs:
                break
            count += 1
        return count

    return max(candidates, key=shared)


def joined(folder: str, relative: str) -> str | None:
    """Return folder/relative with "." and ".." worked out, None when that leaves the repository."""
    if "/" not in relative and relative not in ("", ".", ".."):  # most
        return f"{folder}/{relative}" if folder else relative
    parts = folder.split("/") if folder else []
    for part in relative.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def text(value: bytes) -> str:
    """Return bytes as text, the undecodable as surrogates."""
    return value.decode("utf-8", "surrogateescape")
