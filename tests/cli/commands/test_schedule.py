"""`archfb schedule`: shown, installed and removed through a crontab that is a file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from archfb.door import enter

CRONTAB = """#!{python}
import pathlib, sys
file = pathlib.Path({file!r})
if sys.argv[1] == "-l":
    sys.stdout.buffer.write(file.read_bytes()) if file.exists() else sys.exit("no crontab for somebody")
elif sys.argv[1] == "-r":
    file.unlink()
else:
    file.write_bytes(sys.stdin.buffer.read())
"""


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a crontab command first on the path; returns the file that it keeps."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "crontab").write_text(CRONTAB.format(python=sys.executable, file=str(tmp_path / "tab")))
    (folder / "crontab").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tab"


def test_what_is_shown_is_what_is_installed_and_removed(crontab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crontab.write_bytes(theirs := b"# mine\n0 3 * * * true\n")
    assert enter(["schedule", "show", "--state", "s.db"]) == 0
    out, err = capsys.readouterr()
    assert f"{sys.executable} -m archfb health --quiet --state {crontab.parent}/s.db" in out
    assert "Not installed." in err
    assert "No key is set for the job" in err
    assert crontab.read_bytes() == theirs
    assert enter(["schedule", "install", "--state", "s.db"]) == 0
    assert "Installed." in capsys.readouterr().err
    assert crontab.read_bytes() == theirs + out.encode()
    assert enter(["schedule", "install", "--state", "s.db"]) == 0
    assert "It is installed already." in capsys.readouterr().err
    assert enter(["schedule", "remove"]) == 0
    assert crontab.read_bytes() == theirs
    assert enter(["schedule", "remove"]) == 0
    assert "None was installed." in capsys.readouterr().err


def test_the_document_has_the_text_and_what_differs(
    crontab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
    assert enter(["schedule", "show", "--json", "--every", "10m", "--jitter", "5"]) == 0
    out = capsys.readouterr().out
    document = json.loads(out)
    assert "*/10 * * * * " in document["text"]
    assert "--jitter 5 >/dev/null" in document["text"]
    assert document["installed"] is None
    assert document["caveats"][0].startswith("OPENAI_API_KEY is set here, and not there")
    assert "canary" not in out


def test_a_timer_is_shown_as_its_files(capsys: pytest.CaptureFixture[str], crontab: Path) -> None:
    assert enter(["schedule", "show", "--systemd", "--every", "5m"]) == 0
    out, err = capsys.readouterr()
    assert "OnUnitActiveSec=300" in out
    assert "enable-linger" in err


def test_removing_from_the_crontab_tells_of_a_timer_that_stays(
    crontab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(crontab.parent))
    units = crontab.parent / "systemd" / "user"
    units.mkdir(parents=True)
    (units / "archfb-health.timer").write_text("[Timer]\n")
    assert enter(["schedule", "remove"]) == 0
    assert "A systemd timer is installed: archfb schedule remove --systemd" in capsys.readouterr().err


MISTAKES = [
    (["--every", "7m"], "--every must be one of 1m, 2m,"),
    (["--every", "soon"], "--every must be a span of time"),
    (["--jitter", "90"], "--jitter must be less than the 60 s"),
    (["--env-file", "nowhere"], "nowhere: No such file or directory."),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(one[0]) for one in MISTAKES])
def test_mistakes_are_told(words: list[str], said: str, crontab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["schedule", "install", *words]) == 2
    assert said in capsys.readouterr().err
    assert not crontab.exists()


def test_without_cron_the_line_is_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert enter(["schedule", "show"]) == 0
    assert "There is no crontab command here." in capsys.readouterr().err
    assert enter(["schedule", "install"]) == 1
    assert "use --systemd" in capsys.readouterr().err
