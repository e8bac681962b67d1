"""The trial of a model that hung is made beside a call, so that nobody waits for it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest
from routing_bench import OK, Bench, ScriptedTransport, bench, failed

from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from archfb.providers.exchange import Limits, Question, Reply, Target

HUNG = failed("timeout")
BROKEN = failed("server_error")


def running(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Return a test that runs a loop of its own."""

    @wraps(test)
    def run(*args: Any, **fields: Any) -> None:
        asyncio.run(test(*args, **fields))

    return run


@dataclass
class Gated(ScriptedTransport):
    """Answers a model only once its gate is open."""

    gates: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    async def ask(self, target: Target, question: Question, limits: Limits, on_text: Any = None) -> Reply:
        self.asked.append(target.model.name)
        self.limits.append(limits)
        await self.gates[target.model.name].wait()
        return self._next(target.model.name)


async def due(
    reply: Reply, *, calls: int = 1, chain: tuple[str, ...] = ("a", "b"), answered: int = 0, took: float = 1.0
) -> tuple[Bench, Gated]:
    """Return a router whose first model is due for a trial after it failed thrice in one way, all gates shut."""
    good = OK._replace(latency_ms=1000.0 * took)
    one = bench(list(chain), {"a": [*[good] * answered, reply]}, attempts_per_model=1)
    for _ in range(answered + 3):
        await one.router.ask("phase1", "x")
        one.clock.at += 1.0
    one.clock.at += 60.0
    gated = Gated(one.clock, {"a": [OK]})
    one.router.desk.transport = gated  # type: ignore[assignment]
    one.router.desk.calls = calls
    return one, gated


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def breaker(one: Bench, model: str) -> tuple[str, int]:
    record = one.store.snapshot().deployments[one.router.desk.members[model].ref.deployment]
    return record.breaker, record.consecutive


@running
async def test_another_answers_and_the_trial_goes_on_until_it_has_an_answer_too() -> None:
    one, gated = await due(HUNG)
    gated.gates["b"].set()
    answer = await one.router.ask("phase1", "x")
    assert (answer.model, [(tried.model, tried.outcome) for tried in answer.attempts]) == ("b", [("b", Outcome.OK)])
    assert gated.asked == ["a", "b"]
    assert breaker(one, "a") == ("open", 3)
    assert one.store.snapshot().in_flight == {}
    assert [*one.store.snapshot().leases] == [f"trial:{one.router.desk.members['a'].ref.deployment}"]
    gated.gates["a"].set()
    await asyncio.gather(*one.router.desk.trials)
    assert breaker(one, "a") == ("closed", 0)
    assert not one.store.snapshot().leases
    assert not one.router.desk.trials


@pytest.mark.parametrize(
    ("answered", "took", "seconds"), [(5, 3.0, 6.0), (5, 0.1, 1.0), (5, 900.0, 120.0), (4, 3.0, 120.0)]
)
@running
async def test_a_trial_beside_a_call_has_failed_once_it_would_be_late(
    answered: int, took: float, seconds: float
) -> None:
    one, gated = await due(HUNG, answered=answered, took=took)
    gated.gates["b"].set()
    await one.router.ask("phase1", "x")
    assert [limits.total for limits in gated.limits] == pytest.approx([seconds, 120.0])
    await one.router._stop_looking()


@running
async def test_a_trial_that_fails_after_the_call_raises_the_back_off() -> None:
    one, gated = await due(HUNG)
    gated.script["a"] = [HUNG]
    gated.gates["b"].set()
    await one.router.ask("phase1", "x")
    gated.gates["a"].set()
    await asyncio.gather(*one.router.desk.trials)
    assert breaker(one, "a") == ("open", 4)


@running
async def test_a_trial_that_answers_first_is_the_answer_and_the_other_is_held_against_nobody() -> None:
    one, gated = await due(HUNG)
    gated.gates["a"].set()
    answer = await one.router.ask("phase1", "x")
    tried = {(each.model, each.outcome) for each in answer.attempts}
    assert (answer.model, tried) == ("a", {("a", Outcome.OK), ("b", Outcome.CANCELLED)})
    assert breaker(one, "a") == ("closed", 0)
    assert breaker(one, "b") == ("closed", 0)
    assert one.store.snapshot().in_flight == {}


@pytest.mark.parametrize(("reply", "calls"), [(BROKEN, 1), (HUNG, 0)], ids=["failed-at-once", "first-of-a-process"])
@running
async def test_else_the_call_waits_for_its_trial(reply: Reply, calls: int) -> None:
    one, gated = await due(reply, calls=calls)
    gated.gates["b"].set()
    call = asyncio.ensure_future(one.router.ask("phase1", "x"))
    await turns()
    assert gated.asked == ["a"]
    gated.gates["a"].set()
    assert (await call).model == "a"


@running
async def test_where_nobody_else_can_answer_the_trial_is_waited_for() -> None:
    one, gated = await due(HUNG)
    gated.script["b"] = [failed("auth")]
    gated.gates["b"].set()
    call = asyncio.ensure_future(one.router.ask("phase1", "x"))
    await turns()
    assert not call.done()
    gated.gates["a"].set()
    assert (await call).model == "a"


@running
async def test_a_lone_model_is_waited_for() -> None:
    one, gated = await due(HUNG, chain=("a",))
    gated.gates["a"].set()
    assert (await one.router.ask("phase1", "x")).model == "a"


@pytest.mark.parametrize("answered", [False, True])
@running
async def test_an_interrupted_trial_counts_for_nothing_and_frees_its_lease(answered: bool) -> None:
    one, gated = await due(HUNG)
    if answered:
        gated.gates["b"].set()
    call = asyncio.ensure_future(one.router.ask("phase1", "x"))
    await turns()
    assert call.done() is answered
    call.cancel()
    await asyncio.wait({call})
    await one.router._stop_looking()
    assert breaker(one, "a") == ("open", 3)
    rows = one.store.snapshot()
    assert (rows.in_flight, rows.leases) == ({}, {})
    assert "cancelled" in {str(tried.outcome) for tried in one.store.attempts()}
