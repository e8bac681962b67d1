"""What one file's content tells, wherever the file lies; kept by content hash."""

from __future__ import annotations

from archfb.repository import classify, imports, languages
from archfb.repository.digests import sha1
from archfb.repository.record import Record
from archfb.repository.tokens import estimate_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Facts(Record):
    """The facts of one content under one name. `kind` leaves the path out but for the name."""

    hash: str
    language: str | None
    kind: str
    lines: int
    tokens: int
    specs: tuple[str, ...]


def blob_hash(content: bytes, sha1: Callable[..., Any] = sha1) -> str:
    """Return git's blob id of a content (SHA-1, as git names blobs; nothing here is secured by it)."""
    return str(sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest())


def study(
    name: str, named: str | None, content: bytes, size: int
) -> tuple[str | None, str, int, int, tuple[str, ...]]:
    """Return what a content (cut to what may be read) tells beside its hash; the whole file has `size` bytes."""
    kind = classify.kind(name, content, named)
    if kind == "binary":
        return None, kind, 0, 0, ()
    language = languages.by_text(name, named, content)
    lines = content.count(b"\n") + (content[-1:] not in (b"\n", b""))
    tokens = estimate_bytes(content)
    if size > len(content):
        lines, tokens = lines * size // len(content), tokens * size // len(content)
    specs = imports.find(language, content) if kind in ("text", "generated", "marked") else []
    return language, kind, lines, tokens, tuple(specs)
