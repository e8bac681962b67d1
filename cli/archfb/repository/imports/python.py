"""Python imports. Specs: "a.b" for `import a.b`, "a.b:x,y" for `from a.b import x, y`."""

from __future__ import annotations

import sys

from archfb.repository.imports import nearest, text
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archfb.repository.imports.tree import Tree

_CARRIED = regex(r"(?:^|/)(?:_?vendor(?:ed|s)?|third_party|site-packages|externals?)/$")
_BLANKS = bytes.maketrans(b"(\\\t\r\n", b"     ")
_LONGEST = 16_000  # bytes that a statement may have
_WORD = b"._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


# By plain searches: a regular expression takes longer to compile than most files take to be looked through.
def find(content: bytes) -> list[str]:
    """Return the import specs of a Python file, each once, in order."""
    specs: dict[str, None] = {}
    opened, since = b"", 0
    at = content.find(b"import")
    while at >= 0:
        begin, end = _line(content, at)
        if content[begin:end].lstrip(b" \t").startswith((b"import", b"from", b"cimport")):
            opened = _long_text(content, since, begin, opened)
            since = begin
            if not opened:
                statement, end = _statement(content, begin, end)
                specs |= dict.fromkeys(map(text, _specs(statement)))
        at = content.find(b"import", end)
    return list(specs)


def _line(content: bytes, at: int) -> tuple[int, int]:
    """Return from where to where the line goes, with the one before where that is continued."""
    begin = content.rfind(b"\n", 0, at) + 1
    if content.endswith((b"\\\n", b"\\\r\n"), 0, begin):
        begin = content.rfind(b"\n", 0, begin - 1) + 1
    return begin, _end(content, at)


def _end(content: bytes, at: int) -> int:
    end = content.find(b"\n", at)
    return end if end >= 0 else len(content)


def _statement(content: bytes, begin: int, end: int) -> tuple[bytes, int]:
    """Return the statement that begins with a line, without comments and what follows it, and where it ends."""
    line = _bare(content[begin:end])
    if b"(" in line:
        close = content.find(b")", begin, begin + _LONGEST)
        if close >= 0:
            return b" ".join(map(_bare, content[begin:close].split(b"\n"))), max(close, end)
    while line.endswith(b"\\") and end < len(content) and len(line) < _LONGEST:
        begin, end = end + 1, _end(content, end + 1)
        line = line[:-1] + b" " + _bare(content[begin:end])
    return line, end


def _bare(line: bytes) -> bytes:
    return line.partition(b"#")[0].partition(b";")[0].rstrip()


def _specs(statement: bytes) -> Iterator[bytes]:
    opening, _, rest = statement.translate(_BLANKS).strip().partition(b" ")
    if opening in (b"import", b"cimport"):
        yield from _names(rest)
    elif opening == b"from":
        for keyword in (b" import", b".import", b" cimport"):
            source, found, names = rest.partition(keyword)
            if found and names[:1] in (b" ", b"*", b""):
                source = b"".join((source + keyword[:1]).split())
                if source and not source.translate(None, _WORD):
                    yield source + b":" + b",".join(_names(names))
                return


def _names(listed: bytes) -> list[bytes]:
    """Return the first word of each part."""
    return [part.split(None, 1)[0] for part in listed.split(b",") if part.strip()]


def _long_text(content: bytes, begin: int, end: int, opened: bytes) -> bytes:
    """Return the quotes of the long text that is open at `end`, b"" for none; `opened` are those open at `begin`."""
    while True:
        if opened:
            closing = content.find(opened, begin, end)
            if closing < 0:
                return opened
            opened, begin = b"", closing + 3
        else:
            first = _first_quotes(content, begin, end)
            if first < 0:
                return b""
            opened, begin = content[first : first + 3], first + 3


def _first_quotes(content: bytes, begin: int, end: int) -> int:
    double = content.find(b'"""', begin, end)
    single = content.find(b"'''", begin, end if double < 0 else double)
    return double if single < 0 else single


class Resolver:
    """Finds modules by the folders that hold __init__.py, and by plain folders below the root and src."""

    def __init__(self, tree: Tree) -> None:
        """Index every module under each name it can be imported by."""
        self._files = tree.files
        self._modules: dict[str, list[str]] = {}
        for path in tree.in_languages("Python", "Cython"):
            if path.endswith((".py", ".pyi", ".pyx", ".pxd")):
                for name in self._names(path):
                    self._modules.setdefault(name, []).append(path)

    def _names(self, path: str) -> Iterator[str]:
        parts = path.rpartition(".")[0].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        if not parts:
            return
        start = len(parts) - 1
        while start > 0 and "/".join([*parts[:start], "__init__.py"]) in self._files:
            start -= 1
        yield ".".join(parts[start:])
        if start:
            yield ".".join(parts)
            if "src" in parts[:start]:
                yield ".".join(parts[parts.index("src") + 1 :])
            elif "lib" in parts[:start]:
                yield ".".join(parts[parts.index("lib") + 1 :])

    def resolve(self, path: str, specs: Sequence[str]) -> Iterator[str]:
        """Return the module files that the specs of `path` mean."""
        for spec in specs:
            source, colon, names = spec.partition(":")
            if not colon:
                yield from self._module(source, path)
            elif source.startswith("."):
                yield from self._relative(path, source, names.split(","))
            else:
                yield from self._from(source, names.split(","), path)

    def _module(self, name: str, path: str) -> Iterator[str]:
        while name:
            candidates = self._meant(name, path)
            if candidates:
                yield nearest(candidates, path)
                return
            name = name.rpartition(".")[0]

    def _meant(self, name: str, path: str) -> Sequence[str]:
        """Return the modules that `name` can mean in `path`: bare names reach neither into vendored folders nor, for
        what the standard library has too, below a source folder.
        """
        candidates = self._modules.get(name, ())
        return [one for one in candidates if _reaches(one, name, path)] if candidates else candidates

    def _from(self, source: str, names: Sequence[str], path: str) -> Iterator[str]:
        whole = False
        for name in names:
            candidates = self._meant(f"{source}.{name}", path)
            if candidates:
                yield nearest(candidates, path)
            else:
                whole = True
        candidates = self._meant(source, path)
        if whole and candidates:
            yield nearest(candidates, path)

    def _relative(self, path: str, source: str, names: Sequence[str]) -> Iterator[str]:
        folder = path.split("/")[:-1]
        module = source.lstrip(".")
        up = len(source) - len(module) - 1
        if up > len(folder):
            return
        base = "/".join([*folder[: len(folder) - up], *(module.split(".") if module else ())])
        whole = False
        for name in names:
            found = self._file(f"{base}/{name}" if base else name)
            if found is None:
                whole = True
            else:
                yield found
        if whole and (found := self._file(base)):
            yield found

    def _file(self, stem: str) -> str | None:
        start = f"{stem}/" if stem else ""
        for candidate in (f"{stem}.py", f"{start}__init__.py", f"{stem}.pyi", f"{stem}.pyx", f"{start}__init__.pyi"):
            if candidate in self._files:
                return candidate
        return None


def _reaches(module: str, name: str, path: str) -> bool:
    stem = module.rpartition(".")[0].removesuffix("/__init__")
    root = stem[: len(stem) - len(name)]
    if not root:
        return True
    if _CARRIED.search(root) is not None:
        return path.startswith(root)
    if name.partition(".")[0] in sys.stdlib_module_names and not root.endswith(("src/", "lib/")):
        return path.rpartition("/")[0] + "/" == root
    return True
