"""Another strategy over calls that were made."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from routing_bench import OK, Bench, bench, failed

from archfb.providers.exchange import Usage
from archfb.routing.replay import Replay, replay

CHEAP = OK._replace(usage=Usage(1000, 100), latency_ms=2000.0)


def replayed(on: Bench, strategy: str) -> Replay:
    desk = on.router.desk
    return replay(on.store.attempts(), strategy, desk.choose, desk.settings, desk.refs)  # type: ignore[arg-type]


def made(on: Bench, calls: int) -> Bench:
    for _ in range(calls):
        asyncio.run(on.router.ask("phase1", "x"))
        on.clock.at += 30
    return on


def test_the_same_strategy_changes_nothing_and_is_sure_of_it() -> None:
    found = replayed(made(bench(["a", "b"]), 20), "priority")
    assert (found.calls, found.changed, found.known) == (20, 0, 1.0)
    assert found.actual == found.replayed
    assert found.low == found.high


def test_cheapest_would_have_saved_what_the_cheaper_model_costs_less() -> None:
    dear = {"input_price": 10.0, "output_price": 10.0}
    cheap = {"input_price": 1.0, "output_price": 1.0}
    on = bench(
        {"dear": dear, "cheap": cheap}, {"dear": [CHEAP] * 9 + [failed("timeout")] + [CHEAP], "cheap": [CHEAP]}
    )
    found = replayed(made(on, 30), "cheapest")
    assert found.replayed.usd < found.actual.usd / 3
    assert found.high.usd < 0
    assert found.changed > 20
    assert found.known < 0.5


def test_nothing_recorded_is_nothing_replayed() -> None:
    found = replayed(bench(["a"]), "fastest")
    assert (found.calls, found.known, found.actual.usd) == (0, 0.0, 0.0)


def test_a_model_that_was_never_asked_is_not_invented() -> None:
    on = made(bench({"a": {"weight": 1.0}, "b": {"weight": 1.0}}), 5)
    found = replayed(on, "balanced")
    assert found.replayed.seconds == pytest.approx(found.actual.seconds)


def test_only_the_calls_of_a_phase_are_decided_again() -> None:
    on = made(bench(["a", "b"]), 6)
    desk = on.router.desk
    attempts = [replace(one, phase="phase2") if at % 2 else one for at, one in enumerate(on.store.attempts())]
    found = replay(attempts, "priority", desk.choose, desk.settings, desk.refs, phase="phase2")
    assert found.calls == 3
