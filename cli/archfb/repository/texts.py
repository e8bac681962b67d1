"""Texts and outlines of listed files, read when they are asked for, secrets replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.repository import outline as outlines
from archfb.repository import secrets
from archfb.repository.folders import Folders
from archfb.repository.records import Definition, Secret, Text

if TYPE_CHECKING:
    from archfb.repository.records import File

_KEPT = 8 << 20  # characters


class Texts:
    """Reads below one root; keeps what it read last."""

    def __init__(self, root: bytes, content: int, depth: int) -> None:
        """Keep where; `content` bytes of a file are read at most."""
        self._root = root
        self._content = content
        self._depth = depth
        self._size = 0
        self._texts: dict[str, Text | None] = {}
        self._outlines: dict[str, tuple[Definition, ...]] = {}

    def text(self, file: File) -> Text | None:
        """Return a file's text with likely secrets replaced; None for one that is binary, withheld or gone."""
        if file.path not in self._texts:
            found = self._read(file)
            self._size += len(found.text) if found is not None else 100
            if self._size > _KEPT:
                self._texts.clear()
                self._size = len(found.text) if found is not None else 100
            self._texts[file.path] = found
        return self._texts[file.path]

    def outline(self, file: File) -> tuple[Definition, ...]:
        """Return a file's definitions in line order."""
        if file.path not in self._outlines:
            found = None if file.kind in ("minified", "lock") else self.text(file)
            self._outlines[file.path] = outlines.outline(file.language, found.text) if found is not None else ()
        return self._outlines[file.path]

    def _read(self, file: File) -> Text | None:
        if file.withheld or file.kind == "binary":
            return None
        with Folders(self._root, self._depth) as folders:
            content = folders.read(file.path.encode("utf-8", "surrogateescape"), self._content)
        if content is None or b"\0" in content[:8192]:
            return None
        text = content[: self._content].decode("utf-8-sig", "replace").replace("\r\n", "\n")
        redacted, found = secrets.redact(text, file.path)
        return Text(
            redacted, tuple(Secret(file.path, line, rule) for line, rule in found), len(content) <= self._content
        )
