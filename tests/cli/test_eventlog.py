"""One JSON object per event, rotated, and never in the way of the call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archfb import events
from archfb.errors import UsageError
from archfb.eventlog import ROTATE_AT, EventLog, observers, record
from archfb.session import Session
from archfb_state.decisions import Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt, Transition

AT = 1_800_000_000.0
ATTEMPT = Attempt("i", "c1", "m1", "d", "a", "h", "phase1", "call", Outcome.OK, AT, AT + 1, 1000.0, run_id="r1")
DECISION = Decision("phase1", "low", "balanced", (Ranked("m1", "healthy", 1, True, ""),))

EVENTS = [
    (events.PhaseStarted("phase1", 3), {"phase": "phase1", "calls": 3}),
    (events.Note("a note"), {"text": "a note", "level": 0}),
    (
        events.AttemptEnded("c1", "phase1", "structure", ATTEMPT),
        {"call_id": "c1", "run_id": "r1", "model": "m1", "outcome": "ok", "latency_ms": 1000.0},
    ),
    (
        events.StatusChanged(Transition(AT, "m1", "healthy", "degraded", "slow")),
        {"model": "m1", "before": "healthy", "after": "degraded", "reason": "slow", "at": "2027-01-15T08:00:00Z"},
    ),
    (
        events.CallStarted("c1", "phase1", "s", DECISION),
        {"call_id": "c1", "phase": "phase1", "first_choice": "m1"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("event", "holds"), EVENTS, ids=[type(one).__name__ for one, _ in EVENTS])
def test_an_event_is_a_flat_object(event: events.Event, holds: dict[str, object]) -> None:
    told = record(event, AT)
    assert told["event"] == type(event).__name__
    assert holds.items() <= told.items()
    json.dumps(told)


def test_a_full_log_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * ROTATE_AT)
    log = EventLog(str(path), lambda: AT)
    log(events.Note("first of the new"))
    assert (tmp_path / "log.1").stat().st_size == ROTATE_AT
    assert json.loads(path.read_text())["text"] == "first of the new"


def test_a_disk_that_is_full_is_not_in_the_way() -> None:
    EventLog("/dev/full", lambda: AT)(events.Note("lost"))


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot write the log"):
        EventLog(str(tmp_path), lambda: AT)


def test_the_environment_can_name_the_log_too(tmp_path: Path) -> None:
    seen: list[events.Event] = []
    tell = observers(Session(environ={"ARCHFB_LOG": f"{tmp_path}/log"}), seen.append)
    tell(events.Note("x"))
    assert seen == [events.Note("x")]
    assert (tmp_path / "log").read_text().count("\n") == 1
