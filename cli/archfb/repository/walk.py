"""A walk over a folder where git cannot be asked, with git's ignore rules, pruning first."""

from __future__ import annotations

import os

from archfb.repository.folders import Folders
from archfb.repository.ignore import Layer, ignored, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from archfb.repository.records import ReadLimits

_RULES = 1 << 20


class Walked:
    """The paths found, in order; `not_listed` counts the files beyond the limit that were seen."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.paths: list[bytes] = []
        self.not_listed = 0
        self.looked_at = 0
        self.deep = 0
        self.notes: list[str] = []


def walk(root: bytes, top: bytes | None, limits: ReadLimits) -> Walked:
    """Return the files below `root` that no ignore rule hides. `top` is where .git lies, if anywhere.

    Links are listed and not followed. Folders that are repositories of their own are listed, not entered, when
    `root` lies in a repository itself.
    """
    walked = Walked()
    layers = _layers_above(root, top)
    with Folders(root, limits.depth) as folders:
        pending: list[tuple[bytes, list[Layer]]] = [(b"", layers)]
        while pending:
            folder, above = pending.pop()
            if walked.looked_at > limits.walk_entries:
                walked.notes.append(f"Stopped at limit {limits.walk_entries:,} folder entries; use --max-files")
                break
            pending.extend(reversed(_enter(folders, folder, above, walked, limits, top is not None)))
    if walked.deep:
        what = "folder" if walked.deep == 1 else "folders"
        walked.notes.append(
            f"Stopped at limit {limits.depth} folders deep: {walked.deep:,} {what} not entered; use --max-depth"
        )
    walked.paths.sort()
    return walked


def _enter(
    folders: Folders, folder: bytes, above: list[Layer], walked: Walked, limits: ReadLimits, inside_git: bool
) -> list[tuple[bytes, list[Layer]]]:
    at = folders.at(folder.removesuffix(b"/"))
    if at is None:
        walked.deep += folder.count(b"/") > limits.depth
        return []
    entries = _entries(at, walked, limits)
    names = {name for name, _ in entries}
    if inside_git and folder and b".git" in names:
        walked.paths.append(folder)
        return []
    layers = above
    if b".gitignore" in names:
        content = folders.read(folder + b".gitignore", _RULES)
        layers = [*above, Layer(folder, parse(content))] if content is not None else above
    return _sort_out(entries, folder, layers, walked, limits)


def _entries(at: int, walked: Walked, limits: ReadLimits) -> list[tuple[bytes, bool]]:
    entries = []
    try:
        with os.scandir(at) as listing:
            for entry in listing:
                walked.looked_at += 1
                if walked.looked_at > limits.walk_entries:
                    break
                entries.append((os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)))
    except OSError:
        return []
    return sorted(entries)


def _sort_out(
    entries: list[tuple[bytes, bool]], folder: bytes, layers: list[Layer], walked: Walked, limits: ReadLimits
) -> list[tuple[bytes, list[Layer]]]:
    below = []
    for name, is_folder in entries:
        path = folder + name
        if name == b".git" or ignored(path, is_folder=is_folder, layers=layers):
            continue
        if is_folder:
            below.append((path + b"/", layers))
        elif len(walked.paths) < limits.files:
            walked.paths.append(path)
        else:
            walked.not_listed += 1
    return below


def _layers_above(root: bytes, top: bytes | None) -> list[Layer]:
    if top is None:
        return []
    layers = [Layer(b"", parse(_content(os.path.join(top, b".git", b"info", b"exclude"))))]  # noqa: PTH118  # bytes
    if top == root:
        return layers
    # Rules of the folders above match paths that begin above the root; only those that go by name are kept.
    folder = top
    for part in root[len(top) :].strip(b"/").split(b"/"):
        rules = parse(_content(os.path.join(folder, b".gitignore")))  # noqa: PTH118  # bytes
        layers.append(Layer(b"", [rule for rule in rules if not rule.rooted]))
        folder = os.path.join(folder, part)  # noqa: PTH118  # bytes
    return layers


def _content(path: bytes) -> bytes:
    folder, name = os.path.split(path)
    try:
        with Folders(folder, 1) as folders:
            return folders.read(name, _RULES) or b""
    except OSError:
        return b""
