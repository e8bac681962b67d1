from __future__ import annotations

from random import Random

import pytest
from core_bench import DAY, START, Core

from archfb_state.core import breaker
from archfb_state.settings import Health, Settings


def opened(**health: float) -> Core:
    """Return a core whose model a has just opened."""
    core = Core(Settings(Health(**health)))  # type: ignore[arg-type]  # a table's numbers
    core.record("a", "ok", "server_error", "server_error", "server_error")
    return core


def test_the_wait_grows_with_each_failed_trial_within_a_fifth_and_is_capped() -> None:
    core = opened()
    for n in range(12):
        wait = core.deployment("a").retry_at - core.now
        full = 30 * 1.5**n
        assert min(0.8 * full, 720) <= wait <= min(1.2 * full, 900)
        core.wait(wait)
        assert core.standing("a").trial
        core.record("a", "server_error", after=0)
    assert core.deployment("a").openings == 9


def test_waits_are_spread_over_both_fifths_so_that_models_that_died_together_are_not_tried_together() -> None:
    waits = []
    for seed in range(40):
        core = Core(rng=Random(seed))
        core.record("a", *["server_error"] * 3)
        waits.append((core.deployment("a").retry_at or 0.0) - core.now)
    assert min(waits) < 26 < 34 < max(waits)
    assert len(set(waits)) == 40


def test_evidence_of_failures_alone_is_capped_too() -> None:
    core = Core(Settings(Health(retry_count=1000)))
    core.record("a", *["server_error"] * 120)
    record = core.deployment("a")
    assert (record.alpha, record.beta) == (0.0, pytest.approx(50))


def test_a_wait_of_zero_and_a_factor_of_one_are_allowed() -> None:
    core = opened(backoff_base=0.001, backoff_factor=1.0, backoff_max=60.0)
    core.record("a", *["timeout"] * 200)
    assert core.deployment("a").retry_at - core.now < 0.01


def test_a_huge_factor_overflows_nothing() -> None:
    core = opened(backoff_factor=1e300)
    core.wait(100).record("a", "timeout")
    core.wait(1000).record("a", "timeout")
    assert core.deployment("a").retry_at - core.now <= 900


def test_only_a_trial_raises_the_back_off() -> None:
    core = opened()
    before = core.deployment("a")
    core.record("a", "timeout", after=2)
    record = core.deployment("a")
    assert (record.openings, record.retry_at) == (before.openings, before.retry_at)
    assert record.consecutive == 4
    assert (record.beta, record.suspicion) == pytest.approx((before.beta, before.suspicion), rel=1e-3)


def test_a_generation_closes_it_on_probation_and_two_more_failures_open_it_again() -> None:
    core = opened()
    core.wait(40).record("a", "ok")
    found = core.standing("a")
    assert (found.status, found.reason) == ("degraded", "on probation after it was unavailable")
    assert found.error_rate == 0
    core.record("a", "server_error")
    assert core.status("a") == "degraded"
    core.record("a", "server_error")
    assert core.standing("a").reason == "open: fails too often (server_error)"
    assert (core.deployment("a").probation, core.deployment("a").probation_failures) == (0, 0)
    assert core.deployment("a").openings == 2
    assert 36 <= core.deployment("a").retry_at - core.now <= 54


def test_probation_ends_after_two_successes_or_half_an_hour() -> None:
    core = opened()
    core.wait(40).record("a", "ok", "server_error", "ok")
    assert core.status("a") == "degraded"
    core.record("a", "ok")
    assert core.status("a") == "healthy"
    core.record("a", "server_error", "server_error")
    assert core.status("a") == "degraded"
    other = opened()
    other.wait(40).record("a", "ok")
    assert other.wait(1799).status("a") == "degraded"
    assert other.wait(2).status("a") == "healthy"
    other.record("a", "server_error", "server_error")
    assert other.status("a") == "degraded"


def test_failures_of_a_probation_need_not_be_in_a_row() -> None:
    core = opened()
    core.wait(40).record("a", "ok", "server_error", "ok", "server_error")
    assert core.status("a") == "unavailable"


def test_an_answer_to_what_was_asked_before_it_opened_closes_nothing() -> None:
    core = opened()
    core.wait(3)
    core.attempt("a", "ok", START)
    assert core.status("a") == "unavailable"
    assert core.deployment("a").consecutive == 3


def test_a_quiet_half_hour_takes_one_opening_off_the_back_off() -> None:
    core = opened()
    for _ in range(4):
        core.wait(500).record("a", "server_error")
    assert core.deployment("a").openings == 5
    core.wait(500).record("a", *["ok"] * 5)
    core.wait(2 * 1800).record("a", "server_error")
    assert core.deployment("a").openings == 3
    core.record("a", "server_error", "server_error")
    assert core.deployment("a").openings == 4


def test_a_half_open_record_of_another_version_is_an_open_one() -> None:
    core = Core()
    core.put_deployment("a", breaker="half_open", consecutive=3)
    assert core.standing("a").trial
    assert core.standing("a").reason == "open: 3 failures in a row (unknown)"
    core.record("a", "ok")
    assert core.deployment("a").breaker == "closed"


@pytest.mark.parametrize("jump", [-DAY, -3652 * DAY, DAY, 3652 * DAY])
def test_no_clock_jump_leaves_an_open_breaker_stuck(jump: float) -> None:
    core = opened()
    for _ in range(12):
        core.wait(901).record("a", "server_error")
    core.wait(jump)
    assert core.standing("a").trial
    assert core.due("a") is not None
    core.record("a", "server_error")
    assert 700 <= core.deployment("a").retry_at - core.now <= 900
    core.wait(901).record("a", "ok")
    assert core.status("a") == "degraded"


def test_an_episode_of_a_clock_that_was_set_back_hides_no_dead_model() -> None:
    core = Core().wait(3652 * DAY)
    core.record("a", "server_error")
    core.wait(-3652 * DAY).record("a", "server_error", "server_error")
    assert core.status("a") == "unavailable"


def test_a_wait_that_no_back_off_reaches_is_over() -> None:
    core = opened()
    core.put_deployment("a", retry_at=core.now + 1000)
    assert core.standing("a").trial


def test_settling_rebases_what_a_wrong_clock_wrote() -> None:
    core = Core().wait(DAY)
    core.record("a", "server_error", "server_error", "server_error")
    core.record("c", "model_not_found")
    core.wait(-DAY).settle()
    assert core.deployment("a").opened_at == core.now
    assert core.deployment("a").retry_at is None
    assert core.deployment("c").not_found_at == core.now
    assert core.deployment("c").openings_at is None
    assert core.deployment("a").openings_at == core.now
    assert core.deployment("c").hold_until == core.now + 60
    assert core.settle().deployments == {}


def test_a_step_without_jitter_is_exact() -> None:
    class Middle(Random):
        def random(self) -> float:
            return 0.5

    core = Core(rng=Middle())
    core.record("a", "timeout", "timeout", "timeout")
    assert core.deployment("a").retry_at == core.now + 30
    assert breaker.retry_at(core.deployment("a"), core.now, Health()) == core.now + 30


@pytest.mark.parametrize(
    ("quiet", "left"), [(1799.5, 3), (1800.0, 2), (1800.5, 2), (5399.5, 1), (5400.0, 0), (1e9, 0)]
)
def test_an_opening_is_forgotten_after_just_half_an_hour(quiet: float, left: int) -> None:
    core = Core()
    core.put_deployment("a", openings=3, openings_at=core.now)
    core.record("a", "timeout", after=quiet, took=0)
    record = core.deployment("a")
    assert (record.openings, record.openings_at) == (left, core.now)
    assert (record.probation, record.probation_failures) == (0, 0)


def test_an_opening_of_unknown_age_is_kept() -> None:
    core = Core()
    core.put_deployment("a", openings=3)
    core.record("a", "timeout")
    assert core.deployment("a").openings == 3


def test_an_opening_that_a_clock_slightly_ahead_dated_is_no_opening_more() -> None:
    core = Core()
    core.put_deployment("a", openings=3, openings_at=core.now + 30)
    core.record("a", "timeout")
    assert core.deployment("a").openings == 3


def test_probation_ends_after_just_half_an_hour() -> None:
    core = opened()
    core.wait(40).record("a", "ok")
    assert core.wait(1799.5).status("a") == "degraded"
    assert core.wait(0.5).status("a") == "healthy"
    core.put_deployment("a", openings_at=None)
    assert core.status("a") == "healthy"


@pytest.mark.parametrize(("kind", "calls"), [("call", 1.0), ("completion", 0.0)])
def test_a_breaker_that_closes_starts_anew(kind: str, calls: float) -> None:
    core = opened()
    core.record("a", "rate_limited")
    assert core.deployment("a").hold_count == 1
    core.wait(40).record("a", "ok", kind=kind)
    record = core.deployment("a")
    assert (record.calls, record.errors, record.error_level) == (calls, 0.0, "")
    assert (record.consecutive, record.suspicion, record.hold_count) == (0, 0.0, 0)
    assert (record.opened_at, record.retry_at, record.openings_at) == (None, None, core.now)
    assert (record.probation, record.probation_failures) == (2, 0)


def test_an_answer_asked_for_in_the_instant_it_opened_closes_it() -> None:
    core = opened()
    began = core.now
    core.wait(1)
    core.attempt("a", "ok", began)
    assert core.deployment("a").breaker == "closed"


def test_a_trial_may_begin_in_the_instant_that_it_is_due() -> None:
    core = opened()
    core.now = began = core.deployment("a").retry_at
    core.wait(1)
    core.attempt("a", "timeout", began)
    assert core.deployment("a").openings == 2


def test_an_answer_of_a_closed_breaker_shortens_probation_only() -> None:
    core = opened()
    core.wait(40).record("a", "ok", "timeout")
    assert (core.deployment("a").probation, core.deployment("a").probation_failures) == (2, 1)
    core.record("a", "ok")
    assert (core.deployment("a").probation, core.deployment("a").probation_failures) == (1, 1)
    core.record("a", "ok")
    assert (core.deployment("a").probation, core.deployment("a").probation_failures) == (0, 0)


@pytest.mark.parametrize(("ahead", "due"), [(59.0, False), (60.0, False), (61.0, True)])
def test_a_wait_may_be_as_long_as_the_longest_and_a_clocks_skew(ahead: float, due: bool) -> None:
    core = opened()
    core.put_deployment("a", retry_at=core.now + 900 + ahead)
    assert core.standing("a").trial is due


@pytest.mark.parametrize(("back", "over"), [(59.0, False), (61.0, True)])
def test_a_clock_may_differ_by_a_minute(back: float, over: bool) -> None:
    core = opened()
    core.wait(-back)
    assert core.standing("a").trial is over
    assert bool(core.settle().deployments) is over
