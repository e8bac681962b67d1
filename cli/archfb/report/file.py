"""The page in its file: there whole, or not replaced; a pipe or a device is written to."""

from __future__ import annotations

from pathlib import Path

from archfb.errors import UsageError
from archfb.whole_file import descriptor, pour, put

MODE = 0o600
"""A page names repositories and what they cost: whoever made it decides who else may read it."""


def check(path: str) -> None:
    """Raise UsageError where a path can be no such file, before any work is done for it."""
    target = Path(path)
    if descriptor(path) is not None:
        return
    if target.is_dir():
        raise UsageError(f"{path} is a folder; expected a file.", hint=f"Name a file in it: {path}/report.html")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} is no folder.")


def write(path: str, text: str) -> None:
    """Replace a file by the text in one step, keeping its mode. Raises UsageError; then it is as it was."""
    check(path)
    try:
        if pour(path, text.encode()):
            return
        target = Path(path).resolve()
        put(target, text.encode(), target.stat().st_mode & 0o777 if target.exists() else MODE)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot write {path}: {getattr(error, 'strerror', None) or error}.") from error
