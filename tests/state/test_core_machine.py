"""Random lives of five presets on four deployments: whatever happens, however the clock jumps, these rules hold."""

from __future__ import annotations

from math import isfinite
from random import Random
from typing import Any

from core_bench import DAY, REFS, START, Core
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from archfb_state.outcomes import RULES, Outcome

MODELS = st.sampled_from(sorted(REFS))
OUTCOMES = st.sampled_from([str(one) for one in Outcome])
KINDS = st.sampled_from(["call", "call", "call", "completion", "metadata"])
GAPS = st.sampled_from([0.0, 0.1, 1.0, 14.0, 61.0, 300.0, 3600.0, 9000.0])
JUMPS = st.sampled_from([-3652 * DAY, -DAY, -3700.0, -30.0, DAY, 3652 * DAY])
STRATEGIES = st.sampled_from(["balanced", "priority", "fastest", "cheapest"])
TIERS = st.sampled_from(["low", "medium", "high"])
WAITS = st.none() | st.sampled_from([-1.0, 0.0, 0.5, 30.0, 4000.0, 1e12, float("nan"), float("inf")])
LONGEST_HOLD = 32 * DAY
COUNTED = {str(one) for one, told in RULES.items() if told.counts} | {"invalid_request"}


class Life(RuleBasedStateMachine):
    """Attempts, waits and clock jumps; after each the records are sound and nothing is stuck."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.core = Core(rng=Random(seed))
        self.furthest = self.core.now

    @rule(
        model=MODELS,
        outcome=OUTCOMES,
        kind=KINDS,
        gap=GAPS,
        took=st.sampled_from([0.0, 0.3, 5.0, 130.0]),
        told=st.fixed_dictionaries(
            {
                "retry_after_s": WAITS,
                "scope": st.sampled_from([None, "deployment", "account", "model"]),
                "code": st.sampled_from([None, "dns", "no_route"]),
                "blame": st.sampled_from([True, True, False]),
                "repeat": st.sampled_from([False, False, True]),
                "output_tokens": st.sampled_from([None, 0, 500]),
            }
        ),
    )
    def attempt(self, model: str, outcome: str, kind: str, gap: float, took: float, told: dict[str, Any]) -> None:
        core = self.core
        core.wait(gap)
        before, was = core.deployment(model), core.standing(model)
        charged_again = core.rows.machine.offline_since is not None
        core.attempt(model, outcome, core.now - took, kind=kind, **told)
        after = core.deployment(model)
        counted = outcome in COUNTED and not told["repeat"] and told["blame"]
        assert after.consecutive <= before.consecutive + counted + charged_again
        if was.held and outcome == "rate_limited":
            again = core.standing(model).retry_at
            assert again is not None
            assert again >= was.retry_at
        if kind == "metadata" and outcome == "ok" and before.breaker != "retired":
            assert after.consecutive >= before.consecutive
            assert after.breaker == before.breaker

    @rule(model=MODELS, count=st.integers(3, 6))
    def dies(self, model: str, count: int) -> None:
        for _ in range(count):
            self.core.record(model, "server_error", after=70)
        assert self.core.status(model) == "unavailable"

    @rule(seconds=JUMPS)
    def clock_jumps(self, seconds: float) -> None:
        if START - 4000 * DAY < self.core.now + seconds < START + 20000 * DAY:
            self.furthest = max(self.furthest, self.core.now)
            self.core.wait(seconds)

    @rule(seconds=GAPS)
    def time_passes(self, seconds: float) -> None:
        self.core.wait(seconds)

    @rule()
    def settles(self) -> None:
        self.core.settle()
        assert self.core.settle().transitions == ()

    @rule(strategy=STRATEGIES, complexity=TIERS)
    def chooses(self, strategy: str, complexity: str) -> None:
        core = self.core
        decision = core.choose(core.candidates(*REFS), strategy=strategy, complexity=complexity)
        assert sorted(one.model for one in decision.ranked) == sorted(REFS)
        usable = [model for model in REFS if core.status(model) != "unavailable"]
        asked = [one.model for one in decision.order]
        assert set(usable) <= set(asked)
        assert all(one.lease for one in decision.order if one.status == "unavailable")
        assert all(isfinite(one.score) and one.score >= 0 for one in decision.ranked)
        assert sum(one.lease is not None for one in decision.order[:2]) <= 1 or not usable or len(asked) < 2
        if not asked:
            assert not any(core.standing(model).last_resort or core.standing(model).trial for model in REFS)

    @precondition(lambda self: hasattr(self, "core"))
    @invariant()
    def records_are_sound(self) -> None:
        for record in self.core.rows.deployments.values():
            for value in record:
                assert not isinstance(value, float) or isfinite(value)
            assert 0 <= record.alpha + record.beta <= 50.0001
            assert 0 <= record.errors <= record.calls + 1e-9
            assert record.consecutive >= 0
            assert 0 <= record.openings <= 20
            assert record.suspicion >= 0

    @precondition(lambda self: hasattr(self, "core"))
    @invariant()
    def nothing_is_stuck(self) -> None:
        core = self.core
        for model in REFS:
            found = core.standing(model)
            assert found.reason
            assert found.status == core.standing(model).status
            if found.status == "unavailable" and core.account(model).block_outcome is None:
                assert found.trial or found.retry_at is not None
            if found.retry_at is not None:
                assert core.now < found.retry_at <= core.now + LONGEST_HOLD + 61
            if found.last_resort and found.retry_at is not None:
                assert found.retry_at <= core.now + 961

    def teardown(self) -> None:
        """However it went, each model answers again once it does."""
        if not hasattr(self, "core"):
            return
        core = self.core
        set_back = max(0.0, self.furthest - core.now)
        core.wait(set_back + LONGEST_HOLD + 100)
        assert all(core.due(model) is not None for model in REFS)
        for model in sorted(REFS):
            core.record(model, *["ok"] * 120, after=70)
            assert core.status(model) == "healthy", core.standing(model).reason


Life.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
