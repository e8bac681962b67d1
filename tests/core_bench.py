"""A memory without a store: the decision core's records, a clock that moves when told, and a chain of five presets.

`a` and `a2` share a deployment, `b` shares their account, `c` and `d` stand alone on hosts of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from archfb_state.core.balancer import choose
from archfb_state.core.due import Due, due
from archfb_state.core.evidence import observe, settle
from archfb_state.core.standing import standing
from archfb_state.decisions import Candidate, Credits, Decision, Demand
from archfb_state.outcomes import Outcome
from archfb_state.records import (
    AccountRecord,
    Attempt,
    Changes,
    DeploymentRecord,
    ModelRecord,
    ModelRef,
    Snapshot,
    Standing,
    Transition,
)
from archfb_state.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

START = 1_800_000_000.0
DAY = 86400.0

REFS = {
    "a": ModelRef("a", "one|https://one|big", "https://one#k1", "one"),
    "a2": ModelRef("a2", "one|https://one|big", "https://one#k1", "one"),
    "b": ModelRef("b", "one|https://one|small", "https://one#k1", "one"),
    "c": ModelRef("c", "two|https://two|x", "https://two#k2", "two"),
    "d": ModelRef("d", "three|https://three|y", "https://three#k3", "three"),
}


@dataclass
class Core:
    """The core with its rows; `record` merges what an attempt changed, as a store would."""

    settings: Settings = field(default_factory=Settings)
    rng: Random = field(default_factory=lambda: Random(7))
    refs: dict[str, ModelRef] = field(default_factory=lambda: dict(REFS))
    now: float = START
    rows: Snapshot = field(default_factory=lambda: Snapshot(START))
    transitions: list[Transition] = field(default_factory=list)
    credits: Credits = field(default_factory=dict)
    made: int = 0

    def record(self, model: str, *outcomes: str, after: float = 1.0, took: float = 0.5, **fields: Any) -> Changes:
        """Record attempts one after the other, each begun `after` seconds after the one before ended."""
        changes = Changes()
        for outcome in outcomes:
            self.now += after + took
            changes = self.attempt(model, outcome, self.now - took, **fields)
        return changes

    def attempt(self, model: str, outcome: str, started: float, **fields: Any) -> Changes:
        """Record one attempt that ends now."""
        self.made += 1
        refs = [self.refs[one] for one in fields.pop("configured", self.refs)]
        ref, latency = self.refs[model], max(0.0, (self.now - started) * 1000.0)
        status = {"ok": 200, "server_error": 500, "rate_limited": 429, "auth": 401}.get(outcome)
        told = {"call_id": f"c{self.made}", "kind": "call", "http_status": status, "ended_at": self.now, **fields}
        attempt = Attempt(
            id=str(self.made), model=ref.model, deployment=ref.deployment, account=ref.account, host=ref.host,
            phase="phase1", outcome=Outcome(outcome), started_at=started, latency_ms=told.pop("latency_ms", latency),
            **told,
        )  # fmt: skip
        changes = observe(self.rows, attempt, self.settings, self.now, self.rng, refs)
        return self.apply(changes)

    def apply(self, changes: Changes) -> Changes:
        """Write down what an event changed."""
        self.transitions += changes.transitions
        self.rows = self.rows._replace(
            at=self.now,
            deployments={**self.rows.deployments, **changes.deployments},
            accounts={**self.rows.accounts, **changes.accounts},
            models={**self.rows.models, **changes.models},
            machine=changes.machine or self.rows.machine,
        )
        return changes

    def settle(self) -> Changes:
        """Write down what time alone changed."""
        return self.apply(settle(self.rows, self.settings, self.now, tuple(self.refs.values())))

    def wait(self, seconds: float) -> Core:
        """Let time pass (or step back)."""
        self.now += seconds
        return self

    def standing(self, model: str) -> Standing:
        """Return a model's health now."""
        return standing(self.refs[model], self.rows, self.settings, self.now)

    def status(self, model: str) -> str:
        """Return a model's status now."""
        return self.standing(model).status

    def due(self, model: str, *, everything: bool = False) -> Due | None:
        """Return the probe that is due."""
        return due(self.refs[model], self.rows, self.settings, self.now, everything=everything)

    def deployment(self, model: str) -> DeploymentRecord:
        """Return the record of a model's deployment."""
        key = self.refs[model].deployment
        return self.rows.deployments.get(key) or DeploymentRecord(key)

    def account(self, model: str) -> AccountRecord:
        """Return the record of a model's account."""
        key = self.refs[model].account
        return self.rows.accounts.get(key) or AccountRecord(key)

    def model(self, model: str) -> ModelRecord:
        """Return a model's own record."""
        return self.rows.models.get(model) or ModelRecord(model)

    def put_deployment(self, model: str, **fields: Any) -> None:
        """Change the record of a model's deployment by hand."""
        record = self.deployment(model)._replace(**fields)
        self.rows = self.rows._replace(deployments={**self.rows.deployments, record.deployment: record})

    def put_account(self, model: str, **fields: Any) -> None:
        """Change the record of a model's account by hand."""
        record = self.account(model)._replace(**fields)
        self.rows = self.rows._replace(accounts={**self.rows.accounts, record.account: record})

    def put_model(self, model: str, **fields: Any) -> None:
        """Change a model's own record by hand."""
        record = self.model(model)._replace(**fields)
        self.rows = self.rows._replace(models={**self.rows.models, model: record})

    def leased(self, **leases: float) -> None:
        """Let leases be held, each for so many seconds: `trial_a=60` is "trial:" and the deployment of a."""
        held = {f"{kind}:{self.refs[model].deployment}": self.now + seconds for (kind, _, model), seconds in (
            (name.partition("_"), seconds) for name, seconds in leases.items()
        )}  # fmt: skip
        self.rows = self.rows._replace(leases=held)

    def candidates(self, *models: str, **fields: dict[str, Any]) -> list[Candidate]:
        """Return models as a chain; `fields` are a candidate's, by model."""
        return [Candidate(self.refs[one], at, **fields.get(one, {})) for at, one in enumerate(models)]

    def choose(self, chain: Sequence[Candidate], **demand: Any) -> Decision:
        """Choose, and remember the turn's credits."""
        asked = Demand("phase1", demand.pop("complexity", "medium"), **demand)
        decision, self.credits = choose(chain, self.rows, asked, self.settings, self.credits, self.now, self.rng)
        return decision

    def order(self, chain: Sequence[Candidate], **demand: Any) -> list[str]:
        """Return the models that may be asked, first to last."""
        return [one.model for one in self.choose(chain, **demand).order]
