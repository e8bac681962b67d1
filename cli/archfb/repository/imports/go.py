"""Go imports. Specs are import paths; what they mean is a folder."""

from __future__ import annotations

from archfb.repository.imports import text
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archfb.repository.imports.tree import Tree

_IMPORT = regex(rb"\nimport[ \t]*(?:(\()|(?:[\w.]+[ \t]+)?[\"`]([^\"`\n]+)[\"`])")
_PATH = regex(rb"(?:\A|[\n(])[ \t]*(?:[\w.]+[ \t]+)?[\"`]([^\"`\n]+)[\"`]")
_HEAD = 65_536  # imports stand at the top
_BLOCK = 8_000  # bytes of one block of them
_MODULE = regex(rb"(?:\A|\n)module[ \t]+\"?([^\s\"]+)")


def find(content: bytes) -> list[str]:
    """Return the import paths of a Go file, each once, in order."""
    specs: dict[str, None] = {}
    head, done = b"\n" + content[:_HEAD], 0
    for match in _IMPORT.finditer(head):
        if match.start() < done:
            continue
        if match[2]:
            specs[text(match[2])] = None
        elif (done := _closing(head, match.end())) > 0:
            specs |= dict.fromkeys(text(path) for path in _PATH.findall(head, match.end() - 1, done))
    return list(specs)


def _closing(head: bytes, begin: int) -> int:
    """Return where the block that begins here closes: on its own line, or on a line of its own; -1 for nowhere."""
    line = head.find(b"\n", begin)
    here = head.find(b")", begin, line if line >= 0 else None)
    return here if here >= 0 else head.find(b"\n)", begin, begin + _BLOCK)


class Resolver:
    """Finds packages by the module lines of the repository's go.mod files."""

    def __init__(self, tree: Tree) -> None:
        """Read every go.mod; without one, folders are found by their full path below a GOPATH-like src."""
        self._folders = {path.rpartition("/")[0] for path in tree.in_languages("Go")}
        self._known: dict[str, str | None] = {}
        self._modules: list[tuple[str, str]] = []
        for path in tree.named("go.mod"):
            found = _MODULE.search(tree.read(path) or b"")
            if found:
                self._modules.append((text(found[1]), path.rpartition("/")[0]))
        self._modules.sort(key=lambda module: (-len(module[0]), module))

    def resolve(self, path: str, specs: Sequence[str]) -> Iterator[str]:
        """Return the folders that the import paths mean."""
        own = path.rpartition("/")[0]
        for spec in specs:
            if spec not in self._known:
                self._known[spec] = self._folder(spec)
            folder = self._known[spec]
            if folder is not None and folder != own:
                yield folder + "/"

    def _folder(self, spec: str) -> str | None:
        for module, root in self._modules:
            if spec == module or spec.startswith(module + "/"):
                below = spec[len(module) + 1 :]
                folder = f"{root}/{below}".strip("/") if below else root
                return folder if folder in self._folders else None
        return None
