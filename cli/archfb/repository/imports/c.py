"""C and C++ includes. Specs: '"name"' as quoted, "<name>" in angles."""

from __future__ import annotations

from archfb.repository.imports.tree import joined, nearest, text
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archfb.repository.imports.tree import Tree

_LINE = regex(rb"\n[ \t]*+#[ \t]*(?:include(?:_next)?|import)[ \t]*([\"<])([^\">\n]+)[\">]")


def find(content: bytes) -> list[str]:
    """Return the includes of a file, each once, in order."""
    specs: dict[str, None] = {}
    for match in _LINE.finditer(b"\n" + content):
        specs[text(match[1] + match[2])] = None
    return list(specs)


class Resolver:
    """Finds headers beside the file, below include folders, and else by the end of their path."""

    def __init__(self, tree: Tree) -> None:
        """Keep the files by name."""
        self._files = tree.files
        self._tree = tree
        self._known: dict[str, list[str]] = {}

    def resolve(self, path: str, specs: Sequence[str]) -> Iterator[str]:
        """Return the headers that are included."""
        folder = path.rpartition("/")[0]
        for spec in specs:
            name = spec[1:]
            beside = joined(folder, name) if spec[0] == '"' else None
            if beside is not None and beside in self._files:
                yield beside
            elif candidates := self._ending(name, quoted=spec[0] == '"'):
                yield nearest(candidates, path)

    def _ending(self, name: str, *, quoted: bool) -> list[str]:
        key = name if quoted else "<" + name
        found = self._known.get(key)
        if found is None:
            tail = "/" + name
            found = [
                path
                for path in self._tree.named(name.rpartition("/")[2])
                if (path.endswith(tail) or path == name) and (quoted or _included(path, tail))
            ]
            self._known[key] = found
        return found


def _included(path: str, tail: str) -> bool:
    """Return whether an angle include can mean this file: below an include folder, or named with a folder."""
    return path[: -len(tail)].endswith(("include", "inc", "src", "lib")) or tail.count("/") > 1
