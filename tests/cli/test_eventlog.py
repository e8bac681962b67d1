"""One JSON object per event, rotated, without keys or prompts, and never in the way of the call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE, variables
from scripted_server import ServerThread

from archfb import events
from archfb.door import enter
from archfb.errors import UsageError
from archfb.eventlog import KEPT, NAMES, ROTATE_AT, EventLog, observers, record
from archfb.session import Session
from archfb_state.decisions import Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt, Transition
from archfb_state.store import Run

AT = 1_800_000_000.25
ATTEMPT = Attempt("i", "c1", "m1", "d", "a", "h", "phase1", "call", Outcome.OK, AT, AT + 1, 1000.0, run_id="r1")
DECISION = Decision("phase1", "low", "balanced", (Ranked("m1", "healthy", 1, True, ""),))
PROBE = Attempt("p", "c2", "m1", "d", "a", "h", "probe", "metadata", Outcome.TIMEOUT, AT, AT + 1, 1000.0)

EVENTS: list[tuple[events.Event, dict[str, object]]] = [
    (events.PhaseStarted("phase1", 3), {"event": "phase", "status": "started", "phase": "phase1", "calls": 3}),
    (events.PhaseEnded("phase1", "done"), {"event": "phase", "status": "done"}),
    (events.Note("a note"), {"event": "note", "text": "a note", "level": 0, "at": "2027-01-15T08:00:00.250Z"}),
    (
        events.AttemptEnded("c1", "phase1", "structure", ATTEMPT),
        {
            "event": "attempt",
            "call_id": "c1",
            "run_id": "r1",
            "model": "m1",
            "outcome": "ok",
            "latency_ms": 1000.0,
            "started_at": "2027-01-15T08:00:00.250Z",
            "at": "2027-01-15T08:00:01.250Z",
        },
    ),
    (
        events.ProbeEnded(PROBE),
        {"event": "attempt", "phase": "probe", "kind": "metadata", "outcome": "timeout"},
    ),
    (
        events.StatusChanged(Transition(AT, "m1", "healthy", "degraded", "slow")),
        {"event": "transition", "model": "m1", "from": "healthy", "to": "degraded", "reason": "slow"},
    ),
    (
        events.CallStarted("c1", "phase1", "s", DECISION),
        {"event": "decision", "call_id": "c1", "phase": "phase1", "first_choice": "m1"},
    ),
    (
        events.RunChanged(Run("r1", AT, "run phase1", "/r", "phase1")),
        {"event": "run", "run_id": "r1", "status": "started", "started_at": "2027-01-15T08:00:00Z"},
    ),
    (
        events.RunChanged(Run("r1", AT, "run phase1", "/r", "phase1", AT + 9, False, "no model", 0.5)),
        {"event": "run", "status": "failed", "error": "no model", "cost_usd": 0.5, "repo": "/r"},
    ),
]


@pytest.mark.parametrize(("event", "holds"), EVENTS, ids=[type(one).__name__ for one, _ in EVENTS])
def test_an_event_is_a_flat_object(event: events.Event, holds: dict[str, object]) -> None:
    told = record(event, AT)
    assert holds.items() <= told.items()
    json.dumps(told)


def test_every_event_has_a_name() -> None:
    assert set(NAMES) == set(events.Event.__args__)


def test_a_full_log_is_moved_aside_and_a_few_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = EventLog(str(path), lambda: AT)
    for number in range(KEPT + 2):
        log(events.Note(f"first of {number}"))
        with path.open("ab") as file:
            file.truncate(ROTATE_AT)
    log(events.Note("last"))
    assert json.loads(path.read_text())["text"] == "last"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1", "log.2", "log.3"]
    assert b"first of 2" in (tmp_path / "log.3").read_bytes()
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_one_that_another_process_has_just_moved_is_not_moved_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    ours, theirs = EventLog(str(path), lambda: AT), EventLog(str(path), lambda: AT)
    with path.open("ab") as file:
        file.truncate(ROTATE_AT)
    theirs(events.Note("theirs"))
    ours(events.Note("ours"))
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["theirs", "ours"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1"]


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_log_taken_away_begins_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "log"
    log = EventLog(str(path), lambda: AT)
    path.rename(tmp_path / "old") if how == "moved" else path.unlink()
    log(events.Note("after"))
    assert json.loads(path.read_text())["text"] == "after"


WRITER = """
import sys
from archfb import eventlog, events
eventlog.ROTATE_AT = 4000
log = eventlog.EventLog(sys.argv[1], lambda: 0.0)
for number in range(150):
    log(events.Note(f"{sys.argv[2]} {number}"))
"""


def test_processes_that_share_a_log_lose_and_mix_nothing_while_it_is_rotated(tmp_path: Path) -> None:
    kept = WRITER.replace("eventlog.ROTATE_AT = 4000", "eventlog.ROTATE_AT = 4000; eventlog.KEPT = 50")
    started = [
        subprocess.Popen([sys.executable, "-c", kept, f"{tmp_path}/log", name], env=variables()) for name in "abc"
    ]
    assert [one.wait(PATIENCE) for one in started] == [0, 0, 0]
    lines = [line for file in tmp_path.iterdir() for line in file.read_text().splitlines()]
    assert sorted(json.loads(line)["text"] for line in lines) == sorted(
        f"{name} {number}" for name in "abc" for number in range(150)
    )
    assert len(list(tmp_path.iterdir())) > 5


def test_a_disk_that_is_full_is_not_in_the_way() -> None:
    EventLog("/dev/full", lambda: AT)(events.Note("lost"))


def test_a_reader_that_stands_still_is_not_in_the_way(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="Cannot write the log"):
        EventLog(f"{tmp_path}/pipe", lambda: AT)
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    log = EventLog(f"{tmp_path}/pipe", lambda: AT)
    for _ in range(2000):
        log(events.Note("x" * 100))
    os.close(reader)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot write the log"):
        EventLog(str(tmp_path), lambda: AT)


def test_the_environment_can_name_the_log_too(tmp_path: Path) -> None:
    seen: list[events.Event] = []
    tell = observers(Session(environ={"ARCHFB_LOG": f"{tmp_path}/log"}), seen.append)
    tell(events.Note("x"))
    assert seen == [events.Note("x")]
    assert (tmp_path / "log").read_text().count("\n") == 1


KEY, PROMPT, ANSWER = "sk-canary-0123456789abcdefghij", "tell nobody of the heron", "the heron stands"

CONFIG = """
[providers.p]
api = "openai-chat"
base_url = "{url}/v1"
api_key_env = "P_API_KEY"
[models.echo]
provider = "p"
model = "echo"
weight = 9.0
[models.good]
provider = "p"
model = "good"
[chains]
phase1 = ["echo", "good"]
"""


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_no_key_prompt_or_answer_is_ever_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The provider itself repeats the key in its error."""
    monkeypatch.setenv("P_API_KEY", KEY)
    models = {"echo": [{"status": 500, "message": f"cannot use {KEY} \x1b[2J"}], "good": [{"text": ANSWER}]}
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text(f"# {PROMPT}\n")
    with ServerThread({"models": models}) as server:
        (tmp_path / "c.toml").write_text(CONFIG.format(url=server.url))
        options = ["--config", f"{tmp_path}/c.toml", "--state", f"{tmp_path}/s.db", "--log-json", f"{tmp_path}/log"]
        assert enter(["ask", PROMPT, *options]) == 0
        assert enter(["run", "phase1", f"{tmp_path}/code", *options]) == 0
        assert enter(["health", "--all", *options]) in {0, 1}
    capsys.readouterr()
    text = (tmp_path / "log").read_text()
    assert not [one for one in (KEY, PROMPT, ANSWER, "\x1b", "canary") if one in text]
    found = lines_of(tmp_path / "log")
    assert {one["event"] for one in found} >= {"attempt", "transition", "decision", "run", "call", "phase"}
    assert {one.get("kind") for one in found if one["event"] == "attempt"} >= {"call", "metadata"}
    run_id = next(one["run_id"] for one in found if one["event"] == "run")
    begun = next(at for at, one in enumerate(found) if one["event"] == "run")
    ended = next(at for at, one in enumerate(found) if one["event"] == "run" and one["status"] != "started")
    assert {one["run_id"] for one in found[begun : ended + 1] if one.get("phase") != "probe"} == {run_id}


@pytest.mark.parametrize(("path", "stream"), [("/dev/stderr", "stderr"), ("/dev/fd/1", "stdout")])
def test_a_containers_log_is_a_stream_of_the_process_though_it_is_a_pipe(path: str, stream: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "archfb", "ask", "hi", "-q", "--log-json", path],
        env=variables(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = [json.loads(line) for line in getattr(ended, stream).splitlines() if line.startswith("{")]
    assert {"decision", "attempt"} <= {one["event"] for one in told}
