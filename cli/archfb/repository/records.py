"""What is known of a repository, as frozen records.

Paths are relative and "/"-separated, undecodable bytes are surrogates.
"""

from __future__ import annotations

from archfb.repository.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Protocol
else:
    Protocol = object

KINDS = ("text", "binary", "generated", "marked", "minified", "lock", "vendored")
ROLES = ("source", "test", "docs", "example", "config", "other")


class ReadLimits(Record):
    """How much is read. Sizes in bytes, times in seconds; what lies beyond is counted and said.

    `content` is what one file may give to the analysis, `walk_entries` how many folder entries a walk outside git
    looks at.
    """

    files: int = 100_000
    depth: int = 100
    content: int = 1 << 20
    walk_entries: int = 400_000
    commits: int = 5_000
    history_s: float = 2.0
    listing_s: float = 6.0


class File(Record):
    """One regular file.

    `hash` is git's blob id of what was read (of the first `ReadLimits.content` bytes when `whole` is False).
    `kind` is one of KINDS ("marked" carries a notice or name of generated code that GitHub counts all the same),
    `role` one of ROLES. `tokens` is an estimate. `rank` is the PageRank among the files that
    import or are imported (the sum over the repository is 1), `layer` 0 for what imports nothing inside. `imports`
    are paths. A `withheld` file is known by name only: its text never leaves the process.
    """

    path: str
    size: int
    hash: str
    kind: str
    language: str | None
    role: str
    lines: int
    tokens: int
    rank: float
    layer: int
    imports: tuple[str, ...]
    importers: int
    tracked: bool
    withheld: bool
    whole: bool


class Definition(Record):
    """One line of an outline: where something is defined, and how deep it is nested (0 = top level)."""

    line: int
    depth: int
    kind: str
    name: str
    text: str


class Language(Record):
    """A language's share: files and bytes, `share` of the counted bytes (0 to 1).

    Counted as GitHub counts: vendored, generated and documentation files, prose and data formats are left out.
    """

    name: str
    files: int
    size: int
    share: float


class Dependency(Record):
    """A direct dependency as declared.

    `scope` is the ecosystem's own word ("runtime", "group:dev", "devDependencies", "test", …), `kind` one of runtime,
    development, optional, peer, build, managed, vendored, platform. `line` is 0
    where unknown.
    """

    name: str
    spec: str
    scope: str
    kind: str
    manifest: str
    line: int = 0


class Manifest(Record):
    """A file that declares a member of the repository. `note` says what could not be read in it."""

    path: str
    ecosystem: str
    member: str
    name: str
    version: str
    requires: str
    description: str
    role: str
    note: str = ""


class EntryPoint(Record):
    """Where execution or use begins: kind is script, bin, program, main, module, library, service or task."""

    kind: str
    name: str
    target: str
    manifest: str
    line: int = 0


class Command(Record):
    """A command with its evidence.

    purpose: test, build, run, lint, format, types, install, docs, release or other.
    source: ci, manifest, makefile, configuration, or ecosystem (what its manifest alone lets one expect).
    """

    purpose: str
    command: str
    path: str
    line: int
    source: str


class Declared(Record):
    """Everything that is declared, in a fixed order. `aside` are manifests of examples, fixtures and the like."""

    manifests: tuple[Manifest, ...] = ()
    aside: tuple[str, ...] = ()
    lock_files: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    commands: tuple[Command, ...] = ()
    conventions: tuple[Convention, ...] = ()
    notes: tuple[str, ...] = ()


class Changed(Record):
    """How often a file changed in the commits looked at."""

    path: str
    commits: int


class Churn(Record):
    """The most changed files. `commits` is how many were looked at; `complete` False when there are more."""

    commits: int = 0
    complete: bool = True
    files: tuple[Changed, ...] = ()
    note: str = ""


class Skipped(Record):
    """What was not read, by reason: link, special, missing, submodule, deep. Names are at most 1,000."""

    reason: str
    count: int
    names: tuple[str, ...]


class Secret(Record):
    """A likely secret: where it is and which rule knew it; never its value."""

    path: str
    line: int
    rule: str


class Convention(Record):
    """Something that the repository's own configuration says about how to work in it, with its evidence."""

    topic: str
    text: str
    path: str
    line: int = 0


class Text(Record):
    """A file's text ready to be shown: secrets replaced, line numbers unchanged. `whole` False when it was cut."""

    text: str
    secrets: tuple[Secret, ...]
    whole: bool


class Source(Protocol):
    """Where texts and outlines come from, when they are asked for."""

    def text(self, file: File) -> Text | None:
        """Return a file's redacted text, None when it may not or cannot be shown."""

    def outline(self, file: File) -> tuple[Definition, ...]:
        """Return a file's definitions in line order."""


class Past(Protocol):
    """Where the history comes from, when it is asked for."""

    def churn(self) -> Churn:
        """Return the files that change most."""


class Repository(Record):
    """Everything known of a repository at one moment; the same content gives an equal record.

    `content_id` is a hash over names and contents of everything listed. `cycles` are import cycles, `layers` the
    files by layer from the bottom. `listing` says how files were found: git, index (git's index read directly) or
    walk. `not_listed` counts files beyond the limits.
    """

    root: str
    name: str
    commit: str | None
    listing: str
    files: tuple[File, ...]
    languages: tuple[Language, ...]
    manifests: tuple[Manifest, ...]
    other_manifests: tuple[str, ...]
    lock_files: tuple[str, ...]
    submodules: tuple[str, ...]
    dependencies: tuple[Dependency, ...]
    entry_points: tuple[EntryPoint, ...]
    commands: tuple[Command, ...]
    conventions: tuple[Convention, ...]
    cycles: tuple[tuple[str, ...], ...]
    layers: tuple[tuple[str, ...], ...]
    skipped: tuple[Skipped, ...]
    withheld: tuple[str, ...]
    not_listed: int
    notes: tuple[str, ...]
    content_id: str
    past: Past
    source: Source
    by_path: Mapping[str, File]
    _aside = ("past", "source", "by_path")

    @property
    def churn(self) -> Churn:
        """The files that change most: git is asked when this is first wanted."""
        return self.past.churn()

    def compared(self) -> tuple[Any, ...]:
        """Return what makes it equal to another: what is kept of it, and its history."""
        fields: Any = Record.compared
        return (*fields(self), self.churn)

    def text(self, path: str) -> Text | None:
        """Return the redacted text of a listed file; None for one that is binary, withheld, gone or unknown."""
        file = self.by_path.get(path)
        return None if file is None else self.source.text(file)

    def outline(self, path: str) -> tuple[Definition, ...]:
        """Return the definitions of a listed file in line order; empty where there are none."""
        file = self.by_path.get(path)
        return () if file is None else self.source.outline(file)

    def find_secrets(self, paths: Iterable[str] | None = None) -> tuple[Secret, ...]:
        """Return the likely secrets in these files (default: all), which reads every one of them."""
        found: list[Secret] = []
        for file in self.files if paths is None else [self.by_path[path] for path in paths if path in self.by_path]:
            text = self.source.text(file)
            found += text.secrets if text is not None else ()
        return tuple(found)

    def ranked(self) -> list[File]:
        """Return the files, most central first."""
        return sorted(self.files, key=lambda file: (-file.rank, file.path))

    def skipped_sentence(self) -> str:
        """Return e.g. "12 files skipped (8 links, 4 special)", "" when nothing was skipped."""
        return skipped_sentence(self.skipped)


_PLURAL = {"link": "links", "submodule": "submodules", "special": "special", "missing": "missing"}


def skipped_sentence(skipped: Sequence[Skipped]) -> str:
    """Count what was skipped, by reason."""
    total = sum(skip.count for skip in skipped)
    if not total:
        return ""
    parts = [f"{skip.count:,} {_word(skip)}" for skip in skipped]
    return f"{total:,} {'file' if total == 1 else 'files'} skipped ({', '.join(parts)})"


def _word(skip: Skipped) -> str:
    return skip.reason if skip.count == 1 else _PLURAL.get(skip.reason, skip.reason)


class Piece(Record):
    """A part of a file: lines `first` to `last` (1-based, inclusive); the whole file when `last` is 0."""

    path: str
    first: int = 1
    last: int = 0


class Batch(Record):
    """What is read together in one call, with its estimated cost in tokens."""

    pieces: tuple[Piece, ...]
    tokens: int


class Packed(Record):
    """A context that fits its budget.

    `included` are shown whole, `shortened` as head, outline and tail or as outline, `left_out` at most by name.
    `secrets` are those replaced in what is shown; `withheld` the files that may not be shown.
    """

    text: str
    tokens: int
    budget: int
    included: tuple[str, ...]
    shortened: tuple[str, ...]
    left_out: tuple[str, ...]
    secrets: tuple[Secret, ...]
    withheld: tuple[str, ...]
    mark: str
