"""Repositories made of plain dictionaries, and a router whose models are scripted; nothing is sent anywhere."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archfb.config.model import Config, Model, Provider, Routing
from archfb.phases.engine import run
from archfb.phases.options import RunOptions
from archfb.providers.exchange import Question, Usage
from archfb.repository.records import Churn, Definition, File, Repository, Text
from archfb.routing.answer import Answer, CallError
from archfb_state.decisions import Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt
from archfb_state.settings import Health, Thresholds
from archfb_state.storage.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from archfb.config.model import Complexity  # noqa: F401 - named in the fixture's documentation

PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")


class NoPast:
    """A history of no commits."""

    def churn(self) -> Churn:
        return Churn()


@dataclass
class Texts:
    """Texts and outlines from a dictionary."""

    texts: Mapping[str, str]

    def text(self, file: File) -> Text | None:
        return None if file.withheld else Text(self.texts[file.path], (), True)

    def outline(self, file: File) -> tuple[Definition, ...]:
        lines = enumerate(self.texts[file.path].splitlines(), 1)
        return tuple(
            Definition(at, 0, line.split()[0], line.split()[1].partition("(")[0].rstrip(":"), line)
            for at, line in lines
            if line.startswith(("def ", "class "))
        )


def made_repository(
    texts: Mapping[str, str], imports: Mapping[str, Sequence[str]] | None = None, **more: Any
) -> Repository:
    """Return a repository whose files hold these texts and import each other so."""
    imports = imports or {}
    importers = {path: sum(path in targets for targets in imports.values()) for path in texts}
    total = sum(importers.values()) or 1
    files = tuple(
        File(
            path=path,
            size=len(text),
            hash=blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest(),
            kind="lock" if path.endswith(".lock") else "binary" if path.endswith(".png") else "text",
            language="Python" if path.endswith(".py") else None,
            role="test" if path.startswith("tests/") else "source" if path.endswith(".py") else "other",
            lines=text.count("\n"),
            tokens=len(text) // 4 + 1,
            rank=importers[path] / total,
            layer=0,
            imports=tuple(imports.get(path, ())),
            importers=importers[path],
            tracked=True,
            withheld=path.startswith(".env"),
            whole=True,
        )
        for path, text in sorted(texts.items())
    )
    content = blake2b(repr(sorted(texts.items())).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    rest: dict[str, Any] = dict.fromkeys(Repository.__match_args__, ())
    return Repository(
        **{
            **rest,
            "root": "/code/shop",
            "name": "shop",
            "commit": None,
            "listing": "git",
            "files": files,
            "past": NoPast(),
            "withheld": tuple(one.path for one in files if one.withheld),
            "not_listed": 0,
            "content_id": content,
            "source": Texts(texts),
            "by_path": {one.path: one for one in files},
            **more,
        }
    )


def body(name: str, lines: int = 30) -> str:
    """Return a source file of so many lines."""
    return "".join([f'"""The {name} of the shop."""\n', f"class {name.title()}:\n", *["    x = 1\n"] * (lines - 2)])


@pytest.fixture
def shop() -> Repository:
    """Return a small shop: two connected groups of modules, tests, and things that no plan may name."""
    names = ["cart", "price", "order", "mail", "user", "login", "report", "store"]
    texts = {f"shop/{name}.py": body(name) for name in names}
    texts |= {
        "shop/__init__.py": "",
        "tests/test_cart.py": body("test"),
        "README.md": "# Shop\n\nIt sells things well.\n",
    }
    texts |= {".env": "KEY=1\n", "logo.png": "x", "uv.lock": "a\nb\n"}
    imports = {
        "shop/cart.py": ["shop/price.py", "shop/order.py"],
        "shop/order.py": ["shop/price.py", "shop/store.py"],
        "shop/login.py": ["shop/user.py", "shop/mail.py"],
        "shop/user.py": ["shop/store.py"],
        "tests/test_cart.py": ["shop/cart.py"],
    }
    return made_repository(texts, imports)


def config_of(*models: str, chain: Sequence[str] | None = None, **routing: Any) -> Config:
    """Return a configuration in which every phase has the same chain of these models, one provider each."""
    names = list(chain or models)
    return Config(
        Health(),
        Thresholds(),
        Routing(**routing),
        complexity=None,  # type: ignore[arg-type] - no test decides a complexity
        providers={
            f"at-{name}": Provider(f"at-{name}", "openai-chat", f"https://{name}.example/v1") for name in models
        },
        models={
            name: Model(name, f"at-{name}", name, context_window=200_000, input_price=1.0, output_price=4.0)
            for name in models
        },
        chains=dict.fromkeys(PHASES, tuple(names)),
    )


@dataclass
class Asked:
    """One question as a scripted model got it."""

    phase: str
    role: str
    question: Question
    model: str | None
    offline_only: bool


Reply = "str | Outcome | tuple[str, str]"


@dataclass
class ScriptedRouter:
    """Answers every ask as the script says: a text, (text, finish reason), or an outcome that failed.

    The first model of the chain that is not in `down` answers; without one the offline provider does, if it may.
    """

    config: Config
    script: Callable[[Asked], Any] = lambda asked: f"- {asked.role} looked at `shop/cart.py:1`\n"
    run_id: str | None = "run-1"
    down: set[str] = field(default_factory=set)
    keyless: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    pause: Callable[[], Awaitable[None]] | None = None
    small_window: int | None = None
    looked: list[tuple[str, ...]] = field(default_factory=list)

    def look_ahead(self, phases: Sequence[str]) -> None:
        self.looked.append(tuple(phases))

    def route(self, phase: str, *, context_chars: int = 0, model: str | None = None, **_: Any) -> Decision:
        names = (model,) if model else self.config.chains[phase]
        ranked = [self._ranked(name) for name in names]
        if self.config.routing.offline and model is None:
            ranked.append(Ranked("offline", "healthy", 0.0, True, "offline provider"))
        return Decision(phase, "low", "balanced", tuple(sorted(ranked, key=lambda one: not one.eligible)))

    def _ranked(self, name: str) -> Ranked:
        if name in self.keyless:
            return Ranked(name, "unavailable", 0.0, False, "no key (KEY)")
        if name in self.down:
            return Ranked(name, "unavailable", 0.0, False, "open: 3 failures in a row")
        return Ranked(name, "healthy", 1.0, True, "first")

    async def ask(
        self,
        phase: str,
        prompt: str | Question = "",
        *,
        model: str | None = None,
        role: str = "ask",
        build: Callable[[int | None], Question] | None = None,
        offline_only: bool = False,
        **_: Any,
    ) -> Answer:
        question = prompt if isinstance(prompt, Question) else Question(prompt)
        if build is not None:
            question = build(self.small_window)
        decision = self.route(phase, model=model)
        chosen = next((one.model for one in decision.order if one.model != "offline"), None)
        if not offline_only and chosen is not None:
            self.asked.append(Asked(phase, role, question, model, offline_only))
            if self.pause is not None:
                await self.pause()
            said = self.script(self.asked[-1])
            if not isinstance(said, Outcome):
                text, reason = said if isinstance(said, tuple) else (said, "stop")
                return self._answer(chosen, decision, text, reason)
            if model is not None or not self.config.routing.offline:
                return self._refused(chosen, decision, said)
        if question.offline is None or (model is not None and not offline_only):
            return self._refused(model or "m", decision, Outcome.SERVER_ERROR)
        return self._answer("offline", decision, question.offline(), "stop", cost=0.0, offline=True)

    def _answer(
        self, model: str, decision: Decision, text: str, reason: str, *, cost: float = 0.01, offline: bool = False
    ) -> Answer:
        attempts = (self._attempt(model, Outcome.OK),)
        usage = Usage(100, 20)
        ends = {"offline": offline, "truncated": reason != "stop"}
        return Answer(True, text, model, "low", reason, usage, cost, attempts, decision.ranked, **ends)

    def _refused(self, model: str, decision: Decision, outcome: Outcome) -> Answer:
        error = CallError("all_failed", f"Every model failed: {model}: {outcome}", 1_900_000_000.0)
        attempts = (self._attempt(model, outcome),)
        return Answer(False, "", None, "low", None, Usage(), 0.0, attempts, decision.ranked, error)

    def _attempt(self, model: str, outcome: Outcome) -> Attempt:
        at = len(self.asked)
        return Attempt(f"a{at}", f"c{at}", model, "d", "a", "h", "phase1", "call", outcome, 0.0, 1.0, 1000.0)


def plan_json(*groups: Sequence[str]) -> str:
    """Return a model's plan: one agent per group of files."""
    agents = [
        {
            "id": f"agent_{at}",
            "name": f"Reader {at}",
            "description": f"Reads part {at}.",
            "responsibilities": ["read"],
            "file_assignments": list(files),
        }
        for at, files in enumerate(groups, 1)
    ]
    return json.dumps({"plan": "Read it all.", "agents": agents})


@pytest.fixture
def store() -> MemoryStore:
    """Return an empty memory."""
    return MemoryStore(clock=lambda: 1_800_000_000.0)


@dataclass
class Runs:
    """Runs phases over one repository with one memory."""

    repo: Repository
    store: MemoryStore
    events: list[Any] = field(default_factory=list)

    def __call__(self, phase: str, router: ScriptedRouter, **options: Any) -> Any:
        return asyncio.run(self.later(phase, router, **options))

    async def later(self, phase: str, router: ScriptedRouter, **options: Any) -> Any:
        chosen = RunOptions(**{"read": lambda _: self.repo, **options})
        return await run(phase, Path("/code/shop"), router, self.store, chosen, self.events.append)


@pytest.fixture
def runs(shop: Repository, store: MemoryStore) -> Runs:
    """Return a runner over the shop."""
    return Runs(shop, store)


@dataclass(frozen=True)
class Kit:
    """What the tests make routers and plans of."""

    router: type[ScriptedRouter] = ScriptedRouter
    config: Callable[..., Config] = config_of
    plan: Callable[..., str] = plan_json
    repository: Callable[..., Repository] = made_repository
    body: Callable[..., str] = body


@pytest.fixture
def kit() -> Kit:
    """Return the makers."""
    return Kit()
