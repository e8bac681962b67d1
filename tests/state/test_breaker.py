from __future__ import annotations

import pytest
from core_bench import DAY, START, Core

from archfb_state.core import breaker
from archfb_state.core.decay import elapsed
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
    aged = core.deployment("a")
    assert (aged.alpha, aged.beta) == pytest.approx((record.alpha / 2, record.beta / 2))
    assert (aged.calls, aged.errors) == pytest.approx((record.calls / 2, 0.5))


def test_a_step_back_ages_nothing_and_a_step_forward_an_hour() -> None:
    core = Core()
    core.record("a", "server_error", after=0, took=0)
    core.record("a", "ok", kind="metadata", after=-30, took=0)
    assert core.deployment("a").suspicion == 2.3
    core.record("a", "ok", kind="metadata", after=3652 * DAY, took=0)
    assert core.deployment("a").suspicion == pytest.approx(2.3 * 0.5 ** (1 / 6))


def test_a_call_begun_when_the_failure_before_it_ended_counts_anew() -> None:
    core = Core()
    core.record("a", "timeout", "timeout", "timeout", after=0)
    assert core.deployment("a").consecutive == 3


def test_suspicion_that_just_reaches_the_limit_opens() -> None:
    core = Core()
    core.put_deployment("a", suspicion=4.2)
    core.record("a", "timeout")
    assert core.deployment("a").suspicion == breaker.SUSPICION_LIMIT
    assert core.status("a") == "unavailable"


def test_a_first_event_ages_nothing() -> None:
    assert elapsed(None, START) == 0.0


def test_a_row_longer_than_a_lowered_retry_count_opens_at_the_next_failure() -> None:
    core = Core()
    core.put_deployment("a", consecutive=7)
    core.record("a", "timeout")
    assert core.status("a") == "unavailable"


@pytest.mark.parametrize(
    ("history", "count", "open_"),
    [
        ("ffssfsf", 3, True),
        ("ffsf", 3, False),
        ("ffssfssf", 3, True),
        ("ffsssfssf", 3, False),
        ("fsfsf", 2, False),
        ("fsfsfsf", 2, True),
        ("ffssfsf", 4, False),
        ("ffssfsfff", 4, True),
    ],
)
def test_the_sequential_test_opens_at_its_limit(history: str, count: int, open_: bool) -> None:
    core = Core(Settings(Health(retry_count=count)))
    core.record("a", *["timeout" if one == "f" else "ok" for one in history])
    assert (core.status("a") == "unavailable") is open_
