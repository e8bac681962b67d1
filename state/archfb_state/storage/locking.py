"""One writer at a time: a kernel lock on a file beside the database.

SQLite before 3.51.3 (but 3.44.6+ and 3.50.7+) can damage a database in WAL mode when a checkpoint meets a writer,
and its own waiting is coarse and unfair; so every transaction that writes, and every checkpoint, holds this lock.
The kernel lets go of it when its holder dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from archfb_state.store import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUFFIX = "-lock"

_PAUSES = ((0.002, 0.001), (0.02, 0.01), (0.1, 0.04), (0.5, 0.06))
"""Until so many seconds have been waited: so many between two tries. Sleeping long beats trying often (which pushes
the holder off its core, while it has its rows in memory still) and any fair queue: with 16 busy writers on 2 cores
the 99th percentile is 2 to 30 ms, that of a queue in the kernel 36 ms at a third of the records a second."""

_LATER = 0.005
"""Between two tries from then on, so that nobody starves."""


def has_wal_bug(version: tuple[int, ...]) -> bool:
    """Say whether this SQLite has the WAL-reset bug (3.7.0 to 3.51.2, but 3.44.6+ and 3.50.7+)."""
    if version < (3, 7, 0) or version >= (3, 51, 3):
        return False
    return not ((3, 44, 6) <= version < (3, 45, 0) or (3, 50, 7) <= version < (3, 51, 0))


def waits(
    patience: float, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> Iterator[float]:
    """Yield the seconds waited so far, sleeping before each but the first, until `patience` is used up."""
    began = monotonic()
    while (waited := monotonic() - began) < patience:
        yield waited
        pause = next((each for until, each in _PAUSES if waited < until), _LATER)
        jitter = 0.5 + (time.perf_counter_ns() ^ os.getpid() * 7919) % 1000 / 1000
        sleep(min(pause * jitter, max(patience - waited, 0.0001)))


def locker(path: str, table: str = "/proc/locks") -> int | None:
    """Return the process that holds a write lock on a file, as Linux tells it; None where unknown or this one."""
    try:
        inode = str(os.stat(path).st_ino)  # noqa: PTH116
        with open(table, encoding="ascii") as lines:  # noqa: PTH123
            fields = [line.split() for line in lines]
    except OSError:
        return None
    for one in fields:
        if (
            len(one) > 5
            and one[3] == "WRITE"
            and one[5].endswith(f":{inode}")
            and int(one[4]) not in (0, os.getpid())
        ):
            return int(one[4])
    return None


class FileLock:
    """An exclusive lock between processes, and between stores of one process."""

    def __init__(
        self, path: str, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Open or create the lock file (0600); raises OSError where that is impossible."""
        self.path = path
        self._monotonic = monotonic
        self._sleep = sleep
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def acquire(self, patience: float) -> None:
        """Take the lock within `patience` seconds, else raise StoreBusy."""
        if self._try():
            return
        for _ in waits(patience, self._monotonic, self._sleep):
            if self._try():
                return
        raise StoreBusy(f"State is held by {self.holder() or 'another process'}")

    def _try(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.pwrite(self._fd, b"%-10d %.3f\n" % (os.getpid(), time.time()), 0)
        return True

    def release(self) -> None:
        """Let go."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go for good; the file stays, since removing it would let two processes hold two locks."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def closed(self) -> bool:
        """Say whether it was let go for good."""
        return self._fd < 0

    def moved(self) -> bool:
        """Say whether the file at the path is no longer the one that is locked."""
        try:
            there = os.stat(self.path)  # noqa: PTH116 - a Path costs more than the call
        except OSError:
            return True
        mine = os.fstat(self._fd)
        return (there.st_ino, there.st_dev) != (mine.st_ino, mine.st_dev)

    def holder(self) -> str | None:
        """Return "pid P (since T)" of whoever took the lock last, where the file tells."""
        fields = os.pread(self._fd, 64, 0).split()
        try:
            pid, since = int(fields[0]), float(fields[1])
        except (ValueError, IndexError):
            return None
        return f"pid {pid} (since {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(since))})"
