"""Reading everything: facts of each file, graph, declarations, history."""

from __future__ import annotations

from array import array

from archfb.repository import classify, graph, imports, languages, manifests, picture, secrets, shares
from archfb.repository.attributes import Attributes
from archfb.repository.counted import counted_as
from archfb.repository.imports.tree import Tree
from archfb.repository.inventory import STATS
from archfb.repository.records import File
from archfb.repository.study import Study

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.repository.picture import Picture
    from archfb.repository.reading import Reading
    from archfb.repository.records import Repository
    from archfb.repository.study import Facts

# A file changed this short before the reading began may change again within one tick of its clock; the second figure
# is for file systems that keep whole seconds.
_RACY_NS = 50_000_000
_RACY_COARSE_NS = 2_000_000_000
_SILENT = frozenset({"test", "example", "docs"})


class Anew:
    """A reading of everything."""

    def __init__(self, reading: Reading) -> None:
        """Keep what to read."""
        self._reading = reading
        self._found = reading.found
        self._paths = reading.paths
        self._limits = reading.limits
        self._study = Study(reading.root, reading.limits, reading.cache)

    def repository(self) -> Repository:
        """Return what is known of the repository."""
        known, declared = self._facts(self._reading.before)
        self._study.keep()
        if self._reading.leave_out([fact.kind == "own" for fact in known]):
            known, declared = [fact for fact in known if fact.kind != "own"], None
            self._paths = self._reading.paths
        if declared is None:
            declared = self._declared()
        attributes = Attributes.of_tree(self._paths, self._reading.small)
        said = [attributes.of(path) for path in self._paths] if attributes else [{}] * len(self._paths)
        kinds = [_kind(path, fact, one) for path, fact, one in zip(self._paths, known, said, strict=True)]
        edges = self._edges(known, kinds)
        roles = [
            classify.role(path, languages.types().get(fact.language or ""))
            for path, fact in zip(self._paths, known, strict=True)
        ]
        drawn = graph.build(
            edges, self._paths, {path for path, role in zip(self._paths, roles, strict=True) if role in _SILENT}
        )
        files = [self._file(at, known[at], kinds[at], roles[at], edges, drawn) for at in range(len(known))]
        counted = [counted_as(file, one) for file, one in zip(files, said, strict=True)]
        spoken = shares.count(files, counted)
        repository = self._reading.assembled(files, spoken, drawn.cycles, picture.declared_of(declared))
        drawing = picture.draw(
            repository, declared, self._reading.joined, self._settled(), counted, self._reading.own
        )
        self._reading.cache.keep_picture(self._reading.key, drawing.dump())
        return repository

    def _declared(self) -> dict[str, bytes]:
        return picture.tables_of(manifests.collect(self._paths, self._reading.small))

    def _facts(self, before: Picture | None) -> tuple[list[Facts], dict[str, bytes] | None]:
        """Return the facts of each file, and what is declared where that was collected meanwhile."""
        sizes = self._found.stats[::STATS]
        if before is None:
            return self._study.read_beside(self._found.paths, sizes, self._declared)
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
        return [found[at] for at in range(len(self._paths))], None

    def _edges(self, known: Sequence[Facts], kinds: Sequence[str]) -> dict[str, list[str]]:
        spoken, specs = {}, {}
        for path, fact, kind in zip(self._paths, known, kinds, strict=True):
            if fact.language is not None:
                spoken[path] = fact.language
                if fact.specs and kind in ("text", "generated", "marked", "vendored"):
                    specs[path] = fact.specs
        return imports.resolve_all(Tree(spoken, specs, self._reading.small, self._paths))

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
            secrets.never_sent(path, self._reading.allow),
            size <= self._limits.content,
        )

    def _settled(self) -> array[int]:
        """Return the stats with inode and times zeroed where the file is too young to be told by them."""
        stats = array("q", self._found.stats)
        young = self._reading.begun - _RACY_NS
        if max(max(stats[1::STATS]), max(stats[3::STATS])) < self._reading.begun - _RACY_COARSE_NS:
            return stats
        for at in range(0, len(stats), STATS):
            latest = max(stats[at + 1], stats[at + 3])
            if latest >= young or (latest % 1_000_000_000 == 0 and latest >= self._reading.begun - _RACY_COARSE_NS):
                stats[at + 1] = stats[at + 2] = stats[at + 3] = 0
        return stats


def _kind(path: str, fact: Facts, said: Mapping[str, str]) -> str:
    kind = fact.kind
    if kind == "text" and classify.is_vendored(path):
        kind = "vendored"
    if not said:
        return kind
    for attribute, meant in (("linguist-vendored", "vendored"), ("linguist-generated", "generated")):
        if said.get(attribute) == "true" and kind in ("text", "marked"):
            kind = meant
        elif said.get(attribute) == "false" and (kind == meant or (kind, meant) == ("marked", "generated")):
            kind = "text"
    return kind
