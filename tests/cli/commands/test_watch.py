"""`health --watch` and `status --watch` as processes: in a terminal, piped, interrupted; what they ask and create."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE, archfb, variables
from timing import best

Start = Callable[..., Any]
OK = [{"text": "ok"}]
XTERM = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


class Watching:
    """A watch in a terminal: what it drew, the keys that are pressed, how it ended."""

    def __init__(
        self, words: Sequence[str], env: Mapping[str, str] = XTERM, size: tuple[int, int] = (100, 24)
    ) -> None:
        self.main, self.child = pty.openpty()
        termios.tcsetwinsize(self.child, (size[1], size[0]))
        self.before = termios.tcgetattr(self.child)
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "archfb", *words],
            env=variables(env),
            stdin=self.child,
            stdout=self.child,
            stderr=self.child,
            start_new_session=True,
            preexec_fn=lambda: os.set_inheritable(0, True),
        )

    def until(self, *wanted: str) -> str:
        """Read until all of it was drawn; returns what was drawn since the last call."""
        text, end = "", time.monotonic() + PATIENCE
        while not all(one in text for one in wanted):
            assert time.monotonic() < end, f"{wanted} not in {text[-3000:]!r}"
            if select.select([self.main], [], [], 0.1)[0]:
                text += os.read(self.main, 65536).decode("utf-8", "replace")
        self.text += text
        return text

    def entered(self, times: int) -> None:
        """Read until the alternate screen was entered so many times in all."""
        while self.text.count("\x1b[?1049h") < times:
            self.until("\x1b[?1049h")

    def press(self, keys: bytes) -> None:
        os.write(self.main, keys)

    def ended(self) -> int:
        """Read what is left; returns the exit code."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None or select.select([self.main], [], [], 0)[0]:
            assert time.monotonic() < end, self.text[-3000:]
            if select.select([self.main], [], [], 0.05)[0]:
                self.text += os.read(self.main, 65536).decode("utf-8", "replace")
        return self.process.returncode

    @property
    def restored(self) -> bool:
        """Whether the terminal is as it was."""
        closed = self.text.count("\x1b[?1049h") == self.text.count("\x1b[?1049l") > 0
        shown = self.text.count("\x1b[?25l") == self.text.count("\x1b[?25h") > 0
        return closed and shown and termios.tcgetattr(self.child) == self.before

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.main)
        os.close(self.child)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Watching]]:
    """Return a function that starts a watch in a terminal."""
    started: list[Watching] = []

    def start(*words: str, **options: Any) -> Watching:
        started.append(Watching(words, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def piped(*words: str, **more: Any) -> subprocess.Popen[str]:
    """Start a watch whose stdout is a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "archfb", *words],
        env=variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def lines_until(process: subprocess.Popen[str], wanted: str) -> list[str]:
    """Read lines until one holds the words."""
    found: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        found.append(line.rstrip("\n"))
        if wanted in line:
            return found
    raise AssertionError(found)


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> tuple[str, str]:
    process.send_signal(number)
    return process.communicate(timeout=PATIENCE)


def asked(here: Any, times: int) -> None:
    """Wait until the server was asked so often."""
    end = time.monotonic() + PATIENCE
    while here.server.counts["models"]["m1"] < times and time.monotonic() < end:
        time.sleep(0.02)
    assert here.server.counts["models"]["m1"] == times


def test_q_leaves_with_the_terminal_as_it_was(place: Start, terminal: Start) -> None:
    here = place(m1=OK)
    watch = terminal("health", "--watch", *here.options)
    watch.until("archfb health", "m1", "healthy", "next probe in")
    watch.press(b"q")
    assert watch.ended() == 0
    assert watch.restored


@pytest.mark.parametrize("command", ["health", "status"])
def test_ctrl_c_leaves_with_130_and_the_terminal_as_it_was(place: Start, terminal: Start, command: str) -> None:
    here = place(m1=[{"fault": "hang"}], more="")

    def stopped() -> float:
        watch = terminal(command, "--watch", *here.options)
        watch.until(f"archfb {command}", "m1")
        began = time.monotonic()
        watch.process.send_signal(signal.SIGINT)
        assert watch.ended() == 130
        took = time.monotonic() - began
        assert watch.restored
        assert "Traceback" not in watch.text
        return took

    assert best(stopped, within=2) < 2


def test_a_watch_that_is_interrupted_in_a_round_gives_its_leases_back(place: Start, terminal: Start) -> None:
    here = place(m1=[{"fault": "hang"}])
    config = here.folder / "c.toml"
    config.write_text(config.read_text().replace("stream = false", 'stream = false\nprobe = "completion"'))
    watch = terminal("health", "--watch", *here.options)
    watch.until("probing 1 model")
    asked(here, 1)
    watch.press(b"q")
    assert watch.ended() == 0
    after = json.loads(archfb("status", "--json", *here.options).stdout)["models"][0]
    assert (after["failures"], after["consecutive_failures"]) == (0, 0)
    watch = terminal("health", "--watch", *here.options)
    watch.until("probing 1 model")
    asked(here, 2)


def test_another_size_is_taken_at_once(place: Start, terminal: Start) -> None:
    here = place(m1=OK)
    watch = terminal("status", "--watch", *here.options, size=(60, 12))
    assert "Errors" not in watch.until("m1")
    termios.tcsetwinsize(watch.child, (50, 200))
    watch.process.send_signal(signal.SIGWINCH)
    watch.until("Errors", "p95")


def test_a_stopped_watch_gives_the_terminal_back_and_comes_again(place: Start, terminal: Start) -> None:
    """Ctrl-Z and fg."""
    here = place(m1=OK)
    watch = terminal("status", "--watch", *here.options)
    watch.until("m1")
    watch.process.send_signal(signal.SIGTSTP)
    watch.until("\x1b[?1049l")
    watch.process.send_signal(signal.SIGCONT)
    # Nobody stops a process whose session has no shell, so that it may be back before the signal to go on.
    watch.entered(2)
    watch.press(b"q")
    assert watch.ended() == 0
    assert watch.restored


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": "unknown"}, {"TERM": ""}])
def test_a_terminal_that_cannot_be_drawn_on_gets_lines(place: Start, terminal: Start, env: dict[str, str]) -> None:
    """Row 76."""
    here = place(m1=OK)
    watch = terminal("status", "--watch", *here.options, env={**XTERM, **env})
    watch.until("Z m1: unknown, no evidence yet")
    watch.process.send_signal(signal.SIGINT)
    assert watch.ended() == 130
    assert "\x1b[?" not in watch.text


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (20, 3)])
def test_a_terminal_of_no_size_is_no_bug(place: Start, terminal: Start, size: tuple[int, int]) -> None:
    """Row 76."""
    here = place(m1=OK)
    watch = terminal("status", "--watch", *here.options, size=size, env={**XTERM, "NO_COLOR": "1"})
    watch.until("\x1b[?1049h")
    watch.press(b"q")
    assert watch.ended() == 0


def test_piped_it_writes_the_table_and_a_line_for_each_change(place: Start) -> None:
    here = place(m1=OK, m2=[{"status": 500}])
    process = piped("health", "--watch", *here.options)
    lines = lines_until(process, "m2: unknown -> ")
    lines += (
        lines_until(process, "m1: unknown -> healthy") if not any("m1: unknown ->" in one for one in lines) else []
    )
    assert lines[0].endswith("Z m1: unknown, no evidence yet")
    archfb("drain", "m1", "--for", "1h", "--why", "tests", *here.options)
    assert "drained by" in lines_until(process, "m1: healthy -> unavailable")[-1]
    out, err = stop(process)
    assert (process.returncode, out, err) == (130, "", "")


def test_json_is_one_object_a_line_until_the_end(place: Start) -> None:
    here = place(m1=OK)
    process = piped("health", "--watch", "--json", *here.options)
    lines = lines_until(process, '"after":"healthy"')
    out, err = stop(process, signal.SIGTERM)
    assert (process.returncode, out, err) == (143, "", "")
    first, change = (json.loads(line) for line in lines)
    assert (first["event"], first["schema"], first["models"][0]["status"]) == ("table", 1, "unknown")
    assert (change["event"], change["model"], change["before"]) == ("change", "m1", "unknown")


def test_head_takes_what_it_wants_and_the_watch_ends(place: Start) -> None:
    """Row 77: although nothing changes any more."""
    here = place(m1=OK)
    archfb("health", "-q", *here.options)
    script = f"{sys.executable} -m archfb status --watch {' '.join(here.options)} | head -n 1"
    ended = subprocess.run(
        ["/bin/sh", "-c", script], env=variables(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.stdout.endswith("Z m1: healthy, metadata only\n")
    assert ended.stderr == ""


def test_looking_on_opens_no_socket_and_creates_nothing(place: Start) -> None:
    here = place(m1=OK)
    process = piped("status", "--watch", *here.options)
    lines_until(process, "m1: unknown")
    stop(process)
    assert here.server.connections == 0
    assert sorted(one.name for one in here.folder.iterdir()) == ["c.toml"]


def test_a_state_that_vanishes_is_waited_for(place: Start) -> None:
    """Row 69."""
    here = place(m1=OK)
    archfb("health", "-q", *here.options)
    process = piped("status", "--watch", "--json", *here.options)
    lines_until(process, '"event":"table"')
    state = here.folder / "archfb.db"
    for suffix in ("", "-wal", "-shm"):
        Path(f"{state}{suffix}").unlink(missing_ok=True)
    assert process.stderr is not None
    assert "State file vanished; waiting for it…" in process.stderr.readline()
    assert process.poll() is None
    archfb("health", "-q", *here.options)
    archfb("drain", "m1", "--for", "1h", "--why", "back again", *here.options)
    assert "back again" in lines_until(process, '"after":"unavailable"')[-1]
    stop(process)
    assert process.returncode == 130


def test_two_watchers_and_cron_make_one_probe_for_one_due_time(place: Start) -> None:
    here = place(m1=OK, m2=OK)
    config = here.folder / "c.toml"
    config.write_text(config.read_text().replace("stream = false", 'stream = false\nprobe = "completion"'))
    watchers = [piped("health", "--watch", *here.options) for _ in range(2)]
    archfb("health", "-q", *here.options)
    for one in watchers:
        text = "\n".join(lines_until(one, "m1") + lines_until(one, "m2"))
        assert "m1" in text
        if "healthy" not in text:
            lines_until(one, "-> healthy")
    for one in watchers:
        stop(one)
    assert dict(here.server.counts["models"]) == {"m1": 1, "m2": 1}


def test_the_metrics_are_served_and_written_while_watching(place: Start) -> None:
    here = place(m1=OK)
    file = here.folder / "archfb.prom"
    options = ("--serve", "127.0.0.1:0", "--textfile", str(file))
    process = piped("health", "--watch", *options, *here.options)
    assert process.stderr is not None
    address = process.stderr.readline().split()[-1].rstrip(".")
    lines_until(process, "m1: unknown -> healthy")
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        assert 'model_health_status{model="m1"} 2' in answer.read().decode()
    end = time.monotonic() + PATIENCE
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert 'model_health_status{model="m1"} 2' in file.read_text()
    stop(process)
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--serve", "127.0.0.1:1"], "error: --serve needs --watch."),
        (["--interval", "60"], "error: --interval needs --watch."),
        (["--watch", "--nagios"], "error: --nagios is for a single round; --watch keeps going."),
        (["--watch", "--if-stale", "5"], "error: --if-stale is for a single round; --watch keeps going."),
        (["--watch", "--interval", "1"], "error: --interval must be ≥ 10s (probes cost money); got 1s."),
        (
            ["--watch", "--serve", "nowhere"],
            "error: --serve must be HOST:PORT, such as 127.0.0.1:9464; got 'nowhere'.",
        ),
        (["--watch", "--model", "mm1"], "error: Unknown model 'mm1'."),
        (["--watch", "--textfile", "/nowhere/x.prom"], "error: Cannot write /nowhere/x.prom atomically"),
    ],
)
def test_what_cannot_be_is_refused(place: Start, words: list[str], sentence: str) -> None:
    """Row 12, and 3 for what is 2 elsewhere."""
    ended = archfb("health", *words, *place(m1=OK).options)
    assert ended.returncode == 3
    assert ended.stderr.startswith(sentence)
