"""Every test gets a home of its own: no keys, no proxies, no configuration of the person who runs it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from permissions import permissions_bind  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pathlib import Path

KEPT = ("PATH", "LANG", "TMPDIR", "SYSTEMROOT", "PYTHONPATH", "PYTHONWARNINGS", "ARCHFB_SHARED", "VIRTUAL_ENV")
"""Variables that a test may see; names beginning with PYTEST_ or COVERAGE_ stay too."""

settings.register_profile("sure", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("sure")  # the same examples every time, however slow the machine; others: --hypothesis-profile


def pytest_configure() -> None:
    """Hear signals as a person's shell leaves them: nohup, cron and `&` ignore some, which children inherit."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the empty home folder that HOME and the XDG variables of this test point to."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(("PYTEST_", "COVERAGE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    for kind in ("CONFIG", "STATE", "DATA", "CACHE", "RUNTIME"):
        suffix = "DIR" if kind == "RUNTIME" else "HOME"
        monkeypatch.setenv(f"XDG_{kind}_{suffix}", str(folder / kind.lower()))
    (folder / "runtime").mkdir(mode=0o700)
    return folder
