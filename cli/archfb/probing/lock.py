"""One probe round at a time on one machine: a kernel lock beside the state, gone with its holder."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from archfb.errors import ArchfbError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OnLocked = Literal["skip", "wait", "fail"]

POLL = 0.1
"""Seconds between two looks at a lock that is waited for."""

LOOKS = 10
"""How often a lock is looked at until its holder has said who it is."""


class ProbeRunning(ArchfbError):
    """Another probe round is running."""

    exit_code = 3
    code = "locked"


@contextmanager
def probe_lock(
    state: str,
    on_locked: OnLocked = "skip",
    *,
    sleep: Callable[[float], None] = time.sleep,
    default: bool = False,
) -> Iterator[int | None]:
    """Hold the probe lock of a state file; yields None when held, else the pid of who holds it (`skip`).

    With `wait` it waits for the other to end. Raises ProbeRunning with `fail`. A state that is no file on this
    machine, or a folder that cannot be written, needs no lock: leases in the state still keep probes apart. The
    folder of the `default` state is made where it is not there yet, so that the first round is locked, too.
    """
    if default:
        with suppress(OSError):
            Path(state).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = _open(state)
    if handle is None:
        yield None
        return
    try:
        other = _taken_by(handle, sleep)
        if other is not None and on_locked == "fail":
            raise ProbeRunning(f"Another probe (pid {other}) is running.")
        while other is not None and on_locked == "wait":
            sleep(POLL)
            other = _taken_by(handle, sleep)
        if other is None:
            _note(handle, str(os.getpid()))
        yield other
        if other is None:
            _note(handle, "")
    finally:
        os.close(handle)


def _note(handle: int, who: str) -> None:
    """Write who holds the lock, for others to tell; it is held without that too, as on a full disk."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, who.encode(), 0)


def _open(state: str) -> int | None:
    path = Path(state)
    if "://" in state or not path.parent.is_dir():
        return None
    try:
        return os.open(f"{path}.probe", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _taken_by(handle: int, sleep: Callable[[float], None]) -> int | None:
    """Take the lock, or return who holds it, who writes the pid a moment after taking it; 0 if that never comes."""
    for _ in range(LOOKS):
        if _lock(handle):
            return None
        if pid := _holder(handle):
            return pid
        sleep(POLL)
    return 0


def _holder(handle: int) -> int:
    text = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else 0
