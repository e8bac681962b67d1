"""A file that is there whole, or not replaced."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def put(path: Path, content: bytes, mode: int | None = None) -> None:
    """Replace a file in one step, so that no reader sees half of it, and nothing is lost when power fails.

    `mode` is its permission bits (default: what a new file gets). Raises OSError; then the file is as it was.
    """
    import tempfile

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
