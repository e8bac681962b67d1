from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from core_bench import DAY, REFS, Core

from archfb_state.core import balancer, candidates, pace, standing
from archfb_state.core.balancer import choose
from archfb_state.decisions import Candidate, Demand
from archfb_state.records import ModelRef, Snapshot
from archfb_state.settings import Settings

STRATEGIES = ["balanced", "priority", "fastest", "cheapest"]


class Dice(Random):
    """Draws what it is told."""

    def __init__(self, *draws: float) -> None:
        super().__init__(0)
        self.draws = list(draws)

    def random(self) -> float:
        return self.draws.pop(0) if self.draws else 0.99


def core(**fields: Any) -> Core:
    return Core(rng=Dice(), **fields)


def opened(one: Core, *models: str) -> Core:
    for model in models:
        one.record(model, "ok", "timeout", "timeout", "timeout")
    return one


def test_the_score_is_weight_success_speed_and_health() -> None:
    one = core()
    one.record("a", *["ok"] * 10, after=0, took=2.0)
    one.record("c", *["ok"] * 10, "server_error", after=0, took=2.0)
    decision = one.choose(one.candidates("a", "c", "d", a={"weight": 0.5}))
    by = {ranked.model: ranked for ranked in decision.ranked}
    wanted = {"weight": 0.5, "success": 19.5 / 20, "speed": 1 / 1.2, "health": 1.0, "group": 0}
    terms = by["a"].terms
    assert {name: terms[name] for name in wanted} == pytest.approx(wanted, rel=1e-3)
    assert by["a"].score == pytest.approx(0.5 * 19.5 / 20 / 1.2, rel=1e-3)
    assert by["c"].terms["health"] == 0.25
    assert by["c"].why == "suits the request, by score; 1 failure in a row (server_error)"
    assert by["d"].terms["success"] == 0.95
    assert by["d"].terms["seconds"] == 2.0


@pytest.mark.parametrize(
    "change",
    [{"weight": 2.0}, {"expected_cost": 0.5}, {"expected_output": 10}, {"tier": "high"}],
    ids=lambda change: next(iter(change)),
)
def test_nothing_is_told_of_a_candidate_that_held_for_the_last_decision_only(change: dict[str, Any]) -> None:
    one = core()
    one.record("a", *["ok"] * 3, after=0, took=2.0, output_tokens=100)
    usual, changed = one.candidates("a", "c"), one.candidates("a", "c", a=change)
    one.choose(usual, strategy="priority")
    told = one.choose(changed, strategy="priority").ranked
    for known in (standing._last, candidates._last, pace._last):
        known.clear()
    again = core()
    again.record("a", *["ok"] * 3, after=0, took=2.0, output_tokens=100)
    again.choose(usual, strategy="priority")
    for known in (standing._last, candidates._last, pace._last):
        known.clear()
    assert told == again.choose(changed, strategy="priority").ranked


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (1.0, 0.85, 0.75), (1.0, 0.1, 0.5)])
def test_shares_follow_the_weights(weights: tuple[float, ...]) -> None:
    one = core()
    chain = one.candidates("a", "c", "d", **{m: {"weight": w} for m, w in zip("acd", weights, strict=True)})
    firsts = [one.choose(chain).order[0].model for _ in range(1000)]
    for model, weight in zip("acd", weights, strict=True):
        assert firsts.count(model) / 1000 == pytest.approx(weight / sum(weights), abs=0.01)
    assert firsts[:3] != [firsts[0]] * 3


@pytest.mark.parametrize(
    ("complexity", "order"),
    [("low", ["low", "medium", "high"]), ("medium", ["medium", "high", "low"]), ("high", ["high", "medium", "low"])],
)
def test_the_nearest_tier_is_asked_first_and_of_two_the_higher(complexity: str, order: list[str]) -> None:
    one = core()
    chain = one.candidates("a", "c", "d", a={"tier": "low"}, c={"tier": "medium"}, d={"tier": "high"})
    decision = one.choose(chain, complexity=complexity)
    tiers = {"a": "low", "c": "medium", "d": "high"}
    assert [tiers[ranked.model] for ranked in decision.order] == order
    assert [ranked.group for ranked in decision.order] == [0, 1, 2]
    assert set(one.credits) == {decision.order[0].model}


def test_a_hand_over_goes_by_score_within_each_group() -> None:
    one = core()
    chain = one.candidates(
        "a", "b", "c", "d", a={"weight": 0.1}, b={"weight": 0.9}, c={"weight": 0.5}, d={"weight": 5.0, "tier": "high"}
    )
    one.credits = {"a": 10.0}
    assert one.order(chain) == ["a", "b", "c", "d"]
    assert one.choose(chain).order[0].why == "its turn, by its share"


def test_ties_go_to_fewer_in_flight_then_to_the_chain() -> None:
    one = core()
    chain = one.candidates("a", "c", "d")
    one.rows = Snapshot(one.now, in_flight={"a": 2, "c": 1, "d": 1})
    assert one.order(chain) == ["c", "d", "a"]


@pytest.mark.parametrize(
    ("credits_", "weights", "first"),
    [
        ({"a": -0.5}, (1.0, 1.0, 1.0), "c"),
        ({"a": 0.5}, (1.0, 1.0, 1.0), "a"),
        ({"c": 0.475}, (0.0, 0.5, 1.0), "c"),
        ({"c": 0.474}, (0.0, 0.5, 1.0), "d"),
    ],
)
def test_whoever_has_the_most_credit_has_the_turn_and_of_equals_the_first_of_the_chain(
    credits_: dict[str, float], weights: tuple[float, ...], first: str
) -> None:
    one = core(credits=credits_)
    chain = one.candidates("a", "c", "d", **{m: {"weight": w} for m, w in zip("acd", weights, strict=True)})
    assert one.order(chain)[0] == first


def test_a_place_is_told_anew_when_only_the_health_has_changed() -> None:
    one = core()
    one.record("a", "ok", "ok")
    chain = one.candidates("a", "c")
    before = one.choose(chain, strategy="priority").ranked[0]
    one.record("a", "server_error")
    after = one.choose(chain, strategy="priority").ranked[0]
    assert (before.status, before.why) == ("healthy", "in the chain's order")
    assert (after.status, after.why) == ("degraded", "in the chain's order; 1 failure in a row (server_error)")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_model_that_failed_last_is_asked_by_one_call_at_a_time(strategy: str) -> None:
    one = core()
    for model, outcome in (("a", "timeout"), ("c", "ok"), ("d", "ok")):
        one.record(model, outcome)
    chain = one.candidates(
        "a", "c", "d", a={"expected_cost": 0.0}, c={"expected_cost": 1.0}, d={"expected_cost": 2.0}
    )
    one.rows = one.rows._replace(in_flight={"a": 1, "c": 3})
    decision = one.choose(chain, strategy=strategy)
    assert decision.order[-1].model == "a"
    assert decision.order[-1].why.startswith("doubtful, and another call awaits its answer; 1 failure in a row")
    one.rows = one.rows._replace(in_flight={"c": 3})
    assert "doubtful" not in " ".join(ranked.why for ranked in one.choose(chain, strategy=strategy).order)


def test_a_model_on_probation_is_asked_by_one_call_at_a_time() -> None:
    one = opened(core(), "a").wait(60)
    one.record("a", "ok")
    chain = one.candidates("a", "c")
    one.rows = one.rows._replace(in_flight={"a": 1})
    assert one.order(chain, strategy="priority") == ["c", "a"]
    one.rows = one.rows._replace(in_flight={})
    assert one.order(chain, strategy="priority") == ["a", "c"]


@pytest.mark.parametrize(
    ("known", "waits", "answered", "awaited"),
    [
        (5, 4.1, None, True),
        (5, 3.9, None, False),
        (4, 60.0, None, False),
        (5, 60.0, 2.0, True),
        (5, 60.0, 2.1, False),
    ],
    ids=["overdue", "not-yet", "too-little-known", "answered-what-was-asked-before", "answered-since"],
)
def test_a_model_that_lets_a_call_wait_for_too_long_is_left_to_that_call(
    known: int, waits: float, answered: float | None, awaited: bool
) -> None:
    one = core()
    one.record("c", "ok")
    one.record("a", *["ok"] * known, took=2.0, after=0)
    since = one.now - 9.0
    one.wait(waits - 9.0)
    last = since - 1.0 if answered is None else since + answered
    models = {**one.rows.models, "a": one.rows.models["a"]._replace(last_call_success_at=last)}
    one.rows = one.rows._replace(at=one.now, models=models, in_flight={"a": 1}, waiting={"a": since})
    assert one.order(one.candidates("a", "c"), strategy="priority") == (["c", "a"] if awaited else ["a", "c"])


@pytest.mark.parametrize(("took", "awaited"), [(3.9, False), (4.1, True)])
def test_a_model_whose_last_answer_was_late_is_asked_by_one_call_at_a_time(took: float, awaited: bool) -> None:
    one = core()
    one.record("c", "ok")
    one.record("a", *["ok"] * 30, took=2.0, after=0)
    one.record("a", "ok", took=took)
    chain = one.candidates("a", "c")
    assert one.order(chain, strategy="priority") == ["a", "c"]
    one.rows = one.rows._replace(in_flight={"a": 1})
    assert one.order(chain, strategy="priority") == (["c", "a"] if awaited else ["a", "c"])


def test_where_every_model_is_doubtful_and_awaited_the_strategy_orders_them() -> None:
    one = core()
    for model in "ac":
        one.record(model, "timeout", after=60.0)
    one.rows = one.rows._replace(in_flight={"a": 1, "c": 1})
    assert one.order(one.candidates("a", "c"), strategy="priority") == ["a", "c"]


@pytest.mark.parametrize("wild", [float("nan"), float("inf"), -1e300])
def test_credits_are_clamped_to_the_sum(wild: float) -> None:
    one = core()
    one.credits = {"a": wild, "gone": 3.0}
    chain = one.candidates("a", "c")
    for _ in range(10):
        one.choose(chain)
    assert all(abs(one.credits[name]) <= 1.9 for name in "ac")
    assert {one.choose(chain).order[0].model for _ in range(4)} == {"a", "c"}


@pytest.mark.parametrize(
    ("credit", "kept"), [(-0.6, -0.5), (-0.5, -0.5), (-0.4, -0.4), (0.4, 0.4), (0.6, 0.5), (float("nan"), -0.5)]
)
def test_a_credit_is_kept_within_the_sum(credit: float, kept: float) -> None:
    assert balancer._clamped(credit, 0.5) == kept


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_weight_0_is_not_unset_and_is_asked_only_when_all_others_failed(strategy: str) -> None:
    one = opened(core(), "d").wait(60)
    zero = {"weight": 0.0, "expected_cost": 0.0}
    order = one.choose(one.candidates("a", "c", "d", a=zero, c={"expected_cost": 9.0}), strategy=strategy).order
    assert [ranked.model for ranked in order][-1] == "a"
    assert order[-1].why == "weight 0: only when all others failed"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_when_all_weights_are_0_the_chains_order_decides(strategy: str) -> None:
    one = core()
    zeros = {model: {"weight": 0.0} for model in "acd"}
    assert one.order(one.candidates("d", "a", "c", **zeros), strategy=strategy) == ["d", "a", "c"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_trial_of_a_model_of_weight_0_keeps_its_place_and_its_lease(strategy: str) -> None:
    one = opened(core(), "a").wait(60)
    order = one.choose(one.candidates("a", "c", a={"weight": 0.0}), strategy=strategy).order
    assert [(ranked.model, ranked.lease is not None) for ranked in order] == [("c", False), ("a", True)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_offline_provider_is_last_whatever_else(strategy: str) -> None:
    one = core()
    chain = one.candidates("a", "c", "d", a={"offline": True}, c={"weight": 0.0})
    assert one.order(chain, strategy=strategy) == ["d", "c", "a"]
    left_out = one.candidates("a", a={"offline": True, "excluded": "not asked for"})
    assert one.order(left_out, strategy=strategy) == []


def test_priority_keeps_the_chains_order_and_one_flake_does_not_bench_the_first() -> None:
    one = core()
    one.record("c", "ok")
    one.record("a", "ok", "server_error")
    assert one.order(one.candidates("a", "d", "c"), strategy="priority") == ["a", "d", "c"]


def test_fastest_goes_by_seconds_per_success() -> None:
    one = core()
    one.record("a", *["ok"] * 3, took=3.0)
    one.record("c", *["ok"] * 3, took=1.0)
    one.record("d", "ok", "server_error", "ok", "server_error", "ok", took=1.2)
    order = one.choose(one.candidates("a", "c", "d"), strategy="fastest").order
    assert [ranked.model for ranked in order] == ["c", "d", "a"]
    assert order[0].terms["success_low"] < order[0].terms["success"]
    assert order[1].terms["seconds"] == pytest.approx(1.2)


def test_cheapest_goes_by_cost_per_success_unknown_prices_last() -> None:
    one = core()
    one.record("c", "ok", "server_error", "ok", "server_error", "ok")
    prices = {"a": {"expected_cost": 0.011}, "c": {"expected_cost": 0.010}, "b": {}}
    order = one.choose(one.candidates("b", "c", "a", **prices), strategy="cheapest").order
    assert [ranked.model for ranked in order] == ["a", "c", "b"]
    assert order[0].terms["usd"] == 0.011
    assert "usd" not in order[2].terms


@pytest.mark.parametrize(
    ("strategy", "took", "prices", "share"),
    [
        ("fastest", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), 0.05),
        ("fastest", (1.0, 1.02, 9.0), (0.0, 0.0, 0.0), 0.0364),
        ("fastest", (1.0, 2.0, 9.0), (0.0, 0.0, 0.0), balancer.SELDOM),
        ("cheapest", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), 0.05),
        ("cheapest", (1.0, 1.0, 1.0), (1.0, 1.02, 9.0), 0.0364),
        ("cheapest", (1.0, 1.0, 1.0), (1.0, None, 2.0), balancer.SELDOM),
        ("cheapest", (1.0, 1.0, 1.0), (1.0, None, None), balancer.SELDOM),
        ("cheapest", (1.0, 1.0, 1.0), (None, None, None), 0.05),
    ],
)
def test_one_call_of_twenty_explores_where_another_may_be_as_good_and_fewer_where_none_is(
    strategy: str, took: tuple[float, ...], prices: tuple[float | None, ...], share: float
) -> None:
    one = core()
    costs = {model: {"expected_cost": usd} for model, usd in zip("acd", prices, strict=True)}
    chain = one.candidates("a", "c", "d", **costs)
    for model, seconds in zip("acd", took, strict=True):
        one.record(model, *["ok"] * 3, after=0, took=seconds)
    explored = []
    for number in range(1000):
        one.rng = Dice(number / 10_000)
        first = one.choose(chain, strategy=strategy).order[0]
        explored.append(first.why == "explored: one call of twenty at most")
        assert explored[-1] == (first.model != "a")
    assert sum(explored) / 10_000 == pytest.approx(share, abs=0.0002)
    assert explored == sorted(explored, reverse=True)


@pytest.mark.parametrize("strategy", ["fastest", "cheapest"])
def test_of_two_models_the_other_is_explored_too(strategy: str) -> None:
    one = core()
    chain = one.candidates("a", "c", a={"expected_cost": 1.0}, c={"expected_cost": 1.5})
    for model, seconds in (("a", 1.0), ("c", 2.0)):
        one.record(model, *["ok"] * 3, after=0, took=seconds)
    one.rng = Dice(balancer.SELDOM / 2, 0.5)
    assert one.order(chain, strategy=strategy) == ["c", "a"]


@pytest.mark.parametrize("strategy", ["fastest", "cheapest"])
@pytest.mark.parametrize("models", [(), ("a",)])
def test_nobody_else_is_explored_where_there_is_none(strategy: str, models: tuple[str, ...]) -> None:
    one = core()
    chain = one.candidates(*models)
    for _ in range(2):
        one.rng = Dice(0.01, 0.0)
        assert one.order(chain, strategy=strategy) == list(models)


@pytest.mark.parametrize(
    ("before", "firsts"),
    [
        ({}, ["a", "c", "d", "c"]),
        ({"a": ("ok",)}, ["c", "d", "a", "a"]),
        ({"c": ("server_error",)}, ["a", "d", "a", "a"]),
        ({"a": ("ok",), "c": ("ok",), "d": ("ok",)}, ["a", "a", "a", "a"]),
    ],
    ids=["none-known", "one-answered", "one-failed", "all-known"],
)
def test_fastest_asks_each_once_that_is_not_known(before: dict[str, tuple[str, ...]], firsts: list[str]) -> None:
    one = core()
    chain = one.candidates("a", "c", "d")
    for model, outcomes in before.items():
        one.record(model, *outcomes, took={"a": 1.0, "c": 2.0, "d": 3.0}[model])
    found = []
    for _ in firsts:
        found.append(one.choose(chain, strategy="fastest").order)
        if not before:
            one.record(found[-1][0].model, "ok", took={"a": 5.0, "c": 1.0, "d": 2.0}[found[-1][0].model])
    assert [order[0].model for order in found] == firsts
    if firsts[0] != firsts[1]:
        assert found[0][0].why == "not asked yet: its time is not known"


def test_a_model_that_refuses_every_call_is_asked_first_once_only() -> None:
    one = core()
    one.record("a", "ok")
    chain = one.candidates("a", "c")
    firsts = []
    for _ in range(4):
        firsts.append(one.choose(chain, strategy="fastest").order[0].model)
        if firsts[-1] == "c":
            one.record("c", "content_filtered")
    assert firsts == ["c", "a", "a", "a"]


@pytest.mark.parametrize("strategy", ["balanced", "priority", "cheapest"])
def test_only_fastest_asks_what_it_does_not_know(strategy: str) -> None:
    one = core()
    one.record("a", *["ok"] * 3)
    costs = {"a": {"expected_cost": 0.1}, "c": {"expected_cost": 0.2}}
    assert one.order(one.candidates("a", "c", **costs), strategy=strategy)[0] == "a"


def test_what_is_not_known_goes_after_a_trial_and_before_what_works() -> None:
    one = opened(core(), "a").wait(100)
    one.record("c", "ok")
    order = one.choose(one.candidates("c", "d", "a"), strategy="fastest").order
    assert [ranked.model for ranked in order] == ["a", "d", "c"]


@pytest.mark.parametrize(
    ("answered", "prices", "shares"),
    [
        ("acd", (1.0, 1.0, 1.0), (0.5, 0.5)),
        ("acd", (1.0, 1.0, 2.0), (1.0, 0.0)),
        ("acd", (1.0, 1.1, 1.3), (0.936, 0.064)),
        ("acd", (1.0, 3.0, 3.0), (0.5, 0.5)),
        ("ac", (1.0, 1.0, 9.0), (0.5, 0.5)),
        ("acd", (1.0, 1.0, None), (1.0, 0.0)),
        ("acd", (0.0, 1.0, 1.0), (0.5, 0.5)),
        ("acd", (None, None, None), (0.5, 0.5)),
    ],
    ids=["equal", "twice", "a-little", "both-far", "never-answered", "unknown-price", "free", "none-known"],
)
def test_likely_one_is_explored_that_could_be_the_better(
    answered: str, prices: tuple[float | None, ...], shares: tuple[float, float]
) -> None:
    one = core()
    for _ in range(3):
        for model in answered:
            one.record(model, "ok", after=0)
    costs = {model: {"expected_cost": usd} for model, usd in zip("acd", prices, strict=True)}
    chain = one.candidates("a", "c", "d", **costs)
    explored = []
    for number in range(1000):
        one.rng = Dice(0.01, number / 1000)
        explored.append(one.choose(chain, strategy="cheapest").order[0].model)
    assert explored.count("a") == 0
    assert (explored.count("c") / 1000, explored.count("d") / 1000) == pytest.approx(shares, abs=0.003)


@pytest.mark.parametrize("ending", [(), ("server_error",)])
@pytest.mark.parametrize(("hours", "found"), [(0.9, "c"), (1.0, "d"), (20.0, "d")])
def test_a_model_that_was_not_called_for_an_hour_is_explored_although_it_was_slow(
    hours: float, found: str, ending: tuple[str, ...]
) -> None:
    one = core()
    one.record("d", *["ok"] * 3, took=30.0)
    one.wait(1000.0 if ending else 0.0)
    one.record("d", *ending, after=0, took=1.0)
    one.wait(hours * 3600 - 10)
    one.record("a", *["ok"] * 3, took=1.0)
    one.record("c", *["ok"] * 3, took=1.1)
    one.rng = Dice(0.01, 0.999)
    assert one.choose(one.candidates("a", "c", "d"), strategy="fastest").order[0].model == found


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_model_that_is_due_for_a_trial_is_found_by_the_next_call(strategy: str) -> None:
    one = opened(core(), "a")
    one.record("c", "ok", took=9.0)
    chain = one.candidates("a", "c", a={"expected_cost": 0.1}, c={"expected_cost": 0.2})
    assert one.order(chain, strategy=strategy) == ["c"]
    one.wait(60)
    first, second = one.choose(chain, strategy=strategy).order
    assert (first.model, first.lease, first.lease_s) == ("a", f"trial:{REFS['a'].deployment}", 130.0)
    assert (first.status, first.why) == ("unavailable", "due for a trial")
    assert (second.model, second.lease) == ("c", None)
    one.rng = Dice(0.01, 0.0)
    assert one.order(chain, strategy=strategy)[0] == "a"


def test_a_trial_stands_first_in_its_own_tier_group() -> None:
    one = opened(core(), "a").wait(60)
    chain = one.candidates("a", "c", "d", a={"tier": "high"}, d={"tier": "high"})
    assert one.order(chain) == ["c", "a", "d"]
    assert one.order(chain, complexity="high") == ["a", "d", "c"]
    assert one.order(one.candidates("a", "c", "d", a={"tier": "low"})) == ["c", "d", "a"]


def test_a_trial_keeps_its_place_in_the_chain() -> None:
    one = opened(core(), "c").wait(60)
    assert one.order(one.candidates("a", "c", "d"), strategy="priority") == ["a", "c", "d"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_trial_at_most_goes_before_what_works(strategy: str) -> None:
    one = opened(core(), "a", "c").wait(100)
    order = one.choose(one.candidates("a", "c", "d"), strategy=strategy).order
    assert [ranked.model for ranked in order] == ["a", "d", "c"]
    assert order[2].lease == f"trial:{REFS['c'].deployment}"


def test_a_trial_that_another_holds_the_lease_of_is_left_out() -> None:
    one = opened(core(), "a").wait(60)
    one.leased(trial_a=50)
    decision = one.choose(one.candidates("a", "c"))
    assert [ranked.model for ranked in decision.order] == ["c"]
    out = decision.ranked[-1]
    assert out.why == "open: 3 failures in a row (timeout); being tried by another call"
    assert out.retry_at == one.now + 50


def critical(one: Core, model: str = "a") -> Core:
    one.record(model, *["ok", "ok", "ok", "server_error"] * 3, "ok")
    assert one.standing(model).critical
    return one


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_critical_model_serves_only_when_nothing_better_can_but_for_one_try_per_interval(strategy: str) -> None:
    one = critical(core())
    chain = one.candidates("a", "c", a={"expected_cost": 0.0}, c={"expected_cost": 1.0})
    one.leased(critical_a=100)
    assert one.order(chain, strategy=strategy) == ["c", "a"]
    one.leased()
    first, second = one.choose(chain, strategy=strategy).order
    assert (second.model, second.lease) == ("c", None)
    assert (first.model, first.lease, first.lease_s) == ("a", f"critical:{REFS['a'].deployment}", 300.0)
    assert first.why.startswith("critical: asked once per interval; error rate 23% (critical)")


def test_critical_models_alone_need_no_lease_and_go_by_score() -> None:
    one = critical(critical(core()), "c")
    one.record("d", "timeout", "timeout", "timeout")
    order = one.choose(one.candidates("a", "c", "d", a={"weight": 0.5})).order
    assert [(ranked.model, ranked.lease) for ranked in order] == [("c", None), ("a", None)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_lone_model_is_tried_when_nothing_else_is_left(strategy: str) -> None:
    one = opened(core(), "a")
    (only,) = one.choose(one.candidates("a"), strategy=strategy).order
    assert (only.model, only.lease) == ("a", f"trial:{REFS['a'].deployment}")
    assert only.why == "all else is out: the least suspect is tried"
    assert only.retry_at == one.deployment("a").retry_at


def test_when_a_whole_chain_is_open_the_least_suspect_gets_one_trial() -> None:
    one = core()
    one.record("a", *["timeout"] * 5)
    one.record("c", *["timeout"] * 3)
    one.record("d", *["timeout"] * 4, after=1)
    one.record("b", "auth")
    chain = one.candidates("a", "b", "c", "d")
    assert one.order(chain) == ["c"]
    assert one.order(one.candidates("a", "c", "d", c={"weight": 0.0})) == ["d"]
    offline = [*chain, Candidate(ModelRef("offline", "o", "o", ""), 9, offline=True)]
    assert one.order(offline) == ["c", "offline"]


def test_no_last_resort_is_tried_beside_a_model_that_is_due_for_a_trial() -> None:
    one = opened(core(), "a")
    one.now = one.deployment("a").retry_at
    opened(one, "c")
    assert one.order(one.candidates("a", "c")) == ["a"]


@pytest.mark.parametrize(("strategy", "order"), [("balanced", "cda"), ("priority", "adc")])
def test_of_two_that_are_due_for_a_trial_the_nearer_tier_or_the_chain_says_which(strategy: str, order: str) -> None:
    one = opened(core(), "a", "c")
    one.record("d", "ok")
    one.wait(60)
    chain = one.candidates("a", "c", "d", a={"tier": "high"}, c={"tier": "low"}, d={"tier": "low"})
    assert one.order(chain, complexity="low", strategy=strategy) == list(order)


@pytest.mark.parametrize("outcome", ["auth", "quota_exhausted", "model_not_found", "rate_limited"])
def test_blocked_retired_and_held_are_never_tried_and_nothing_or_offline_is_left(outcome: str) -> None:
    one = core()
    for model in "acd":
        one.record(model, outcome, outcome, after=100, retry_after_s=1000.0)
    one.put_model("b", drained_by="me", drained_why="", drained_until=one.now + 100)
    chain = one.candidates(*"abcd")
    decision = one.choose(chain)
    assert decision.order == ()
    assert [ranked.model for ranked in decision.ranked] == list("abcd")
    assert all(ranked.why and ranked.status == "unavailable" for ranked in decision.ranked)
    offline = [*chain, Candidate(ModelRef("offline", "o", "o", ""), 9, offline=True)]
    assert one.order(offline) == ["offline"]


def test_the_left_out_say_why_and_until_when() -> None:
    one = core()
    one.record("a", "rate_limited", retry_after_s=10.0)
    decision = one.choose(one.candidates("a", "c", "d", c={"excluded": "no key (TWO)"}, d={"excluded": "too small"}))
    said = [(ranked.model, ranked.status, ranked.why, ranked.retry_at) for ranked in decision.ranked]
    assert said == [
        ("a", "unavailable", "rate limited", one.now + 10),
        ("c", "unavailable", "no key (TWO)", None),
        ("d", "unknown", "too small", None),
    ]


def test_a_retired_model_gets_its_re_check() -> None:
    one = core()
    one.record("a", "model_not_found", "model_not_found", after=100)
    assert one.order(one.candidates("a", "c")) == ["c"]
    assert one.wait(DAY).order(one.candidates("a", "c")) == ["a", "c"]


def test_no_candidates_make_an_empty_decision() -> None:
    decision, credits_ = choose(
        (), Snapshot(0), Demand("final", "low", terms={"size": 0}), Settings(), {}, 0, Random(1)
    )
    assert (decision.ranked, credits_, dict(decision.terms)) == ((), {}, {"size": 0})
    assert (decision.phase, decision.complexity, decision.strategy) == ("final", "low", "balanced")


def test_zero_latencies_and_zero_tokens_divide_nothing() -> None:
    one = core()
    for model in "ac":
        one.record(model, *["ok"] * 4, latency_ms=0.0, ttft_ms=0.0, streamed=True, output_tokens=0)
    one.record("d", *["ok"] * 4, latency_ms=0.0, output_tokens=1000)
    zero = {"expected_output": 0, "expected_cost": 0.0}
    for strategy in STRATEGIES:
        decision = one.choose(one.candidates("a", "c", "d", a=zero), strategy=strategy)
        assert all(ranked.terms["seconds"] == 0 for ranked in decision.order)


def served(one: Core, chain: list[Candidate], seconds: dict[str, float], calls: int) -> list[str]:
    """Make calls that take as long as their model takes, and return who answered; leases are kept."""
    asked = []
    for _ in range(calls):
        leases = {name: ends for name, ends in one.rows.leases.items() if ends > one.now}
        one.rows = one.rows._replace(leases=leases)
        first = one.choose(chain).order[0]
        if first.lease is not None:
            leases[first.lease] = one.now + first.lease_s
        asked.append(first.model)
        took = seconds[first.model]
        one.record(first.model, "ok", took=took, ttft_ms=took * 500, streamed=True, output_tokens=200)
    return asked


def test_a_model_that_turned_ten_times_slower_loses_its_place_within_ten_calls_and_gets_it_back() -> None:
    one = core()
    chain = one.candidates("a", "c")
    quick = {"a": 2.0, "c": 2.5}
    assert served(one, chain, quick, 40)[-10:].count("a") in {5, 6}
    slow = served(one, chain, {**quick, "a": 20.0}, 30)
    assert slow[:10].count("a") <= 6
    assert slow[10:].count("a") <= 4
    assert re.fullmatch(r"slow: \d+\.\d s \(critical from 10 s\)", one.standing("a").reason)
    back = served(one, chain, quick, 1200)
    assert back[-40:].count("a") >= 18
    assert one.status("a") == "healthy"


def test_three_of_ten_that_fail_a_quarter_of_their_calls_are_not_ejected() -> None:
    refs = {f"m{i}": ModelRef(f"m{i}", f"d{i}", f"k{i}", f"h{i}") for i in range(10)}
    one = core(refs=refs)
    for turn in range(40):
        for index, model in enumerate(refs):
            one.record(model, "server_error" if index < 3 and turn % 4 == index else "ok")
    assert all(one.status(model) != "unavailable" for model in refs)
    order = one.order(one.candidates(*refs))
    assert sorted(order) == sorted(refs)
    assert set(order[-2:]) < {"m0", "m1", "m2"}


def test_failed_fallbacks_are_counted_like_failed_firsts() -> None:
    one = core()
    one.record("c", "server_error", "server_error", "server_error", fallback_from="a")
    assert one.order(one.candidates("a", "c")) == ["a"]


def test_unknown_is_neither_healthy_nor_dead() -> None:
    one = core()
    one.record("c", "ok", "timeout")
    assert one.status("a") == "unknown"
    assert one.order(one.candidates("c", "a")) == ["a", "c"]
    assert one.order(one.candidates("c", "a"), strategy="priority") == ["c", "a"]
