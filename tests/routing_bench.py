"""A router whose transport is a script and whose clock only moves when somebody sleeps."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

from archfb.config.model import Complexity, Config, Model, Provider, Routing
from archfb.events import Event
from archfb.providers.exchange import Limits, Question, Reply, Target, Usage
from archfb.routing.desk import Desk
from archfb.routing.roster import roster
from archfb.routing.router import Router
from archfb_state.outcomes import Outcome
from archfb_state.settings import Health, Thresholds
from archfb_state.storage.memory_store import MemoryStore

OK = Reply(Outcome.OK, "fine", "stop", Usage(10, 5), latency_ms=20.0, http_status=200)


def failed(outcome: str, **details: Any) -> Reply:
    """Return a failure with its usual status."""
    status = {"rate_limited": 429, "server_error": 500, "auth": 401, "overloaded": 529}.get(outcome)
    return Reply(Outcome(outcome), http_status=details.pop("http_status", status), latency_ms=5.0, **details)


@dataclass
class FakeClock:
    """Seconds that pass only when told."""

    at: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class ScriptedTransport:
    """Answers each model from its list; the last entry repeats."""

    clock: FakeClock
    script: dict[str, list[Reply]]
    asked: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    limits: list[Limits] = field(default_factory=list)
    probed: list[tuple[str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: 0.02))

    async def ask(self, target: Target, question: Question, limits: Limits, on_text: Any = None) -> Reply:
        name = target.model.name
        self.asked.append(name)
        self.questions.append(question)
        self.targets.append(target)
        self.limits.append(limits)
        await asyncio.sleep(0)
        self.clock.at += self.seconds[name]
        if target.provider.api == "offline":
            return Reply(Outcome.OK, question.offline() if question.offline else "offline", "stop")
        return self._next(name)

    async def probe(self, target: Target, kind: str, limits: Limits) -> Reply:
        self.probed.append((target.model.name, kind))
        self.clock.at += self.seconds[target.model.name]
        return self._next(target.model.name)

    def _next(self, name: str) -> Reply:
        replies = self.script.get(name, [OK])
        return replies.pop(0) if len(replies) > 1 else replies[0]


@dataclass
class Bench:
    """A router and everything that a test looks at."""

    router: Router
    clock: FakeClock
    transport: ScriptedTransport
    store: MemoryStore
    events: list[Event]

    @property
    def asked(self) -> list[str]:
        return self.transport.asked


def config(
    chain: dict[str, dict[str, Any]], *, routing: Routing | None = None, health: Health | None = None
) -> Config:
    """Return a configuration of one chain; each model is on a provider (and host) of its own unless it says."""
    providers, models = {}, {}
    for name, settings in chain.items():
        fields = dict(settings)
        provider = fields.pop("provider", f"p-{name}")
        providers[provider] = Provider(
            provider, "openai-chat", fields.pop("base_url", f"https://{provider}.example/v1"), fields.pop("env", None)
        )
        models[name] = Model(name, provider, fields.pop("id", f"id-{name}"), **fields)
    return Config(
        health=health or Health(),
        thresholds=Thresholds(),
        routing=routing or Routing(strategy="priority", offline=False),
        complexity=Complexity(),
        providers=providers,
        models=models,
        chains={"phase1": tuple(chain), "phase2": tuple(chain)},
    )


def bench(
    chain: list[str] | dict[str, dict[str, Any]],
    script: dict[str, list[Reply]] | None = None,
    *,
    environ: dict[str, str] | None = None,
    health: Health | None = None,
    seed: int = 7,
    **routing: Any,
) -> Bench:
    """Return a router over a chain of models that answer by a script; `seed` is of all that is left to chance."""
    settings = chain if isinstance(chain, dict) else {name: {} for name in chain}
    ways = replace(Routing(strategy="priority", offline=False), **routing)
    clock = FakeClock()
    transport = ScriptedTransport(clock, script or {})
    store = MemoryStore(clock=clock, salt=b"bench" * 3 + b"!", rng=random.Random(seed))
    loaded = config(settings, routing=ways, health=health)
    seen: list[Event] = []
    members = roster(loaded, environ or {}, store.salt)
    desk = Desk(loaded, store, members, transport, random.Random(seed), clock.sleep, seen.append, clock=clock)
    return Bench(Router(desk), clock, transport, store, seen)
