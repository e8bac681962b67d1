"""Checking a plan against the repository: only scanned files, one reader each, nothing that matters unread."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from archfb.phases.citations import Places
from archfb.phases.importance import folder, important, importers, readable, weight
from archfb.phases.records import Coverage, Plan, PlannedAgent, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archfb.phases.plan_reading import Draft, DraftAgent
    from archfb.repository.records import Repository

TOLD = 12
"""Names that a note lists before it counts the rest."""

EXPANDED = 200
"""Files that one named folder or pattern may stand for."""

PATTERNS = 50
"""Patterns that are tried in one plan."""

MANY = 5
"""Agents that a plan may have without its content asking for more."""

PER_AGENT = 60_000
"""Tokens that are work enough for one agent more than the usual five."""


def check_plan(draft: Draft, repo: Repository) -> Plan:
    """Return the plan as it can be carried out, with what was changed in its notes. It may have no agents left."""
    work = _Work(repo, Places.of(one for one in repo.files if readable(one)), important(repo))
    work.take(draft)
    work.drop_empty()
    work.merge(draft.agents)
    work.assign_unread()
    if draft.repaired:
        work.notes.insert(0, "The plan's JSON was broken and was repaired.")
    agents = work.agents(draft.agents)
    return Plan(draft.plan, agents, coverage(agents, repo, work.matter), tuple(work.notes))


def coverage(agents: Sequence[PlannedAgent], repo: Repository, matter: Sequence[str]) -> Coverage:
    """Return how much of what matters the agents read, and how evenly."""
    read = {path for one in agents for path in one.file_assignments}
    rows = tuple((one.id, len(one.file_assignments), _tokens(one.file_assignments, repo)) for one in agents)
    return Coverage(len(matter), sum(path in read for path in matter), sum(row[2] for row in rows), rows)


def _tokens(paths: Iterable[str], repo: Repository) -> int:
    return sum(repo.by_path[path].tokens for path in paths)


@dataclass(slots=True)
class _Work:
    """A plan under repair: each agent's files by its place in the draft."""

    repo: Repository
    places: Places
    matter: tuple[str, ...]
    files: dict[int, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    folders: dict[str, list[str]] = field(default_factory=dict)
    importers: dict[str, list[str]] = field(default_factory=dict)
    patterns: int = 0

    def take(self, draft: Draft) -> None:
        """Resolve every name that the draft gives, and let each file have one reader."""
        near: list[str] = []
        unknown: list[str] = []
        expanded: list[str] = []
        claimed: dict[str, list[int]] = {}
        for at, agent in enumerate(draft.agents):
            self.files[at] = []
            for name in agent.files:
                for path in self._meant(name, near, unknown, expanded):
                    if at not in claimed.setdefault(path, []):
                        claimed[path].append(at)
        self._share_out(claimed)
        self._tell("Not in the repository, or not readable, and left out: {}.", unknown)
        self._tell("Named inexactly and resolved: {}.", near)
        self._tell("A folder or pattern was named; its files were taken: {}.", expanded)

    def _meant(self, name: str, near: list[str], unknown: list[str], expanded: list[str]) -> list[str]:
        path = self.places.exact(name.strip())
        if path is not None:
            return [path]
        if many := self._folder_or_pattern(name.strip()):
            expanded.append(f"{plain(name)} ({len(many)})")
            return many
        path = self.places.resolve(name)
        if path is None:
            unknown.append(plain(name)[:200])
            return []
        near.append(f"{plain(name)[:200]} → {plain(path)}")
        return [path]

    def _folder_or_pattern(self, name: str) -> list[str]:
        """Return the files of a named folder or pattern, the most central first, at most what a plan may hold."""
        bare = name.removeprefix("./").rstrip("/")
        if not bare or len(bare) > 400 or bare.startswith(("/", "..")):
            return []
        found = self._matching(bare) if "*" in bare else self._below(bare)
        return sorted(found, key=lambda path: (-self.repo.by_path[path].rank, path))[:EXPANDED]

    def _matching(self, pattern: str) -> list[str]:
        self.patterns += 1
        if self.patterns > PATTERNS or pattern.count("*") > 8:
            return []
        wide = pattern.replace("**/", "*").replace("**", "*")
        return [path for path in self.places.files if fnmatchcase(path, wide)]

    def _below(self, name: str) -> list[str]:
        if not self.folders:
            self.folders.update(_folders(self.places.files))
        return self.folders.get(name, [])

    def _share_out(self, claimed: Mapping[str, list[int]]) -> None:
        """Give each file to its one claimant, and a contested one to the claimant that has most of its neighbours."""
        contested = {path: ats for path, ats in claimed.items() if len(ats) > 1}
        if len(contested) > EXPANDED:
            claimed, contested = {path: ats[:1] for path, ats in claimed.items()}, {}
            self.notes.append("Most files were assigned to several agents; each stayed with the first.")
        for path, ats in claimed.items():
            if len(ats) == 1:
                self.files[ats[0]].append(path)
        for path, ats in contested.items():
            self.files[self._fitting(path, ats)].append(path)
        self._tell("Assigned to several agents and left with the fitting one: {}.", [plain(one) for one in contested])

    def _fitting(self, path: str, among: Iterable[int]) -> int:
        """Return the agent that a file fits best: by imports, then by folder, then the one with least to read."""
        neighbours = self._neighbours(path)
        home = folder(path)
        size = {at: _tokens(self.files[at], self.repo) for at in among}

        def fit(at: int) -> tuple[float, int]:
            mine = self.files[at]
            linked = sum(other in neighbours or _package(other) in neighbours for other in mine)
            beside = sum(folder(other) == home for other in mine)
            return (-(2 * linked + beside) / (1 + len(mine)) ** 0.5, size[at])

        return min(size, key=lambda at: (*fit(at), at))

    def _neighbours(self, path: str) -> set[str]:
        if not self.importers:
            self.importers.update(importers(self.repo))
        return {
            *self.repo.by_path[path].imports,
            *self.importers.get(path, ()),
            *self.importers.get(_package(path), ()),
        }

    def drop_empty(self) -> None:
        """Drop agents that have nothing to read."""
        empty = [at for at, files in self.files.items() if not files]
        for at in empty:
            del self.files[at]
        if empty:
            self.notes.append(f"Dropped {len(empty)} {'agent' if len(empty) == 1 else 'agents'} without files.")

    def merge(self, drafts: Sequence[DraftAgent]) -> None:
        """Join the smallest agent to its nearest while there are more agents than the content needs."""
        total = sum(_tokens(files, self.repo) for files in self.files.values())
        while len(self.files) > max(MANY, -(-total // PER_AGENT)):
            small = min(self.files, key=lambda at: (_tokens(self.files[at], self.repo), at))
            moved = self.files.pop(small)
            votes = Counter(self._fitting(path, self.files) for path in moved)
            home = min(votes, key=lambda at: (-votes[at], at))
            self.files[home].extend(moved)
            self.notes.append(f"“{drafts[small].name}” was joined to “{drafts[home].name}”: more agents than needed.")

    def assign_unread(self) -> None:
        """Give the files that matter and that nobody reads to the agents that they fit."""
        if not self.files:
            return
        read = {path for files in self.files.values() for path in files}
        unread = [path for path in self.matter if path not in read]
        for path in unread:
            self.files[self._fitting(path, self.files)].append(path)
        self._tell("Unread although they matter, and assigned: {}.", [plain(one) for one in unread])

    def agents(self, drafts: Sequence[DraftAgent]) -> tuple[PlannedAgent, ...]:
        """Return the agents as planned, ids made unique."""
        return tuple(
            PlannedAgent(
                f"agent_{number}",
                drafts[at].name,
                drafts[at].description or drafts[at].name,
                drafts[at].responsibilities,
                tuple(sorted(set(files), key=lambda path: (-weight(self.repo.by_path[path]), path))),
            )
            for number, (at, files) in enumerate(sorted(self.files.items()), 1)
        )

    def _tell(self, sentence: str, names: Sequence[str]) -> None:
        if names:
            more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
            self.notes.append(sentence.format(", ".join(names[:TOLD]) + more))


def _package(path: str) -> str:
    """Return the folder as an import of a whole package names it."""
    return folder(path) + "/"


def _folders(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return every folder at any depth with the files below it."""
    found: dict[str, list[str]] = {}
    for path in paths:
        at = path.rfind("/")
        while at > 0:
            found.setdefault(path[:at], []).append(path)
            at = path.rfind("/", 0, at)
    return found
