"""Reading statements and their evidence out of an answer, and checking each cited place against the repository."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from archfb.phases.records import Claim, Evidence
from archfb.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_LINES = (
    r"(?::L?(?P<line{0}>\d{{1,7}})(?:[-\u2013]L?(?P<end{0}>\d{{1,7}}))?"
    r"|#L(?P<hash{0}>\d{{1,7}})(?:-L?(?P<hashend{0}>\d{{1,7}}))?)"
)
_CITED = re.compile(
    r"(?<!`)(?P<fence>``+)(?!`) ?(?P<long>(?:(?!(?<!`)(?P=fence)(?!`))[^\n]){1,400}?)"
    + _LINES.format("l")
    + r" ?(?<!`)(?P=fence)(?!`)"
    r"|`(?P<quoted>[^`\n]{1,400}?)" + _LINES.format("q") + r"`"
    r"|(?<![\w/.`@-])(?P<bare>[\w.@+~-][\w.@+~/-]{0,398})" + _LINES.format("b") + r"(?![\w:.]*\w)"
)
_HOST = re.compile(r"^(?:https?|git|ssh)?$|^[\d.]+$|\.(?:com|org|net|io|dev|local)$")
_STATEMENT = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+(?P<text>.*)$")
FENCE = re.compile(r"^\s*(?:```[^`]*$|~~~)")
"""A line that opens or closes a block of code; code within a line may begin with as many backticks."""


class Known(Protocol):
    """What checking needs of a file."""

    @property
    def path(self) -> str:
        """Return its path."""

    @property
    def lines(self) -> int:
        """Return how many lines it has."""


@dataclass
class Places:
    """The repository's files as citations name them: by path, by inert path, by case and by unambiguous tail."""

    files: Mapping[str, Known]

    @classmethod
    def of(cls, files: Iterable[Known]) -> Places:
        """Index the files; paths only, nothing is read."""
        return cls({one.path: one for one in files})

    @cached_property
    def _shown(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in self.files:
            found.setdefault(clean(path, one_line=True), path)
        return found

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        return _by(str.casefold, self.files)

    @cached_property
    def _tails(self) -> dict[str, list[str]]:
        return _by(lambda path: path.rpartition("/")[2].casefold(), self.files)

    def exact(self, name: str) -> str | None:
        """Return the path that is written so, or shown so."""
        return name if name in self.files else self._shown.get(name)

    def resolve(self, name: str) -> str | None:
        """Return the one path that a name means: as it stands, else the only near miss; None where there is none.

        Near misses: another case, a leading "./" or "/", a prefix too many, a prefix too few, a unique base name.
        Names that climb ("..") or point outside never match by anything but their own tail's full path.
        """
        plain = name.strip().strip("`'\"").replace("\\", "/")
        found = self.exact(name) or self.exact(plain)
        if found is not None or not plain or "\0" in plain:
            return found
        if ".." in plain.split("/"):
            return None
        parts = [part for part in plain.split("/") if part not in {"", "."}]
        return self._whole("/".join(parts)) or (None if plain.startswith("/") else self._near(parts))

    def _whole(self, name: str) -> str | None:
        return self.exact(name) or _only(self._folded.get(name.casefold(), []))

    def _near(self, parts: list[str]) -> str | None:
        for at in range(1, len(parts) - 1):
            if (found := self._whole("/".join(parts[at:]))) is not None:
                return found
        if not parts:
            return None
        same = self._tails.get(parts[-1].casefold(), [])
        ending = "/" + "/".join(parts).casefold()
        return _only([path for path in same if path.casefold().endswith(ending)]) or _only(same)


def _by(key: Callable[[str], str], paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(key(path), []).append(path)
    return found


def _only(paths: list[str]) -> str | None:
    return paths[0] if len(paths) == 1 else None


def statements(text: str) -> list[str]:
    """Return an answer's statements: list items and paragraphs, each on one line; headings and code are left out."""
    found: list[list[str]] = []
    is_open = in_code = False
    for line in text.splitlines():
        if FENCE.match(line):
            in_code, is_open = not in_code, False
            continue
        stripped = line.strip()
        if in_code or not stripped or stripped.startswith(("#", "|")):
            is_open = False
            continue
        item = _STATEMENT.match(line)
        if item is None and is_open:
            found[-1].append(stripped)
        else:
            found.append([item["text"] if item else stripped])
            is_open = True
    return [" ".join(parts) for parts in found]


def _number(match: re.Match[str], *names: str) -> int | None:
    return next((int(match[name]) for name in names if match[name] is not None), None)


def _cited(text: str, places: Places) -> Iterator[re.Match[str]]:
    """Yield what looks like a citation; a name with ":" or "#" in it only where a file bears it."""
    at = 0
    while (match := _CITED.search(text, at)) is not None:
        name = _name(match, places)
        is_one = not (":" in name or "#" in name) or places.exact(name) is not None
        if is_one:
            yield match
        at = match.end() if is_one else match.start() + 1


def _name(match: re.Match[str], places: Places) -> str:
    name = match["long"] or match["quoted"] or match["bare"]
    return name if places.exact(name) is not None else name.strip()


def _looks_like_a_file(name: str, places: Places) -> bool:
    tail = name.rsplit("/", 1)[-1]
    if places.exact(name) is not None:
        return True
    return not _HOST.search(name) and ("." in tail[1:-1] or places.resolve(name) is not None)


def _evidence(match: re.Match[str], places: Places) -> Evidence | None:
    """Return one citation, checked; None where the text only looks like one (a host and port, a time)."""
    name = _name(match, places)
    if match.start() >= 2 and match.string[match.start() - 2 : match.start()] == "//":
        return None
    if not _looks_like_a_file(name, places):
        return None
    line, end = (
        _number(match, "linel", "lineq", "lineb", "hashl", "hashq", "hashb"),
        _number(match, "endl", "endq", "endb", "hashendl", "hashendq", "hashendb"),
    )
    path = places.resolve(name)
    if path is None:
        return Evidence(clean(name, one_line=True, limit=400), line, end, "no such file")
    return Evidence(path, line, end, _line_problem(places.files[path].lines, line, end))


def _line_problem(lines: int, line: int | None, end: int | None) -> str:
    last = max(line or 1, end or 1)
    if line is None or (line >= 1 and last <= max(lines, 1) and (end is None or end >= line)):
        return ""
    return f"the file has {lines} lines" if last > lines else "no such line"


def claims(text: str, places: Places) -> tuple[Claim, ...]:
    """Return the statements of an answer that cite something, with their evidence checked."""
    found = []
    for statement in statements(text):
        cited = [one for match in _cited(statement, places) if (one := _evidence(match, places)) is not None]
        if cited:
            found.append(Claim(clean(statement, one_line=True, limit=2000), tuple(cited)))
    return tuple(found)


def marked(text: str, places: Places) -> str:
    """Return the answer with every citation that does not hold marked right behind it."""
    parts, at = [], 0
    for match in _cited(text, places):
        found = _evidence(match, places)
        if found is not None and found.problem:
            parts += [text[at : match.end()], f" [wrong: {found.problem}]"]
            at = match.end()
    return "".join([*parts, text[at:]])
