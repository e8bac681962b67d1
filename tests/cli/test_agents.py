"""Agents of a program's own over the same memory."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE, variables
from routing_bench import FakeClock

from archfb.agents import LoadBalancer, ModelManager, outcome_of
from archfb.errors import AllFailed, NoUsableModel, UsageError
from archfb_state.outcomes import Outcome
from archfb_state.storage.memory_store import MemoryStore


class Echo:
    """An agent that answers, or fails as often as it is told."""

    def __init__(self, name: str, failures: int = 0, error: Exception | None = None) -> None:
        self.model_name = name
        self.failures = failures
        self.error = error or RuntimeError("broken")
        self.calls = 0

    async def analyze(self, context: str) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return f"{self.model_name}: {context}"

    async def health_check(self) -> None:
        await self.analyze("ping")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock=FakeClock())


def balancer(store: MemoryStore, *agents: Any) -> LoadBalancer:
    made = LoadBalancer(store, rng=random.Random(3))
    for agent in agents:
        made.register_agent("phase1", agent)
    return made


def test_the_death_of_one_agent_is_survived_and_remembered_by_the_next_process(store: MemoryStore) -> None:
    dead, well = Echo("dead", failures=99), Echo("well")
    for _ in range(12):
        fresh = balancer(store, dead, well)
        assert asyncio.run(fresh.execute_request("phase1", "analyze", "x")) == "well: x"
    assert 1 <= dead.calls <= 3
    assert well.calls == 12


def test_the_example_survives_the_death_of_one_and_the_next_process_knows(tmp_path: Path) -> None:
    program = Path(__file__).parents[2] / "examples" / "two_agents.py"
    told = [
        subprocess.run(
            [sys.executable, str(program)],
            env=variables({"ARCHFB_STATE": str(tmp_path / "agents.db")}),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        ).stdout.splitlines()
        for _ in range(2)
    ]
    assert told[0][:6] == told[1][:6] == ["well: The order module keeps …"] * 6
    assert told[0][6].startswith("dead was asked 2 times")
    assert told[1][6] == "dead was asked 1 times; well is asked now"


def test_a_critical_agent_is_tried_once_per_interval(store: MemoryStore) -> None:
    slow, well = Echo("slow"), Echo("well")
    asyncio.run(balancer(store, slow, well).execute_request("phase1", "analyze", "x"))
    record = store.snapshot().models["slow"]._replace(latency_level="critical")
    store._rows = store._rows._replace(models={**store._rows.models, record.model: record})
    for _ in range(5):
        asyncio.run(balancer(store, slow, well).execute_request("phase1", "analyze", "x"))
    assert (slow.calls, well.calls) == (2, 4)


def test_a_trial_that_is_given_up_frees_its_lease(store: MemoryStore) -> None:
    dead = Echo("dead", failures=99)
    for _ in range(4):
        with pytest.raises(AllFailed):
            asyncio.run(balancer(store, dead).execute_request("phase1", "analyze", "x"))
    dead.error = asyncio.CancelledError()  # type: ignore[assignment]
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(balancer(store, dead).execute_request("phase1", "analyze", "x"))
    assert store.snapshot().leases == {}


def test_when_every_agent_fails_all_their_exceptions_leave_together(store: MemoryStore) -> None:
    made = balancer(store, Echo("a", 9, TimeoutError("slow")), Echo("b", 9))
    with pytest.raises(AllFailed) as raised:
        asyncio.run(made.execute_request("phase1", "analyze", "x"))
    group = raised.value.__cause__
    assert isinstance(group, ExceptionGroup)
    assert sorted(type(one).__name__ for one in group.exceptions) == ["RuntimeError", "TimeoutError"]


def test_when_nobody_may_be_asked_it_says_so(store: MemoryStore) -> None:
    store.drain("a", by="me", why="maintenance", until=store.now() + 60)
    made = balancer(store, Echo("a"))
    with pytest.raises(NoUsableModel, match="maintenance"):
        asyncio.run(made.execute_request("phase1", "analyze", "x"))


def test_metrics_count_from_the_last_reset(store: MemoryStore) -> None:
    made = balancer(store, Echo("a", failures=1), Echo("b"))
    for _ in range(4):
        asyncio.run(made.execute_request("phase1", "analyze", "x"))
    shown = made.get_metrics()
    assert sum(row["requests"] for row in shown.values()) == 5
    assert sum(row["failures"] for row in shown.values()) == 1
    made.reset_metrics()
    assert all(row["requests"] == 0 for row in made.get_metrics().values())


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_must_be_a_number_not_below_zero(store: MemoryStore, weight: float) -> None:
    with pytest.raises(UsageError, match="weight of a must be a number"):
        LoadBalancer(store).register_agent("phase1", Echo("a"), weight)


def test_the_manager_gives_the_first_model_that_is_well(store: MemoryStore) -> None:
    first, second = Echo("first", failures=99), Echo("second")
    manager = ModelManager(store)
    manager.register_model("phase1", first, [second])
    assert manager.get_healthy_model("phase1") is first
    for _ in range(3):
        asyncio.run(manager.health_check())
    assert manager.get_healthy_model("phase1") is second
    assert manager.fallback_to_next("phase1", first) is second
    with pytest.raises(NoUsableModel):
        manager.fallback_to_next("phase1", second)
    with pytest.raises(UsageError, match="phase9"):
        manager.get_healthy_model("phase9")


def test_a_method_that_an_agent_lacks_is_said_before_anyone_is_asked(store: MemoryStore) -> None:
    one = balancer(store, Echo("a"))
    with pytest.raises(AttributeError, match="summarise"):
        asyncio.run(one.execute_request("phase1", "summarise", "x"))
    assert store.snapshot().in_flight == {}


def test_who_falls_back_until_nobody_is_left_tries_each_model_once(store: MemoryStore) -> None:
    """Also where nothing records that one failed, so that all of them look well."""
    manager = ModelManager(store)
    manager.register_model("phase1", "a", ["b", "c"])
    assert manager.get_healthy_model("phase1") == "a"
    assert [manager.fallback_to_next("phase1", one) for one in "ab"] == ["b", "c"]
    with pytest.raises(NoUsableModel):
        manager.fallback_to_next("phase1", "c")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(TimeoutError(), "timeout"), (ConnectionError(), "network"), (ValueError(), "server_error")],
)
def test_exceptions_become_outcomes(error: Exception, outcome: str) -> None:
    assert outcome_of(error) == Outcome(outcome)


def test_an_exception_may_name_its_own_outcome() -> None:
    error = RuntimeError("slow down")
    error.outcome = "rate_limited"  # type: ignore[attr-defined]
    assert outcome_of(error) == Outcome.RATE_LIMITED
