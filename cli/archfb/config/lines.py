"""Where in a TOML text each key stands. Read only when an error is to be shown, and never raises."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]

_SKIP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''(?:.|\n)*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'", re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}\n#]+")
_LIMIT = 50_000
"""Keys and elements that are followed; a file of 1 MB that anybody wrote by hand has far fewer."""


class _Unclear(Exception):
    """The text is no TOML from here on."""


class Lines:
    """The lines, counted from 1, of keys and of the elements of lists. A key set twice has two."""

    def __init__(self, text: str) -> None:
        """Scan the text as far as it can be understood."""
        self._text = text
        self._at = 0
        self._left = _LIMIT
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.keys: dict[Path, list[int]] = defaultdict(list)
        self.headers: dict[Path, list[int]] = defaultdict(list)
        self._elements: dict[Path, list[int]] = defaultdict(list)
        with suppress(_Unclear, RecursionError):
            self._scan()

    def line(self, path: Path, element: int | None = None) -> int | None:
        """Return the line of a key, or of one element of its list, or of the nearest table around it."""
        elements = self._elements.get(path, ())
        if element is not None and element < len(elements):
            return elements[element]
        for end in range(len(path), 0, -1):
            found = self.keys.get(path[:end]) or self.headers.get(path[:end])
            if found:
                return found[-1]
        return None

    def twice(self) -> Iterator[tuple[Path, list[int]]]:
        """Yield what is set more than once, with its lines."""
        for path, lines in self.keys.items():
            lines = lines + self.headers.get(path, [])
            if len(lines) > 1:
                yield path, lines
        for path, lines in self.headers.items():
            if len(lines) > 1 and path not in self.keys:
                yield path, lines

    def _scan(self) -> None:
        table: Path = ()
        while True:
            self._at = self._after(_SKIP)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line = self._line()
        double = self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        path = self._key()
        self._expect("]]" if double else "]")
        if not double:
            self.headers[path].append(line)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table + self._key()
        self.keys[path].append(line)
        self._expect("=")
        self._value(path)

    def _key(self) -> Path:
        parts: list[str] = []
        while True:
            self._at = self._after(_SPACE)
            match = _KEY.match(self._text, self._at)
            if match is None:
                raise _Unclear
            self._count()
            parts.append(_unquoted(match.group()))
            self._at = match.end()
            self._at = self._after(_SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def _value(self, path: Path) -> None:
        self._at = self._after(_SPACE)
        opening = self._text[self._at : self._at + 1]
        if opening == "[":
            self._items(path, "]")
        elif opening == "{":
            self._items(path, "}")
        else:
            match = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            if match is None:
                raise _Unclear
            self._at = match.end()

    def _items(self, path: Path, closing: str) -> None:
        self._at += 1
        while True:
            self._at = self._after(_SKIP)
            if self._text.startswith(closing, self._at):
                self._at += 1
                return
            self._count()
            if closing == "]":
                self._elements[path].append(self._line())
                self._value((*path, "[]"))
            else:
                self._pair(path)
            self._at = self._after(_SKIP)
            if self._text.startswith(",", self._at):
                self._at += 1
            elif not self._text.startswith(closing, self._at):
                raise _Unclear

    def _after(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        return match.end() if match else self._at

    def _expect(self, sign: str) -> None:
        self._at = self._after(_SPACE)
        if not self._text.startswith(sign, self._at):
            raise _Unclear
        self._at += len(sign)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _Unclear

    def _line(self) -> int:
        from bisect import bisect_right

        return bisect_right(self._starts, self._at)


def _unquoted(part: str) -> str:
    if part[0] == "'":
        return part[1:-1]
    if part[0] != '"':
        return part
    import tomllib

    try:
        return str(tomllib.loads(f"x = {part}")["x"])
    except tomllib.TOMLDecodeError as error:
        raise _Unclear from error
