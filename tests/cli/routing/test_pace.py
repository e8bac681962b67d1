"""How long attempts may take and repeats wait."""

import random

import pytest

from archfb.config.model import Provider
from archfb.providers.exchange import Reply
from archfb.routing.pace import RepeatBudget, attempt_limits, repeat_wait, short_enough, worth_repeating
from archfb_state.outcomes import Outcome

PROVIDER = Provider("p", "openai-chat", timeout=120, connect_timeout=10, idle_timeout=60)


@pytest.mark.parametrize(
    ("left", "others", "total"),
    [(600, 3, 120), (600, 0, 120), (100, 1, 90), (100, 0, 100), (2, 1, 1), (2, 0, 2), (-1, 0, 0.05)],
)
def test_an_attempt_leaves_room_for_another_candidate(left: float, others: int, total: float) -> None:
    limits = attempt_limits(PROVIDER, left, others)
    assert limits.total == total
    assert limits.connect <= total
    assert limits.idle <= total


def test_with_reasoning_silence_may_last_as_long_as_the_attempt() -> None:
    assert attempt_limits(PROVIDER, 600, 1, reasoning=True).idle == 120
    assert attempt_limits(PROVIDER, 600, 1).idle == 60


def test_a_repeat_with_others_ready_is_quick_and_the_last_one_outlasts_a_blip() -> None:
    rng = random.Random(1)
    quick = [repeat_wait(2, rng) for _ in range(200)]
    patient = [repeat_wait(0, rng) for _ in range(200)]
    assert 0 <= min(quick) < max(quick) <= 0.25
    assert 0.3 < min(patient) < max(patient) <= 1.0


@pytest.mark.parametrize(
    ("outcome", "partial", "again"),
    [
        ("server_error", "", True),
        ("server_error", "half an ans", False),
        ("overloaded", "", True),
        ("network", "", True),
        ("malformed", "", True),
        ("timeout", "", False),
        ("auth", "", False),
        ("rate_limited", "", False),
        ("truncated", "", False),
        ("ok", "", False),
    ],
)
def test_only_failures_that_a_repeat_can_mend_are_repeated(outcome: str, partial: str, again: bool) -> None:
    assert worth_repeating(Reply(Outcome(outcome), partial=partial)) is again


@pytest.mark.parametrize(
    ("wait", "left", "waits"), [(4, 600, True), (5, 600, True), (5.1, 600, False), (4, 30, False), (0, 1, True)]
)
def test_a_hold_is_waited_for_only_when_short_in_itself_and_beside_the_deadline(
    wait: float, left: float, waits: bool
) -> None:
    assert short_enough(wait, left) is waits


def test_a_host_that_keeps_failing_runs_out_of_repeats_and_earns_them_back() -> None:
    budget = RepeatBudget()
    assert [budget.take("h") for _ in range(11)] == [True] * 10 + [False]
    assert budget.take("another")
    for _ in range(5):
        budget.earn("h")
    assert budget.take("h")
    assert not budget.take("h")
