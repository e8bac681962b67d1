"""When a deployment is due for a probe, and of which kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from archfb_state.core import breaker, holds
from archfb_state.core.decay import HOUR, in_the_future
from archfb_state.core.standing import drained_until, evidence_at
from archfb_state.records import AccountRecord, DeploymentRecord, ModelRecord

if TYPE_CHECKING:
    from random import Random

    from archfb_state.records import ModelRef, Snapshot
    from archfb_state.settings import Settings

SUSPECT = 60.0
"""Seconds between two looks at a deployment that is suspected."""
BLOCKED = HOUR
EARLY = 0.1
"""The share of a wait by which a probe may come early, so that many do not come at once."""


@dataclass(frozen=True, slots=True)
class Due:
    """A probe to make: for free, or a completion where that must settle it (free first, where that is possible)."""

    kind: Literal["metadata", "completion"]
    why: str
    lease: str
    """The lease to win before it is made; shared with the trial of a call where it is a trial."""


class _Plan(NamedTuple):
    kind: Literal["metadata", "completion"]
    why: str
    at: float | None
    """When it is due; None: now."""
    lease: str = "probe"


def due(
    ref: ModelRef,
    rows: Snapshot,
    settings: Settings,
    now: float,
    rng: Random | None = None,
    *,
    everything: bool = False,
) -> Due | None:
    """Return the probe that is due, or None; with `everything` whatever is neither due nor out is due too."""
    plan = _next(ref, rows, settings, now, 1.0 - EARLY * rng.random() if rng else 1.0)
    at = plan.at
    if at is None or at <= now or everything:
        return Due(plan.kind, plan.why, f"{plan.lease}:{ref.deployment}")
    return None


def due_at(ref: ModelRef, rows: Snapshot, settings: Settings, now: float) -> float:
    """Return when a deployment's next probe is due (Unix seconds); `now` where it is due already."""
    at = _next(ref, rows, settings, now, 1.0).at
    return now if at is None else max(at, now)


def _next(ref: ModelRef, rows: Snapshot, settings: Settings, now: float, share: float) -> _Plan:
    deployment = rows.deployments.get(ref.deployment) or DeploymentRecord(ref.deployment)
    account = rows.accounts.get(ref.account) or AccountRecord(ref.account)
    model = rows.models.get(ref.model) or ModelRecord(ref.model)
    return _plan(deployment, account, model, settings, now, share)


def _plan(
    deployment: DeploymentRecord,
    account: AccountRecord,
    model: ModelRecord,
    settings: Settings,
    now: float,
    share: float,
) -> _Plan:
    """Return what is to be asked next, and when; `share` of each wait is enough."""
    probed = _last(deployment.last_probe_at, now)
    out = drained_until(model, now)
    if out is not None:
        return _Plan("metadata", "taken out by hand", out)
    if account.block_outcome is not None:
        since = _later(_last(account.blocked_at, now), probed)
        return _Plan("metadata", "blocked account", None if since is None else since + BLOCKED * share)
    if deployment.breaker == "retired":
        return _Plan("metadata", "retired model", breaker.retry_at(deployment, now, settings.health), "trial")
    waits = _later(breaker.held_until(deployment, now), holds.held_until(account, now))
    if deployment.breaker != "closed":
        at = _later(waits, breaker.retry_at(deployment, now, settings.health))
        return _Plan("completion", "trial of an unavailable model", at, "trial")
    if waits is not None:
        return _Plan("metadata", "held", waits)
    return _watched(deployment, _later(_last(evidence_at(deployment), now), probed), settings, now, share)


def _watched(deployment: DeploymentRecord, seen: float | None, settings: Settings, now: float, share: float) -> _Plan:
    """Return when a closed breaker's deployment is looked at again."""
    if seen is None:
        return _Plan("metadata", "no evidence yet", None)
    suspect = deployment.consecutive > 0 or deployment.not_found_at is not None
    if suspect or breaker.on_probation(deployment, now):
        return _Plan("completion", "suspected", seen + min(SUSPECT, settings.health.interval) * share)
    return _Plan("metadata", "no evidence for an interval", seen + settings.health.interval * share)


def _last(instant: float | None, now: float) -> float | None:
    """Return an instant, unless it was written by a clock that has been set back since."""
    return None if in_the_future(instant, now) else instant


def _later(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
