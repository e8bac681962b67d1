"""What .gitattributes says of files: vendored, generated, documentation, binary, language."""

from __future__ import annotations

from archfb.repository.ignore import compiled
from archfb.repository.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping

_MEANT = (
    "linguist-vendored",
    "linguist-generated",
    "linguist-documentation",
    "linguist-detectable",
    "linguist-language",
    "binary",
)


class _Rule(Record):
    prefix: str
    match: re.Pattern[bytes]
    rooted: bool
    said: tuple[tuple[str, str], ...]


class Attributes:
    """The rules of every .gitattributes file, those of deeper folders last."""

    def __init__(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Take path and content of each .gitattributes."""
        self._rules: list[_Rule] = []
        for path, content in sorted(files, key=lambda file: (file[0].count("/"), file[0])):
            self._rules += _rules(path.rpartition("/")[0], content)

    @classmethod
    def of_tree(cls, paths: Iterable[str], read: Callable[[str], bytes | None]) -> Attributes:
        """Return what the .gitattributes files among the paths say."""
        named = (path for path in paths if path.endswith(".gitattributes"))
        return cls((path, read(path) or b"") for path in named if path.rpartition("/")[2] == ".gitattributes")

    def __bool__(self) -> bool:
        """Return whether any rule says something that matters here."""
        return bool(self._rules)

    def of(self, path: str) -> Mapping[str, str]:
        """Return what is said of a path: "true", "false" or the value, by attribute."""
        said: dict[str, str] = {}
        for rule in self._rules:
            if not path.startswith(rule.prefix):
                continue
            below = path[len(rule.prefix) :] if rule.rooted else path.rpartition("/")[2]
            if rule.match.match(below.encode("utf-8", "surrogateescape")):
                said.update(rule.said)
        return said


def _rules(folder: str, content: bytes) -> list[_Rule]:
    prefix = f"{folder}/" if folder else ""
    rules = []
    for line in content.removeprefix(b"\xef\xbb\xbf").splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith((b"#", b"!", b"[")):
            continue
        said = tuple(said for word in words[1:] if (said := _said(word.decode("utf-8", "replace"))) is not None)
        glob = words[0].strip(b'"')
        rooted = b"/" in glob
        pattern = compiled(glob.removeprefix(b"/")) if said else None
        if pattern is not None:
            rules.append(_Rule(prefix, pattern, rooted, said))
    return rules


def _said(word: str) -> tuple[str, str] | None:
    name, equals, value = word.lstrip("-!").partition("=")
    if name not in _MEANT:
        return None
    if word[:1] in "-!":
        return name, "false"
    return name, value if equals else "true"
