"""Imports by regular expression: what a file names, and which of the repository's files that is.

Each language has `find(content) -> list of specs` (kept in the cache) and a resolver that turns the specs of one file
into paths; a path that ends with "/" is a folder imported as one package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from archfb.repository.imports import c, go, jvm, php, python, ruby, rust, script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archfb.repository.imports.tree import Tree


class Resolver(Protocol):
    """Knows a repository's layout in one language."""

    def resolve(self, path: str, specs: Sequence[str]) -> Iterable[str]:
        """Return the paths that a file's specs mean; what is outside the repository is left out."""


_SCRIPT = ("JavaScript", "TypeScript", "Vue", "Svelte", "Astro", "CoffeeScript", "MDX")
_JVM = ("Java", "Kotlin", "Scala", "Groovy")
_C = ("C", "C++", "Objective-C", "Objective-C++", "Cuda", "Yacc", "Lex")
_FINDERS: dict[str, Callable[[bytes], list[str]]] = {
    "Python": python.find,
    "Cython": python.find,
    "Go": go.find,
    "Rust": rust.find,
    "PHP": php.find,
    "Ruby": ruby.find,
    **dict.fromkeys(_SCRIPT, script.find),
    **dict.fromkeys(_JVM, jvm.find),
    **dict.fromkeys(_C, c.find),
}
_RESOLVERS: dict[Callable[[bytes], list[str]], Callable[[Tree], Resolver]] = {
    python.find: python.PythonResolver,
    go.find: go.GoResolver,
    rust.find: rust.RustResolver,
    php.find: php.PhpResolver,
    ruby.find: ruby.RubyResolver,
    script.find: script.ScriptResolver,
    jvm.find: jvm.JvmResolver,
    c.find: c.CResolver,
}


def find(language: str | None, content: bytes) -> list[str]:
    """Return what a file imports, as its language writes it; empty for languages that are not known here."""
    finder = _FINDERS.get(language or "")
    return [] if finder is None else finder(content)


def resolve_all(tree: Tree) -> dict[str, list[str]]:
    """Return for each file that imports something inside: the sorted paths, itself left out."""
    resolvers: dict[Callable[[bytes], list[str]], Resolver] = {}
    edges: dict[str, list[str]] = {}
    for path, language, specs in tree.importing():
        finder = _FINDERS.get(language)
        if finder is None:
            continue
        resolver = resolvers.get(finder)
        if resolver is None:
            resolver = resolvers[finder] = _RESOLVERS[finder](tree)
        found = set(resolver.resolve(path, specs))
        found.discard(path)
        if found:
            edges[path] = sorted(found)
    return edges
