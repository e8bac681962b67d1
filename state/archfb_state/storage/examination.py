"""Looking at a path before it is opened as state: what it must not be."""

from __future__ import annotations

import os
import stat
import sys
from typing import NamedTuple

from archfb_state.store import StoreUnusable

NETWORK = frozenset(
    {
        *(
            "9p",
            "afpfs",
            "afs",
            "beegfs",
            "ceph",
            "cifs",
            "davfs",
            "glusterfs",
            "gpfs",
            "lustre",
            "ncpfs",
            "nfs",
            "nfs4",
        ),
        *("orangefs", "osxfuse", "smb2", "smb3", "smbfs", "webdav"),
        *("fuse.davfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    }
)
"""File systems whose locks or shared memory do not hold between machines."""

MOUNTS = "/proc/self/mountinfo"
"""Where Linux lists the mounted file systems."""


class Found(NamedTuple):
    """What is at the path."""

    exists: bool
    mode: int = 0o600
    """Permission bits."""
    file_system: str | None = None
    """The network file system that it is on, else None."""


def examine(path: str, *, uid: int | None = None, mounts: str = MOUNTS) -> Found:
    """Look at the path and its folder, changing nothing; raises StoreUnusable with the sentence to show."""
    uid = os.geteuid() if uid is None else uid
    try:
        return _examined(path, uid, mounts)
    except ValueError:
        raise StoreUnusable(f"Cannot create {path!r}: not a path. Use --state.") from None
    except OSError as error:
        raise StoreUnusable(f"Cannot create {path}: {error.strerror}. Use --state.") from None


def _examined(path: str, uid: int, mounts: str) -> Found:
    try:
        itself = os.lstat(path)
    except FileNotFoundError:
        return Found(False, file_system=network_of(_nearest(path), mounts))
    there = _followed(path, uid) if stat.S_ISLNK(itself.st_mode) else itself
    _refuse_special(path, there.st_mode)
    if there.st_uid != uid:
        raise StoreUnusable(f"{path} belongs to {_owner(there.st_uid)}. Use --state.")
    return Found(True, stat.S_IMODE(there.st_mode), network_of(path, mounts))


def _followed(path: str, uid: int) -> os.stat_result:
    target = os.path.realpath(path)
    try:
        there = os.stat(path)  # noqa: PTH116 - pathlib is not imported on the way to a fast start
    except OSError:
        raise StoreUnusable(f"{path} is a link to {target}, which does not exist.") from None
    if there.st_uid != uid:
        raise StoreUnusable(f"{path} is a link to {target}, which is not yours.")
    return there


def _refuse_special(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise StoreUnusable(f"State file {path} is a directory.")
    if not stat.S_ISREG(mode):
        raise StoreUnusable(f"State file {path} is not a regular file.")


def _owner(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _nearest(path: str) -> str:
    """Return the nearest folder above the path that exists."""
    folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):  # noqa: PTH112, PTH120
        folder = os.path.dirname(folder)  # noqa: PTH120
    return folder


def network_of(path: str, mounts: str = MOUNTS) -> str | None:
    """Return the name of the network file system that holds an existing path; None where it is local or unknown."""
    if sys.platform == "darwin":  # pragma: no cover - another system
        return _network_of_darwin(path)
    device = os.stat(path).st_dev  # noqa: PTH116
    if mounts == MOUNTS and os.major(device) != 0:
        return None
    try:
        with open(mounts, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
            kind = _kind(lines.read(), f"{os.major(device)}:{os.minor(device)}", os.path.realpath(path))
    except OSError:
        return None
    return kind if kind in NETWORK else None


def _kind(mounts: str, device: str, path: str) -> str | None:
    """Return the file system's type by its device, else by the longest mount point above the path."""
    best, length = None, -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(), right.split()
        if len(fields) < 5 or not kinds:
            continue
        if fields[2] == device:
            return kinds[0]
        point = fields[4].replace("\\040", " ").rstrip("/")
        if (path + "/").startswith(point + "/") and len(point) > length:
            best, length = kinds[0], len(point)
    return best


def _network_of_darwin(path: str) -> str | None:  # pragma: no cover - another system
    import ctypes

    room = ctypes.create_string_buffer(4096)
    if ctypes.CDLL(None).statfs64(os.fsencode(path), room) != 0:
        return None
    kind = room.raw[72:88].split(b"\0")[0].decode("ascii", "replace")
    return kind if kind in NETWORK else None
