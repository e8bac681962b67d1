"""What is said while calls are on."""

from __future__ import annotations

import pytest
from rendering import text_of

from archfb import events
from archfb.views.live import Board, Flight, Lines, flights_view, follow, line, progress
from archfb_state.decisions import Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt, Transition

DECISION = Decision("phase1", "low", "balanced", (Ranked("m1", "healthy", 1, True, ""),))


def ended(outcome: Outcome, model: str = "m1", message: str | None = None) -> events.AttemptEnded:
    """Return the end of an attempt of call c1."""
    attempt = Attempt("i", "c1", model, "d", "a", "h", "phase1", "call", outcome, 0.0, 0.3, 300.0, message=message)
    return events.AttemptEnded("c1", "phase1", "structure", attempt)


CALLED = events.CallStarted("c1", "phase1", "structure", DECISION)
ASKED = events.AttemptStarted("c1", "phase1", "structure", "m1", 1)
OVER = events.AttemptStarted("c1", "phase1", "structure", "m2", 1)
DONE = events.CallEnded("c1", "phase1", "structure", "m2", 0.0123)

SCRIPT = [
    events.PhaseStarted("phase1", 3),
    CALLED,
    ASKED,
    ended(Outcome.RATE_LIMITED, message="slow \x1b[2Jdown"),
    OVER,
    ended(Outcome.OK, "m2"),
    events.StatusChanged(Transition(0.0, "m1", "healthy", "degraded", "1 failure")),
    events.StatusChanged(Transition(0.0, "m1", "degraded", "unavailable", "3 failures in a row")),
    DONE,
    events.CallEnded("c2", "phase1", "technology", "m1", None, stored=True),
    events.CallEnded("c3", "phase1", "dependencies", None, None),
    events.Note("1 link skipped"),
    events.Note("for the curious", 1),
    events.PhaseEnded("phase1", "partial", "missing: dependencies"),
]

SAID = [
    "phase1: 3 calls",
    "phase1 structure: m1 rate_limited after 0.3 s (slow \ufffd[2Jdown)",
    "phase1 structure: asking m2",
    "m1 is now unavailable: 3 failures in a row",
    "phase1 structure: answered by m2, $0.012",
    "phase1 technology: stored answer of m1",
    "phase1 dependencies: no answer",
    "1 link skipped",
    "phase1: partial (missing: dependencies)",
]


def test_a_pipe_gets_a_line_for_what_happens() -> None:
    said: list[str] = []
    lines = Lines(say=said.append)
    for event in SCRIPT:
        lines(event)
    assert "".join(said).splitlines() == SAID


def test_the_verbose_hear_of_every_step() -> None:
    said: list[str] = []
    lines = Lines(1, say=said.append)
    for event in SCRIPT:
        lines(event)
    more = [one for one in "".join(said).splitlines() if one not in SAID]
    assert more == [
        "phase1 structure: low complexity, balanced: m1",
        "phase1 structure: asking m1",
        "m1 is now degraded: 1 failure",
        "for the curious",
    ]


def test_the_quiet_hear_nothing() -> None:
    said: list[str] = []
    for event in SCRIPT:
        Lines(quiet=True, say=said.append)(event)
    assert said == []


def test_calls_in_flight_are_followed() -> None:
    flights: dict[str, Flight] = {}
    for at, event in enumerate([CALLED, ASKED, ended(Outcome.TIMEOUT), OVER]):
        flights = follow(flights, event, float(at))
    assert flights == {"c1": Flight("phase1 structure", 0.0, "m2", 1, ("m1 timeout",))}
    assert text_of(flights_view(flights, 12.0, 100)) == "  phase1 structure: m2, attempt 1, 12 s after m1 timeout\n"
    assert text_of(flights_view(flights, 12.0, 30)) == "  phase1 structure: m2, 12 s\n"
    assert follow(flights, DONE, 9.0) == {}


LONG = Flight("phase3 agent_2_routing_and_balancing", 0.0, "openai-reasoning-medium", 2, ("m1 timeout",))


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (100, "  phase3 agent_2_routing_and_balancing: openai-reasoning-medium, attempt 2, 12 s after m1 timeout"),
        (90, "  phase3 agent_2_routing_and_balancing: openai-reasoning-medium, attempt 2, 12 s"),
        (80, "  phase3 agent_2_routing_and_balancing: openai-reasoning-medium, 12 s"),
        (65, "  agent_2_routing_and_balancing: openai-reasoning-medium, 12 s"),
        (60, "  agent_2_routing_and_balan…: openai-reasoning-medium, 12 s"),
        (40, "  agent_2_routi…: openai-reasoni…, 12 s"),
    ],
)
def test_a_call_in_flight_is_told_with_its_time_at_any_width(width: int, shown: str) -> None:
    assert text_of(flights_view({"c1": LONG}, 12.0, width), width) == f"{shown}\n"


def test_a_board_follows_too_before_it_is_drawn() -> None:
    board = Board(clock=lambda: 5.0)
    board(CALLED)
    assert text_of(board.__rich__()) == "  phase1 structure: choosing, 0.0 s\n"


@pytest.mark.parametrize("event", SCRIPT, ids=[type(one).__name__ for one in SCRIPT])
def test_no_line_holds_what_a_terminal_acts_on(event: events.Event) -> None:
    said = line(event, {}, 2)
    assert said is None or said.isprintable()


def test_a_pipe_gets_lines_instead_of_a_board() -> None:
    assert isinstance(progress({"TERM": "xterm"}), Lines)
