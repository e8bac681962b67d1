"""Texts and outlines of listed files, read when they are asked for, secrets replaced.

What that takes is loaded when the first is asked for: a reading by itself asks for none.
"""

from __future__ import annotations

from archfb.repository.folders import Folders
from archfb.repository.records import Definition, Secret, Text

TYPE_CHECKING = False
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
            self._outlines[file.path] = self._outlined(file)
        return self._outlines[file.path]

    def _outlined(self, file: File) -> tuple[Definition, ...]:
        from archfb.repository import outline as outlines
        from archfb.repository import secrets

        if file.kind in ("minified", "lock") or not outlines.knows(file.language):
            return ()
        if (kept := self._texts.get(file.path)) is not None:
            return outlines.outline(file.language, kept.text)
        content = self._content_of(file)
        if content is None:
            return ()
        text = _decoded(content[: self._content])
        found, lines = outlines.with_lines(file.language, text)
        # Looking for secrets is the dearest step: an outline shows few lines, and nearly all secrets lie within one.
        if secrets.over_lines(text) or secrets.find(lines, file.path):
            redacted = self.text(file)
            return outlines.outline(file.language, redacted.text) if redacted is not None else ()
        return found

    def _content_of(self, file: File) -> bytes | None:
        if file.withheld or file.kind == "binary":
            return None
        with Folders(self._root, self._depth) as folders:
            content = folders.read(file.path.encode("utf-8", "surrogateescape"), self._content)
        if content is None or b"\0" in content[:8192]:
            return None
        from archfb.repository import own

        return own.without(file.path.rpartition("/")[2], content) if len(content) <= self._content else content

    def _read(self, file: File) -> Text | None:
        from archfb.repository import secrets

        content = self._content_of(file)
        if content is None:
            return None
        text = _decoded(content[: self._content])
        redacted, found = secrets.redact(text, file.path)
        return Text(
            redacted, tuple(Secret(file.path, line, rule) for line, rule in found), len(content) <= self._content
        )


def _decoded(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
