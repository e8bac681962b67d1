from __future__ import annotations

import math
from random import Random

import pytest
from core_bench import DAY, Core
from state_samples import START, attempt

from archfb_state.core import holds
from archfb_state.core.evidence import unsettled
from archfb_state.outcomes import Outcome
from archfb_state.records import AccountRecord, DeploymentRecord

HOUR = 3600.0


def test_a_429_with_retry_after_holds_the_deployment_for_exactly_that_long() -> None:
    core = Core()
    core.record("a", "ok")
    core.record("a", "rate_limited", retry_after_s=17.0)
    found = core.standing("a")
    assert (found.status, found.reason, found.retry_at) == ("unavailable", "rate limited", core.now + 17)
    assert found.held
    assert (found.trial, found.last_resort) == (False, False)
    assert core.status("a2") == "unavailable"
    assert core.status("b") == "unknown"
    assert core.wait(16.999).status("a") == "unavailable"
    assert core.wait(0.001).status("a") == "healthy"
    assert core.model("a").failures == 0
    assert core.deployment("a").consecutive == 0


def test_a_later_shorter_hint_does_not_shorten_a_hold() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=100.0)
    until = core.standing("a").retry_at
    core.record("a", "rate_limited", retry_after_s=1.0)
    core.record("a", "ok")
    core.record("a", "rate_limited")
    assert core.standing("a").retry_at == until
    core.record("a", "rate_limited", retry_after_s=200.0)
    assert core.standing("a").retry_at == core.now + 200


def test_a_hold_that_ends_as_late_keeps_the_reason_of_the_first() -> None:
    core = Core()
    core.record("a", "quota_exhausted", scope="model", reset_at=core.now + 101.5)
    core.record("a", "rate_limited", reset_at=core.now + 100)
    found = core.standing("a")
    assert (found.reason, found.success_low) == ("quota used up", 0.0)


def test_a_429_that_names_the_account_holds_all_its_models() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=30.0, scope="account")
    for name in ("a", "a2", "b"):
        assert core.standing(name).retry_at == core.now + 30
        assert core.standing(name).reason == "rate limited (its account)"
    assert core.status("c") == "unknown"
    assert core.model("b").status == "unavailable"


class Longest(Random):
    """Draws the most that is asked for."""

    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.mark.parametrize(
    ("retry_after_s", "reset_in", "count", "wait"),
    [
        (7.0, 20.0, 3, 7.0),
        (None, 20.0, 3, 20.0),
        (None, -5.0, 3, 0.0),
        (-5.0, 20.0, 3, 0.0),
        (9e9, None, 3, 32 * DAY),
        (math.nan, None, 0, 5.0),
        (None, None, 0, 5.0),
        (None, None, 4, 80.0),
        (None, None, 5, 120.0),
        (None, None, 99, 120.0),
    ],
)
def test_a_rate_limit_holds_as_long_as_it_says_else_for_a_growing_wait(
    retry_after_s: float | None, reset_in: float | None, count: int, wait: float
) -> None:
    reset_at = None if reset_in is None else START + reset_in
    told = attempt(1, outcome=Outcome.RATE_LIMITED, retry_after_s=retry_after_s, reset_at=reset_at)
    assert holds.rate_wait(told, START, count, Longest()) == wait


@pytest.mark.parametrize(
    ("hold_until", "retry_after_s", "count"),
    [(None, None, 4), (START, None, 4), (START + 0.1, None, 3), (None, 5.0, 3), (START - 9, 0.0, 3)],
)
def test_the_next_wait_is_longer_unless_it_was_named_or_a_hold_was_on(
    hold_until: float | None, retry_after_s: float | None, count: int
) -> None:
    record = DeploymentRecord("d", hold_until=hold_until, hold_count=3)
    told = attempt(1, outcome=Outcome.RATE_LIMITED, retry_after_s=retry_after_s)
    assert holds.rate_count(record, told, START) == count


@pytest.mark.parametrize(
    ("until", "after"),
    [
        (START + 9, (START + 10, "quota_exhausted")),
        (START + 10, (START + 10, "quota_exhausted")),
        (START + 11, (START + 11, "rate_limited")),
    ],
)
def test_an_account_is_held_for_the_reason_that_lasts_and_of_equals_the_first(
    until: float, after: tuple[float, str]
) -> None:
    record = AccountRecord("u#k", hold_until=START + 10, hold_outcome="quota_exhausted")
    told = attempt(1, outcome=Outcome.RATE_LIMITED, scope="account")
    found = holds.refused(record, told, START, until)
    assert (found.hold_until, found.hold_outcome) == after


def test_an_accounts_hold_is_not_shortened_either() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=100.0, scope="account")
    until = core.standing("b").retry_at
    core.record("b", "rate_limited", retry_after_s=1.0, scope="account")
    core.record("b", "quota_exhausted", reset_at=core.now + 20)
    assert core.standing("a2").retry_at == until
    assert core.standing("a2").reason == "rate limited (its account)"


@pytest.mark.parametrize(("gap", "status"), [(59.0, "unavailable"), (60.0, "unavailable"), (61.0, "unknown")])
def test_a_second_deployment_refused_within_a_minute_holds_the_account(gap: float, status: str) -> None:
    core = Core()
    core.refs["b2"] = type(core.refs["b"])("b2", "one|https://one|third", "https://one#k1", "one")
    core.record("a", "rate_limited", retry_after_s=5.0)
    core.record("b", "rate_limited", retry_after_s=40.0, after=gap, took=0)
    assert core.status("b2") == status
    if status == "unavailable":
        assert core.standing("b2").retry_at == core.now + 40


def test_the_same_deployment_refused_twice_does_not_hold_the_account() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=5.0)
    core.record("a2", "rate_limited", retry_after_s=5.0)
    assert core.status("b") == "unknown"


@pytest.mark.parametrize("retry_after", [-5.0, 0.0])
def test_a_wait_in_the_past_is_none(retry_after: float) -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=retry_after)
    assert core.status("a") == "unknown"


@pytest.mark.parametrize("retry_after", [math.nan, math.inf, -math.inf])
def test_a_wait_that_is_no_number_is_as_none_given(retry_after: float) -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=retry_after)
    assert 0 <= core.deployment("a").hold_until - core.now <= 5


def test_a_wait_of_years_is_clamped() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=1e12)
    assert core.standing("a").retry_at == core.now + 32 * DAY


def test_a_reset_stands_in_for_retry_after() -> None:
    core = Core()
    core.record("a", "rate_limited", reset_at=core.now + 100)
    assert core.standing("a").retry_at == pytest.approx(core.now + 98.5)


def test_unnamed_waits_grow_with_full_jitter_up_to_two_minutes_and_start_anew_after_an_answer() -> None:
    core, longest = Core(), []
    for _ in range(12):
        core.record("a", "rate_limited")
        longest.append(core.deployment("a").hold_until - core.now)
        core.wait(121)
    for n, wait in enumerate(longest):
        assert 0 <= wait <= min(120, 5 * 2**n)
    assert max(longest) > 30
    assert core.deployment("a").hold_count == 10
    core.record("a", "ok", "rate_limited")
    assert core.deployment("a").hold_until - core.now <= 5


def test_refusals_while_held_are_one_refusal() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=50.0)
    core.record("a", *["rate_limited"] * 5)
    assert core.deployment("a").hold_count == 0


def test_a_quota_holds_the_account_until_its_reset_and_ignores_a_shorter_hint() -> None:
    core = Core()
    core.record("a", "quota_exhausted", reset_at=core.now + 5 * HOUR, retry_after_s=37.0)
    found = core.standing("b")
    assert (found.status, found.reason, found.held) == ("unavailable", "quota used up", True)
    assert found.retry_at == pytest.approx(core.now + 5 * HOUR - 1.5)
    assert core.model("a").failures == 1


@pytest.mark.parametrize(
    ("fields", "wait"),
    [
        ({}, 6 * HOUR),
        ({"retry_after_s": 37.0}, 6 * HOUR),
        ({"retry_after_s": 7 * HOUR}, 7 * HOUR),
        ({"reset_at": 1.0}, 6 * HOUR),
        ({"reset_at": 1e18}, 32 * DAY),
    ],
)
def test_a_quota_without_a_reset_holds_for_six_hours(fields: dict[str, float], wait: float) -> None:
    core = Core()
    core.record("a", "quota_exhausted", **fields)
    assert core.standing("a").retry_at == core.now + wait


def test_no_credit_is_said_so_and_a_generation_disproves_it() -> None:
    core = Core()
    core.record("a", "quota_exhausted")
    assert core.standing("b").reason == "no credit"
    core.record("b", "ok", kind="metadata")
    assert core.status("b") == "unavailable"
    began = core.now
    core.attempt("b", "ok", began - 10)
    assert core.status("b") == "unavailable"
    core.record("b", "ok", kind="completion")
    assert core.status("b") == "healthy"


def test_a_quota_of_one_model_holds_its_deployment_only() -> None:
    core = Core()
    core.record("a", "quota_exhausted", scope="model", reset_at=core.now + 100)
    assert core.standing("a").reason == "quota used up"
    assert core.status("b") == "unknown"


def test_auth_blocks_all_presets_of_the_key_at_once_and_a_new_key_lifts_it() -> None:
    core = Core()
    core.record("b", "ok")
    changes = core.record("a", "auth")
    assert {one.model for one in changes.transitions} == {"a", "a2", "b"}
    for name in ("a", "a2", "b"):
        found = core.standing(name)
        assert (found.status, found.reason, found.retry_at) == ("unavailable", "key rejected", None)
        assert (found.trial, found.last_resort, found.held) == (False, False, False)
    assert core.status("c") == "unknown"
    core.refs["b"] = type(core.refs["b"])("b", core.refs["b"].deployment, "https://one#new", "one")
    assert core.status("b") == "healthy"
    assert core.settle().models["b"].account == "https://one#new"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "key rejected"),
        (403, "access refused"),
        (404, "access refused"),
        (451, "region not served"),
        (None, "key rejected"),
    ],
)
def test_a_block_says_what_was_refused(status: int | None, reason: str) -> None:
    core = Core()
    core.record("a", "auth", http_status=status)
    assert core.standing("a").reason == reason


@pytest.mark.parametrize("kind", ["call", "completion", "metadata"])
def test_a_probe_that_succeeds_lifts_a_block(kind: str) -> None:
    core = Core()
    core.record("a", "auth")
    core.record("b", "ok", kind=kind)
    assert core.status("a") == "unknown"
    assert core.status("b") == "healthy"


def test_an_answer_to_what_was_asked_before_the_block_lifts_nothing() -> None:
    core = Core()
    core.record("a", "auth")
    core.wait(5)
    core.attempt("b", "ok", core.now - 20)
    assert core.status("b") == "unavailable"


def test_a_quota_beside_a_block_keeps_the_blocks_reason() -> None:
    core = Core()
    core.record("a", "auth", http_status=403)
    core.record("a", "quota_exhausted")
    assert core.standing("a").reason == "access refused"


def test_an_account_without_a_request_left_is_held_until_its_reset() -> None:
    core = Core()
    core.record("a", "ok")
    core.put_account("a", remaining_requests=0, remaining_reset_at=core.now + 20)
    found = core.standing("a")
    assert (found.status, found.reason) == ("unavailable", "no request left in this account's rate limit")
    assert (found.retry_at, found.held) == (core.now + 20, True)
    assert core.wait(20).status("a") == "healthy"
    core.put_account("a", remaining_requests=1, remaining_reset_at=core.now + 20)
    assert core.status("a") == "healthy"
    core.put_account("a", remaining_requests=0, remaining_reset_at=None)
    assert core.status("a") == "healthy"
    core.put_account("a", remaining_requests=0, remaining_reset_at=core.now + DAY)
    assert core.status("a") == "healthy"


def test_the_longer_of_two_holds_is_shown() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=10.0, scope="account")
    core.record("a", "rate_limited", retry_after_s=100.0)
    assert core.standing("a").retry_at == core.now + 100
    assert core.standing("b").retry_at == core.now + 10 - 1.5


def test_an_open_and_held_model_waits_for_both() -> None:
    core = Core()
    core.record("a", "timeout", "timeout", "timeout")
    retry = core.deployment("a").retry_at
    core.record("a", "rate_limited", retry_after_s=1.0)
    found = core.standing("a")
    assert (found.retry_at, found.held, found.last_resort) == (retry, False, False)
    assert core.wait(2).standing("a").last_resort


def test_a_hold_of_another_version_is_a_hold() -> None:
    core = Core()
    core.put_deployment("a", hold_until=core.now + 5)
    assert core.standing("a").reason == "held"
    core.put_account("c", hold_until=core.now + 5, hold_outcome="quota_exhausted")
    assert core.standing("c").reason == "quota used up"


@pytest.mark.parametrize("scope", ["deployment", "account"])
@pytest.mark.parametrize("outcome", ["rate_limited", "quota_exhausted"])
@pytest.mark.parametrize("jump", [-61.0, -DAY, -3652 * DAY])
def test_a_hold_outlasts_a_clock_that_is_set_back_by_what_was_left_of_it(
    jump: float, outcome: str, scope: str
) -> None:
    core = Core()
    core.record("a", outcome, reset_at=core.now + 61.5, scope=scope)
    core.wait(jump)
    assert core.standing("a").retry_at == core.now + 60
    assert core.due("a") is None
    assert unsettled(core.rows, core.now)
    core.settle()
    assert not unsettled(core.rows, core.now)
    assert core.wait(59.9).status("a") == "unavailable"
    assert core.wait(0.2).status("a") != "unavailable"
    core.record("a", outcome, reset_at=core.now + 12, scope=scope)
    assert 9 < core.standing("a").retry_at - core.now < 12
    assert core.wait(15).status("a") != "unavailable"


@pytest.mark.parametrize("scope", ["deployment", "account"])
@pytest.mark.parametrize("outcome", ["rate_limited", "quota_exhausted"])
def test_a_hold_ends_where_the_clock_is_set_forward(outcome: str, scope: str) -> None:
    core = Core()
    core.record("a", outcome, retry_after_s=HOUR, scope=scope)
    assert core.wait(3652 * DAY).status("a") == "unknown"


def test_a_clock_that_is_set_back_twice_makes_no_hold_longer() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=60.0, scope="account")
    core.wait(-DAY).settle()
    core.wait(20).settle()
    core.wait(-DAY).settle()
    assert core.standing("a").retry_at == core.now + 60
    assert core.wait(60).status("a") != "unavailable"


def test_a_hold_that_was_over_is_over_when_the_clock_is_set_back() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=10.0)
    core.record("a", "ok", after=20)
    assert core.wait(-DAY).status("a") == "healthy"
    core.settle()
    assert (core.deployment("a").hold_until, core.deployment("a").hold_outcome) == (None, None)


def test_a_block_of_a_clock_that_was_set_back_is_still_lifted() -> None:
    core = Core().wait(DAY)
    core.record("a", "auth")
    core.wait(-DAY).record("a", "ok", kind="metadata")
    assert core.status("a") == "healthy"
