"""One reading, step by step: facts, graph, declarations, history; or the last reading again where nothing changed."""

from __future__ import annotations

import os
from array import array
from dataclasses import astuple, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from archfb.repository import churn, classify, graph, imports, languages, manifests, picture, secrets, shares
from archfb.repository.attributes import Attributes
from archfb.repository.folders import Folders
from archfb.repository.imports.tree import Tree
from archfb.repository.inventory import STATS
from archfb.repository.records import Churn, File, Repository, Skipped, skipped_sentence
from archfb.repository.study import Study
from archfb.repository.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.repository.cache import Cache
    from archfb.repository.facts import Facts
    from archfb.repository.git import Asked
    from archfb.repository.inventory import Inventory
    from archfb.repository.manifests.declared import Declared
    from archfb.repository.picture import Picture
    from archfb.repository.records import Language, ReadLimits

_RACY_NS = (
    50_000_000  # a file changed this short before the reading began may change again within one tick of its clock
)
_RACY_COARSE_NS = 2_000_000_000  # the same where the file system keeps whole seconds
_FEW = 16
_SILENT = frozenset({"test", "example", "docs"})
# Files that others are read by: when one of these changes, everything is worked out anew.
_TELLING = (
    ".json",
    ".toml",
    ".mod",
    ".xml",
    ".gradle",
    ".kts",
    ".cfg",
    ".ini",
    ".txt",
    ".in",
    ".yml",
    ".yaml",
    ".gemspec",
    ".ac",
    ".am",
    ".build",
    ".props",
    ".csproj",
    ".fsproj",
    ".vbproj",
    ".rspec",
)
_TELLING_NAMES = frozenset(
    {
        "Gemfile",
        "Rakefile",
        "Makefile",
        "GNUmakefile",
        "makefile",
        "justfile",
        "Justfile",
        "Pipfile",
        "setup.py",
        "CMakeLists.txt",
        ".gitattributes",
        ".gitmodules",
        "main.go",
        "noxfile.py",
        "conftest.py",
        "gems.rb",
        "conanfile.py",
    }
)


def text_of(path: bytes) -> str:
    """Return a path as text, undecodable bytes as surrogates."""
    return path.decode("utf-8", "surrogateescape")


class Reading:
    """What is known at each step of one reading."""

    def __init__(
        self, root: bytes, found: Inventory, limits: ReadLimits, cache: Cache, allow: tuple[str, ...], begun: int
    ) -> None:
        """Keep what to read; `begun` is when the inventory began (ns of the system clock)."""
        self._root = root
        self._found = found
        self._limits = limits
        self._cache = cache
        self._allow = allow
        self._begun = begun
        self._joined = b"\0".join(found.paths)
        self._paths = text_of(self._joined).split("\0")
        self._key = blake2b(root + b"\0" + repr((limits, sorted(allow))).encode(), digest_size=16).hexdigest()
        self._study = Study(root, limits, cache)
        self._skipped = tuple(
            Skipped(reason, found.skipped_count[reason], tuple(text_of(name) for name in sorted(names)))
            for reason, names in sorted(found.skipped.items())
        )

    def repository(self) -> Repository:
        """Return what is known of the repository."""
        before = picture.load(self._cache.picture(self._key))
        head = self._commit()
        if before is not None and before.paths == self._joined and before.about["tracked"] == self._found.tracked:
            again = self._again(before, head)
            if again is not None:
                return again
        return self._anew(before, head)

    def _commit(self) -> str | None:
        asked = self._found.head
        said = asked.answer(2.0) if asked is not None else None
        return said.decode("ascii", "replace").strip() if said else None

    # ---- nothing or little changed

    def _again(self, before: Picture, head: str | None) -> Repository | None:
        changed = self._changed(before)
        if len(changed) > max(_FEW, len(self._paths) // 100):
            return None
        try:
            files = picture.files_of(before, self._paths)
            about = before.about
            declared = picture.declared_from_json(about["declared"])
            counted = picture.languages_from_json(about["languages"])
            history = picture.churn_from_json(about["churn"])
            cycles = tuple(tuple(self._paths[at] for at in cycle) for cycle in about["cycles"])
            grown = self._take_up(files, changed) if changed else {}
        except (KeyError, TypeError, ValueError, IndexError):
            return None
        if grown is None:
            return None
        if any(grown.values()):
            counted = shares.regrown(counted, grown)
        if about["commit"] != head:
            history = self._history(self._start_history())
        return self._assembled(files, counted, cycles, declared, head, history)

    def _changed(self, before: Picture) -> list[int]:
        ours, theirs = self._found.stats, before.columns["stats"]
        if ours == theirs:
            return []
        if len(ours) != len(theirs):
            return list(range(len(self._paths)))
        return [at // STATS for at in range(0, len(ours), STATS) if ours[at : at + STATS] != theirs[at : at + STATS]]

    def _take_up(self, files: list[File], changed: Sequence[int]) -> dict[str, int] | None:
        """Put the changed files' facts in; return how much each language grew, None when more could be touched."""
        paths = [self._found.paths[at] for at in changed]
        facts = self._study.read(paths, [self._found.stats[at * STATS] for at in changed])
        old = self._study.known([(path, files[at].hash) for path, at in zip(paths, changed, strict=True)])
        attributes: Attributes | None = None
        grown: dict[str, int] = {}
        for at, now, was in zip(changed, facts, old, strict=True):
            file = files[at]
            if now.hash == file.hash:
                continue
            if (
                was is None
                or _tells(file.path)
                or now.specs != was.specs
                or now.language != was.language
                or now.kind != was.kind
            ):
                return None
            size = self._found.stats[at * STATS]
            attributes = attributes or self._attributes()
            if (name := shares.counted_as(file, attributes)) is not None:
                grown[name] = grown.get(name, 0) + size - file.size
            files[at] = replace(
                file, size=size, hash=now.hash, lines=now.lines, tokens=now.tokens, whole=size <= self._limits.content
            )
        self._study.keep()
        return grown

    # ---- everything

    def _anew(self, before: Picture | None, head: str | None) -> Repository:
        history = self._start_history()
        known = self._facts(before)
        attributes = self._attributes()
        kinds = [_kind(path, fact, attributes) for path, fact in zip(self._paths, known, strict=True)]
        edges = self._edges(known, kinds)
        roles = [
            classify.role(path, languages.TYPES.get(fact.language or ""))
            for path, fact in zip(self._paths, known, strict=True)
        ]
        drawn = graph.build(
            edges, self._paths, {path for path, role in zip(self._paths, roles, strict=True) if role in _SILENT}
        )
        files = [self._file(at, known[at], kinds[at], roles[at], edges, drawn) for at in range(len(known))]
        declared = manifests.collect(self._paths, self._small)
        counted = shares.count(files, attributes)
        changes = self._history(history)
        self._study.keep()
        self._keep(files, drawn, declared, counted, changes, head)
        return self._assembled(files, counted, drawn.cycles, declared, head, changes)

    def _facts(self, before: Picture | None) -> list[Facts]:
        sizes = self._found.stats[::STATS]
        if before is None:
            return self._study.read(self._found.paths, sizes)
        stats, width = before.columns["stats"], STATS
        was = {path: at for at, path in enumerate(before.paths.split(b"\0"))}
        same: list[tuple[int, str]] = []
        for at, path in enumerate(self._found.paths):
            old = was.get(path)
            if (
                old is not None
                and self._found.stats[at * width : at * width + width] == stats[old * width : old * width + width]
            ):
                same.append((at, before.hashes[old * 20 : old * 20 + 20].hex()))
        kept = self._study.known([(self._found.paths[at], blob) for at, blob in same])
        found = {at: fact for (at, _), fact in zip(same, kept, strict=True) if fact is not None}
        rest = [at for at in range(len(self._paths)) if at not in found]
        read = self._study.read([self._found.paths[at] for at in rest], [sizes[at] for at in rest])
        found |= dict(zip(rest, read, strict=True))
        return [found[at] for at in range(len(self._paths))]

    def _attributes(self) -> Attributes:
        paths = (
            path
            for path in self._paths
            if path.endswith(".gitattributes") and path.rpartition("/")[2] == ".gitattributes"
        )
        return Attributes((path, self._small(path) or b"") for path in paths)

    def _small(self, path: str) -> bytes | None:
        with Folders(self._root, self._limits.depth) as folders:
            content = folders.read(path.encode("utf-8", "surrogateescape"), self._limits.content)
        return None if content is None or len(content) > self._limits.content else content

    def _edges(self, known: Sequence[Facts], kinds: Sequence[str]) -> dict[str, list[str]]:
        spoken, specs = {}, {}
        for path, fact, kind in zip(self._paths, known, kinds, strict=True):
            if fact.language is not None:
                spoken[path] = fact.language
                if fact.specs and kind in ("text", "generated", "marked", "vendored"):
                    specs[path] = fact.specs
        return imports.resolve_all(Tree(spoken, specs, self._small, self._paths))

    def _file(
        self, at: int, fact: Facts, kind: str, role: str, edges: Mapping[str, Sequence[str]], drawn: graph.Graph
    ) -> File:
        path, size = self._paths[at], self._found.stats[at * STATS]
        return File(
            path,
            size,
            fact.hash,
            kind,
            fact.language,
            role,
            fact.lines,
            fact.tokens,
            drawn.rank.get(path, 0.0),
            drawn.layer.get(path, 0),
            tuple(edges.get(path, ())),
            drawn.importers.get(path, 0),
            at < self._found.tracked,
            secrets.never_sent(path, self._allow),
            size <= self._limits.content,
        )

    def _start_history(self) -> Asked | None:
        return churn.start(self._found.git, self._limits.commits) if self._found.git is not None else None

    def _history(self, asked: Asked | None) -> Churn:
        return churn.count(asked, self._limits.history_s, self._limits.commits, frozenset(self._paths))

    # ---- the result

    def _assembled(
        self,
        files: list[File],
        counted: tuple[Language, ...],
        cycles: tuple[tuple[str, ...], ...],
        declared: Declared,
        head: str | None,
        history: Churn,
    ) -> Repository:
        sentence = skipped_sentence(self._skipped)
        return Repository(
            root=text_of(self._root),
            name=text_of(os.path.basename(self._root)) or "/",  # noqa: PTH119  # bytes
            commit=head,
            listing=self._found.listing,
            files=tuple(files),
            languages=counted,
            manifests=declared.manifests,
            other_manifests=declared.aside,
            lock_files=declared.lock_files,
            submodules=declared.submodules,
            dependencies=declared.dependencies,
            entry_points=declared.entry_points,
            commands=declared.commands,
            conventions=declared.conventions,
            cycles=cycles,
            layers=_layers(files),
            churn=history,
            skipped=self._skipped,
            withheld=tuple([file.path for file in files if file.withheld]),
            not_listed=self._found.not_listed,
            notes=(*self._found.notes, *([sentence] if sentence else []), *declared.notes),
            content_id=self._content_id(files),
            source=Texts(self._root, self._limits.content, self._limits.depth),
            by_path={file.path: file for file in files},
        )

    def _content_id(self, files: Sequence[File]) -> str:
        digest = blake2b(self._joined, digest_size=20, person=b"archfb-content")
        digest.update("".join([f"\n{file.hash} {file.size}" for file in files]).encode())
        digest.update(repr((self._skipped, self._found.not_listed)).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()

    def _keep(
        self,
        files: list[File],
        drawn: graph.Graph,
        declared: Declared,
        counted: tuple[Language, ...],
        history: Churn,
        head: str | None,
    ) -> None:
        number = {path: at for at, path in enumerate(self._paths)}
        about: dict[str, Any] = {
            "tracked": self._found.tracked,
            "commit": head if not history.note else None,
            "languages": [astuple(one) for one in counted],
            "churn": astuple(history),
            "declared": picture.declared_as_json(declared),
            "cycles": [[number[path] for path in cycle] for cycle in drawn.cycles],
        }
        self._cache.keep_picture(self._key, picture.draw(files, self._joined, self._settled(), about).dump())

    def _settled(self) -> array[int]:
        """Return the stats with inode and times zeroed where the file is too young to be told by them."""
        stats = array("q", self._found.stats)
        young = self._begun - _RACY_NS
        for at in range(0, len(stats), STATS):
            latest = max(stats[at + 1], stats[at + 3])
            if latest >= young or (latest % 1_000_000_000 == 0 and latest >= self._begun - _RACY_COARSE_NS):
                stats[at + 1] = stats[at + 2] = stats[at + 3] = 0
        return stats


def _tells(path: str) -> bool:
    name = path.rpartition("/")[2]
    if name.endswith(".go") and path.endswith(f"/{name[:-3]}/{name}"):
        return True  # its package line tells whether a program begins there
    return name in _TELLING_NAMES or name.endswith(_TELLING) or name.startswith((".", "Dockerfile"))


def _kind(path: str, fact: Facts, attributes: Attributes) -> str:
    kind = fact.kind
    if kind == "text" and classify.is_vendored(path):
        kind = "vendored"
    if not attributes:
        return kind
    said = attributes.of(path)
    for attribute, meant in (("linguist-vendored", "vendored"), ("linguist-generated", "generated")):
        if said.get(attribute) == "true" and kind in ("text", "marked"):
            kind = meant
        elif said.get(attribute) == "false" and (kind == meant or (kind, meant) == ("marked", "generated")):
            kind = "text"
    return kind


def _layers(files: Sequence[File]) -> tuple[tuple[str, ...], ...]:
    layers: dict[int, list[str]] = {}
    for file in files:
        if file.imports or file.importers:
            layers.setdefault(file.layer, []).append(file.path)
    return tuple(tuple(layers[at]) for at in sorted(layers))
