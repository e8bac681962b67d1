"""Ruby imports. Specs: "./path" for require_relative, a plain path for require, autoload and load."""

from __future__ import annotations

from archfb.repository.imports import joined, nearest, text
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archfb.repository.imports.tree import Tree

_LINE = regex(
    rb"\n[ \t]*+(?:require(_relative)?|load|autoload[ \t(]+:?[\w\"']+[ \t]*,"
    rb"|register[ \t]+:?\w+,)[ \t(]*(?:File\.expand_path[ \t(]*)?['\"]([^'\"\n#]+)['\"]"
)


def find(content: bytes) -> list[str]:
    """Return what a Ruby file requires, each once, in order."""
    specs: dict[str, None] = {}
    for match in _LINE.finditer(b"\n" + content):
        specs[("./" if match[1] else "") + text(match[2])] = None
    return list(specs)


class Resolver:
    """Finds files relative to each other and below the folders that Ruby's load path usually holds."""

    def __init__(self, tree: Tree) -> None:
        """Index files below every lib, test and spec folder."""
        self._files = tree.files
        self._loaded: dict[str, list[str]] = {}
        for path in tree.in_languages("Ruby"):
            parts = path.split("/")
            for at, part in enumerate(parts[:-1]):
                if part in ("lib", "test", "spec", "app"):
                    self._loaded.setdefault("/".join(parts[at + 1 :]).removesuffix(".rb"), []).append(path)

    def resolve(self, path: str, specs: Sequence[str]) -> Iterator[str]:
        """Return the files that are required."""
        folder = path.rpartition("/")[0]
        for spec in specs:
            if spec.startswith("."):
                target = joined(folder, spec)
                for candidate in (target, f"{target}.rb"):
                    if candidate is not None and candidate in self._files:
                        yield candidate
                        break
            elif loaded := self._loaded.get(spec.removesuffix(".rb")):
                yield nearest(loaded, path)
