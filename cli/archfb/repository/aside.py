"""Work that a second process takes part in, where the machine has a core for it.

That is a copy of this one, which begins at once; where this one has threads, which no copy has, a new one.
"""

from __future__ import annotations

import marshal
import os
import sys

from archfb.repository.git import scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    Order = tuple[str, str, tuple[Any, ...]]

_MOST = 250  # pieces: each is one byte in the queue, which never blocks
_SIGKILL, _SIGPIPE = 9, 13
_HEAD = 9  # bytes before each result: the piece's number and the size
_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
_SERVE = (
    "import sys; sys.path.append(sys.argv[1]); from archfb.repository.aside import serve; "
    "serve(*map(int, sys.argv[2:]))"
)


def possible() -> bool:
    """Return whether a copy of this process can be made and has a core: Linux, one thread, two cores."""
    try:
        # A copy would have none of the other threads.
        return _has_core() and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    except OSError:
        return False


def _has_core() -> bool:
    return sys.platform.startswith("linux") and len(os.sched_getaffinity(0)) > 1


def shared(
    pieces: int, work: Callable[[int], Any], begin: Callable[[], object] = int, order: Order | None = None
) -> Iterator[Any]:
    """Give what `work` gives for each piece, in order, some of them worked at by a second process.

    Results are what marshal can carry. `begin` is called in a copy before its first piece. `order` names a module, a
    function in it and what that makes `work` of in a new process, for which the first piece is not. What the other
    process leaves undone, failing or killed, is done here; it has ended when the first result is given.
    """
    copies = possible()
    if pieces > _MOST or not (copies or (order is not None and _has_core())):
        yield from map(work, range(pieces))
        return
    queue, ahead = os.pipe()
    os.write(ahead, bytes(range(0 if copies else 1, pieces)))
    os.close(ahead)
    output, other = scratch(), 0
    try:
        other = _started(queue, output, work, begin) if copies or order is None else _ordered(queue, output, order)
        done = {} if copies else {0: work(0)}
        done |= _taken(queue, work)
        if other:
            os.waitpid(other, 0)
            other = 0
        theirs = _results(output)
        for piece in range(pieces):
            if piece in done:
                yield done.pop(piece)
            else:
                yield marshal.loads(os.pread(output, *theirs[piece])) if piece in theirs else work(piece)  # noqa: S302
    finally:
        os.close(queue)
        os.close(output)
        if other:
            os.kill(other, _SIGKILL)
            os.waitpid(other, 0)


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
        _give(queue, output, work, parent)
        code = 0
    finally:
        os._exit(code)


def _give(queue: int, output: int, work: Callable[[int], Any], parent: int) -> None:
    for piece, done in _taken(queue, work):
        if os.getppid() != parent:
            return
        content = marshal.dumps(done)
        rest = memoryview(bytes([piece]) + len(content).to_bytes(_HEAD - 1, "big") + content)
        while rest:
            rest = rest[os.write(output, rest) :]


def _ordered(queue: int, output: int, order: Order) -> int:
    """Return the number of a new process that works as it is told, 0 where none could be made."""
    told = scratch()
    handed = (told, queue, output)
    try:
        with open(told, "wb", closefd=False) as file:  # a descriptor
            marshal.dump(order, file)
        os.lseek(told, 0, os.SEEK_SET)
        if min(handed) <= 2 or not sys.executable:  # what stands there is given to the process as its own
            return 0
        for one in handed:
            os.set_inheritable(one, True)
        command = [sys.executable, "-S", "-P", "-c", _SERVE, _HOME, *map(str, (*handed, os.getpid()))]
        streams = [(os.POSIX_SPAWN_OPEN, one, os.devnull, os.O_RDWR, 0) for one in range(3)]
        return os.posix_spawn(sys.executable, command, os.environ, file_actions=streams, setsigdef=[_SIGPIPE])
    except OSError:
        return 0
    finally:
        for one in handed[1:]:
            os.set_inheritable(one, False)
        os.close(told)


def serve(told: int, queue: int, output: int, parent: int) -> None:
    """Work as a new process, at what `_ordered` told it."""
    from importlib import import_module

    with open(told, "rb") as file:  # a descriptor
        module, function, values = marshal.load(file)  # noqa: S302  # what the parent wrote into memory of its own
    _give(queue, output, getattr(import_module(module), function)(*values), parent)


def _results(output: int) -> dict[int, tuple[int, int]]:
    """Return how long each whole result in the file is and where it begins: it is loaded when it is due."""
    found, at, end = {}, 0, os.lseek(output, 0, os.SEEK_END)
    while at + _HEAD <= end:
        head = os.pread(output, _HEAD, at)
        size, at = int.from_bytes(head[1:], "big"), at + _HEAD
        if at + size <= end:
            found[head[0]] = (size, at)
        at += size
    return found
