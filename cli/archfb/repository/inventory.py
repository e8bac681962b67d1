"""Which files there are: git's index and what git does not ignore; outside git a walk with the same rules."""

from __future__ import annotations

import os
import stat
from array import array

from archfb.repository.folders import Folders
from archfb.repository.git import Git, commit_of, top_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archfb.repository.git import Asked
    from archfb.repository.records import ReadLimits

_NAMES_KEPT = 1_000
_LONG_PATH = 3_900  # bytes: Linux takes 4,095, and no other warning of git's is as long
STATS = 4  # size, mtime_ns, inode, ctime_ns


class Inventory:
    """What lies below the root. `paths` and `tracked` go together; `stats` holds STATS numbers for each path.

    `skipped` has the names by reason and `skipped_count` how many there were (the names are cut at 1,000).
    """

    def __init__(self, listing: str, git: Git | None = None) -> None:
        """Begin with nothing."""
        self.listing = listing
        self.paths: list[bytes] = []
        self.tracked = 0
        self.stats = array("q")
        self.skipped: dict[str, list[bytes]] = {}
        self.skipped_count: dict[str, int] = {}
        self.not_listed = 0
        self.notes: list[str] = []
        self.git = git

    def skip(self, reason: str, path: bytes) -> None:
        """Count a path that is not read."""
        self.skipped_count[reason] = self.skipped_count.get(reason, 0) + 1
        names = self.skipped.setdefault(reason, [])
        if len(names) < _NAMES_KEPT:
            names.append(path)


class Listing:
    """A listing under way: git works while the caller does other things. Every answer is asked for once."""

    def __init__(self, root: bytes, limits: ReadLimits, environ: Mapping[str, str]) -> None:
        """Ask git, where there is one."""
        self.root = root
        self.limits = limits
        self.top = top_of(root)
        self.git = git = Git(root, self.top, environ) if self.top is not None else None
        self._commit = commit_of(self.top) if self.top is not None else None
        self._head = (
            git.start("rev-parse", "--verify", "--quiet", "HEAD^{commit}") if git and self._commit is None else None
        )
        self._index = git.start("ls-files", "-z") if git is not None else None
        self._others = (
            git.start("ls-files", "-z", "-o", "--exclude-standard", warned=True) if git is not None else None
        )

    def commit(self) -> str | None:
        """Return the commit that is checked out, None where there is none."""
        if self._commit is not None:
            return self._commit
        head, self._head = self._head, None
        said = head.answer(2.0) if head is not None else None
        return said.decode("ascii", "replace").strip() if said else None

    def inventory(self) -> Inventory:
        """Return what is below the root: tracked and untracked-unignored files, at most `limits.files` together."""
        tracked = self._tracked()
        if tracked is None or self._others is None:
            found = _without_git(self.root, self.top, self.limits)
        else:
            found = self._by_git(tracked, self._others)
        found.notes += _limits_met(found, self.limits)
        return found

    def close(self) -> None:
        """Let go of what was asked and not needed."""
        if self._head is not None:
            self._head.stop()
            self._head = None

    def _tracked(self) -> list[bytes] | None:
        known = self._index.answer(10.0) if self._index is not None else None
        if known is not None:
            return list(dict.fromkeys(known.split(b"\0")[:-1]))
        if self._others is not None:
            self._others.stop()
        return None

    def _by_git(self, tracked: list[bytes], others: Asked) -> Inventory:
        found, limits = Inventory("git", self.git), self.limits
        with Folders(self.root, limits.depth) as folders:
            seen = {b""}
            _count_special(folders.at(b""), b"", found)
            _look(folders, tracked[: limits.files], found, limits, seen)
            found.tracked = len(found.paths)
            listed = others.answer(limits.listing_s + len(tracked) / 10_000)
            if listed is None:
                found.notes.append("git could not list the untracked files; only tracked ones are read")
            # git cuts its warning where the path alone fills it, before it says why.
            if any(len(line) > _LONG_PATH for line in others.warned.splitlines()):
                found.notes.append(
                    f"Stopped at limit {limits.depth:,} folders deep: git lists nothing below a path that is "
                    "longer than the system takes; use --max-depth"
                )
            first, beyond = _first(listed or b"", max(0, limits.files - len(tracked)))
            _cut(found, max(0, len(tracked) - limits.files) + beyond, limits)
            _look(folders, first, found, limits, seen)
        return found


def take(root: bytes, limits: ReadLimits, environ: Mapping[str, str]) -> Inventory:
    """Return what is below `root`. Never follows a link, never waits for a pipe, never runs anything but git."""
    listing = Listing(root, limits, environ)
    try:
        return listing.inventory()
    finally:
        listing.close()


def _cut(found: Inventory, beyond: int, limits: ReadLimits) -> None:
    """Say how many paths lie beyond the limit."""
    found.not_listed += beyond
    if found.not_listed:
        found.notes.append(f"Stopped at limit {limits.files:,} files: {found.not_listed:,} not read; use --max-files")


def _limits_met(found: Inventory, limits: ReadLimits) -> list[str]:
    notes = []
    large = sum(size > limits.content for size in found.stats[::STATS])
    if large:
        files = "file" if large == 1 else "files"
        notes.append(f"Stopped at limit {limits.content:,} bytes in {large:,} larger {files}; use --max-file-size")
    if deep := found.skipped_count.get("deep"):
        files = "file" if deep == 1 else "files"
        notes.append(f"Stopped at limit {limits.depth:,} folders deep: {deep:,} {files} not read; use --max-depth")
    return notes


def _first(listing: bytes, room: int) -> tuple[list[bytes], int]:
    paths = listing.split(b"\0", room)
    if len(paths) <= room:
        return paths[:-1], 0
    rest = paths.pop()
    return paths, rest.count(b"\0")


def _without_git(root: bytes, top: bytes | None, limits: ReadLimits) -> Inventory:
    from archfb.repository import index
    from archfb.repository.walk import walk

    walked = walk(root, top, limits)
    known = index.tracked(top) if top is not None else None
    found = Inventory("walk" if known is None else "index")
    if known is not None:
        found.notes.append("git cannot be asked here: its index was read directly")
    elif top is not None:
        found.notes.append("git cannot be asked here and its index cannot be read: files come from a walk")
    prefix = b"" if top == root else root[len(top or b"") :].strip(b"/") + b"/"
    tracked = [path[len(prefix) :] for path in known or () if path.startswith(prefix)]
    seen = set(tracked)
    others = [path for path in walked.paths if path not in seen]
    room = max(0, limits.files - len(tracked))
    found.not_listed = walked.not_listed
    found.notes += walked.notes
    _cut(found, max(0, len(tracked) - limits.files) + max(0, len(others) - room), limits)
    with Folders(root, limits.depth) as folders:
        _look(folders, tracked[: limits.files], found, limits)
        found.tracked = len(found.paths)
        _look(folders, others[:room], found, limits)
    return found


def _look(
    folders: Folders, paths: Iterable[bytes], found: Inventory, limits: ReadLimits, seen: set[bytes] | None = None
) -> None:
    """Take up the regular files; in folders not `seen` yet count what git does not name (None: nowhere)."""
    add, numbers, regular = found.paths.append, found.stats.extend, stat.S_ISREG
    home: bytes | None = None
    at: int | None = None
    for path in paths:
        folder, _, name = path.removesuffix(b"/").rpartition(b"/")
        if folder != home:
            home, at = folder, folders.at(folder)
            if seen is not None and folder not in seen:
                seen.add(folder)
                _count_special(at, folder, found)
        status = folders.status(at, name)
        if status is not None and regular(status.st_mode) and path[-1:] != b"/":
            add(path)
            numbers((status.st_size, status.st_mtime_ns, status.st_ino & 0x7FFFFFFFFFFFFFFF, status.st_ctime_ns))
        else:
            found.skip(_reason(path, status, limits), path)


def _count_special(at: int | None, folder: bytes, found: Inventory) -> None:
    """Count pipes, sockets and devices in an open folder: git does not name them."""
    if at is None:
        return
    with os.scandir(at) as entries:
        odd = [
            os.fsencode(entry.name)
            for entry in entries
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False) or entry.is_symlink())
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
