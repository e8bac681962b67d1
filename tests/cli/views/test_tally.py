"""What a run has done so far, and how long the rest takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rendering import text_of

from archfb import events
from archfb.views.live import SHOWN, Board, flights_view
from archfb.views.tally import Progress, Tally, counted, left, phases_line, totals_line
from archfb_state.decisions import Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt

ALL = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")


def ended(outcome: Outcome, model: str, *, after: str | None = None, cost: float | None = None) -> events.Event:
    made = Attempt("i", "c1", model, "d", "a", "h", "phase3", "call", outcome, 0.0, 0.3, 300.0)
    counts = {"input_tokens": 12_000, "output_tokens": 300} if outcome == "ok" else {}
    whole = replace(made, cost_usd=cost, fallback_from=after, **counts)
    return events.AttemptEnded("c1", "phase3", "agent_1", whole)


SCRIPT = [
    events.PhaseStarted("phase1", 3),
    *(events.CallEnded(f"s{at}", "phase1", "x", "m", 0.0, stored=True) for at in range(3)),
    events.PhaseEnded("phase1", "stored"),
    events.PhaseStarted("phase3", 5),
    ended(Outcome.SERVER_ERROR, "m1"),
    ended(Outcome.OK, "m2", after="m1", cost=0.02),
    events.CallEnded("c1", "phase3", "agent_1", "m2", 0.02),
]


def told(script: list[events.Event]) -> Tally:
    tally = Tally(ALL)
    for event in script:
        tally = counted(tally, event)
    return tally


def test_phases_tokens_cost_and_hand_overs_are_counted() -> None:
    tally = told(SCRIPT)
    assert phases_line(tally) == "phase1 stored · phase2 · phase3 1 of 5 · phase4 · phase5 · final"
    assert totals_line(tally, 130.0) == "12,000 tokens in, 300 out · $0.02 · 1 hand-over · about 2 min left"
    assert totals_line(told([*SCRIPT, ended(Outcome.OK, "m")]), None) == (
        "24,000 tokens in, 600 out · $0.02 and 1 answer of unknown price · 1 hand-over"
    )


def test_a_hand_over_counts_when_the_next_model_is_asked() -> None:
    def asked(model: str, number: int = 1) -> events.Event:
        return events.AttemptStarted("c1", "phase3", "agent_1", model, number)

    failed = ended(Outcome.SERVER_ERROR, "m1")
    script = [asked("m1"), failed, asked("m1", 2), failed]
    assert told(script).handovers == 0
    assert told([*script, asked("m2")]).handovers == 1
    assert told([*script, asked("m2"), ended(Outcome.OK, "m2", after="m1")]).handovers == 1


LEFT = [
    (Tally(("phase1",), {"phase1": Progress(3)}), {"phase1": [4.0, 1.0]}, 9.0 + 10.0),
    (Tally(("phase1",), {"phase1": Progress(3, 3, 3, "done")}), {}, 0.0),
    (Tally(("phase1", "phase2"), {"phase1": Progress(3, 3, 3, "done")}), {}, 20.0),
    (Tally(("phase1", "final")), {}, None),
    (Tally(("phase1",), {"phase1": Progress(9)}), {}, 50.0),
    (Tally(("phase1",), {"phase1": Progress(1)}), {"phase1": [60.0]}, 0.0),
    (Tally(), {}, None),
]


@pytest.mark.parametrize(("tally", "running", "seconds"), LEFT)
def test_the_time_left_is_what_flies_and_the_waves_behind_it(
    tally: Tally, running: dict[str, list[float]], seconds: float | None
) -> None:
    assert left(tally, {"phase1": 10.0, "phase2": 20.0}, 2, running) == seconds


BOARD = """\
phase1 stored · phase2 · phase3 1 of 5 · phase4 · phase5 · final
  phase3 agent_2: m2, attempt 1, 7.0 s
12,000 tokens in, 300 out · $0.02 · 1 hand-over · about 26 s left
"""


def test_the_board_holds_phases_calls_and_totals() -> None:
    now = [0.0]
    board = Board(phases=ALL, slots=8, typical=dict.fromkeys(ALL, 8.25), clock=lambda: now[0])
    decision = Decision("phase3", "low", "balanced", (Ranked("m2", "healthy", 1, True, ""),))
    flying = [
        events.CallStarted("c2", "phase3", "agent_2", decision),
        events.AttemptStarted("c2", "phase3", "agent_2", "m2", 1),
    ]
    for event in [*SCRIPT, *flying]:
        board(event)
    now[0] = 7.0
    assert text_of(board.__rich__(), 80).startswith(BOARD.splitlines()[0])
    lines = text_of(board.__rich__(), 80).splitlines()
    assert lines[:2] == BOARD.splitlines()[:2]
    assert lines[2].startswith("12,000 tokens in, 300 out · $0.02 · 1 hand-over · about ")


NARROW = {
    60: "phase1 stored · phase2 · phase3 1 of 5 · phase4 · phase5\nfinal\n"
    "12,000 tokens in, 300 out · $0.02 · 1 hand-over\n",
    40: "phase1 stored · phase2 · phase3 1 of 5\nphase4 · phase5 · final\n"
    "12,000 tokens in, 300 out · $0.02\n1 hand-over\n",
}


@pytest.mark.parametrize("width", NARROW)
def test_a_narrow_board_names_every_phase(width: int) -> None:
    tally = told(SCRIPT)
    shown = flights_view({}, 0.0, width, (phases_line(tally), totals_line(tally, None)))
    assert text_of(shown, width) == NARROW[width]


def test_a_board_of_many_calls_fits_a_small_terminal() -> None:
    board = Board(phases=ALL, clock=lambda: 1.0)
    board(events.PhaseStarted("phase3", 40))
    for at in range(40):
        board(events.AttemptStarted(f"c{at}", "phase3", f"agent_{at}", "m", 1))
    lines = text_of(board.__rich__(), 80).splitlines()
    assert len(lines) == SHOWN + 3 <= 22
    assert lines[-2] == "  and 28 more"
