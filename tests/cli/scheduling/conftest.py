"""A crontab that is a file, and a systemctl that writes down what it was told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

CRONTAB = """#!{python}
import os, pathlib, sys
file = pathlib.Path({file!r})
if os.environ.get("CRONTAB_FAILS"):
    sys.exit("crontab: you are not allowed to use this program")
if sys.argv[1] == "-l":
    if not file.exists():
        sys.exit("no crontab for somebody")
    sys.stdout.buffer.write(file.read_bytes())
elif sys.argv[1] == "-r":
    file.unlink()
else:
    text = sys.stdin.buffer.read()
    if text and not text.endswith(b"\\n"):
        sys.exit("new crontab file is missing newline before EOF, can't install.")
    file.write_bytes(text)
"""

SYSTEMCTL = """#!{python}
import os, pathlib, sys
with open({file!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
if os.environ.get("SYSTEMCTL_FAILS") in sys.argv:
    sys.exit("Failed to connect to bus: No medium found")
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put both first on the path; returns the folder with `crontab.txt` and `systemctl.txt`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("crontab", CRONTAB), ("systemctl", SYSTEMCTL)):
        program = folder / name
        program.write_text(text.format(python=sys.executable, file=str(tmp_path / f"{name}.txt")))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path
