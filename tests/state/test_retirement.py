from __future__ import annotations

import pytest
from core_bench import DAY, Core


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
    assert (found.status, found.reason) == ("unavailable", "retired: not found or no access, checked twice")
    assert found.retry_at == core.now + DAY
    assert (found.trial, found.last_resort) == (False, False)
    assert core.model("a").failures == 3
    assert core.status("a2") == "unavailable"


def test_a_first_not_found_counts_when_it_is_read_back() -> None:
    core = Core()
    core.record("a", "model_not_found")
    core.put_deployment("a", hold_outcome=core.deployment("a").hold_outcome.encode().decode())
    answered = core.rows
    core.record("a", "ok", kind="metadata")
    assert core.deployment("a").hold_until is None
    core.rows = answered
    core.record("a", "model_not_found", kind="metadata")
    assert core.deployment("a").breaker == "retired"


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


@pytest.mark.parametrize(("gap", "breaker"), [(59.5, "closed"), (60.0, "retired")])
def test_a_second_refusal_of_the_name_counts_from_just_a_minute_on(gap: float, breaker: str) -> None:
    core = Core()
    core.record("a", "model_not_found")
    core.record("a", "model_not_found", after=gap, took=0)
    assert core.deployment("a").breaker == breaker


def test_a_retired_model_stays_so_whenever_it_is_refused_again() -> None:
    core = Core()
    core.record("a", "model_not_found", "model_not_found", after=100)
    core.put_deployment("a", not_found_at=None)
    core.record("a", "model_not_found")
    assert core.deployment("a").breaker == "retired"
    assert core.standing("a").retry_at == core.now + DAY


def test_two_lists_that_leave_it_out_retire_it_a_minute_apart_only() -> None:
    core = Core()
    core.record("a", "model_not_found", "model_not_found", kind="metadata")
    assert core.deployment("a").breaker == "closed"
    core.record("a", "model_not_found", kind="metadata", after=60)
    assert core.deployment("a").breaker == "retired"
