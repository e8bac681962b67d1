"""A file that is there whole, or not replaced."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,6})")
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}


def descriptor(path: str) -> int | None:
    """Return which open file of this process a path names: 1 for /dev/stdout and /dev/fd/1; None where none."""
    numbered = _DESCRIPTOR.fullmatch(path)
    return int(numbered[1]) if numbered else _STREAMS.get(path)


def pour(path: str, content: bytes) -> bool:
    """Write into what is open already, a pipe or a device, and return whether it was one. Raises OSError."""
    number = descriptor(path)
    if number is None and (not Path(path).exists() or Path(path).is_file()):
        return False
    with os.fdopen(os.dup(number), "wb") if number is not None else Path(path).open("wb") as file:
        file.write(content)
    return True


def put(path: Path, content: bytes, mode: int | None = None) -> None:
    """Replace a file in one step, so that no reader sees half of it, and nothing is lost when power fails.

    `mode` is its permission bits (default: what a new file gets). Raises OSError; then the file is as it was.
    """
    import tempfile

    if os.path.lexists(path) and stat.S_IFMT(path.lstat().st_mode) not in {stat.S_IFREG, stat.S_IFLNK}:
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    handle, name = tempfile.mkstemp(prefix=".archfb-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, _new_mode() if mode is None else mode)
            file.write(content)
            file.flush()
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _new_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
