"""Reading contents: facts of each file from the cache where its content is known, else from the file."""

from __future__ import annotations

from archfb.repository import facts, languages, own
from archfb.repository.cache import ANALYSER
from archfb.repository.facts import Facts
from archfb.repository.folders import Folders
from archfb.repository.record import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.repository.cache import Cache
    from archfb.repository.records import ReadLimits


class Study:
    """Reads files below one root; collects what is new for the cache."""

    def __init__(self, root: bytes, limits: ReadLimits, cache: Cache) -> None:
        """Keep where and how much."""
        self._root = root
        self._limits = limits
        self._cache = cache
        self._knows = cache.has_facts()
        self._fresh: dict[bytes, Sequence[object]] = {}
        self._named: dict[str, str | None] = {}

    def read(self, paths: Sequence[bytes], sizes: Sequence[int]) -> list[Facts]:
        """Return the facts of each path; `sizes` are the files' sizes in bytes."""
        with Folders(self._root, self._limits.depth) as folders:
            return [self._one(folders, path, size) for path, size in zip(paths, sizes, strict=True)]

    def known(self, wanted: Sequence[tuple[bytes, str]]) -> list[Facts | None]:
        """Return the facts kept of contents (path and hash), None for each that is not kept."""
        keys = [_key(blob, path.rpartition(b"/")[2]) for path, blob in wanted]
        kept = self._cache.facts(keys) if self._knows else {}
        return [_facts(blob, kept.get(key)) for key, (_, blob) in zip(keys, wanted, strict=True)]

    def keep(self) -> None:
        """Put what was learned into the cache."""
        if self._fresh:
            self._cache.keep_facts(self._fresh)
            self._fresh = {}

    def _one(self, folders: Folders, path: bytes, size: int) -> Facts:
        raw = path.rpartition(b"/")[2]
        name = raw.decode("utf-8", "surrogateescape")
        named = self._language(name)
        limit = self._limits.content
        content = folders.read(path, limit)
        if content is None:
            return Facts("", named, "unreadable", 0, 0, ())
        foreign = own.without(name, content)
        if foreign is None:
            return Facts("", named, "own", 0, 0, ())
        if len(content) > limit:
            content = content[:limit]
        elif foreign is not content:
            content, size = foreign, len(foreign)
        blob = facts.blob_hash(content)
        key = _key(blob, raw)
        if self._knows and (kept := _facts(blob, self._cache.fact(key))) is not None:
            return kept
        found = facts.study(name, named, content, max(size, len(content)), blob)
        self._fresh[key] = values(found)[1:]
        return found

    def _language(self, name: str) -> str | None:
        extension = name[name.rfind(".") :]
        if len(extension) < 2 or extension.lower() in _COMPOUND:
            return languages.by_name(name)
        # Names with one plain extension differ only where the whole name is known; those are few.
        if name in languages.WHOLE_NAMES or name.count(".") > 1 or name[:1] in "DCMG":
            return languages.by_name(name)
        if extension not in self._named:
            self._named[extension] = languages.by_name("a" + extension)
        return self._named[extension]


_COMPOUND = frozenset({".in", ".dist", ".example", ".sample", ".tmpl"})


def _key(blob: str, name: bytes) -> bytes:
    return bytes([ANALYSER]) + bytes.fromhex(blob) + name


def _facts(blob: str, kept: Sequence[object] | None) -> Facts | None:
    if kept is None or len(kept) != 5:
        return None
    language, kind, lines, tokens, specs = kept
    if not (isinstance(kind, str) and isinstance(lines, int) and isinstance(tokens, int) and isinstance(specs, list)):
        return None
    return Facts(blob, language if isinstance(language, str) else None, kind, lines, tokens, tuple(map(str, specs)))
