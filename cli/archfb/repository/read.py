"""Reading a repository: what is there, what each file is, how it hangs together."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from archfb.errors import RepositoryError
from archfb.repository import churn, classify, facts, graph, imports, inventory, languages, manifests, secrets
from archfb.repository.attributes import Attributes
from archfb.repository.cache import Cache, default_folder
from archfb.repository.facts import ANALYSER, Facts
from archfb.repository.folders import Folders
from archfb.repository.imports.tree import Tree
from archfb.repository.records import Churn, File, Language, ReadLimits, Repository, Skipped
from archfb.repository.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from archfb.repository.inventory import Inventory


def read_repository(
    path: Path | str,
    *,
    allow: Sequence[str] = (),
    cache_dir: Path | None = None,
    limits: ReadLimits | None = None,
    on_note: Callable[[str], None] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Repository:
    """Read the repository (or folder) at `path`; equal content gives an equal record.

    `allow` are globs of files that would be withheld as keys or .env files. `cache_dir` holds the cache (default: the
    user's cache folder). `on_note` is told what a user should know. Raises RepositoryError when the path is missing,
    is no folder, cannot be read, or holds no file. Nothing of the repository is run, nothing outside it is read.
    """
    limits = limits or ReadLimits()
    root = _checked(path)
    environ = os.environ if environ is None else environ
    found = inventory.take(root, limits, environ)
    if not found.paths:
        raise RepositoryError(f"{path} holds no files to analyse.", hint=_why_empty(found))
    cache = Cache(default_folder() if cache_dir is None else cache_dir)
    try:
        repository = _Reading(root, found, limits, cache, tuple(allow)).repository()
    finally:
        cache.close()
    for note in repository.notes if on_note is not None else ():
        on_note(note)
    return repository


def _checked(path: Path | str) -> bytes:
    root = os.fsencode(path)
    try:
        real = os.path.realpath(root, strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise RepositoryError(f"There is no folder at {path}.", hint="Check the path of the repository.") from None
    except (OSError, ValueError) as error:
        raise RepositoryError(f"{path} cannot be read: {error}.") from None
    if not os.path.isdir(real):
        raise RepositoryError(f"{path} is a file; expected a folder.", hint="Give the folder that holds it.")
    if not os.access(real, os.R_OK | os.X_OK):
        raise RepositoryError(f"{path} cannot be read: permission denied.")
    return real


def _why_empty(found: Inventory) -> str:
    if found.skipped_count:
        return "What is there was skipped: " + ", ".join(f"{n} {why}" for why, n in sorted(found.skipped_count.items())) + "."
    return "The folder is empty, or everything in it is ignored."


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


class _Reading:
    """One reading, step by step."""

    def __init__(self, root: bytes, found: Inventory, limits: ReadLimits, cache: Cache, allow: tuple[str, ...]) -> None:
        self._root = root
        self._found = found
        self._limits = limits
        self._cache = cache
        self._allow = allow
        self._paths = [_text(path) for path in found.paths]

    def repository(self) -> Repository:
        head = churn.head_of(self._found.git) if self._found.git else None
        history = churn.start(self._found.git, self._limits.commits) if self._found.git else None
        known = self._facts()
        attributes = Attributes(self._attribute_files())
        described = [self._described(at, path, fact, attributes) for at, (path, fact) in enumerate(zip(self._paths, known, strict=True))]
        edges = self._edges(described)
        drawn = graph.build(edges, self._paths)
        files = tuple(self._file(one, edges, drawn) for one in described)
        declared = manifests.collect(self._paths, self._small)
        commit = head.answer(2.0) if head is not None else None
        changes = churn.count(history, self._limits.history_s, self._limits.commits, frozenset(self._paths))
        return self._assembled(files, drawn, declared, commit.decode().strip() if commit else None, changes, attributes)

    def _facts(self) -> list[Facts]:
        found: list[Facts] = []
        limit = self._limits.content
        fresh: dict[bytes, Sequence[object]] = {}
        with Folders(self._root, self._limits.depth) as folders:
            for at, path in enumerate(self._found.paths):
                content = folders.read(path, limit)
                size = self._found.stats[at * inventory.STATS]
                name = _text(path.rpartition(b"/")[2])
                named = languages.by_name(name)
                if content is None:
                    found.append(Facts("", named, "unreadable", 0, 0, ()))
                    continue
                content = content[:limit]
                blob = facts.blob_hash(content)
                found.append(facts.study(name, named, content, size, blob))
        return found

    def _attribute_files(self) -> Iterable[tuple[str, bytes]]:
        for path in self._paths:
            if path.endswith(".gitattributes") and path.rpartition("/")[2] == ".gitattributes":
                yield path, self._small(path) or b""

    def _small(self, path: str) -> bytes | None:
        with Folders(self._root, self._limits.depth) as folders:
            content = folders.read(path.encode("utf-8", "surrogateescape"), self._limits.content)
        return None if content is None or len(content) > self._limits.content else content

    def _described(self, at: int, path: str, fact: Facts, attributes: Attributes) -> tuple[str, int, Facts, str, bool]:
        kind = fact.kind
        if kind == "text" and classify.is_vendored(path):
            kind = "vendored"
        said = attributes.of(path) if attributes else {}
        for attribute, meant in (("linguist-vendored", "vendored"), ("linguist-generated", "generated")):
            if said.get(attribute) == "true" and kind == "text":
                kind = meant
            elif said.get(attribute) == "false" and kind == meant:
                kind = "text"
        return path, self._found.stats[at * inventory.STATS], fact, kind, at < self._found.tracked

    def _edges(self, described: Sequence[tuple[str, int, Facts, str, bool]]) -> dict[str, list[str]]:
        spoken = {path: fact.language for path, _, fact, _, _ in described if fact.language is not None}
        specs = {path: fact.specs for path, _, fact, kind, _ in described if fact.specs and kind in ("text", "generated", "vendored")}
        return imports.resolve_all(Tree(spoken, specs, self._small, self._paths))

    def _file(self, one: tuple[str, int, Facts, str, bool], edges: Mapping[str, Sequence[str]], drawn: graph.Graph) -> File:
        path, size, fact, kind, tracked = one
        return File(
            path, size, fact.hash, kind, fact.language, classify.role(path, languages.TYPES.get(fact.language or "")),
            fact.lines, fact.tokens, drawn.rank.get(path, 0.0), drawn.layer.get(path, 0), tuple(edges.get(path, ())),
            drawn.importers.get(path, 0), tracked, secrets.never_sent(path, self._allow), size <= self._limits.content,
        )  # fmt: skip

    def _assembled(
        self, files: tuple[File, ...], drawn: graph.Graph, declared: manifests.Declared, commit: str | None, changes: Churn, attributes: Attributes
    ) -> Repository:
        skipped = tuple(
            Skipped(reason, self._found.skipped_count[reason], tuple(_text(name) for name in sorted(names)))
            for reason, names in sorted(self._found.skipped.items())
        )
        repository = Repository(
            root=_text(self._root), name=_text(os.path.basename(self._root)) or "/", commit=commit, listing=self._found.listing,
            files=files, languages=_shares(files, attributes), manifests=declared.manifests, other_manifests=declared.aside, lock_files=declared.lock_files,
            submodules=declared.submodules, dependencies=declared.dependencies, entry_points=declared.entry_points,
            commands=declared.commands, conventions=declared.conventions, cycles=drawn.cycles, layers=_layers(files), churn=changes,
            skipped=skipped, withheld=tuple(file.path for file in files if file.withheld), not_listed=self._found.not_listed,
            notes=(), content_id=_content_id(files, skipped), source=Texts(self._root, self._limits.content, self._limits.depth),
            by_path={file.path: file for file in files},
        )  # fmt: skip
        sentence = repository.skipped_sentence()
        return _with_notes(repository, (*self._found.notes, *([sentence] if sentence else []), *declared.notes))


def _with_notes(repository: Repository, notes: tuple[str, ...]) -> Repository:
    from dataclasses import replace

    return replace(repository, notes=notes)


def _content_id(files: Sequence[File], skipped: Sequence[Skipped]) -> str:
    digest = blake2b(digest_size=20, person=b"archfb-content")
    for file in files:
        digest.update(file.path.encode("utf-8", "surrogateescape") + f"\0{file.size}\0{file.hash}\n".encode())
    for skip in skipped:
        digest.update(f"{skip.reason}\0{skip.count}\0".encode() + "\0".join(skip.names).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _shares(files: Sequence[File], attributes: Attributes) -> tuple[Language, ...]:
    counted: dict[str, list[int]] = {}
    for file in files:
        if file.kind != "text" or file.language is None:
            continue
        said = attributes.of(file.path) if attributes else {}
        detectable = said.get("linguist-detectable")
        if detectable == "false" or (detectable != "true" and not languages.counts(file.language)):
            continue
        documents = said.get("linguist-documentation", "true" if classify.is_documentation(file.path) else "false")
        if documents == "true":
            continue
        entry = counted.setdefault(said.get("linguist-language", file.language), [0, 0])
        entry[0] += 1
        entry[1] += file.size
    total = sum(size for _, size in counted.values()) or 1
    shares = (Language(name, number, size, size / total) for name, (number, size) in counted.items())
    return tuple(sorted(shares, key=lambda one: (-one.size, one.name)))


def _layers(files: Sequence[File]) -> tuple[tuple[str, ...], ...]:
    layers: dict[int, list[str]] = {}
    for file in files:
        if file.imports or file.importers:
            layers.setdefault(file.layer, []).append(file.path)
    return tuple(tuple(layers[at]) for at in sorted(layers))
