"""One probe round at a time on one machine."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from archfb.probing.lock import ProbeRunning, probe_lock

HOLDER = """
import sys, time
from archfb.probing.lock import probe_lock
with probe_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path) -> str:
    return str(tmp_path / "archfb.db")


@pytest.fixture
def holder(state: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, state]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process  # type: ignore[misc]
    process.kill()
    process.wait()
    process.stdout.close()


def test_row_73_a_second_round_is_told_who_is_probing(state: str, holder: subprocess.Popen[str]) -> None:
    with probe_lock(state) as other:
        assert other == holder.pid


def test_row_73_with_fail_the_second_round_is_an_error(state: str, holder: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(ProbeRunning, match=rf"Another probe \(pid {holder.pid}\) is running") as raised,
        probe_lock(state, "fail"),
    ):
        pass
    assert raised.value.exit_code == 3


def test_row_74_the_lock_of_a_dead_process_is_taken_over_silently(state: str, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with probe_lock(state) as other:
        assert other is None


def test_with_wait_the_second_round_begins_when_the_first_has_ended(
    state: str, holder: subprocess.Popen[str]
) -> None:
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        holder.kill()
        holder.wait()

    with probe_lock(state, "wait", sleep=sleep) as other:
        assert other is None
    assert len(slept) == 1


def test_a_round_that_has_the_lock_but_has_not_said_its_pid_yet_is_asked_again(state: str) -> None:
    handle = os.open(f"{state}.probe", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)

    with probe_lock(state, sleep=lambda _: os.pwrite(handle, b"4711", 0)) as other:  # type: ignore[arg-type]
        assert other == 4711
    os.close(handle)


def test_a_round_that_has_ended_leaves_no_pid(state: str) -> None:
    with probe_lock(state):
        assert Path(f"{state}.probe").read_text() == str(os.getpid())
    assert Path(f"{state}.probe").read_text() == ""


@pytest.mark.parametrize("state", ["postgresql://db/health", "/nowhere/at/all/archfb.db"])
def test_a_state_that_is_no_file_here_needs_no_lock(state: str) -> None:
    with probe_lock(state, "fail") as other:
        assert other is None
