"""A service and a timer that are known again."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from processes import PATIENCE

from archfb.diagnosis.scheduled import installed
from archfb.scheduling.job import Job, ScheduleError
from archfb.scheduling.systemd import SERVICE, TIMER, Systemd, folder, is_ours, quoted, units

JOB = Job(("/v/bin/python", "-m", "archfb", "health", "--quiet"), 300, 30, (("XDG_STATE_HOME", "/a b"),), "/k%")


def test_the_units_say_everything() -> None:
    found = units(JOB)
    assert found[SERVICE].splitlines()[1:] == [
        "[Unit]",
        "Description=Probe the language models that are due",
        "",
        "[Service]",
        "Type=oneshot",
        'Environment="XDG_STATE_HOME=/a b"',
        "EnvironmentFile=/k%%",
        "ExecStart=/v/bin/python -m archfb health --quiet --if-stale 300",
        "SuccessExitStatus=1 2",
        "TimeoutStartSec=300",
        "Nice=10",
    ]
    assert "OnUnitActiveSec=300\nRandomizedDelaySec=30\n" in found[TIMER]
    assert all(map(is_ours, found.values()))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("plain", "plain"),
        ("a b", '"a b"'),
        ('"', '"\\""'),
        ("5%", "5%%"),
        ("$HOME", "$$HOME"),
        ("", '""'),
        ("a\\b", '"a\\\\b"'),
    ],
)
def test_words_are_quoted_as_units_want_them(word: str, said: str) -> None:
    assert quoted(word) == said


def systemd(place: Path) -> Systemd:
    return Systemd(place / "units", os.environ)


def test_installing_and_removing_leaves_nothing_behind(programs: Path) -> None:
    one = systemd(programs)
    assert one.install(JOB) == "installed"
    assert one.install(JOB) == "unchanged"
    assert one.install(replace(JOB, every=600)) == "replaced"
    assert "OnUnitActiveSec=600" in (one.installed() or "")
    assert one.remove() == "removed"
    assert one.remove() == "absent"
    assert list((programs / "units").iterdir()) == []
    assert (programs / "systemctl.txt").read_text().splitlines() == [
        *("--user daemon-reload", f"--user enable --now {TIMER}"),
        f"--user is-enabled --quiet {TIMER}",
        *("--user daemon-reload", f"--user enable --now {TIMER}"),
        *(f"--user disable --now {TIMER}", "--user daemon-reload"),
    ]


def test_what_cannot_be_started_is_not_left_behind(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEMCTL_FAILS", "enable")
    with pytest.raises(ScheduleError, match="ended with 1: Failed to connect to bus"):
        systemd(programs).install(JOB)
    assert list((programs / "units").iterdir()) == []


def test_a_unit_of_somebody_else_is_left_alone(programs: Path) -> None:
    (programs / "units").mkdir()
    (programs / "units" / SERVICE).write_text("[Service]\nExecStart=/bin/true\n")
    for attempt in (lambda: systemd(programs).install(JOB), systemd(programs).remove):
        with pytest.raises(ScheduleError, match="not as archfb wrote it"):
            attempt()
    assert systemd(programs).install(JOB, force=True) == "replaced"


def test_a_folder_that_cannot_be_written_is_told(programs: Path) -> None:
    (programs / "units").write_text("a file")
    with pytest.raises(ScheduleError, match="Cannot write"):
        systemd(programs).install(JOB)


def test_without_systemd_another_way_is_named(tmp_path: Path) -> None:
    one = Systemd(tmp_path, os.environ, (str(tmp_path / "none"),))
    with pytest.raises(ScheduleError) as told:
        one.install(JOB)
    assert told.value.hint == "Leave --systemd out to use cron."


def test_units_stand_in_the_users_folder() -> None:
    assert folder({"HOME": "/h"}) == Path("/h/.config/systemd/user")
    assert folder({"XDG_CONFIG_HOME": "/x"}) == Path("/x/systemd/user")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name, text in units(replace(JOB, words=("/bin/true", "a b", "5%"), env_file="/dev/null")).items():
        (tmp_path / name).write_text(text)
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(tmp_path / TIMER), str(tmp_path / SERVICE)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, str(tmp_path) in ended.stderr) == (0, False), ended.stderr


def test_units_that_cannot_be_read_are_told_and_counted_by_the_doctor_as_none(programs: Path) -> None:
    (programs / "units" / SERVICE).mkdir(parents=True)
    with pytest.raises(ScheduleError, match=r"Cannot read .*: Is a directory"):
        systemd(programs).install(JOB)
    home = {"XDG_CONFIG_HOME": str(programs), "PATH": ""}
    (programs / "systemd" / "user" / SERVICE).mkdir(parents=True)
    assert installed(home)[1] is None
