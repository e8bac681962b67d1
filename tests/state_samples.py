"""Attempts, decisions and a small decision core for the tests of the stores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from archfb_state.decisions import Credits, Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import (
    AccountRecord,
    Attempt,
    Changes,
    DeploymentRecord,
    MachineRecord,
    ModelRecord,
    ModelRef,
    Pending,
    Snapshot,
    Transition,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from archfb_state.settings import Settings

SCALE = int(os.environ.get("ARCHFB_TEST_SCALE", "1"))
"""Multiplies the counts of the slow tests; 1 keeps them to seconds."""

START = 1_790_000_000.0


class Clock:
    """A clock that moves only when told to."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def ref(model: str = "one", *, deployment: str | None = None, account: str = "https://api.example/v1#aa") -> ModelRef:
    return ModelRef(model, deployment or f"acme|https://api.example/v1|{model}", account, "api.example")


def attempt(number: int = 1, model: str = "one", **fields: Any) -> Attempt:
    own = ref(model)
    values: dict[str, Any] = {
        "id": f"attempt-{number:08d}",
        "call_id": f"call-{number}",
        "model": model,
        "deployment": own.deployment,
        "account": own.account,
        "host": own.host,
        "phase": "phase1",
        "kind": "call",
        "outcome": Outcome.OK,
        "started_at": START + number,
        "ended_at": START + number + 0.5,
        "latency_ms": 500.0,
    }
    return Attempt(**{**values, **fields})


def observe(
    rows: Snapshot, attempt: Attempt, settings: Settings, now: float, rng: Random, refs: Sequence[ModelRef]
) -> Changes:
    """Count, touch every table once, and tell of each change between healthy and degraded."""
    model = rows.models.get(attempt.model, ModelRecord(attempt.model, attempt.deployment, attempt.account))
    deployment = rows.deployments.get(attempt.deployment, DeploymentRecord(attempt.deployment))
    account = rows.accounts.get(attempt.account, AccountRecord(attempt.account))
    good = attempt.outcome == Outcome.OK
    status = "healthy" if good else "degraded"
    after = model._replace(
        status=status,
        reason=f"{attempt.outcome} of {len(refs)}",
        successes=model.successes + good,
        failures=model.failures + (not good),
        latencies_ms=(*model.latencies_ms, attempt.latency_ms)[-5:],
        cost_usd=model.cost_usd + (attempt.cost_usd or 0.0),
    )
    failed = deployment._replace(
        consecutive=0 if good else deployment.consecutive + 1, last_event_at=attempt.ended_at
    )
    pending = () if good else (Pending(attempt.host, attempt.ended_at, deployment, failed),)
    changed = (Transition(now, attempt.model, model.status, status, after.reason),) if model.status != status else ()
    return Changes(
        deployments={attempt.deployment: failed},
        accounts={attempt.account: account._replace(refused_at=attempt.ended_at)},
        models={attempt.model: after},
        machine=MachineRecord(last_answer_at=attempt.ended_at, pending=pending),
        transitions=changed,
    )


def settle(rows: Snapshot, settings: Settings, now: float, refs: Sequence[ModelRef]) -> Changes:
    """Call every drained model unavailable, and every other one that is unknown healthy."""
    models, changed = {}, []
    for one in refs:
        before = rows.models.get(one.model, ModelRecord(one.model))
        drained = before.drained_until is not None and before.drained_until > now
        status = "unavailable" if drained else "healthy"
        if before.status != status:
            models[one.model] = before._replace(status=status, reason="settled", since=now)
            changed.append(Transition(now, one.model, before.status, status, "settled"))
    return Changes(models=models, transitions=tuple(changed))


def choosing(*models: str) -> Callable[[Snapshot, Credits], tuple[Decision, Credits]]:
    """Return a choice among models by their credits: the largest first, then it pays one."""

    def choose(rows: Snapshot, held: Credits) -> tuple[Decision, Credits]:
        after = {model: held.get(model, 0.0) + 1 / len(models) for model in models}
        order = sorted(models, key=lambda model: -after[model])
        if order:
            after[order[0]] -= 1.0
        ranked = tuple(
            Ranked(model, "healthy", after[model], True, f"{rows.in_flight.get(model, 0)} in flight", {"weight": 1.0})
            for model in order
        )
        return Decision("phase1", "low", "balanced", ranked, {"chars": 12.0}), after

    return choose


CORE: dict[str, Any] = {"observe": observe, "settle": settle}
