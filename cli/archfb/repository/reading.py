"""One reading, step by step: the last reading again where nothing or little changed, else everything anew."""

from __future__ import annotations

import os
from array import array

from archfb.repository import picture
from archfb.repository.digests import blake2b
from archfb.repository.folders import Folders
from archfb.repository.inventory import STATS
from archfb.repository.past import Past
from archfb.repository.record import changed
from archfb.repository.records import Repository, Skipped, skipped_sentence
from archfb.repository.texts import Texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.repository.cache import Cache
    from archfb.repository.inventory import Inventory, Listing
    from archfb.repository.picture import Picture
    from archfb.repository.records import Declared, File, Language

_FEW = 16
_BLOCK = 64 * STATS
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

    def __init__(self, listing: Listing, cache: Cache, allow: tuple[str, ...], begun: int, history: bool) -> None:
        """Keep what to read; `begun` is when the listing began (ns of the system clock).

        `history` when it will be wanted: git is then asked for it at once.
        """
        self.root = listing.root
        self.limits = listing.limits
        self.cache = cache
        self.allow = allow
        self.begun = begun
        named = self.root + b"\0" + repr((self.limits, sorted(allow))).encode()
        self.key = blake2b(named, digest_size=16).hexdigest()
        self._listing = listing
        self._history = history
        self.past = Past(None, None, self.limits, cache, self.key)
        self.own: dict[str, list[int]] = {}

    def take(self) -> Inventory:
        """Return what there is, having looked up the last reading while git listed it."""
        self.before = picture.load(self.cache.picture(self.key))
        self.commit = self._listing.commit()
        self.past = Past(self._listing.git, self.commit, self.limits, self.cache, self.key)
        if self._history:
            self.past.ask()
        self.found = found = self._listing.inventory()
        if found.git is None:
            self.close()
            self.past = Past(None, None, self.limits, self.cache, self.key)
            self.commit = None
        self._take_paths()
        return found

    def close(self) -> None:
        """Let go of what was asked and not needed."""
        self.past.close()

    def repository(self) -> Repository:
        """Return what is known of the repository."""
        before = self.before
        if before is not None and (own := picture.own_of(before)):
            self.leave_out([own.get(path) == self._stats(at) for at, path in enumerate(self.paths)])
        if before is not None and before.paths == self.joined and before.tracked == self.found.tracked:
            again = self._again(before)
            if again is not None:
                return again
        from archfb.repository.anew import Anew

        return Anew(self).repository()

    # ---- what this program wrote

    def _take_paths(self) -> None:
        self.joined = b"\0".join(self.found.paths)
        self.paths = text_of(self.joined).split("\0")

    def _stats(self, at: int) -> list[int]:
        return self.found.stats[at * STATS : at * STATS + STATS].tolist()

    def leave_out(self, own: Sequence[bool]) -> bool:
        """Go on as if the files so marked were not there; False where there are none, or no others."""
        if not any(own) or all(own):
            return False
        found, kept = self.found, [at for at, one in enumerate(own) if not one]
        self.own |= {path: self._stats(at) for at, path in enumerate(self.paths) if own[at]}
        found.stats = array("q", [number for at in kept for number in self._stats(at)])
        found.tracked = sum(at < found.tracked for at in kept)
        found.paths = [found.paths[at] for at in kept]
        self._take_paths()
        return True

    # ---- nothing or little changed

    def _again(self, before: Picture) -> Repository | None:
        differing = self._differing(before)
        if len(differing) > max(_FEW, len(self.paths) // 100):
            return None
        try:
            files = picture.files_of(before, self.paths)
            declared = picture.declared_of(before.tables)
            counted = picture.languages_of(before)
            cycles = picture.cycles_of(before, self.paths)
            grown = self._take_up(before, files, differing) if differing else {}
        except (ValueError, IndexError):
            return None
        if grown is None:
            return None
        if any(grown.values()):
            from archfb.repository import shares

            counted = shares.regrown(counted, grown)
        return self.assembled(files, counted, cycles, declared)

    def _differing(self, before: Picture) -> list[int]:
        ours, theirs = self.found.stats, before.columns["stats"]
        if ours == theirs:
            return []
        if len(ours) != len(theirs):
            return list(range(len(self.paths)))
        return [
            at // STATS
            for begin in range(0, len(ours), _BLOCK)  # most of which are equal
            if ours[begin : begin + _BLOCK] != theirs[begin : begin + _BLOCK]
            for at in range(begin, min(begin + _BLOCK, len(ours)), STATS)
            if ours[at : at + STATS] != theirs[at : at + STATS]
        ]

    def _take_up(self, before: Picture, files: list[File], differing: Sequence[int]) -> dict[str, int] | None:
        """Put the changed files' facts in; return how much each language grew, None when more could be touched."""
        from archfb.repository.shares import uncounted
        from archfb.repository.study import Study

        study = Study(self.root, self.limits, self.cache)
        paths = [self.found.paths[at] for at in differing]
        facts = study.read(paths, [self.found.stats[at * STATS] for at in differing])
        old = study.known([(path, files[at].hash) for path, at in zip(paths, differing, strict=True)])
        grown: dict[str, int] = {}
        for at, now, was in zip(differing, facts, old, strict=True):
            file, size = files[at], self.found.stats[at * STATS]
            if now.hash == file.hash:
                continue
            if (
                was is None
                or _tells(file.path)
                or (now.specs, now.language, now.kind) != (was.specs, was.language, was.kind)
                or uncounted(file.path, size, now.lines) != uncounted(file.path, file.size, file.lines)
            ):
                return None
            if (name := picture.counted_as(before, at)) is not None:
                grown[name] = grown.get(name, 0) + size - file.size
            files[at] = changed(
                file, size=size, hash=now.hash, lines=now.lines, tokens=now.tokens, whole=size <= self.limits.content
            )
        study.keep()
        return grown

    # ---- the result

    def small(self, path: str) -> bytes | None:
        """Return the content of a file that is read whole, None where it is larger or gone."""
        with Folders(self.root, self.limits.depth) as folders:
            content = folders.read(path.encode("utf-8", "surrogateescape"), self.limits.content)
        return None if content is None or len(content) > self.limits.content else content

    def assembled(
        self,
        files: list[File],
        counted: tuple[Language, ...],
        cycles: tuple[tuple[str, ...], ...],
        declared: Declared,
    ) -> Repository:
        """Return the record of what was found."""
        skipped = self._skipped()
        sentence = skipped_sentence(skipped)
        return Repository(
            root=text_of(self.root),
            name=text_of(os.path.basename(self.root)) or "/",  # noqa: PTH119  # bytes
            commit=self.commit,
            listing=self.found.listing,
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
            skipped=skipped,
            withheld=tuple([file.path for file in files if file.withheld]),
            not_listed=self.found.not_listed,
            notes=(*self.found.notes, *([sentence] if sentence else []), *declared.notes),
            content_id=self._content_id(files, skipped),
            past=self.past.of(self.paths),
            source=Texts(self.root, self.limits.content, self.limits.depth),
            by_path={file.path: file for file in files},
        )

    def _skipped(self) -> tuple[Skipped, ...]:
        counts = self.found.skipped_count
        return tuple(
            Skipped(reason, counts[reason], tuple(text_of(name) for name in sorted(names)))
            for reason, names in sorted(self.found.skipped.items())
        )

    def _content_id(self, files: Sequence[File], skipped: tuple[Skipped, ...]) -> str:
        digest = blake2b(self.joined, digest_size=20, person=b"archfb-content")
        digest.update("".join([f"\n{file.hash} {0 if file.whole else file.size}" for file in files]).encode())
        digest.update(repr((skipped, self.found.not_listed)).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()


def _tells(path: str) -> bool:
    name = path.rpartition("/")[2]
    if name.endswith(".go") and path.endswith(f"/{name[:-3]}/{name}"):
        return True  # its package line tells whether a program begins there
    return name in _TELLING_NAMES or name.endswith(_TELLING) or name.startswith((".", "Dockerfile"))


def _layers(files: Sequence[File]) -> tuple[tuple[str, ...], ...]:
    layers: dict[int, list[str]] = {}
    for file in files:
        if file.imports or file.importers:
            layers.setdefault(file.layer, []).append(file.path)
    return tuple(tuple(layers[at]) for at in sorted(layers))
