"""One marked line in somebody's crontab, and every other byte as it was."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archfb.errors import UsageError
from archfb.scheduling.crontab import Crontab, block, line, when
from archfb.scheduling.job import Job, ScheduleError
from archfb.scheduling.marked import find, marked, put, taken_out

JOB = Job(("/v/bin/python", "-m", "archfb", "health", "--quiet"), 60, 20)
THEIRS = b"# m h dom mon dow command\nMAILTO=me\n\n*/5 * * * *\tbackup 50\\% # \xff\xfe\n@reboot  true"


def test_the_line_says_everything() -> None:
    said = "* * * * * /v/bin/python -m archfb health --quiet --if-stale 60 --jitter 20 >/dev/null"
    assert line(JOB) == said
    mark, about = "d5a9f906", "written by `archfb schedule install`, taken out by `archfb schedule remove`"
    assert block(JOB).decode().splitlines() == [
        f"# archfb schedule: begin {mark} ({about})",
        said,
        f"# archfb schedule: end {mark}",
    ]


def test_a_job_with_everything_is_one_line_that_the_shell_reads_back() -> None:
    job = replace(JOB, words=("/a b/py'thon", "100%", "$HOME"), environ=(("X", "1 2"),), env_file="/k e", mail=True)
    said = line(replace(job, jitter=0))
    assert said == ("""* * * * * set -a; . '/k e'; set +a; X='1 2' '/a b/py'"'"'thon' 100\\% '$HOME' --if-stale 60""")


@pytest.mark.parametrize(
    ("every", "fields"),
    [
        (60, "* * * * *"),
        (300, "*/5 * * * *"),
        (1800, "*/30 * * * *"),
        (3600, "0 * * * *"),
        (14400, "0 */4 * * *"),
        (86400, "0 0 * * *"),
    ],
)
def test_steps_are_said_in_the_five_fields(every: int, fields: str) -> None:
    assert when(every) == fields


def test_a_line_that_no_cron_takes_is_refused() -> None:
    with pytest.raises(UsageError, match="a crontab line takes 990"):
        line(replace(JOB, words=("x" * 1000,)))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=4))
def test_the_shell_gets_the_words_whatever_they_are(words: list[str]) -> None:
    said = line(replace(JOB, words=tuple(words)))
    command = said.removeprefix("* * * * * ").removesuffix(" >/dev/null").replace("\\%", "%")
    assert shlex.split(command)[: len(words)] == words


@given(st.binary(max_size=200))
def test_what_was_there_comes_back_byte_for_byte(theirs: bytes) -> None:
    assume(b"archfb schedule" not in theirs)
    theirs = theirs if not theirs or theirs.endswith(b"\n") else theirs + b"\n"
    with_ours = put(theirs, marked(b"* * * * * true\n"))
    assert with_ours.startswith(theirs)
    assert taken_out(with_ours) == theirs
    assert put(with_ours, marked(b"other\n")).startswith(theirs)


def test_installing_twice_changes_nothing_and_removing_leaves_the_rest(programs: Path) -> None:
    file = programs / "crontab.txt"
    file.write_bytes(THEIRS + b"\n")
    tab = Crontab()
    assert tab.install(JOB) == "installed"
    assert file.read_bytes() == THEIRS + b"\n" + block(JOB)
    file.write_bytes(file.read_bytes() + b"0 0 * * * after\n")
    assert tab.install(JOB) == "unchanged"
    assert tab.install(replace(JOB, every=300)) == "replaced"
    assert file.read_bytes() == THEIRS + b"\n" + block(replace(JOB, every=300)) + b"0 0 * * * after\n"
    assert tab.installed() == block(replace(JOB, every=300)).decode()
    assert tab.remove() == "removed"
    assert file.read_bytes() == THEIRS + b"\n0 0 * * * after\n"
    assert tab.remove() == "absent"
    assert tab.installed() is None


def test_a_crontab_that_was_not_there_is_not_there_again(programs: Path) -> None:
    tab = Crontab()
    assert tab.install(JOB) == "installed"
    assert tab.remove() == "removed"
    assert not (programs / "crontab.txt").exists()


def test_a_line_changed_by_hand_is_left_alone(programs: Path) -> None:
    tab, file = Crontab(), programs / "crontab.txt"
    tab.install(JOB)
    file.write_bytes(changed := file.read_bytes().replace(b"* * * * *", b"7 * * * *"))
    for attempt in (lambda: tab.install(JOB), tab.remove):
        with pytest.raises(ScheduleError, match="changed by hand"):
            attempt()
    assert file.read_bytes() == changed
    assert tab.remove(force=True) == "removed"


BROKEN = [b"# archfb schedule: begin 0123abcd\nx\n", block(JOB) + block(JOB), block(JOB)[:-10] + b"\n"]


@pytest.mark.parametrize("text", BROKEN, ids=["no end", "twice", "another end"])
def test_marks_that_do_not_belong_together_are_left_alone(programs: Path, text: bytes) -> None:
    (programs / "crontab.txt").write_bytes(text)
    with pytest.raises(ScheduleError, match="do not belong together"):
        Crontab().remove(force=True)
    assert (programs / "crontab.txt").read_bytes() == text


def test_a_crontab_that_cannot_be_read_is_never_written(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRONTAB_FAILS", "1")
    with pytest.raises(ScheduleError, match="crontab ended with 1: crontab: you are not allowed"):
        Crontab().install(JOB)


def test_without_cron_another_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError) as told:
        Crontab((str(tmp_path / "none"),)).read()
    assert told.value.hint == "Install cron, or use --systemd."


def test_a_write_that_did_not_arrive_is_told(tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    deaf.write_text("#!/bin/sh\ncat > /dev/null < /dev/stdin\n")
    deaf.chmod(0o755)
    with pytest.raises(ScheduleError, match="not what was written"):
        Crontab((str(deaf),)).write(b"x\n")


def test_marks_are_found_wherever_they_stand() -> None:
    found = find(b"a\n" + block(JOB) + b"b\n")
    assert found is not None
    assert (found.start, found.intact) == (2, True)
    assert find(b"") is None


def test_the_environment_file_is_read_by_the_line_itself(tmp_path: Path) -> None:
    """The command runs as cron runs it: by sh, with an environment of almost nothing."""
    keys = tmp_path / "keys"
    keys.write_text("CANARY='a b'\n")
    job = Job(("/bin/sh", "-c", 'printf "%s|%s" "$CANARY" "$MORE"; :'), 60, 0, (("MORE", "c d"),), str(keys), True)
    command = line(job).removeprefix("* * * * * ").replace("\\%", "%")
    ended = subprocess.run(["/bin/sh", "-c", command], env={}, capture_output=True, text=True, check=True)
    assert ended.stdout == "a b|c d"
