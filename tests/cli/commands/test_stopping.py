"""Ctrl-C, SIGTERM, SIGHUP and closed pipes, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE, archfb, variables
from timing import best

Start = Callable[..., Any]
HANGING = [{"fault": "hang"}]


def asked(here: Any) -> None:
    """Wait until the server was asked."""
    until = time.monotonic() + PATIENCE
    while not here.server.requests and time.monotonic() < until:
        time.sleep(0.01)


def begin(here: Any, *words: str) -> subprocess.Popen[str]:
    """Start `archfb` and return once it is waiting for the server."""
    process = subprocess.Popen(
        [sys.executable, "-m", "archfb", *words, *here.options],
        env=variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    asked(here)
    return process


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), SIGNALS, ids=["ctrl-c", "term", "hup"])
def test_row_79_a_signal_in_a_call_stops_within_a_second(place: Start, number: signal.Signals, code: int) -> None:
    """No health mark, no lease left, no traceback."""
    here = place(m1=HANGING)

    def stopped() -> float:
        here.server.requests.clear()
        process = begin(here, "ask", "x", "--json")
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        took = time.monotonic() - began
        assert process.returncode == code
        assert err == "Interrupted. What was finished is kept.\n"
        assert json.loads(out)["error"]["code"] == "interrupted"
        return took

    assert best(stopped, within=1.5) < 1.5
    after = json.loads(archfb("status", "--json", *here.options).stdout)["models"][0]
    assert (after["failures"], after["consecutive_failures"]) == (0, 0)


def test_a_second_ctrl_c_changes_nothing(place: Start) -> None:
    here = place(m1=HANGING)
    process = begin(here, "ask", "x")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130


def test_a_signal_that_the_caller_ignores_stays_ignored(place: Start) -> None:
    """As under nohup."""
    here = place(m1=[{"text": "done", "delay": 0.7}])
    script = f"trap '' HUP; exec {sys.executable} -m archfb ask x {' '.join(here.options)}"
    process = subprocess.Popen(
        ["/bin/sh", "-c", script], env=variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    asked(here)
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "done\n")


def test_an_interrupt_is_heard_in_the_background_too(place: Start) -> None:
    """A shell ignores SIGINT for what it starts with &."""
    here = place(m1=HANGING)
    script = f"trap '' INT; exec {sys.executable} -m archfb ask x {' '.join(here.options)}"
    process = subprocess.Popen(
        ["/bin/sh", "-c", script], env=variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    asked(here)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130


def test_row_79_ctrl_c_while_waiting_for_the_question_stops_too() -> None:
    """Outside any call. More than a pipe holds is written, so that the process reads by then."""
    with subprocess.Popen(
        [sys.executable, "-m", "archfb", "ask", "-"],
        env=variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"x" * 300_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read() == b"Interrupted. What was finished is kept.\n"


def test_row_77_a_reader_that_closes_the_pipe_gets_silence(place: Start) -> None:
    here = place(m1=[{"text": "line\n" * 100_000}])
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "archfb", "ask", "x", "-q", *here.options],
        env=variables(),
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    os.read(read, 10)
    os.close(read)
    _, err = process.communicate(timeout=PATIENCE)
    assert err == b""
    assert process.returncode in {0, 141}


@pytest.mark.parametrize("command", [["status"], ["status", "--check"], ["history"], ["status", "--json"]])
def test_row_77_a_table_that_nobody_reads_is_no_verdict(command: list[str]) -> None:
    """Exit 1 would say that a model is degraded."""
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "archfb", *command],
        env=variables(),
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_closed_stderr_is_no_failure(place: Start) -> None:
    here = place(m1=[{"status": 400}], m2=[{"text": "ok"}])
    script = f"exec {sys.executable} -m archfb ask x {' '.join(here.options)} 2>&-"
    ended = subprocess.run(
        ["/bin/sh", "-c", script], env=variables(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "ok\n")


def test_a_full_disk_behind_stdout_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "archfb", "status"],
            env=variables(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == "error: cannot write to stdout: No space left on device\n"
