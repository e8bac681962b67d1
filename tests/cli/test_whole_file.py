"""A file is replaced whole; what is no file is never replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archfb.whole_file import put


def test_a_pipe_or_a_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="it is no regular file"):
        put(pipe, b"content")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
