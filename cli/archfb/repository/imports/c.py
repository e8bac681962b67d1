"""C and C++ includes. Specs: '"name"' as quoted, "<name>" in angles."""

from __future__ import annotations

from archfb.repository.imports import joined, nearest, text
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archfb.repository.imports.tree import Tree

# It begins at the sign, of which there are few, and not at each line; what stands before it is looked at afterwards.
_DIRECTIVE = regex(rb"#[ \t]*+(?:include(?:_next)?|import)[ \t]*+(?=[\"<])")
_NAME = regex(rb"[\"<][^\">\n]+(?=[\">])")
_LINE_FEED = 10


def find(content: bytes) -> list[str]:
    """Return the includes of a file, each once, in order."""
    found: dict[bytes, None] = {}
    line_end = -1  # of the line that was looked at last: each is looked at once, however many signs it has
    for match in _DIRECTIVE.finditer(content):
        at = match.start()
        if at > line_end:
            line_end = content.find(b"\n", at) % (len(content) + 1)
            if _begins_line(content, at) and (name := _NAME.match(content, match.end())) is not None:
                found[name[0]] = None
    return [text(one) for one in found]


def _begins_line(content: bytes, at: int) -> bool:
    """Return whether nothing but blanks stands before a place in its line."""
    if at == 0 or content[at - 1] == _LINE_FEED:
        return True
    return not content[content.rfind(b"\n", 0, at) + 1 : at].strip(b" \t")


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
