"""The store in a file and the store in memory, given the same random life: they answer alike."""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from state_samples import SCALE, START, Clock, attempt, choosing, ref

from archfb_state.outcomes import Outcome
from archfb_state.records import ModelRef
from archfb_state.settings import Settings
from archfb_state.storage.opening import open_state
from archfb_state.store import Counter, PhaseResult, Run

MODELS = ("one", "two", "three")
REFS = tuple(ref(model) for model in MODELS)
NAMES = st.sampled_from(MODELS)
TEXTS = st.none() | st.text(st.characters(codec=None), max_size=8)
NUMBERS = st.none() | st.integers(-(2**70), 2**70)
REALS = st.none() | st.floats()


class SideBySide(RuleBasedStateMachine):
    """Every rule is done to both; the real decision core moves the records."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.clock = Clock()
        self.path = str(Path(self.folder) / "state.db")
        self.file = self._opened()
        self.memory = open_state(":memory:", clock=self.clock, rng=random.Random(5))
        self.number = 0
        self.swept = False
        self.leases: list[tuple[Any, Any]] = []
        self.reservations: list[tuple[str, str]] = []

    def _opened(self) -> Any:
        return open_state(self.path, clock=self.clock, rng=random.Random(5))

    def both(self, act: Any) -> tuple[Any, Any]:
        return act(self.file), act(self.memory)

    def same(self, act: Any) -> Any:
        one, other = self.both(act)
        assert one == other
        return one

    @rule(
        model=NAMES,
        outcome=st.sampled_from(Outcome),
        kind=st.sampled_from(["call", "completion", "metadata"]),
        back=st.floats(0, 90),
        text=TEXTS,
        number=NUMBERS,
        real=REALS,
        again=st.booleans(),
        flags=st.tuples(*[st.booleans()] * 4),
        scope=st.sampled_from([None, "account", "deployment", "model"]),
    )
    def record(self, **drawn: Any) -> None:
        self.number += not drawn["again"]
        repeat, streamed, reasoning, blame = drawn["flags"]
        one = replace(
            attempt(self.number, drawn["model"]),
            outcome=drawn["outcome"],
            kind=drawn["kind"],
            started_at=self.clock.at - drawn["back"],
            ended_at=self.clock.at,
            latency_ms=drawn["back"] * 1000,
            message=drawn["text"],
            code=drawn["text"],
            input_tokens=drawn["number"],
            retry_after_s=drawn["real"],
            ttft_ms=drawn["real"],
            cost_usd=None if drawn["real"] is None else min(abs(drawn["real"]), 5.0),
            fallback_from=drawn["text"],
            scope=drawn["scope"],
            run_id="run" if repeat else None,
            repeat=repeat,
            streamed=streamed,
            reasoning=reasoning,
            blame=blame,
        )
        self.same(lambda store: store.record([one], Settings(), refs=REFS, ended=one.call_id))

    @rule(seconds=st.sampled_from([0.001, 1.0, 61.0, 601.0, 90_000.0, -90_000.0, 3e8]))
    def time_passes(self, seconds: float) -> None:
        self.clock.at = max(START, self.clock.at + seconds)

    @rule()
    def settle(self) -> None:
        self.same(lambda store: store.settle(Settings(), REFS))

    @rule(slot=st.sampled_from(["a", "b"]), models=st.lists(NAMES, unique=True), call=st.integers(0, 5))
    def decide(self, slot: str, models: list[str], call: int) -> None:
        self.same(lambda store: store.decide(slot, f"call-{call}", choosing(*models), run_id="run"))

    @rule(call=st.integers(0, 5), model=st.none() | NAMES)
    def move(self, call: int, model: str | None) -> None:
        self.both(lambda store: store.moved(f"call-{call}", model))

    @rule(name=NAMES, seconds=st.sampled_from([1.0, 600.0]))
    def acquire(self, name: str, seconds: float) -> None:
        one, other = self.both(lambda store: store.acquire(name, seconds))
        assert (one is None) == (other is None)
        if one is not None:
            assert one.expires_at == other.expires_at
            self.leases.append((one, other))

    @precondition(lambda self: self.leases)
    @rule(choice=st.integers(0, 99))
    def release(self, choice: int) -> None:
        one, other = self.leases.pop(choice % len(self.leases))
        self.file.release(one)
        self.memory.release(other)

    @rule(
        budget=NAMES,
        usd=st.sampled_from([0.0, 0.25, 0.5]),
        limit=st.none() | st.just(1.0),
        most=st.none() | st.just(3),
    )
    def reserve(self, budget: str, usd: float, limit: float | None, most: int | None) -> None:
        one, other = self.both(lambda store: store.reserve(budget, usd, limit, count_limit=most))
        assert (one is None) == (other is None)
        if one is not None:
            self.reservations.append((one, other))

    @precondition(lambda self: self.reservations and not self.swept)
    @rule(choice=st.integers(0, 99), usd=st.sampled_from([0.0, 0.125, 2.0]))
    def spend(self, choice: int, usd: float) -> None:
        one, other = self.reservations[choice % len(self.reservations)]
        self.file.spend(one, usd)
        self.memory.spend(other, usd)

    @rule(model=NAMES, parameter=TEXTS, ratio=REALS, window=st.none() | st.integers(1, 2**70))
    def learn(self, model: str, parameter: str | None, ratio: float | None, window: int | None) -> None:
        learned = None if parameter is None else {parameter: "x"}
        known = None if window is None else (ref(model).deployment, window)
        self.both(lambda store: store.learn(model, parameter=learned, window=known, token_ratio=ratio))

    @rule(requests=NUMBERS, tokens=NUMBERS, reset_at=REALS)
    def limits(self, requests: int | None, tokens: int | None, reset_at: float | None) -> None:
        account = REFS[0].account
        self.both(lambda store: store.limits(account, requests=requests, tokens=tokens, reset_at=reset_at))

    @rule(model=NAMES, seconds=st.sampled_from([0.5, 3600.0]), why=st.text(max_size=5))
    def drain(self, model: str, seconds: float, why: str) -> None:
        until = self.clock.at + seconds
        self.both(lambda store: store.drain(model, by="ada", why=why, until=until))

    @rule(model=NAMES)
    def undrain(self, model: str) -> None:
        self.same(lambda store: store.undrain(model, by="bob"))

    @rule(model=NAMES)
    def reset(self, model: str) -> None:
        own: ModelRef = ref(model)
        self.both(lambda store: store.reset(own, by="bob"))

    @rule(name=st.text("ab", min_size=1, max_size=3), ok=st.none() | st.booleans(), error=TEXTS)
    def save_run(self, name: str, ok: bool | None, error: str | None) -> None:
        self.both(lambda store: store.save_run(Run(name, self.clock.at, "ask", ok=ok, error=error)))
        self.same(lambda store: (store.run("a"), store.run("ab"), store.runs(limit=3)))

    @rule(key=NAMES, model=NAMES, text=st.text(max_size=5))
    def save_result(self, key: str, model: str, text: str) -> None:
        result = PhaseResult(key, "phase1", "reader", model, self.clock.at, text, run_id="run")
        self.both(lambda store: store.save_result(result))
        self.same(lambda store: (store.results(key), store.run_results("run")))

    @rule(name=NAMES, value=st.integers() | st.text(max_size=3) | st.lists(st.booleans(), max_size=2))
    def meta(self, name: str, value: Any) -> None:
        self.both(lambda store: store.meta(name, value))
        self.same(lambda store: store.meta(name))

    @rule(days=st.sampled_from([1, 30]))
    def prune(self, days: int) -> None:
        self.swept = True
        self.same(lambda store: store.prune(keep_days=days, steps=50))

    @rule()
    def close_and_open_again(self) -> None:
        self.file.close()
        self.file = self._opened()

    @invariant()
    def they_tell_the_same(self) -> None:
        self.same(lambda store: store.snapshot())

    @invariant()
    def nothing_went_wrong(self) -> None:
        assert self.file.opened.notes == ()

    def teardown(self) -> None:
        self.same(lambda store: list(store.attempts()))
        self.same(lambda store: list(store.attempts(model="one", limit=2)))
        self.same(lambda store: store.transitions())
        self.same(lambda store: store.transitions(model="two", limit=1))
        self.same(lambda store: [_rounded(one) for one in store.counters()])
        self.same(lambda store: [(hour, one.count) for hour, one in store.hours(since=0.0)])
        self.same(lambda store: store.fallbacks())
        if not self.swept:  # a file forgets budgets that nobody used for 400 days; memory does not live as long
            self.same(lambda store: [store.spent(model) for model in MODELS])
        assert self.file.check() == []
        self.file.close()
        shutil.rmtree(self.folder)


def _rounded(one: Counter) -> Counter:
    """Return a counter without what adding in another order may change."""
    return replace(one, input_tokens=0, seconds=round(one.seconds, 6), cost_usd=round(one.cost_usd, 6))


TestSideBySide = SideBySide.TestCase
TestSideBySide.settings = settings(max_examples=40 * SCALE, stateful_step_count=40, deadline=None)
