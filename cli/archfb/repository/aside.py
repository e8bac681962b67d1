"""Work that a copy of this process takes part in, where the machine has a core for it."""

from __future__ import annotations

import marshal
import os
import sys

from archfb.repository.git import scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

_MOST = 250  # pieces: each is one byte in the queue, which never blocks
_SIGKILL = 9


def possible() -> bool:
    """Return whether a copy of this process can be made and has a core: Linux, one thread, two cores."""
    if not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208  # a copy would have none of the other threads
    except OSError:
        return False


def shared(pieces: int, work: Callable[[int], Any], begin: Callable[[], object] = int) -> Iterator[Any]:
    """Give what `work` gives for each piece, in order, some of them worked at by a copy of this process.

    Results are what marshal can carry. `begin` is called in the copy before its first piece. What a copy that fails
    or is killed leaves undone is done here; the copy has ended when the first result is given.
    """
    if pieces > _MOST or not possible():
        yield from map(work, range(pieces))
        return
    queue, ahead = os.pipe()
    os.write(ahead, bytes(range(pieces)))
    os.close(ahead)
    output, copy = scratch(), 0
    try:
        copy = _started(queue, output, work, begin)
        done = dict(_taken(queue, work))
        if copy:
            os.waitpid(copy, 0)
            copy = 0
            done |= _results(output)
    finally:
        os.close(queue)
        os.close(output)
        if copy:
            os.kill(copy, _SIGKILL)
            os.waitpid(copy, 0)
    for piece in range(pieces):
        yield done.pop(piece) if piece in done else work(piece)


def _taken(queue: int, work: Callable[[int], Any]) -> Iterator[tuple[int, Any]]:
    while piece := os.read(queue, 1):
        yield piece[0], work(piece[0])


def _started(queue: int, output: int, work: Callable[[int], Any], begin: Callable[[], object]) -> int:
    """Return the copy's number, 0 where none could be made."""
    parent = os.getpid()
    try:
        copy = os.fork()
    except OSError:
        return 0
    if copy == 0:
        _end(queue, output, work, begin, parent)
    return copy


def _end(queue: int, output: int, work: Callable[[int], Any], begin: Callable[[], object], parent: int) -> NoReturn:
    """Work as the copy, and end without a trace of what the parent had open, registered or buffered."""
    code = 1
    try:
        if "signal" in sys.modules:  # else nobody has set anything, and its import takes longer than many a piece
            import signal

            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
        begin()
        for done in _taken(queue, work):
            if os.getppid() != parent:
                break
            rest = memoryview(marshal.dumps(done))
            while rest:
                rest = rest[os.write(output, rest) :]
        code = 0
    finally:
        os._exit(code)


def _results(output: int) -> Iterator[tuple[int, Any]]:
    with open(output, "rb", closefd=False) as file:  # a descriptor
        file.seek(0)
        while True:
            try:
                yield marshal.load(file)  # noqa: S302  # what a copy of this process wrote into memory of its own
            except (EOFError, ValueError, TypeError):
                return
