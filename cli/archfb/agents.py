"""For programs with agents of their own: any object with a `model_name` and async methods, over the same memory.

`ModelManager` says which model of a phase is well; `LoadBalancer` calls one, hands on when it fails, and
remembers both. Nothing here makes a request: the agents do.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from archfb.errors import AllFailed, NoUsableModel, UsageError
from archfb.routing.attempt import new_id
from archfb_state.core.balancer import choose
from archfb_state.core.standing import standing
from archfb_state.decisions import Candidate, Demand
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt, ModelRef
from archfb_state.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archfb_state.decisions import Decision
    from archfb_state.records import Standing
    from archfb_state.settings import Strategy
    from archfb_state.store import Counter, Lease, Store


@runtime_checkable
class Agent(Protocol):
    """What a program registers: anything that names its model."""

    model_name: str


def ref_of(agent: Agent | str) -> ModelRef:
    """Return where an agent's evidence belongs: its model's name is all that is known of it."""
    name = agent if isinstance(agent, str) else agent.model_name
    return ModelRef(name, f"agent||{name}", f"agent#{name}", name)


def default_store() -> Store:
    """Open the memory that the `archfb` command uses here."""
    import os

    from archfb.routing.router import load_config, open_store

    return open_store(load_config(None, os.environ), None, os.environ)


class _Chains:
    """The agents of each phase, and decisions about them."""

    def __init__(self, store: Store | None, settings: Settings | None, rng: random.Random | None) -> None:
        self.store = store if store is not None else default_store()
        self.settings = settings or Settings()
        self.rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
        self.chains: dict[str, list[tuple[Any, float]]] = {}

    def agents(self, phase: str) -> list[tuple[Any, float]]:
        if phase not in self.chains:
            raise UsageError(f"Nothing is registered for phase '{phase}'.")
        return self.chains[phase]

    @property
    def refs(self) -> tuple[ModelRef, ...]:
        every = [ref_of(agent) for chain in self.chains.values() for agent, _ in chain]
        return tuple(dict.fromkeys(every))

    def candidates(self, phase: str) -> list[Candidate]:
        chain = enumerate(self.agents(phase))
        return [Candidate(ref_of(agent), at, weight=weight) for at, (agent, weight) in chain]

    def decide(self, phase: str, strategy: Strategy) -> Decision:
        rows = self.store.snapshot()
        demand = Demand(phase, "medium", strategy)
        return choose(self.candidates(phase), rows, demand, self.settings, {}, rows.at, self.rng)[0]


class ModelManager:
    """Which model of a phase is well, by everything that any process has recorded."""

    def __init__(
        self, store: Store | None = None, *, settings: Settings | None = None, rng: random.Random | None = None
    ) -> None:
        """Use a memory (default: the one of the `archfb` command) and thresholds."""
        self._chains = _Chains(store, settings, rng)

    def register_model(self, phase: str, model: Agent | str, fallbacks: Sequence[Agent | str] = ()) -> None:
        """Register a phase's first choice and what to fall back to, in order."""
        self._chains.chains[phase] = [(one, 1.0) for one in (model, *fallbacks)]

    def get_healthy_model(self, phase: str) -> Any:
        """Return the first model of the phase that can be asked now, as it was registered.

        Raises NoUsableModel with the reasons where none can, UsageError for an unknown phase.
        """
        return self._first(phase, after=None)

    def fallback_to_next(self, phase: str, current: Agent | str) -> Any:
        """Return the next of the phase that can be asked after `current` has failed; raises as `get_healthy_model`.

        It never goes back to an earlier one, so that who falls back until it raises has tried each model once.
        """
        return self._first(phase, after=ref_of(current).model)

    async def health_check(self) -> dict[str, Standing]:
        """Return every model's standing; an agent with an async `health_check` is asked first, and that is kept."""
        every = {ref_of(agent).model: agent for chain in self._chains.chains.values() for agent, _ in chain}
        await asyncio.gather(*(self._check(agent) for agent in every.values() if hasattr(agent, "health_check")))
        rows = self._chains.store.snapshot()
        return {name: standing(ref_of(name), rows, self._chains.settings, rows.at) for name in every}

    async def _check(self, agent: Any) -> None:
        call = _Call(self._chains, "probe", "completion")
        await call.ask(agent, agent.health_check)

    def _first(self, phase: str, after: str | None) -> Any:
        decision = self._chains.decide(phase, "priority")
        by_name = {ref_of(agent).model: agent for agent, _ in self._chains.agents(phase)}
        names = list(by_name)
        later = names[names.index(after) + 1 :] if after in by_name else names
        for ranked in decision.order:
            if ranked.model in later:
                return by_name[ranked.model]
        told = "; ".join(f"{one.model}: {one.why}" for one in decision.ranked)
        raise NoUsableModel(f"No model of {phase} can be asked now: {told}")


class LoadBalancer:
    """Calls one agent of a phase, by weight and remembered health, and hands on when it fails."""

    def __init__(
        self, store: Store | None = None, *, settings: Settings | None = None, rng: random.Random | None = None
    ) -> None:
        """Use a memory (default: the one of the `archfb` command) and thresholds."""
        self._chains = _Chains(store, settings, rng)
        self._base: dict[tuple[str, str, str], tuple[int, float]] = {}

    def register_agent(self, phase: str, agent: Agent, weight: float = 1.0) -> None:
        """Add an agent to a phase; its weight is its share among equals, 0 means only when all others failed."""
        if not weight >= 0 or weight == float("inf"):
            raise UsageError(f"weight of {agent.model_name} must be a number ≥ 0; got {weight}.")
        self._chains.chains.setdefault(phase, []).append((agent, weight))

    async def execute_request(self, phase: str, method: str, context: Any) -> Any:
        """Return what `await agent.method(context)` returns, of the first agent that does not fail.

        Raises AllFailed from an ExceptionGroup of every agent's failure, NoUsableModel where none could be asked,
        and AttributeError, before anyone is asked, where an agent has no such method.
        """
        call = _Call(self._chains, phase, "call")
        by_name = {ref_of(agent).model: (agent, getattr(agent, method)) for agent, _ in self._chains.agents(phase)}
        decision = call.decide()
        for ranked in decision.order:
            lease = self._chains.store.acquire(ranked.lease, ranked.lease_s) if ranked.lease else None
            if ranked.lease and lease is None:
                continue
            agent, asked = by_name[ranked.model]
            call.lease = lease
            try:
                ended, result = await call.ask(agent, partial(asked, context))
            finally:
                if lease is not None and not lease.name.startswith("critical:"):
                    self._chains.store.release(lease)
            if ended:
                return result
        raise call.failure(decision)

    def get_metrics(self) -> dict[str, dict[str, float]]:
        """Return requests, failures and mean seconds per model since this object's last `reset_metrics`."""
        totals: dict[str, list[float]] = {}
        names = {ref.model for ref in self._chains.refs}
        for one in self._chains.store.counters():
            if one.model in names:
                count, seconds = self._since(one)
                row = totals.setdefault(one.model, [0, 0, 0.0])
                row[0] += count
                row[1] += 0 if one.outcome == Outcome.OK else count
                row[2] += seconds
        return {
            name: {"requests": row[0], "failures": row[1], "mean_s": row[2] / row[0] if row[0] else 0.0}
            for name, row in totals.items()
        }

    def reset_metrics(self) -> None:
        """Count from here on; the memory's own counters never go back."""
        every = self._chains.store.counters()
        self._base = {(one.phase, one.model, one.outcome): (one.count, one.seconds) for one in every}

    def _since(self, one: Counter) -> tuple[int, float]:
        count, seconds = self._base.get((one.phase, one.model, one.outcome), (0, 0.0))
        return one.count - count, one.seconds - seconds


@dataclass(slots=True)
class _Call:
    """One request through the agents of a phase."""

    chains: _Chains
    phase: str
    kind: Any
    id: str = field(default_factory=new_id)
    failures: list[Exception] = field(default_factory=list)
    lease: Lease | None = None
    clock: Callable[[], float] = time.perf_counter

    def decide(self) -> Decision:
        candidates = self.chains.candidates(self.phase)
        demand = Demand(self.phase, "medium")
        return self.chains.store.decide(
            f"{self.phase}/medium",
            self.id,
            lambda rows, credits_: choose(
                candidates, rows, demand, self.chains.settings, credits_, rows.at, self.chains.rng
            ),
        )

    async def ask(self, agent: Agent, work: Callable[[], Any]) -> tuple[bool, Any]:
        """Run an agent's method and record how it ended; cancellation is recorded and goes on."""
        started, clock = self.chains.store.now(), self.clock()
        try:
            result = await work()
        except asyncio.CancelledError:
            self._record(agent, Outcome.CANCELLED, started, clock, None)
            raise
        except Exception as error:  # noqa: BLE001 - whatever an agent raises is its failure
            self._record(agent, outcome_of(error), started, clock, error)
            self.failures.append(error)
            return False, None
        self._record(agent, Outcome.OK, started, clock, None)
        return True, result

    def _record(self, agent: Agent, outcome: Outcome, started: float, clock: float, error: Exception | None) -> None:
        ref = ref_of(agent)
        attempt = Attempt(
            id=new_id(),
            call_id=self.id,
            model=ref.model,
            deployment=ref.deployment,
            account=ref.account,
            host=ref.host,
            phase=self.phase,
            kind=self.kind,
            outcome=outcome,
            started_at=started,
            ended_at=self.chains.store.now(),
            latency_ms=(self.clock() - clock) * 1000,
            message=None if error is None else type(error).__name__,
        )
        ended = self.id if outcome in {Outcome.OK, Outcome.CANCELLED} else None
        settings, refs = self.chains.settings, self.chains.refs
        self.chains.store.record([attempt], settings, refs=refs, ended=ended, lease=self.lease)

    def failure(self, decision: Decision) -> Exception:
        """Return what is raised when nobody answered, with every agent's own exception inside."""
        self.chains.store.moved(self.id, None)
        if not self.failures:
            told = "; ".join(f"{one.model}: {one.why}" for one in decision.ranked)
            return NoUsableModel(f"No model of {self.phase} can be asked now: {told}")
        error = AllFailed(f"Every agent of {self.phase} failed.")
        error.__cause__ = ExceptionGroup("failures of the agents", self.failures)
        return error


def outcome_of(error: Exception) -> Outcome:
    """Return an agent's exception as an outcome: an `outcome` attribute of it counts, else its kind."""
    stated = getattr(error, "outcome", None)
    if stated in set(Outcome):
        return Outcome(stated)
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT
    return Outcome.NETWORK if isinstance(error, OSError) else Outcome.SERVER_ERROR
