"""Small disks in memory, for tests as root of one that fills, or that may only be read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_mount = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs to mount a disk")


@contextmanager
def disk(path: Path, size: str) -> Iterator[Path]:
    """Give a folder that is a disk of this size (as mount takes it); skip the test where that is not allowed."""
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("not allowed to mount here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def read_only(path: Path) -> None:
    """Let a disk be read only from now on."""
    subprocess.run(["mount", "-o", "remount,ro", path], check=True)
