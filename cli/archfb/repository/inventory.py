"""Which files there are: git's index and what git does not ignore; outside git a walk with the same rules."""

from __future__ import annotations

import os
import stat
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archfb.repository import index
from archfb.repository.folders import Folders
from archfb.repository.git import Git, top_of
from archfb.repository.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archfb.repository.git import Asked
    from archfb.repository.records import ReadLimits

_NAMES_KEPT = 1_000
STATS = 4  # size, mtime_ns, inode, ctime_ns


@dataclass(slots=True)
class Inventory:
    """What lies below the root. `paths` and `tracked` go together; `stats` holds STATS numbers for each path.

    `skipped` has the names by reason and `skipped_count` how many there were (the names are cut at 1,000).
    """

    listing: str
    paths: list[bytes]
    tracked: int
    stats: array[int]
    skipped: dict[str, list[bytes]] = field(default_factory=dict)
    skipped_count: dict[str, int] = field(default_factory=dict)
    not_listed: int = 0
    notes: list[str] = field(default_factory=list)
    git: Git | None = None
    head: Asked | None = None

    def close(self) -> None:
        """Let go of what was asked of git and not needed."""
        if self.head is not None:
            self.head.stop()

    def skip(self, reason: str, path: bytes) -> None:
        """Count a path that is not read."""
        self.skipped_count[reason] = self.skipped_count.get(reason, 0) + 1
        names = self.skipped.setdefault(reason, [])
        if len(names) < _NAMES_KEPT:
            names.append(path)


@dataclass(slots=True)
class Names:
    """Paths by where they were found, before anything was looked at."""

    listing: str
    tracked: list[bytes]
    others: list[bytes]
    not_listed: int = 0
    notes: list[str] = field(default_factory=list)
    git: Git | None = None
    head: Asked | None = None


def take(root: bytes, limits: ReadLimits, environ: Mapping[str, str]) -> Inventory:
    """Return what is below `root`. Never follows a link, never waits for a pipe, never runs anything but git."""
    names = list_names(root, limits, environ)
    found = Inventory(
        names.listing,
        [],
        0,
        array("q"),
        not_listed=names.not_listed,
        notes=names.notes,
        git=names.git,
        head=names.head,
    )
    with Folders(root, limits.depth) as folders:
        _look(folders, names.tracked, found, limits)
        found.tracked = len(found.paths)
        _look(folders, names.others, found, limits)
        if names.listing == "git":
            _count_special(folders, found)
    found.notes += _limits_met(found, limits)
    return found


def _limits_met(found: Inventory, limits: ReadLimits) -> list[str]:
    notes = []
    large = sum(size > limits.content for size in found.stats[::STATS])
    if large:
        notes.append(f"Stopped at limit {limits.content:,} bytes in {large:,} larger files; use --max-file-size")
    if deep := found.skipped_count.get("deep"):
        notes.append(f"Stopped at limit {limits.depth:,} folders deep: {deep:,} files not read; use --max-depth")
    return notes


def list_names(root: bytes, limits: ReadLimits, environ: Mapping[str, str]) -> Names:
    """Return the paths below `root`: tracked and untracked-unignored ones, at most `limits.files` together."""
    top = top_of(root)
    names = _by_git(root, top, limits, environ) if top is not None else None
    if names is None:
        names = _without_git(root, top, limits)
    room = max(0, limits.files - len(names.tracked))
    beyond = max(0, len(names.tracked) - limits.files) + max(0, len(names.others) - room)
    names.tracked, names.others = names.tracked[: limits.files], names.others[:room]
    names.not_listed += beyond
    if names.not_listed:
        names.notes.append(f"Stopped at limit {limits.files:,} files: {names.not_listed:,} not read; use --max-files")
    return names


def _by_git(root: bytes, top: bytes, limits: ReadLimits, environ: Mapping[str, str]) -> Names | None:
    git = Git(root, top, environ)
    index_asked = git.start("ls-files", "-z")
    others_asked = git.start("ls-files", "-z", "-o", "--exclude-standard")
    if index_asked is None or others_asked is None:
        return None
    known = index_asked.answer(10.0)
    if known is None:
        others_asked.stop()
        return None
    tracked = list(dict.fromkeys(known.split(b"\0")[:-1]))
    others = others_asked.answer(limits.listing_s + len(tracked) / 10_000)
    notes = [] if others is not None else ["git could not list the untracked files; only tracked ones are read"]
    room = max(0, limits.files - len(tracked))
    first, beyond = _first((others or b""), room)
    return Names(
        "git", tracked, first, beyond, notes, git, git.start("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    )


def _first(listing: bytes, room: int) -> tuple[list[bytes], int]:
    paths = listing.split(b"\0", room)
    if len(paths) <= room:
        return paths[:-1], 0
    rest = paths.pop()
    return paths, rest.count(b"\0")


def _without_git(root: bytes, top: bytes | None, limits: ReadLimits) -> Names:
    walked = walk(root, top, limits)
    known = index.tracked(top) if top is not None else None
    if known is None:
        notes = ["git cannot be asked here and its index cannot be read: files come from a walk"] if top else []
        return Names("walk", [], walked.paths, walked.not_listed, notes + walked.notes)
    prefix = b"" if top == root else root[len(top or b"") :].strip(b"/") + b"/"
    tracked = [path[len(prefix) :] for path in known if path.startswith(prefix)]
    seen = set(tracked)
    others = [path for path in walked.paths if path not in seen]
    notes = ["git cannot be asked here: its index was read directly"]
    return Names("index", tracked, others, walked.not_listed, notes + walked.notes)


def _look(folders: Folders, paths: Iterable[bytes], found: Inventory, limits: ReadLimits) -> None:
    lstat, add, numbers = folders.lstat, found.paths.append, found.stats.extend
    regular = stat.S_ISREG
    for path in paths:
        status = lstat(path.removesuffix(b"/"))
        if status is not None and regular(status.st_mode) and path[-1:] != b"/":
            add(path)
            numbers((status.st_size, status.st_mtime_ns, status.st_ino & 0x7FFFFFFFFFFFFFFF, status.st_ctime_ns))
        else:
            found.skip(_reason(path, status, limits), path)


def _count_special(folders: Folders, found: Inventory) -> None:
    """Count pipes, sockets and devices beside the listed files: git does not name them."""
    for folder in sorted({path.rpartition(b"/")[0] for path in found.paths} | {b""}):
        at = folders.at(folder)
        if at is None:
            continue
        with os.scandir(at) as entries:
            odd = [
                os.fsencode(entry.name)
                for entry in entries
                if not (
                    entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False) or entry.is_symlink()
                )
            ]
        for name in sorted(odd):
            found.skip("special", folder + b"/" + name if folder else name)


def _reason(path: bytes, status: os.stat_result | None, limits: ReadLimits) -> str:
    if path.count(b"/") > limits.depth:
        return "deep"
    if status is None:
        return "missing"
    if stat.S_ISLNK(status.st_mode):
        return "link"
    return "submodule" if stat.S_ISDIR(status.st_mode) else "special"
