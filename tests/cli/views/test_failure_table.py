"""Who failed, how, and when to try again, compared as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rendering import text_of

from archfb.providers.exchange import Usage
from archfb.routing.answer import Answer
from archfb.views.failure_table import failure_view, failures
from archfb_state.decisions import Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt

NOW = 1_800_000_000.0


def attempt(model: str, outcome: Outcome, status: int | None, message: str, took_ms: float = 300.0) -> Attempt:
    """Return one failed attempt that just ended."""
    began = NOW - took_ms / 1000
    return Attempt(
        "i", "c", model, "d", "a", "h", "phase1", "call", outcome, began, NOW, took_ms,
        http_status=status, message=message,
    )  # fmt: skip


ANSWER = Answer(
    False,
    "",
    None,
    "low",
    None,
    Usage(),
    None,
    (
        attempt("m1", Outcome.SERVER_ERROR, 500, "it broke"),
        attempt("m1", Outcome.SERVER_ERROR, 500, "it broke again", 900.0),
        replace(attempt("m2", Outcome.RATE_LIMITED, 429, "slow down"), retry_after_s=20.0),
        attempt("m3", Outcome.NETWORK, None, "connection refused \x1b[2J[/]"),
    ),
    (
        Ranked("m1", "healthy", 1.0, True, "", retry_at=NOW + 45),
        Ranked("m2", "healthy", 0.9, True, ""),
        Ranked("m3", "unknown", 0.8, True, ""),
        Ranked("m4", "unavailable", 0.0, False, "drained by ann: too slow", retry_at=NOW + 7200),
        Ranked("m5", "unavailable", 0.0, False, "no key (M5_KEY)"),
        Ranked("m6", "unavailable", 0.0, False, "key rejected"),
    ),
    since={"m4": NOW - 600, "m6": NOW - 7200},
)

WHOLE = """\
Model  How                     Took  What it said                 Since  What to do        Try again
────────────────────────────────────────────────────────────────────────────────────────────────────
m1     server_error, 2 times  1.2 s  500: it broke again              -  -                   in 45 s
m2     rate_limited           0.3 s  429: slow down                   -  -                   in 20 s
m3     network                0.3 s  connection refused \ufffd[2J[/]       -  -                         -
m4     not asked                  -  drained by ann: too slow    10 min  archfb undrain       in 2 h
m5     not asked                  -  no key (M5_KEY)                  -  set the variable          -
m6     not asked                  -  key rejected                   2 h  check the key             -
"""


def test_row_92_everybody_who_gave_no_answer_is_named() -> None:
    assert text_of(failure_view(ANSWER, 100, NOW), 100) == WHOLE
    assert "Took" not in text_of(failure_view(ANSWER, 78, NOW), 78)


@pytest.mark.parametrize(
    ("why", "advice"),
    [
        ("no key (KEY)", "set the variable"),
        ("access refused", "ask the provider for access"),
        ("region not served", "ask the provider for access"),
        ("no credit", "top up at the provider"),
        ("quota used up (its account)", "wait"),
        ("rate limited (its account)", "wait"),
        ("retired: not found or no access, checked twice", "see archfb doctor"),
        ("open: 3 failures in a row (timeout)", "wait"),
        ("too small", "-"),
    ],
)
def test_row_92_it_is_said_what_to_do_about_each_model_that_is_left_out(why: str, advice: str) -> None:
    answer = replace(ANSWER, attempts=(), decision=(Ranked("m", "unavailable", 0.0, False, why),))
    assert [one.advice for one in failures(answer)] == [advice]


@pytest.mark.parametrize(
    ("outcome", "advice"),
    [
        (Outcome.AUTH, "check the key"),
        (Outcome.QUOTA_EXHAUSTED, "top up at the provider"),
        (Outcome.MODEL_NOT_FOUND, "see archfb doctor"),
        (Outcome.CONTEXT_TOO_LONG, "send less"),
        (Outcome.TIMEOUT, "-"),
    ],
)
def test_row_92_and_about_each_that_has_just_failed(outcome: Outcome, advice: str) -> None:
    answer = replace(ANSWER, attempts=(attempt("m", outcome, None, ""),), decision=())
    assert [one.advice for one in failures(answer)] == [advice]


def test_a_narrow_terminal_gets_lines() -> None:
    assert text_of(failure_view(ANSWER, 30, NOW)).splitlines()[:2] == [
        "m1: server_error, 2 times, 500: it broke again",
        "m2: rate_limited, 429: slow down",
    ]


def test_nobody_is_no_table() -> None:
    assert failure_view(replace(ANSWER, attempts=(), decision=()), 100, NOW) is None
