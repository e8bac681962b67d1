"""What terminals get: wide, narrow, dumb, without colour, without Unicode."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE, archfb, in_terminal, variables

UTF8 = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_table_fits_a_real_terminal(columns: int) -> None:
    code, text = in_terminal(["status"], columns=columns, env={**UTF8, "NO_COLOR": "1"})
    assert code == 0
    assert "gemini-basic" in text
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= columns


def test_a_capable_terminal_gets_colour_and_the_word() -> None:
    _, text = in_terminal(["status"], columns=100, env=UTF8)
    assert "\x1b[31munavailable" in text


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_row_76_colour_can_be_switched_off(env: dict[str, str]) -> None:
    _, text = in_terminal(["status"], columns=100, env={**UTF8, **env})
    assert "unavailable" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("columns", [0, 1, 20])
def test_row_76_terminals_of_no_width_get_lines(columns: int) -> None:
    code, text = in_terminal(["status"], columns=columns, env={**UTF8, "NO_COLOR": "1"})
    assert code == 0
    assert "Traceback" not in text


@pytest.mark.parametrize("env", [{"LANG": "C"}, {"LC_ALL": "C"}, {"LANG": "C.UTF-8", "PYTHONIOENCODING": "ascii"}])
def test_row_78_the_c_locale_gets_ascii(env: dict[str, str]) -> None:
    ended = archfb("status", env=env)
    assert ended.returncode == 0
    assert ended.stdout.isascii()
    assert "----" in ended.stdout
    ended = archfb("ask", "ünïcödé ☃", env=env)
    assert ended.returncode == 0
    assert ended.stdout.isascii()


def test_a_pipe_gets_no_colour_unless_forced() -> None:
    assert "\x1b" not in archfb("status", env=UTF8).stdout
    assert "\x1b[" in archfb("status", env={**UTF8, "FORCE_COLOR": "1"}).stdout


def test_bytes_that_are_no_text_in_an_argument_are_no_bug() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "archfb", "run", "phase1", os.fsdecode(b"/nowhere/\xff\xfe")],
        env=variables(UTF8),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"error: No folder at /nowhere/")


def test_a_run_in_a_terminal_shows_the_calls_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("def one():\n    return 1\n")
    code, text = in_terminal(["run", "phase1", str(tmp_path), "--offline"], columns=100, env=UTF8)
    assert code == 0
    assert "phase1 structure: answered by offline" in text
    assert "phase1: done" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")
