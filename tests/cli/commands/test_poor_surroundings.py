"""A working folder that is gone, a stderr nobody takes, a disk without room: said in a sentence, never as a bug."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE, variables

ROOT = os.geteuid() == 0
CONFIG = """
[providers.p]
api = "openai-chat"
base_url = "http://127.0.0.1:1/v1"
[models.m]
provider = "p"
model = "x"
[chains]
""" + "".join(f'{phase} = ["m"]\n' for phase in ("phase1", "phase2", "phase3", "phase4", "phase5", "final"))


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$ARCHFB` is the program, as one process with what the line sets up."""
    program = f"{sys.executable} -m archfb"
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$ARCHFB", program)],
        env=variables({"HOME": str(folder)}),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("words", ["ask hi --json", "status --json", "route phase1 --json", "config show --json"])
def test_a_working_folder_that_is_gone_matters_to_nobody(tmp_path: Path, words: str) -> None:
    (tmp_path / "gone").mkdir()
    ended = shell(f"cd gone && rmdir ../gone && exec $ARCHFB {words}", tmp_path)
    assert (ended.returncode, "bug" in ended.stderr) == (0, False), ended.stderr
    json.loads(ended.stdout)


@pytest.mark.parametrize(("words", "code"), [("ask hi --state s.db", 2), ("health --state s.db", 3)])
def test_a_relative_path_in_it_is_an_error_that_says_so(tmp_path: Path, words: str, code: int) -> None:
    (tmp_path / "gone").mkdir()
    ended = shell(f"cd gone && rmdir ../gone && exec $ARCHFB {words}", tmp_path)
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (code, "error: The working folder is gone.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("ask hi 2>/dev/full", 0),
        ("status >/dev/full 2>/dev/full", 1),
        ("status --check >/dev/full 2>/dev/full", 3),
        ("health --nagios >/dev/full", 3),
    ],
)
def test_streams_that_take_nothing_end_in_a_known_code(tmp_path: Path, words: str, code: int) -> None:
    assert shell(f"exec $ARCHFB {words}", tmp_path).returncode == code


def test_row_65_health_cannot_tell_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG)
    assert shell("exec $ARCHFB ask hi --config c.toml --state s.db", tmp_path).returncode == 0
    for words in ("health", "health --all --json"):
        ended = shell(f"ulimit -f 0; exec $ARCHFB {words} --config c.toml --state s.db", tmp_path)
        assert ended.returncode == 3
        assert "stdout" not in ended.stderr
        assert "Running without saving" in ended.stderr
    assert shell("ulimit -f 0; exec $ARCHFB ask hi --config c.toml --state s.db", tmp_path).returncode == 0


@pytest.mark.skipif(not ROOT or not shutil.which("mount"), reason="needs to mount a tiny disk")
def test_row_65_a_full_disk_is_named_and_the_call_not_affected(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("not allowed to mount here")
    try:
        state = f"--config c.toml --state {disk}/s.db"
        (tmp_path / "c.toml").write_text(CONFIG)
        assert shell(f"exec $ARCHFB ask hi {state}", tmp_path).returncode == 0
        shell(f"cat /dev/zero > {disk}/fill", tmp_path)
        told = f"warning: Disk full at {disk}/s.db; health not saved, call not affected."
        for words, code in (("health --all", 3), ("ask hi", 0), ("run phase1 . --max-files 5", 0)):
            ended = shell(f"exec $ARCHFB {words} {state}", tmp_path)
            assert ended.returncode == code, ended.stderr
            assert ended.stderr.count(told) == 1
        ended = shell(f"exec $ARCHFB state backup {disk}/copy.db {state}", tmp_path)
        assert (ended.returncode, ended.stderr.splitlines()[0]) == (
            2,
            f"error: Cannot copy to {disk}/copy.db: database or disk is full",
        )
        assert not (disk / "copy.db").exists()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
