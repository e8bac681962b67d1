from __future__ import annotations

from random import Random

import pytest
from core_bench import DAY, START, Core

from archfb_state import breaker
from archfb_state.records import DeploymentRecord
from archfb_state.settings import Health, Settings

FAULTS = ["overloaded", "server_error", "timeout", "network", "malformed", "invalid_request"]
NOBODYS = ["context_too_long", "content_filtered", "cancelled"]


@pytest.mark.parametrize("gap", [1.0, 60.0, 3600.0, 8640.0])
@pytest.mark.parametrize("outcome", FAULTS)
def test_a_dead_model_is_left_after_exactly_three_failures(outcome: str, gap: float) -> None:
    core = Core()
    core.record("a", "ok", outcome, outcome, after=gap)
    assert core.status("a") == "degraded"
    assert core.standing("a").reason == f"2 failures in a row ({outcome})"
    core.record("a", outcome, after=gap)
    found = core.standing("a")
    assert (found.status, found.reason) == ("unavailable", f"open: 3 failures in a row ({outcome})")
    assert found.last_resort
    assert not found.trial
    assert not found.held


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 20])
def test_retry_count_is_the_number_of_failures_in_a_row(count: int) -> None:
    core = Core(Settings(Health(retry_count=count)))
    core.record("a", *["timeout"] * (count - 1))
    assert core.status("a") != "unavailable"
    core.record("a", "timeout")
    assert core.status("a") == "unavailable"


def test_a_success_ends_the_row() -> None:
    core = Core()
    core.record("a", "timeout", "timeout", "ok")
    assert core.deployment("a").consecutive == 0
    assert core.model("a").consecutive_failures == 0
    assert core.status("a") == "healthy"


@pytest.mark.parametrize("outcome", NOBODYS)
def test_a_context_refusal_a_content_filter_or_an_interruption_never_cools(outcome: str) -> None:
    core = Core()
    core.record("a", "ok")
    before = core.deployment("a")
    core.record("a", *[outcome] * 10)
    assert core.deployment("a") == before
    assert core.status("a") == "healthy"
    assert (core.model("a").failures, core.model("a").successes) == (0, 1)


def test_an_interrupted_call_counts_for_nothing_but_its_cost() -> None:
    core = Core()
    assert core.record("a", "cancelled").models == {}
    changed = core.record("a", "cancelled", cost_usd=0.25)
    assert changed.models["a"].cost_usd == 0.25
    assert not changed.deployments
    assert changed.models["a"].failures == 0
    core.record("a", "cancelled", cost_usd=0.25, kind="completion")
    assert core.model("a").last_probe_at is None


def test_a_truncated_answer_is_an_answer() -> None:
    core = Core()
    core.record("a", "timeout", "timeout", "truncated")
    assert core.deployment("a").consecutive == 0
    assert core.model("a").latencies_ms == ()


def test_an_invalid_request_that_nobody_accepted_blames_nobody() -> None:
    core = Core()
    core.record("a", *["invalid_request"] * 5, blame=False)
    assert core.deployment("a") == DeploymentRecord(core.refs["a"].deployment)
    assert core.model("a").failures == 0


def test_overlapping_failures_of_one_blip_count_once_and_raise_the_back_off_once() -> None:
    core = Core()
    core.wait(100)
    for _ in range(6):
        core.wait(0.2)
        core.attempt("a", "server_error", START + 50)
    record = core.deployment("a")
    assert (record.consecutive, record.episode_end) == (1, START + 100.2)
    assert core.model("a").failures == 6
    core.record("a", "server_error", "server_error")
    retry = core.deployment("a").retry_at
    began = core.now - 5
    core.attempt("a", "server_error", began)
    assert core.deployment("a").retry_at == retry
    assert core.deployment("a").openings == 1


def test_one_call_adds_at_most_one_however_often_it_repeated() -> None:
    core = Core()
    core.record("a", "server_error", call_id="same")
    core.record("a", *["server_error"] * 5, call_id="same", repeat=True)
    assert core.deployment("a").consecutive == 1
    core.record("a", "ok", call_id="same", repeat=True)
    assert core.deployment("a").consecutive == 0


def test_failures_that_are_not_in_a_row_open_it_too() -> None:
    core = Core()
    core.record("a", "server_error", "server_error", "ok", "server_error")
    assert core.status("a") == "degraded"
    core.record("a", "ok", "server_error")
    assert core.standing("a").reason == "open: fails too often (server_error)"


def test_suspicion_follows_the_sequential_test_and_decays() -> None:
    core = Core()
    core.record("a", "server_error", "ok", took=0, after=0)
    assert core.deployment("a").suspicion == pytest.approx(1.66)
    core.record("a", "server_error", took=0, after=3600)
    assert core.deployment("a").suspicion == pytest.approx(1.66 * 0.5 ** (1 / 6) + 2.3)
    core.record("a", *["ok"] * 6, took=0, after=0)
    assert core.deployment("a").suspicion == 0


@pytest.mark.parametrize(
    ("kind", "outcome", "added"),
    [
        ("call", "timeout", 1.0),
        ("completion", "server_error", 1.0),
        ("completion", "timeout", 0.5),
        ("metadata", "server_error", 0.5),
    ],
)
def test_a_probe_weighs_by_what_it_proves(kind: str, outcome: str, added: float) -> None:
    core = Core()
    core.record("a", outcome, kind=kind)
    record = core.deployment("a")
    assert record.suspicion == pytest.approx(2.3 * added)
    assert (record.beta, record.consecutive) == (added, 1)
    assert (record.calls, record.errors) == ((1.0, 1.0) if kind == "call" else (0.0, 0.0))
    assert record.last_call_failure_at == (core.now if kind == "call" else None)
    assert record.last_probe_at == (None if kind == "call" else core.now)


@pytest.mark.parametrize(("kind", "added", "calls"), [("call", 1.0, 1.0), ("completion", 0.7, 0.0)])
def test_an_answer_weighs_by_what_it_proves(kind: str, added: float, calls: float) -> None:
    core = Core()
    core.record("a", "server_error", took=0, after=0)
    core.record("a", "ok", kind=kind, took=0, after=0)
    record = core.deployment("a")
    assert record.suspicion == pytest.approx(2.3 - 0.64 * added)
    assert (record.alpha, record.calls) == (added, 1.0 + calls)


def test_a_probes_success_does_not_clear_a_gray_failure() -> None:
    core = Core()
    core.record("a", "timeout", "timeout")
    before = core.deployment("a").suspicion
    core.record("a", *["ok"] * 20, kind="metadata", after=0, took=0)
    record = core.deployment("a")
    assert (record.consecutive, record.alpha) == (2, 0)
    assert record.suspicion == pytest.approx(before)
    assert core.status("a") == "degraded"
    core.record("a", "timeout")
    core.wait(1000).record("a", "ok", kind="metadata")
    assert core.deployment("a").breaker == "open"


def test_evidence_is_bounded_and_halves_in_a_day() -> None:
    core = Core()
    core.record("a", *["ok"] * 100, after=0, took=0)
    assert core.deployment("a").alpha == 50
    core.record("a", "server_error", after=0, took=0)
    record = core.deployment("a")
    assert record.alpha + record.beta == pytest.approx(50)
    for _ in range(24):
        core.record("a", "ok", kind="metadata", after=3600, took=0)
    assert core.deployment("a").alpha == pytest.approx(record.alpha / 2)
    assert core.deployment("a").errors == pytest.approx(0.5)


def test_a_step_back_ages_nothing_and_a_step_forward_an_hour() -> None:
    core = Core()
    core.record("a", "server_error", after=0, took=0)
    core.record("a", "ok", kind="metadata", after=-30, took=0)
    assert core.deployment("a").suspicion == 2.3
    core.record("a", "ok", kind="metadata", after=3652 * DAY, took=0)
    assert core.deployment("a").suspicion == pytest.approx(2.3 * 0.5 ** (1 / 6))


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
    assert core.deployment("c").hold_until is None
    assert core.settle().deployments == {}


def test_not_found_twice_a_minute_apart_retires() -> None:
    core = Core()
    core.record("a", "model_not_found")
    found = core.standing("a")
    assert (found.status, found.retry_at, found.held) == ("unavailable", core.now + 60, False)
    assert found.reason == "not found by the provider, asked once more before it is retired"
    core.record("a", "model_not_found", after=30)
    assert core.deployment("a").breaker == "closed"
    core.record("a", "model_not_found", after=30)
    found = core.standing("a")
    assert (found.status, found.reason) == ("unavailable", "retired: the provider does not know this model")
    assert found.retry_at == core.now + DAY
    assert (found.trial, found.last_resort) == (False, False)
    assert core.model("a").failures == 3
    assert core.status("a2") == "unavailable"


@pytest.mark.parametrize("kinds", [("call", "metadata"), ("metadata", "call"), ("metadata", "completion")])
def test_not_found_is_confirmed_by_the_model_list(kinds: tuple[str, str]) -> None:
    core = Core()
    core.record("a", "model_not_found", kind=kinds[0])
    core.record("a", "model_not_found", kind=kinds[1])
    assert core.deployment("a").breaker == "retired"


def test_a_list_alone_holds_nothing_and_is_not_believed_against_an_answer() -> None:
    core = Core()
    core.record("a", "model_not_found", kind="metadata")
    assert core.status("a") == "unknown"
    core.record("a", "ok", "model_not_found", kind="completion")
    core.record("c", "ok")
    before = core.deployment("c")
    core.record("c", "model_not_found", kind="metadata", after=100)
    assert core.deployment("c").last_probe_at == core.now
    assert core.deployment("c").not_found_at == before.not_found_at is None


@pytest.mark.parametrize("kind", ["metadata", "completion", "call"])
def test_a_retired_model_is_checked_after_a_day_and_comes_back(kind: str) -> None:
    core = Core()
    core.record("a", "model_not_found", "model_not_found", after=100)
    core.wait(DAY)
    assert core.standing("a").trial
    core.record("a", "model_not_found")
    assert core.standing("a").retry_at == core.now + DAY
    core.wait(DAY).record("a", "ok", kind=kind)
    assert core.status("a") == "healthy"
    assert core.deployment("a").not_found_at is None


def test_a_retired_model_that_fails_otherwise_is_checked_again_in_an_hour() -> None:
    core = Core()
    core.record("a", "model_not_found", "model_not_found", after=100)
    core.wait(DAY).record("a", "server_error")
    assert core.deployment("a").breaker == "retired"
    assert core.standing("a").retry_at == core.now + 3600


def test_an_answer_clears_a_first_not_found_but_no_other_hold() -> None:
    core = Core()
    core.record("a", "model_not_found", "ok")
    assert core.status("a") == "healthy"
    core.record("a", "model_not_found")
    core.record("a", "rate_limited", retry_after_s=100.0)
    core.record("a", "ok")
    assert core.standing("a").reason == "rate limited"


def test_a_step_without_jitter_is_exact() -> None:
    class Middle(Random):
        def random(self) -> float:
            return 0.5

    core = Core(rng=Middle())
    core.record("a", "timeout", "timeout", "timeout")
    assert core.deployment("a").retry_at == core.now + 30
    assert breaker.retry_at(core.deployment("a"), core.now, Health()) == core.now + 30
