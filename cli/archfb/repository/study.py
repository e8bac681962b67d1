"""Reading contents: facts of each file from the cache where its content is known, else from the file."""

from __future__ import annotations

import os

from archfb.repository import classify, imports, languages, own, rows
from archfb.repository.cache import ANALYSER
from archfb.repository.digests import sha1, sha1_of_much
from archfb.repository.folders import Folders
from archfb.repository.record import Record, values
from archfb.repository.tokens import estimate_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    from archfb.repository.cache import Cache
    from archfb.repository.records import ReadLimits

    Other = TypeVar("Other")
    _Row = tuple[str, str | None, str, int, int, tuple[str, ...]]

_SHARED = 1 << 20  # bytes; less is read before a copy of the process is at work
_PIECE = 1 << 16
_MUCH = 2 << 20  # bytes; as long as OpenSSL takes to load, the built-in hash takes for them
_PIECES = 100
_APART = 8 << 20  # bytes; less is read before a new process is at work


class Facts(Record):
    """The facts of one content under one name. `kind` leaves the path out but for the name."""

    hash: str
    language: str | None
    kind: str
    lines: int
    tokens: int
    specs: tuple[str, ...]


class Study:
    """Reads files below one root; collects what is new for the cache."""

    def __init__(self, root: bytes, limits: ReadLimits, cache: Cache, sha1: Callable[..., Any] = sha1) -> None:
        """Keep where and how much."""
        self._root = root
        self._limits = limits
        self._cache = cache
        self._knows = cache.has_facts()
        self._fresh: dict[bytes, bytes] = {}
        self._sha1 = sha1
        self._named: dict[str, str | None] = {}

    def read(self, paths: Sequence[bytes], sizes: Sequence[int]) -> list[Facts]:
        """Return the facts of each path; `sizes` are the files' sizes in bytes."""
        return self.read_beside(paths, sizes, lambda: None)[0]

    def read_beside(
        self, paths: Sequence[bytes], sizes: Sequence[int], other: Callable[[], Other]
    ) -> tuple[list[Facts], Other]:
        """Return the facts of each path, and what `other` returns, called here or in a copy of this process."""
        self._sha1 = sha1_of_much() if sum(sizes) > _MUCH else sha1
        ends = [0, *_pieces([min(size, self._limits.content) for size in sizes])]

        def of(piece: int) -> Any:
            return self.piece(paths, sizes, ends, piece) if piece else other()

        told = iter(self._shared(of, paths, sizes, ends) if len(ends) > 2 else map(of, range(len(ends))))
        beside = next(told)
        found: list[Facts] = []
        for some in told:
            for row, kept in some:
                if kept is not None:
                    self._fresh[_key(row[0], paths[len(found)].rpartition(b"/")[2])] = kept
                found.append(Facts(*row))
        return found, beside

    def known(self, wanted: Sequence[tuple[bytes, str]]) -> list[Facts | None]:
        """Return the facts kept of contents (path and hash), None for each that is not kept."""
        keys = [_key(blob, path.rpartition(b"/")[2]) for path, blob in wanted]
        kept = self._cache.facts(keys) if self._knows else {}
        rows = [_row(blob, kept.get(key)) for key, (_, blob) in zip(keys, wanted, strict=True)]
        return [None if row is None else Facts(*row) for row in rows]

    def keep(self) -> None:
        """Put what was learned into the cache."""
        if self._fresh:
            self._cache.keep_facts(self._fresh)
            self._fresh = {}

    def piece(
        self, paths: Sequence[bytes], sizes: Sequence[int], ends: Sequence[int], number: int
    ) -> list[tuple[_Row, bytes | None]]:
        """Return facts, and what is to be kept of them, of the files of one piece; the first has the number 1."""
        with Folders(self._root, self._limits.depth) as folders:
            return [self._one(folders, paths[at], sizes[at]) for at in range(ends[number - 1], ends[number])]

    def _shared(
        self, of: Callable[[int], Any], paths: Sequence[bytes], sizes: Sequence[int], ends: Sequence[int]
    ) -> Iterator[Any]:
        from archfb.repository.aside import shared

        order = None
        if sum(sizes) > _APART:
            folder = os.fspath(self._cache.folder) if self._knows and self._cache.folder is not None else None
            told = (self._root, values(self._limits), folder, list(paths), list(sizes), list(ends))
            order = (__name__, work_of.__name__, told)
        return shared(len(ends), of, self._reopen, order)

    def _reopen(self) -> None:
        """Let a copy of this process ask the cache by a connection of its own."""
        if self._knows:
            self._cache = self._cache.reopened()

    def _one(self, folders: Folders, path: bytes, size: int) -> tuple[_Row, bytes | None]:
        """Return a file's facts, and what is to be kept of them where the cache has none."""
        raw = path.rpartition(b"/")[2]
        name = raw.decode("utf-8", "surrogateescape")
        named = self._language(name)
        limit = self._limits.content
        content = folders.read(path, limit)
        if content is None:
            return ("", named, "unreadable", 0, 0, ()), None
        foreign = own.without(name, content)
        if foreign is None:
            return ("", named, "own", 0, 0, ()), None
        if len(content) > limit:
            content = content[:limit]
        elif foreign is not content:
            content, size = foreign, len(foreign)
        blob = blob_hash(content, self._sha1)
        if self._knows and (kept := _row(blob, self._cache.fact(_key(blob, raw)))) is not None:
            return kept, None
        row = (blob, *facts_of(name, named, content, max(size, len(content))))
        return row, _kept(*row[1:])

    def _language(self, name: str) -> str | None:
        extension = name[name.rfind(".") :]
        if len(extension) < 2 or extension.lower() in _COMPOUND:
            return languages.by_name(name)
        # Names with one plain extension differ only where the whole name is known; those are few.
        if languages.by_whole_name(name) is not None or name.count(".") > 1 or name[:1] in "DCMG":
            return languages.by_name(name)
        if extension not in self._named:
            self._named[extension] = languages.by_name("a" + extension)
        return self._named[extension]


def work_of(
    root: bytes, limits: tuple[Any, ...], cache: str | None, paths: list[bytes], sizes: list[int], ends: list[int]
) -> Callable[[int], Any]:
    """Return what works at one piece, for a process that was told so."""
    from archfb.repository.cache import Cache
    from archfb.repository.records import ReadLimits

    study = Study(root, ReadLimits(*limits), Cache(cache), sha1_of_much())
    return lambda number: study.piece(paths, sizes, ends, number)


_COMPOUND = frozenset({".in", ".dist", ".example", ".sample", ".tmpl"})


def blob_hash(content: bytes, sha1: Callable[..., Any]) -> str:
    """Return git's blob id of a content (SHA-1, as git names blobs; nothing here is secured by it)."""
    return str(sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest())


def facts_of(
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


def _key(blob: str, name: bytes) -> bytes:
    return bytes([ANALYSER]) + bytes.fromhex(blob) + name


def _kept(language: str | None, kind: str, lines: int, tokens: int, specs: Sequence[str]) -> bytes:
    return rows.dump([(kind, lines, tokens, language or "", *specs)])


def _row(blob: str, kept: bytes | None) -> _Row | None:
    if kept is None:
        return None
    try:
        kind, lines, tokens, language, *specs = rows.texts(kept)
        return blob, language or None, kind, int(lines), int(tokens), tuple(specs)
    except (ValueError, AttributeError):
        return None


def _pieces(sizes: Sequence[int]) -> list[int]:
    """Return where each piece of the files ends: one where they are few, else many, so that neither of two waits."""
    total = sum(sizes)
    if total < _SHARED:
        return [len(sizes)]
    ends, size, each = [], 0, max(_PIECE, total // _PIECES)
    for at, one in enumerate(sizes):
        size += one
        if size >= each:
            ends.append(at + 1)
            size = 0
    return ends if ends[-1:] == [len(sizes)] else [*ends, len(sizes)]
