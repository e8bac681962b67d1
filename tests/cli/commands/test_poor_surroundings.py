"""A working folder that is gone, a stderr nobody takes, a disk without room: said in a sentence, never as a bug."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from disks import disk, needs_mount, read_only
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


@needs_mount
def test_row_65_a_full_disk_is_named_and_the_call_not_affected(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "256k") as folder:
        state = f"--config c.toml --state {folder}/s.db"
        (tmp_path / "c.toml").write_text(CONFIG)
        assert shell(f"exec $ARCHFB ask hi {state}", tmp_path).returncode == 0
        shell(f"cat /dev/zero > {folder}/fill", tmp_path)
        told = f"warning: Disk full at {folder}/s.db; health not saved, call not affected."
        for words, code in (("health --all", 3), ("ask hi", 0), ("run phase1 . --max-files 5", 0)):
            ended = shell(f"exec $ARCHFB {words} {state}", tmp_path)
            assert ended.returncode == code, ended.stderr
            assert ended.stderr.count(told) == 1
        ended = shell(f"exec $ARCHFB state backup {folder}/copy.db {state}", tmp_path)
        assert (ended.returncode, ended.stderr.splitlines()[0]) == (
            2,
            f"error: Cannot copy to {folder}/copy.db: database or disk is full",
        )
        assert not (folder / "copy.db").exists()


READ_ONLY = "warning: State is read-only; decisions use it, nothing is saved."


@needs_mount
def test_row_66_read_only_media_are_read_by_every_command_and_written_by_none(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "4m") as folder:
        state = f"--config c.toml --state {folder}/s.db"
        (tmp_path / "c.toml").write_text(CONFIG)
        assert shell(f"exec $ARCHFB ask hi {state}", tmp_path).returncode == 0
        read_only(folder)
        for words, code, told in (
            ("ask hi", 0, READ_ONLY),
            ("status --check", 1, ""),
            ("health --all", 3, READ_ONLY),
            ("drain m --for 1h --why x", 2, READ_ONLY),
        ):
            ended = shell(f"exec $ARCHFB {words} {state}", tmp_path)
            assert (ended.returncode, ended.stderr.splitlines()[:1]) == (code, [told] if told else []), ended.stderr


FAR = """
mount -t tmpfs tmpfs far && mkdir -p proc/self && device=$(mountpoint -d far) || exit 77
echo "30 22 $device / $PWD/far rw - nfs4 server:/export rw" > proc/self/mountinfo
mount --bind proc /proc || exit 77
export XDG_STATE_HOME="$PWD/far"; unset ARCHFB_STATE
exec $ARCHFB
"""
"""A disk of this machine that `/proc` calls a network's, for one process and what it starts."""


@pytest.mark.skipif(not ROOT or not shutil.which("unshare"), reason="needs mounts of its own")
@pytest.mark.parametrize(
    ("words", "code", "saying"),
    [
        ("ask hi", 0, "warning: {path} is on nfs4; {why}. Running without saving."),
        ("health --all", 3, "warning: {path} is on nfs4; {why}. Running without saving."),
        ("ask hi --state far/s.db", 2, "error: {here}/far/s.db is on nfs4; {why}"),
        ("health --state far/s.db", 3, "error: {here}/far/s.db is on nfs4; {why}"),
    ],
)
def test_row_67_a_network_disk_is_refused_by_name_and_not_saved_to_by_default(
    tmp_path: Path, words: str, code: int, saying: str
) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "c.toml").write_text(CONFIG)
    (tmp_path / "go.sh").write_text(
        FAR.replace("exec $ARCHFB", f"exec {sys.executable} -m archfb {words} --config c.toml")
    )
    ended = shell("exec unshare -m /bin/sh go.sh", tmp_path)
    if ended.returncode == 77 or "unshare" in ended.stderr:
        pytest.skip("not allowed to mount here")
    path = tmp_path / "far/archfb/archfb.db"
    why = "SQLite is unsafe there. Use a local disk or postgresql://…"
    assert ended.returncode == code, ended.stderr
    assert saying.format(path=path, here=tmp_path, why=why) in ended.stderr.splitlines()
