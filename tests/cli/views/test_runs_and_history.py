"""Past runs and the history, compared as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rendering import text_of

from archfb.periods import History, periods
from archfb.views.history_view import history_view
from archfb.views.phrases import duration, milliseconds, money, percent, until
from archfb.views.runs_view import phases_of, run_view, runs_view
from archfb.views.strip import ASCII
from archfb_state.decisions import Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt, Transition
from archfb_state.store import PhaseResult, Run, StoredDecision

AT = 1_799_999_940.0
RUNS = [
    Run("0123456789abcdef", AT, "run phase2", "/repo", "phase2", AT + 75, True, None, 0.0123),
    Run("fedcba9876543210", AT - 9000, "run all", "/other", "all", AT - 8000, False, "every attempt failed", 1.5),
    Run("aaaa", AT - 90000, "run final", "/[b]x[/]", "final"),
]


def attempt(model: str, outcome: Outcome, at: float, took_ms: float = 800.0, cost: float | None = 0.001) -> Attempt:
    """Return one attempt."""
    return Attempt(
        f"{model}{at}", "c", model, "d", "a", "h", "phase1", "call", outcome, at, at + 1, took_ms, cost_usd=cost
    )


def test_runs_are_listed_newest_first() -> None:
    assert text_of(runs_view(RUNS, 110), 110) == (
        "Run           Started (UTC)        Phase   Repository    Took    Cost  Outcome\n"
        "───────────────────────────────────────────────────────────────────────────────────────────────────\n"
        "0123456789ab  2027-01-15 07:59:00  phase2  /repo         75 s  $0.012  done\n"
        "fedcba987654  2027-01-15 05:29:00  all     /other      17 min   $1.50  failed: every attempt failed\n"
        "aaaa          2027-01-14 06:59:00  final   /[b]x[/]         -       -  unfinished\n"
    )


def test_no_runs_say_how_to_start_one() -> None:
    assert text_of(runs_view([], 80)) == "No runs yet. Start one: archfb run phase2 PATH\n"


def test_one_run_shows_answers_attempts_and_decisions() -> None:
    decision = Decision(
        "phase1",
        "low",
        "balanced",
        (
            Ranked("m1", "healthy", 0.9, True, "its turn", {"weight": 1.0, "success": 0.9}),
            Ranked("m2", "unavailable", 0, False, "held", retry_at=AT + 40),
        ),
        {"size": 0.0, "files": 0.12},
    )
    later = replace(decision, ranked=(replace(decision.ranked[0], score=0.8), decision.ranked[1]))
    alone = replace(decision, phase="phase2", ranked=decision.ranked[1:])
    view = run_view(
        RUNS[0],
        [PhaseResult("k", "phase1", "structure", "m1", AT, "text", cost_usd=0.001)],
        [attempt("m1", Outcome.SERVER_ERROR, AT), attempt("m1", Outcome.OK, AT + 2)],
        [StoredDecision(AT, "c", None, one) for one in (decision, alone, later)],
        100,
    )
    assert text_of(view) == (
        "Run 0123456789abcdef: phase2 on /repo\n"
        "2027-01-15 07:59:00 UTC, took 75 s, cost $0.012, done\n"
        "Stored by earlier runs: phase2\n"
        "\n"
        "Answers\n"
        "Phase   Role       Made by    Cost  Note\n"
        "────────────────────────────────────────\n"
        "phase1  structure  m1       $0.001  -\n"
        "\n"
        "2 attempts\n"
        "At (UTC)             Phase   Model  Outcome         Took    Cost  Message\n"
        "─────────────────────────────────────────────────────────────────────────\n"
        "2027-01-15 07:59:00  phase1  m1     server_error  0.80 s  $0.001  -\n"
        "2027-01-15 07:59:02  phase1  m1     ok            0.80 s  $0.001  -\n"
        "\n"
        "Decisions\n"
        "phase1: low complexity (files 0.12), balanced; 2 calls\n"
        "#  Model  Status       Score  Why       Terms                   Retry\n"
        "─────────────────────────────────────────────────────────────────────\n"
        "1  m1     healthy      0.900  its turn  weight=1 success=0.9        -\n"
        "-  m2     unavailable      -  held                            in 40 s\n"
        "\n"
        "phase2: low complexity (files 0.12), balanced; 1 call\n"
        "#  Model  Status       Score  Why   Terms    Retry\n"
        "──────────────────────────────────────────────────\n"
        "-  m2     unavailable      -  held         in 40 s\n"
    )


def test_one_run_is_told_in_lines_where_a_table_would_be_guessed() -> None:
    answers = [PhaseResult("k", "final", "rules", "openai-reasoning-medium", AT, "text")]
    view = run_view(RUNS[0], answers, [attempt("m1", Outcome.SERVER_ERROR, AT)], [], 40)
    assert text_of(view, 40) == (
        "Run 0123456789abcdef: phase2 on /repo\n"
        "2027-01-15 07:59:00 UTC, took 75 s, cost\n"
        "$0.012, done\n"
        "Stored by earlier runs: phase2\n"
        "\n"
        "Answers\n"
        "final rules: openai-reasoning-medium\n"
        "\n"
        "1 attempt\n"
        "phase1 m1: server_error, 0.80 s\n"
    )


WENT: list[tuple[str | None, bool | None, str, str, list[tuple[str, str]]]] = [
    ("phase2", True, "12", "12", [("phase1", "done"), ("phase2", "done")]),
    ("phase3", True, "3", "3", [("phase1", "stored"), ("phase2", "stored"), ("phase3", "done")]),
    ("phase2", True, "", "", [("phase1", "stored"), ("phase2", "stored")]),
    ("all", False, "2", "23", [("phase1", "stored"), ("phase2", "done"), ("phase3", "failed")]),
    ("all", None, "1", "1", [("phase1", "done")]),
    ("phase2", False, "", "", []),
    (None, True, "", "", []),
]


@pytest.mark.parametrize(("phase", "ok", "made", "tried", "went"), WENT)
def test_a_run_names_the_phases_that_it_went_through_and_which_it_found(
    phase: str | None, ok: bool | None, made: str, tried: str, went: list[tuple[str, str]]
) -> None:
    results = [PhaseResult("k", f"phase{one}", "r", "m1", AT, "text") for one in made]
    attempts = [replace(attempt("m1", Outcome.OK, AT), phase=f"phase{one}") for one in tried]
    assert phases_of(replace(RUNS[0], phase=phase, ok=ok), results, attempts) == went


def test_history_is_told_by_period_with_every_change() -> None:
    found = periods(
        [
            attempt("m1", Outcome.OK, 7200.0, 500.0),
            attempt("m1", Outcome.OK, 7300.0, 1500.0),
            attempt("m1", Outcome.TIMEOUT, 7400.0),
            attempt("m1", Outcome.CANCELLED, 7500.0),
            attempt("m2", Outcome.OK, 10900.0, cost=None),
        ],
        3600.0,
    )
    changes = [Transition(7400.0, "m1", "healthy", "degraded", "1 failure in a row (timeout)")]
    told = History(7200.0, 14000.0, 3600.0, tuple(found))
    assert text_of(history_view(told, changes, 110, detailed=True), 110) == (
        "m1: 2/3 answered (67 %), $0.004, 1 cancelled, 1 timeout\n"
        "  answered ▆·\n"
        "  p50      ▁· 0.50 s\n"
        "  p95      ▁· 1.50 s\n"
        "\n"
        "m2: 1/1 answered (100 %), price unknown\n"
        "  answered ·█\n"
        "  p50      ·▁ 0.80 s\n"
        "  p95      ·▁ 0.80 s\n"
        "\n"
        "A column is an hour, from 1970-01-01 02:00 UTC.\n"
        "\n"
        "From (UTC)        Model  Answered  Share     p50     p95     p99    Cost  Outcomes\n"
        "──────────────────────────────────────────────────────────────────────────────────────────────────────\n"
        "1970-01-01 02:00  m1          2/3   67 %  0.50 s  1.50 s  1.50 s  $0.004  1 cancelled, 2 ok, 1 timeout\n"
        "1970-01-01 03:00  m2          1/1  100 %  0.80 s  0.80 s  0.80 s       -  1 ok\n"
        "\n"
        "1970-01-01 02:03:20 m1: healthy to degraded (1 failure in a row (timeout))\n"
    )


def test_a_history_is_cut_to_the_newest_that_fit_and_needs_no_unicode() -> None:
    hours = [attempt("m1", Outcome.OK if at % 7 else Outcome.TIMEOUT, at * 3600.0, at * 10.0) for at in range(48)]
    told = History(0.0, 48 * 3600.0 - 1, 3600.0, tuple(periods(hours, 3600.0)))
    said = text_of(history_view(told, [], 60, of=ASCII), 60)
    assert said.isascii()
    assert "  answered 8888188888818888881888888188888\n" in said
    assert "A column is an hour, from 1970-01-01 17:00 UTC, the last 31" in said
    assert max(map(len, said.splitlines()[:5])) <= 60


def test_an_empty_history_says_so() -> None:
    assert text_of(history_view(History(0.0, 1.0, 3600.0, ()), [], 80)) == "Nothing was recorded in that time.\n"


PHRASES = [
    (duration(0.04), "0.0 s"),
    (duration(9.94), "9.9 s"),
    (duration(99), "99 s"),
    (duration(100), "2 min"),
    (duration(5969), "99 min"),
    (duration(5970), "2 h"),
    (duration(90000), "25 h"),
    (duration(10 * 86400), "10 d"),
    (duration(-5), "0.0 s"),
    (duration(None), "-"),
    (until(5.0, 5.0), "now"),
    (until(65.0, 5.0), "in 60 s"),
    (until(None, 5.0), "-"),
    (milliseconds(9994), "9.99 s"),
    (milliseconds(12345), "12.3 s"),
    (milliseconds(None), "-"),
    (money(0.0), "$0"),
    (money(0.000004), "<$0.0001"),
    (money(0.00042), "$0.00042"),
    (money(0.3), "$0.30"),
    (money(1234.5), "$1,234.50"),
    (money(None), "-"),
    (percent(0.0), "0 %"),
    (percent(0.048), "4.8 %"),
    (percent(0.25), "25 %"),
]


@pytest.mark.parametrize(("said", "expected"), PHRASES)
def test_numbers_are_said_as_people_read_them(said: str, expected: str) -> None:
    assert said == expected
