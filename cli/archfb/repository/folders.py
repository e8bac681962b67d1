"""Files of a folder tree, opened so that no link on the way leads out of it."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Folders:
    """Opens folders one step at a time below a root, each step refusing links; neighbours share what is open.

    Paths are bytes, relative, "/"-separated. At most `depth` folders are open at once.
    """

    def __init__(self, root: bytes, depth: int = 100) -> None:
        """Open the root; raises OSError when it is no folder."""
        self._depth = depth
        self._names: list[bytes] = []
        self._fds = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
        self._last: tuple[bytes, int | None] = (b"", self._fds[0])

    def __enter__(self) -> Folders:
        """Use as a context, so that what is open gets closed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        self._shrink(0)
        os.close(self._fds.pop())

    def at(self, folder: bytes) -> int | None:
        """Return a descriptor of the folder, valid until the next call; None for a link, nothing, or too deep."""
        if self._last[0] == folder:
            return self._last[1]
        found = self._reach(folder.split(b"/")) if folder else self._top()
        self._last = (folder, found)
        return found

    @staticmethod
    def status(folder: int | None, name: bytes) -> os.stat_result | None:
        """Return the status of what is in an open folder, links not followed; None where nothing is."""
        if folder is None:
            return None
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (OSError, ValueError):
            return None

    def read(self, path: bytes, limit: int) -> bytes | None:
        """Return at most `limit` + 1 bytes of a regular file; None for anything else, never waiting for a pipe."""
        folder, _, name = path.rpartition(b"/")
        at = self.at(folder)
        if at is None:
            return None
        try:
            fd = os.open(name, _FILE, dir_fd=at)
        except (OSError, ValueError):
            return None
        try:
            return _read(fd, limit)
        except OSError:
            return None
        finally:
            os.close(fd)

    def _top(self) -> int:
        self._shrink(0)
        return self._fds[0]

    def _reach(self, parts: list[bytes]) -> int | None:
        if len(parts) > self._depth or b".." in parts or b"" in parts or b"." in parts:
            return None
        common = 0
        for ours, theirs in zip(self._names, parts, strict=False):
            if ours != theirs:
                break
            common += 1
        self._shrink(common)
        try:
            for part in parts[common:]:
                self._fds.append(os.open(part, _FOLDER, dir_fd=self._fds[-1]))
                self._names.append(part)
        except (OSError, ValueError):
            return None
        return self._fds[-1]

    def _shrink(self, size: int) -> None:
        while len(self._names) > size:
            self._names.pop()
            os.close(self._fds.pop())


def _read(fd: int, limit: int) -> bytes | None:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return None
    first = os.read(fd, min(limit, status.st_size) + 1)
    if len(first) >= min(limit, status.st_size):
        return first
    parts, size = [first], len(first)
    while size <= limit and (more := os.read(fd, limit + 1 - size)):
        parts.append(more)
        size += len(more)
    return b"".join(parts)
