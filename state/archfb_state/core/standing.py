"""One model's health now: read from the records, never stored, since waits end by time alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archfb_state.core import beta, breaker, holds
from archfb_state.core.decay import DAY, ends
from archfb_state.core.latest import Latest
from archfb_state.core.levels import LEAVE, slowness
from archfb_state.outcomes import Outcome
from archfb_state.records import AccountRecord, DeploymentRecord, ModelRecord, Standing

if TYPE_CHECKING:
    from archfb_state.records import ModelRef, Snapshot
    from archfb_state.settings import Settings, Thresholds

FORGOTTEN = DAY
"""Seconds without evidence after which a model is unknown again."""

_HELD = {
    str(Outcome.RATE_LIMITED): "rate limited",
    str(Outcome.QUOTA_EXHAUSTED): "quota used up",
    str(Outcome.MODEL_NOT_FOUND): "not found by the provider, asked once more before it is retired",
}
_NO_DEPLOYMENT = DeploymentRecord("")
_NO_ACCOUNT = AccountRecord("")
_NO_MODEL = ModelRecord("")


def standing(ref: ModelRef, rows: Snapshot, settings: Settings, now: float) -> Standing:
    """Return a model's status, why it has it, and what routing may do with it."""
    deployment = rows.deployments.get(ref.deployment, _NO_DEPLOYMENT)
    account = rows.accounts.get(ref.account, _NO_ACCOUNT)
    model = rows.models.get(ref.model, _NO_MODEL)
    if _undisturbed(deployment, account, model):
        return _in_service(ref, deployment, model, settings, now)
    return (
        _out_by_hand(ref, deployment, model, now)
        or _blocked(ref, deployment, account)
        or _retired(ref, deployment, settings, now)
        or _held(ref, deployment, account, settings, now)
        or _open(ref, deployment, settings, now)
        or _in_service(ref, deployment, model, settings, now)
    )


def _undisturbed(deployment: DeploymentRecord, account: AccountRecord, model: ModelRecord) -> bool:
    """Return whether nothing can keep a model out: the usual case, told apart first because it is."""
    return (
        deployment.breaker == "closed"
        and deployment.hold_until is None
        and account.block_outcome is None
        and account.hold_until is None
        and account.remaining_requests != 0
        and model.drained_until is None
    )


def drained_until(model: ModelRecord, now: float) -> float | None:
    """Return until when a model is out by hand, or None."""
    return ends(model.drained_until, model.since, now)


def evidence_at(deployment: DeploymentRecord) -> float | None:
    """Return when a deployment last succeeded or failed."""
    good, bad = deployment.last_success_at, deployment.last_failure_at
    if good is None or bad is None:
        return bad if good is None else good
    return max(good, bad)


def error_rate(deployment: DeploymentRecord) -> float:
    """Return failures ÷ calls since the deployment last left unavailable; 0 without calls."""
    return deployment.errors / deployment.calls if deployment.calls > 0 else 0.0


def _out(
    ref: ModelRef, deployment: DeploymentRecord, reason: str, retry_at: float | None, *, held: bool = False
) -> Standing:
    good = beta.mean(deployment.alpha, deployment.beta)
    return Standing(
        ref.model, "unavailable", reason, retry_at, error_rate(deployment), held=held, success=good, success_low=0.0
    )


def _out_by_hand(ref: ModelRef, deployment: DeploymentRecord, model: ModelRecord, now: float) -> Standing | None:
    until = drained_until(model, now)
    if until is None:
        return None
    why = f": {model.drained_why}" if model.drained_why else ""
    return _out(ref, deployment, f"drained by {model.drained_by}{why}", until, held=True)


def _blocked(ref: ModelRef, deployment: DeploymentRecord, account: AccountRecord) -> Standing | None:
    if account.block_outcome is None:
        return None
    return _out(ref, deployment, account.block_reason or "key rejected", None)


def _retired(ref: ModelRef, deployment: DeploymentRecord, settings: Settings, now: float) -> Standing | None:
    if deployment.breaker != "retired":
        return None
    at = breaker.retry_at(deployment, now, settings.health)
    return _unavailable(ref, deployment, "retired: not found or no access, checked twice", at, trial=at is None)


def _unavailable(
    ref: ModelRef, deployment: DeploymentRecord, reason: str, at: float | None, *, trial: bool, last: bool = False
) -> Standing:
    a, b = deployment.alpha, deployment.beta
    return Standing(
        ref.model,
        "unavailable",
        reason,
        at,
        error_rate(deployment),
        trial=trial,
        last_resort=last,
        success=beta.mean(a, b),
        success_low=beta.low(a, b),
    )


def _held(
    ref: ModelRef, deployment: DeploymentRecord, account: AccountRecord, settings: Settings, now: float
) -> Standing | None:
    own, shared = breaker.held_until(deployment, now), holds.held_until(account, now)
    if own is None and shared is None:
        return None
    until = max(own or 0.0, shared or 0.0)
    reason = _HELD.get(deployment.hold_outcome or "", "held") if shared is None else _account_reason(account, now)
    is_open = deployment.breaker != "closed"
    if is_open:
        until = max(until, breaker.retry_at(deployment, now, settings.health) or 0.0)
    short = not is_open and deployment.hold_outcome != breaker.NOT_FOUND
    return _out(ref, deployment, reason, until, held=short)


def _account_reason(account: AccountRecord, now: float) -> str:
    if account.hold_until is None or account.hold_until <= now:
        return "no request left in this account's rate limit"
    if account.hold_outcome == Outcome.QUOTA_EXHAUSTED:
        return account.block_reason or "quota used up"
    return "rate limited (its account)"


def _open(ref: ModelRef, deployment: DeploymentRecord, settings: Settings, now: float) -> Standing | None:
    if deployment.breaker == "closed":
        return None
    at = breaker.retry_at(deployment, now, settings.health)
    often = deployment.consecutive < settings.health.retry_count
    reason = f"open: fails too often ({deployment.last_failure})" if often else f"open: {_row(deployment)}"
    return _unavailable(ref, deployment, reason, at, trial=at is None, last=at is not None)


def _row(deployment: DeploymentRecord) -> str:
    n = deployment.consecutive
    return f"{n} failure{'' if n == 1 else 's'} in a row ({deployment.last_failure or 'unknown'})"


def _in_service(
    ref: ModelRef, deployment: DeploymentRecord, model: ModelRecord, settings: Settings, now: float
) -> Standing:
    """Return the standing of a model that nothing keeps out, which changes with its records and two waits only."""
    at = evidence_at(deployment)
    forgotten = at is None or now - at > FORGOTTEN
    owing = deployment.probation > 0 and breaker.on_probation(deployment, now)
    if model.latency_level and not forgotten:
        return _known(ref, deployment, model, settings.of(ref.model), owing=owing)
    last = _last.get(ref.model)
    if (
        last is not None
        and last.deployment is deployment
        and last.model is model
        and last.forgotten is forgotten
        and last.owing is owing
    ):
        return last.standing
    found = _forgotten(ref, deployment, at) if forgotten else _known(ref, deployment, model, owing=owing)
    return _last.keep(ref.model, _Last(deployment, model, forgotten, owing, found)).standing


class _Last(NamedTuple):
    """A standing in service, and all that it was made from."""

    deployment: DeploymentRecord
    model: ModelRecord
    forgotten: bool
    owing: bool
    standing: Standing


_last: Latest[_Last] = Latest()
"""The last standing of each model: of twenty candidates one has changed since the last decision."""


def _forgotten(ref: ModelRef, deployment: DeploymentRecord, at: float | None) -> Standing:
    reason = "no evidence yet" if at is None else "no evidence for 24 h"
    a, b = deployment.alpha, deployment.beta
    return Standing(ref.model, "unknown", reason, success=beta.mean(a, b), success_low=beta.low(a, b))


def _known(
    ref: ModelRef,
    deployment: DeploymentRecord,
    model: ModelRecord,
    limits: Thresholds | None = None,
    *,
    owing: bool,
) -> Standing:
    a, b = deployment.alpha, deployment.beta
    good, low = beta.mean(a, b), beta.low(a, b)
    rate = error_rate(deployment)
    reason = _suspicious(deployment, model, rate, limits, owing=owing)
    if not reason:
        reason = "answers" if a > 0 else "metadata only"
        return Standing(ref.model, "healthy", reason, None, rate, False, False, False, False, good, low)
    critical = deployment.error_level == "critical" or model.latency_level == "critical"
    return Standing(ref.model, "degraded", reason, None, rate, critical, False, False, False, good, low)


def _suspicious(
    deployment: DeploymentRecord, model: ModelRecord, rate: float, limits: Thresholds | None, *, owing: bool
) -> str:
    """Return why a model that may be used is not healthy, the worst first; empty when it is."""
    if deployment.consecutive > 0:
        return _row(deployment)
    if deployment.error_level:
        return f"error rate {rate:.0%} ({deployment.error_level})"
    if limits is not None:
        return _slow(model, limits)
    if owing:
        return "on probation after it was unavailable"
    return ""


def _slow(model: ModelRecord, limits: Thresholds) -> str:
    """Return how slow a model is, from where on that is too slow, and where it ends once it has begun."""
    limit = limits.latency_critical if model.latency_level == "critical" else limits.latency_warning
    found = slowness(model.probe_latencies_ms, model.ttfts_ms)
    if found is None:
        return f"slow ({model.latency_level})"
    left = f" until below {LEAVE * limit:g} s" if found < limit else ""
    return f"slow: {found:.1f} s ({model.latency_level} from {limit:g} s{left})"
