"""Reading contents: facts of each file from the cache where its content is known, else from the file."""

from __future__ import annotations

from archfb.repository import facts, languages, own, rows
from archfb.repository.cache import ANALYSER
from archfb.repository.digests import sha1, sha1_of_much
from archfb.repository.facts import Facts
from archfb.repository.folders import Folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from archfb.repository.cache import Cache
    from archfb.repository.records import ReadLimits

    _Row = tuple[str, str | None, str, int, int, tuple[str, ...]]

_SHARED = 1 << 20  # bytes; less is read before a copy of the process is at work
_PIECE = 1 << 16
_MUCH = 2 << 20  # bytes; as long as OpenSSL takes to load, the built-in hash takes for them
_PIECES = 100


class Study:
    """Reads files below one root; collects what is new for the cache."""

    def __init__(self, root: bytes, limits: ReadLimits, cache: Cache) -> None:
        """Keep where and how much."""
        self._root = root
        self._limits = limits
        self._cache = cache
        self._knows = cache.has_facts()
        self._fresh: dict[bytes, bytes] = {}
        self._sha1: Callable[..., Any] = sha1
        self._named: dict[str, str | None] = {}

    def read(self, paths: Sequence[bytes], sizes: Sequence[int]) -> list[Facts]:
        """Return the facts of each path; `sizes` are the files' sizes in bytes."""
        self._sha1 = sha1_of_much() if sum(sizes) > _MUCH else sha1
        ends = _pieces([min(size, self._limits.content) for size in sizes])

        def of(piece: int) -> list[tuple[_Row, bool]]:
            begin, end = ends[piece - 1] if piece else 0, ends[piece]
            with Folders(self._root, self._limits.depth) as folders:
                return [self._one(folders, paths[at], sizes[at]) for at in range(begin, end)]

        found: list[Facts] = []
        for some in self._shared(len(ends), of) if len(ends) > 1 else [of(0)]:
            for row, new in some:
                facts = Facts(*row)
                if new:
                    self._fresh[_key(facts.hash, paths[len(found)].rpartition(b"/")[2])] = _kept(facts)
                found.append(facts)
        return found

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

    def _shared(self, pieces: int, of: Callable[[int], Any]) -> Iterator[Any]:
        from archfb.repository.aside import shared

        return shared(pieces, of, self._reopen)

    def _reopen(self) -> None:
        """Let a copy of this process ask the cache by a connection of its own."""
        if self._knows:
            self._cache = self._cache.reopened()

    def _one(self, folders: Folders, path: bytes, size: int) -> tuple[_Row, bool]:
        """Return a file's facts and whether the cache had none."""
        raw = path.rpartition(b"/")[2]
        name = raw.decode("utf-8", "surrogateescape")
        named = self._language(name)
        limit = self._limits.content
        content = folders.read(path, limit)
        if content is None:
            return ("", named, "unreadable", 0, 0, ()), False
        foreign = own.without(name, content)
        if foreign is None:
            return ("", named, "own", 0, 0, ()), False
        if len(content) > limit:
            content = content[:limit]
        elif foreign is not content:
            content, size = foreign, len(foreign)
        blob = facts.blob_hash(content, self._sha1)
        if self._knows and (kept := _row(blob, self._cache.fact(_key(blob, raw)))) is not None:
            return kept, False
        return (blob, *facts.study(name, named, content, max(size, len(content)))), True

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


_COMPOUND = frozenset({".in", ".dist", ".example", ".sample", ".tmpl"})


def _key(blob: str, name: bytes) -> bytes:
    return bytes([ANALYSER]) + bytes.fromhex(blob) + name


def _kept(facts: Facts) -> bytes:
    return rows.dump([(facts.kind, facts.lines, facts.tokens, facts.language or "", *facts.specs)])


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
