"""The program as a process of its own, as people and scripts run it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATIENCE = 100.0
"""Seconds until a test gives a process up: enough for one that gets a tenth of a core."""


def variables(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the test's own environment with the sources on the path."""
    import archfb
    import archfb_state

    homes = [str(Path(one.__file__ or "").parents[1]) for one in (archfb, archfb_state)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(homes)), **(extra or {})}


def archfb(*words: str, env: Mapping[str, str] | None = None, **more: object) -> subprocess.CompletedProcess[str]:
    """Run `archfb` and return how it ended."""
    return subprocess.run(
        [sys.executable, "-m", "archfb", *words],
        env=variables(env),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **more,  # type: ignore[call-overload]
    )


def in_terminal(words: Sequence[str], *, columns: int, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run `archfb` in a terminal of that width; returns the exit code and what the terminal got."""
    main, child = pty.openpty()
    termios.tcsetwinsize(child, (24, columns))
    process = subprocess.Popen(
        [sys.executable, "-m", "archfb", *words], env=variables(env), stdin=child, stdout=child, stderr=child
    )
    os.close(child)
    got = bytearray()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not select.select([main], [], [], 0.1)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            chunk = os.read(main, 65536)
        except OSError:
            break
        if not chunk:
            break
        got += chunk
    os.close(main)
    return process.wait(PATIENCE), got.decode("utf-8", "replace").replace("\r\n", "\n")
