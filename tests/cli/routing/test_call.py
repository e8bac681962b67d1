"""One call through its chain."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from routing_bench import OK, Bench, bench, failed

from archfb.events import AttemptEnded, Note
from archfb.providers.exchange import Limits, Question, Reply, Target, Usage
from archfb.routing.answer import Answer
from archfb_state.settings import Health


def ask(on: Bench, **options: object) -> Answer:
    return asyncio.run(on.router.ask("phase2", options.pop("prompt", "why?"), **options))  # type: ignore[arg-type]


def recorded(on: Bench) -> list[tuple[str, str]]:
    return [(one.model, str(one.outcome)) for one in on.store.attempts()]


def test_the_first_healthy_model_answers_and_the_attempt_is_recorded() -> None:
    on = bench(["a", "b"])
    answer = ask(on)
    assert (answer.ok, answer.text, answer.model, answer.complexity) == (True, "fine", "a", "low")
    assert answer.usage == Usage(10, 5)
    assert recorded(on) == [("a", "ok")]
    assert on.store.snapshot().in_flight == {}


def test_a_failure_is_repeated_once_and_handed_on() -> None:
    on = bench(["a", "b"], {"a": [failed("server_error")]})
    answer = ask(on)
    assert on.asked == ["a", "a", "b"]
    assert answer.model == "b"
    assert [one.fallback_from for one in answer.attempts] == [None, None, "a"]
    assert [one.repeat for one in answer.attempts] == [False, True, False]
    assert on.store.fallbacks() == {("phase2", "a", "b"): 1}


def test_a_failure_is_repeated_once_whatever_became_of_the_call_before() -> None:
    on = bench(["a", "b"], {"a": [failed("server_error")]})
    assert ask(on).model == "b"
    on.asked.clear()
    on.clock.at += 1.0
    assert ask(on).model == "b"
    assert on.asked == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("outcome", "asked"),
    [
        ("server_error", ["a", "a", "b"]),
        ("overloaded", ["a", "a", "b"]),
        ("network", ["a", "a", "b"]),
        ("malformed", ["a", "a", "b"]),
        ("timeout", ["a", "b"]),
        ("auth", ["a", "b"]),
        ("quota_exhausted", ["a", "b"]),
        ("model_not_found", ["a", "b"]),
        ("content_filtered", ["a", "b"]),
        ("invalid_request", ["a", "b"]),
        ("rate_limited", ["a", "b"]),
        ("truncated", ["a", "b"]),
    ],
)
def test_each_outcome_is_repeated_as_its_rule_says(outcome: str, asked: list[str]) -> None:
    on = bench(["a", "b"], {"a": [failed(outcome)]})
    assert ask(on).ok
    assert on.asked == asked


def test_all_failed_says_why_per_model() -> None:
    on = bench(["a", "b"], {"a": [failed("server_error", message="boom")], "b": [failed("timeout")]})
    answer = ask(on)
    assert not answer.ok
    assert answer.error is not None
    assert answer.error.code == "all_failed"
    assert answer.error.message == ("Every model failed: a: failed at the provider (HTTP 500): boom. b: timed out.")
    assert on.store.snapshot().in_flight == {}


def test_three_failed_calls_make_a_model_unavailable_and_it_is_not_asked_again() -> None:
    on = bench(["a", "b"], {"a": [failed("timeout")]})
    for _ in range(5):
        assert ask(on).model == "b"
    assert on.asked == ["a", "b"] * 3 + ["b"] * 2


def test_after_the_back_off_one_trial_brings_it_back() -> None:
    on = bench(["a", "b"], {"a": [failed("timeout")] * 3 + [OK]})
    for _ in range(4):
        ask(on)
    on.clock.at += 60
    assert ask(on).model == "a"
    assert ask(on).model == "a"


def test_the_offline_provider_is_the_last_link() -> None:
    on = bench(["a"], {"a": [failed("timeout")]}, offline=True)
    answer = ask(on, prompt=Question("why?", offline=lambda: "from the repository"))
    assert (answer.ok, answer.offline, answer.model, answer.text) == (True, True, "offline", "from the repository")
    assert [str(one.outcome) for one in answer.attempts] == ["timeout", "ok"]


def test_when_everything_fails_for_300_ms_the_call_waits_and_tries_again_within_its_deadline() -> None:
    on = bench(["a", "b"], {"a": [failed("network"), failed("network"), OK], "b": [failed("network"), OK]})
    before = on.clock.at
    assert ask(on).model == "b"
    assert on.clock.at - before > 0.3


def test_a_short_rate_limit_is_waited_for_only_when_nothing_else_is_left() -> None:
    limited = failed("rate_limited", retry_after_s=2.0)
    on = bench(["a", "b"], {"a": [limited, OK], "b": [failed("timeout")]})
    before = on.clock.at
    answer = ask(on)
    assert on.asked == ["a", "b", "a"]
    assert answer.model == "a"
    assert 2.0 <= on.clock.at - before < 2.5


@pytest.mark.parametrize(
    ("chain", "script", "asked"),
    [
        (["a"], {"a": [failed("rate_limited", retry_after_s=0.0), OK]}, ["a", "a"]),
        (
            ["a", "b"],
            {"a": [failed("rate_limited", retry_after_s=0.05), OK], "b": [failed("network")]},
            ["a", "b", "b", "a"],
        ),
    ],
    ids=["at once", "while another was asked"],
)
def test_a_rate_limit_that_is_over_is_none_when_nothing_else_is_left(
    chain: list[str], script: dict[str, Any], asked: list[str]
) -> None:
    on = bench(chain, script)
    assert ask(on).model == "a"
    assert on.asked == asked


def test_a_long_rate_limit_is_not_waited_for() -> None:
    on = bench(["a"], {"a": [failed("rate_limited", retry_after_s=60.0)]})
    before = on.clock.at
    answer = ask(on)
    assert on.asked == ["a"]
    assert on.clock.at - before < 0.1
    assert answer.error is not None
    assert answer.error.retry_at is not None
    assert 59 < answer.error.retry_at - on.clock.at <= 66


def test_a_hold_lasts_as_long_as_was_asked_for_although_the_clock_is_set_back() -> None:
    one = bench(["a", "b"], {"a": [failed("rate_limited", retry_after_s=60.0), OK]})
    ask(one)
    one.clock.at -= 86400
    ask(one)
    one.clock.at += 50
    ask(one)
    assert one.asked == ["a", "b", "b", "b"]
    one.clock.at += 10
    ask(one)
    assert one.asked[4:] == ["a"]


def test_a_rejected_key_takes_its_other_models_out_of_the_same_call() -> None:
    key = {"env": "KEY", "provider": "p"}
    on = bench(
        {"a": {**key, "id": "1"}, "b": {**key, "id": "2"}, "c": {}}, {"a": [failed("auth")]}, environ={"KEY": "k"}
    )
    answer = ask(on)
    assert answer.model == "c"
    assert on.asked == ["a", "c"]
    assert {one.model: one.why for one in answer.decision}["b"] == "key rejected"


def test_a_model_without_a_key_is_skipped_and_said() -> None:
    on = bench({"a": {"env": "A_KEY"}, "b": {}})
    answer = ask(on)
    assert on.asked == ["b"]
    assert {one.model: one.why for one in answer.decision}["a"] == "no key (A_KEY)"


def test_no_usable_model_fails_at_once_with_the_reasons() -> None:
    on = bench({"a": {"env": "A_KEY"}})
    answer = ask(on)
    assert answer.error is not None
    assert answer.error.code == "no_usable_model"
    assert answer.error.message == "No model can be asked now: a: no key (A_KEY)."


def test_all_blocked_fails_in_under_100_ms_with_every_reason() -> None:
    on = bench({"a": {}, "b": {}}, {name: [failed("auth")] for name in "ab"})
    ask(on)
    on.asked.clear()
    took = []
    for _ in range(5):
        began = time.process_time()
        answer = ask(on)
        took.append(time.process_time() - began)
    assert on.asked == []
    assert answer.error is not None
    assert answer.error.code == "no_usable_model"
    assert answer.error.message == "No model can be asked now: a: key rejected. b: key rejected."
    assert {one.model: one.eligible for one in answer.decision} == {"a": False, "b": False}
    assert min(took) < 0.1


def test_a_refused_parameter_is_left_out_once_and_remembered() -> None:
    refused = failed("invalid_request", parameter="temperature", substitute="")
    on = bench(["a", "b"], {"a": [refused, OK]})
    assert ask(on).model == "a"
    assert [dict(one.learned) for one in on.transport.targets] == [{}, {"temperature": ""}]
    assert ask(on).model == "a"
    assert dict(on.transport.targets[-1].learned) == {"temperature": ""}
    assert any(isinstance(event, Note) and "temperature" in event.text for event in on.events)
    assert [one.blame for one in on.store.attempts()] == [False, True, True]
    assert on.store.snapshot().models["a"].failures == 0


@pytest.mark.parametrize(("instead", "how"), [("4096", "with 4096 for it"), ("", "without it")])
def test_row_36_what_was_sent_instead_is_said(instead: str, how: str) -> None:
    on = bench(["a"], {"a": [failed("invalid_request", parameter="max_output_tokens", substitute=instead), OK]})
    ask(on)
    notes = [event for event in on.events if isinstance(event, Note)]
    assert notes == [Note(f"a refused max_output_tokens: asked again {how}, and remembered", 1)]


def test_a_request_that_nobody_accepts_is_held_against_nobody() -> None:
    on = bench(["a", "b"], {"a": [failed("invalid_request")], "b": [failed("invalid_request")]})
    for _ in range(4):
        ask(on)
    assert on.asked == ["a", "b"] * 4
    assert [one.blame for one in on.store.attempts()] == [False] * 8


def test_a_request_that_another_accepts_is_held_against_who_refused_it() -> None:
    on = bench(["a", "b"], {"a": [failed("invalid_request")]})
    ask(on)
    assert [(one.model, one.blame) for one in on.store.attempts()] == [("a", True), ("b", True)]


def test_a_prompt_too_long_goes_to_larger_windows_only() -> None:
    chain = {"a": {"context_window": 50_000}, "b": {"context_window": 50_000}, "c": {"context_window": 90_000}}
    on = bench(chain, {"a": [failed("context_too_long", window=50_000)]})
    assert ask(on).model == "c"
    assert on.asked == ["a", "c"]
    notes = [event.text for event in on.events if isinstance(event, Note)]
    assert notes == ["Prompt ≈ 9 tokens; a takes 50,000. Trying c (larger window)…"]


def test_a_model_that_refused_a_size_is_not_asked_that_size_again() -> None:
    on = bench({"a": {}, "b": {"context_window": 200_000}}, {"a": [failed("context_too_long", window=6_000), OK]})
    for prompt in ("x" * 40_000, "x" * 40_000, "x" * 1_000):
        ask(on, prompt=prompt)
    assert on.asked == ["a", "b", "b", "a"]
    assert on.router.status().models[0].standing.status == "healthy"


def test_candidates_that_cannot_fit_are_left_out_before_the_first_request() -> None:
    on = bench({"a": {"context_window": 8_000}, "b": {"context_window": 100_000}})
    answer = ask(on, prompt="x" * 100_000)
    assert on.asked == ["b"]
    assert "window too small" in {one.model: one.why for one in answer.decision}["a"]


def test_a_prompt_that_can_shrink_is_packed_for_the_window() -> None:
    on = bench({"a": {"context_window": 8_000}})
    budgets: list[int | None] = []

    def build(budget: int | None) -> Question:
        budgets.append(budget)
        return Question("x" * (100_000 if budget is None else budget))

    assert ask(on, build=build).model == "a"
    assert budgets[-1] is not None
    assert budgets[-1] <= 8_000


def test_a_refusal_stops_the_call_where_the_configuration_says_so() -> None:
    on = bench(["a", "b"], {"a": [failed("content_filtered")]}, on_refusal="stop", offline=True)
    assert not ask(on).ok
    assert on.asked == ["a"]


def test_the_deadline_covers_all_attempts() -> None:
    on = bench(["a", "b", "c"], {name: [failed("timeout")] for name in "abc"}, deadline=10.0)
    for name in "abc":
        on.transport.seconds[name] = 6.0
    answer = ask(on)
    assert on.asked == ["a", "b"]
    assert answer.error is not None
    assert answer.error.code == "deadline"
    assert on.transport.limits[0].total == 5.0


def test_an_interrupted_call_is_recorded_and_counts_for_nothing() -> None:
    on = bench(["a"])

    async def interrupted(*_: object) -> Reply:
        raise asyncio.CancelledError

    on.transport.ask = interrupted  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        ask(on)
    assert recorded(on) == [("a", "cancelled")]
    row = on.router.status().models[0]
    assert (row.standing.status, row.record.failures) == ("unknown", 0)
    assert on.store.snapshot().in_flight == {}


def test_a_cost_limit_is_reserved_before_the_request() -> None:
    dear = {"input_price": 1000.0, "output_price": 1000.0, "max_output_tokens": 1000}
    on = bench({"a": dear}, max_cost=0.5, offline=True)
    answer = ask(on)
    assert on.asked == []
    assert answer.error is not None
    assert answer.error.code == "cost_limit"


def test_what_was_spent_counts_against_the_limit_of_the_next_call() -> None:
    priced = {"input_price": 1000.0, "output_price": 1000.0, "max_output_tokens": 30}
    on = bench({"a": priced}, {"a": [OK._replace(usage=Usage(30, 30))]}, max_cost=0.08)
    assert ask(on).cost_usd == pytest.approx(0.06)
    answer = ask(on)
    assert answer.error is not None
    assert answer.error.code == "cost_limit"


def test_a_pinned_model_is_the_only_one_asked() -> None:
    on = bench(["a", "b"], {"b": [failed("timeout")]}, offline=True)
    assert not ask(on, model="b").ok
    assert on.asked == ["b"]


def test_two_calls_at_once_do_not_both_try_an_open_model() -> None:
    on = bench(["a"], {"a": [failed("timeout")]}, health=Health(retry_count=1))
    ask(on)
    on.clock.at += 60

    async def both() -> list[Answer]:
        return list(await asyncio.gather(on.router.ask("phase2", "x"), on.router.ask("phase2", "y")))

    before = len(on.asked)
    asyncio.run(both())
    assert len(on.asked) - before == 1


def test_the_observer_sees_every_attempt() -> None:
    on = bench(["a", "b"], {"a": [failed("timeout")]})
    ask(on)
    ended = [event.attempt.model for event in on.events if isinstance(event, AttemptEnded)]
    assert ended == ["a", "b"]


class SlowTransport:
    """Answers at once, but for one model that waits: to be cancelled, where no seconds are given."""

    def __init__(self, on: Bench, slow: str, seconds: float | None = None) -> None:
        self.on, self.slow, self.seconds, self.ask_at_once = on, slow, seconds, on.transport.ask

    async def ask(self, target: Target, question: Question, limits: Limits) -> Reply:
        if target.model.name == self.slow:
            self.on.asked.append(self.slow)
            if self.seconds is None:
                await asyncio.Event().wait()
            await asyncio.sleep(self.seconds)
            return OK
        return await self.ask_at_once(target, question, limits)


def hedging(slow: str, hedge: float) -> Bench:
    on = bench(["a", "b"], {name: [OK._replace(latency_ms=1.0)] for name in "ab"}, hedge=hedge)
    for _ in range(10):
        ask(on)
    on.asked.clear()
    on.router.desk.transport = SlowTransport(on, slow)  # type: ignore[assignment]
    return on


def test_hedging_asks_a_second_model_and_the_slow_one_is_held_against_nobody() -> None:
    on = hedging("a", 0.95)
    answer = ask(on)
    assert (answer.model, answer.text) == ("b", "fine")
    assert on.asked == ["a", "b"]
    assert recorded(on)[-2:] == [("b", "ok"), ("a", "cancelled")]
    assert on.router.status().models[0].standing.status == "healthy"
    assert on.store.snapshot().in_flight == {}


def test_hedging_stays_within_the_cost_limit() -> None:
    priced = {name: {"input_price": usd, "output_price": usd} for name, usd in (("a", 0.0), ("b", 1000.0))}
    on = bench(priced, {"a": [OK._replace(latency_ms=1.0)]}, hedge=0.95, max_cost=0.5)
    for _ in range(10):
        ask(on)
    on.asked.clear()
    slow = SlowTransport(on, "a", seconds=0.05)
    on.router.desk.transport = slow  # type: ignore[assignment]
    assert ask(on).model == "a"
    assert on.asked == ["a"]


def test_without_hedging_nobody_else_is_asked_beside_the_first() -> None:
    on = hedging("b", 0.0)
    assert ask(on).model == "a"
    assert on.asked == ["a"]


def test_hedging_waits_for_enough_latencies_to_go_by() -> None:
    on = bench(["a", "b"], hedge=0.5)
    assert ask(on).model == "a"
    assert on.asked == ["a"]


KEPT_OUT: list[tuple[str, dict[str, Any]]] = [
    ("a provider that may not see it", {"not_providers": ["p-a"]}),
    ("a provider that is not the one that may", {"only_providers": ["p-b"]}),
    ("offline only", {"offline_only": True}),
]


@pytest.mark.parametrize("ways", [one[1] for one in KEPT_OUT], ids=[one[0] for one in KEPT_OUT])
@pytest.mark.parametrize("outcome", ["rate_limited", "server_error", "timeout"])
def test_who_may_not_see_the_code_is_not_asked_as_the_last_one_left_either(
    outcome: str, ways: dict[str, Any]
) -> None:
    on = bench(["a"], {"a": [failed(outcome, retry_after_s=1.0)]})
    for _ in range(4):
        asyncio.run(on.router.ask("phase1", "x"))
    before = len(on.asked)
    answer = asyncio.run(on.router.ask("phase1", "x", **ways))
    assert [name for name in on.asked[before:] if name == "a"] == []
    assert [one.model for one in answer.attempts if one.model == "a"] == []
