"""The metrics in a file for node_exporter's textfile collector: there whole, or not replaced."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from archfb.errors import ArchfbError
from archfb.whole_file import put

SUFFIX = ".prom"
"""The collector reads only such files."""

MODE = 0o644
"""The collector is another user."""


class Unwritable(ArchfbError):
    """The file cannot be put there whole."""

    exit_code = 3
    code = "textfile"

    def __init__(self, path: str, reason: str) -> None:
        """Say which path, and why."""
        super().__init__(f"Cannot write {path} atomically: {reason}.")


def check(path: str) -> None:
    """Raise Unwritable where a path can be no such file, before any work is done for it."""
    target = Path(path)
    if target.suffix != SUFFIX:
        raise Unwritable(path, f"its name must end in {SUFFIX}")
    try:
        if not target.parent.is_dir():
            raise Unwritable(path, f"{target.parent} is no folder")
        mode = target.lstat().st_mode if os.path.lexists(path) else stat.S_IFREG
    except OSError as error:
        raise Unwritable(path, _reason(error)) from error
    if not stat.S_ISREG(mode):
        raise Unwritable(path, _kind(mode))


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "it is a symbolic link; name the file itself"
    return "it is a directory" if stat.S_ISDIR(mode) else "it is no regular file"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).rstrip(".")


def write(path: str, text: str) -> None:
    """Replace a file by the text, in one step and readable by everybody. Raises Unwritable; then it is as it was."""
    check(path)
    try:
        put(Path(path), text.encode(), MODE)
    except OSError as error:
        raise Unwritable(path, _reason(error)) from error
