"""git's index read directly, for when git is missing or refuses (a folder owned by somebody else)."""

from __future__ import annotations

import os
import stat
import struct

_MAX_INDEX = 256 << 20


def tracked(top: bytes) -> list[bytes] | None:
    """Return the paths in the index of the repository at `top`, in its order; None when it cannot be read.

    Format: gitformat-index(5), versions 2 to 4. A split or sparse index is not understood (None).
    """
    content = _content(os.path.join(_git_folder(top), b"index"))  # noqa: PTH118  # bytes
    if content is None or len(content) < 12 or content[:4] != b"DIRC":
        return None
    version, count = struct.unpack(">II", content[4:12])
    if version not in (2, 3, 4) or count > len(content) // 62 + 1:
        return None
    try:
        return _paths(content, version, count)
    except (struct.error, ValueError, IndexError):
        return None


def _git_folder(top: bytes) -> bytes:
    dot_git = os.path.join(top, b".git")  # noqa: PTH118  # bytes
    pointer = _content(dot_git, limit=4_096)
    if pointer is not None and pointer.startswith(b"gitdir: "):
        return os.path.join(top, pointer[8:].strip())  # noqa: PTH118  # bytes
    return dot_git


def _content(path: bytes, limit: int = _MAX_INDEX) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        with open(fd, "rb", closefd=False) as file:  # a descriptor, not a path
            return file.read(limit)
    finally:
        os.close(fd)


def _paths(content: bytes, version: int, count: int) -> list[bytes]:
    paths: list[bytes] = []
    at, before = 12, b""
    for _ in range(count):
        (flags,) = struct.unpack_from(">H", content, at + 60)
        start = at + 62 + (2 if flags & 0x4000 else 0)
        if version == 4:
            strip, start = _varint(content, start)
            end = content.index(b"\0", start)
            before = before[: len(before) - strip] + content[start:end]
            at = end + 1
        else:
            end = content.index(b"\0", start)
            before = content[start:end]
            at += (end - at + 8) & ~7
        if not before or before.endswith(b"/"):
            raise ValueError("a sparse index, or none at all")
        paths.append(before)
    return list(dict.fromkeys(paths))


def _varint(content: bytes, at: int) -> tuple[int, int]:
    byte = content[at]
    value = byte & 127
    while byte & 128:
        at += 1
        byte = content[at]
        value = ((value + 1) << 7) | (byte & 127)
    return value, at + 1
