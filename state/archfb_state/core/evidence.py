"""What one attempt, or time alone, changes in what is remembered. Pure: records in, changed records out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archfb_state.core import breaker, drains, holds, machine, preset
from archfb_state.core.decay import in_the_future
from archfb_state.core.standing import drained_until, standing
from archfb_state.outcomes import RULES, Outcome
from archfb_state.records import (
    AccountRecord,
    Changes,
    DeploymentRecord,
    MachineRecord,
    ModelRecord,
    ModelRef,
    Snapshot,
    Transition,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from archfb_state.records import Attempt
    from archfb_state.settings import Settings


class _Event(NamedTuple):
    """An attempt, the records it meets, and when it counts: when it ended, or now if the clock was set back."""

    attempt: Attempt
    at: float
    deployment: DeploymentRecord
    account: AccountRecord
    settings: Settings
    rng: Random


class _Effect(NamedTuple):
    """The records after an event, and whether it was a success, a failure, or neither."""

    deployment: DeploymentRecord
    account: AccountRecord
    verdict: bool | None = None


class _Finding(NamedTuple):
    """An event's effect, and what it says of the machine and of other deployments."""

    effect: _Effect
    others: Mapping[str, DeploymentRecord] = {}
    machine: MachineRecord | None = None


def observe(
    rows: Snapshot,
    attempt: Attempt,
    settings: Settings,
    now: float,
    rng: Random,
    refs: Sequence[ModelRef],
) -> Changes:
    """Return what one attempt changes.

    `rows` must hold the attempt's deployment, account and model, the machine and the deployments it waits for, and
    the models that share the attempt's deployment or account; a row that is absent is a fresh one.
    """
    if attempt.outcome is Outcome.CANCELLED and not attempt.cost_usd:
        return Changes()
    over = drains.over(rows, settings, now, refs)
    if over.models:
        rows = _with(rows, over)
    event = _event(rows, attempt, settings, now, rng)
    finding = _unreached(rows, event) if attempt.blame and machine.unreached(attempt) else _reached(rows, event)
    changed = _changes(rows, event, finding)
    found = _restated(rows, changed, settings, now, _touched(rows, changed, attempt, refs))
    return _joined(over, found) if over.models else found


def settle(rows: Snapshot, settings: Settings, now: float, refs: Sequence[ModelRef]) -> Changes:
    """Return what time alone changed: drains and waits that ended, evidence that aged, a clock that was set back."""
    over = drains.over(rows, settings, now, refs)
    rows = _with(rows, over)
    deployments = {
        key: after for key, one in rows.deployments.items() if (after := breaker.rebased(one, now)) is not one
    }
    accounts = {key: new for key, one in rows.accounts.items() if (new := holds.rebased(one, now)) is not one}
    models = {
        key: one._replace(since=now, drained_until=drained_until(one, now))
        for key, one in rows.models.items()
        if one.drained_until is not None and in_the_future(one.since, now)
    }
    online = machine.settled(rows.machine, now)
    return _joined(over, _restated(rows, Changes(deployments, accounts, models, online), settings, now, refs))


def _with(rows: Snapshot, over: Changes) -> Snapshot:
    return rows._replace(models={**rows.models, **over.models})


def _joined(over: Changes, later: Changes) -> Changes:
    return later._replace(models={**over.models, **later.models}, transitions=(*over.transitions, *later.transitions))


def unsettled(rows: Snapshot, now: float) -> bool:
    """Return whether the clock was set back since something was held or drained: it lasts until `settle` dates it."""
    return (
        any(one.hold_until is not None and in_the_future(one.last_event_at, now) for one in rows.deployments.values())
        or any(one.hold_until is not None and in_the_future(one.refused_at, now) for one in rows.accounts.values())
        or any(one.drained_until is not None and in_the_future(one.since, now) for one in rows.models.values())
    )


def _event(rows: Snapshot, attempt: Attempt, settings: Settings, now: float, rng: Random) -> _Event:
    deployment = rows.deployments.get(attempt.deployment) or DeploymentRecord(attempt.deployment)
    account = rows.accounts.get(attempt.account) or AccountRecord(attempt.account)
    return _Event(
        attempt,
        min(attempt.ended_at, now),
        breaker.rebased(deployment, now),
        holds.rebased(account, now),
        settings,
        rng,
    )


def _unreached(rows: Snapshot, event: _Event) -> _Finding:
    """Return what a failure to connect comes to: nobody's fault while this machine is offline."""

    def fail(record: DeploymentRecord) -> DeploymentRecord:
        return breaker.failed(record, event.attempt, event.at, event.settings, event.rng)

    key = event.attempt.deployment
    known = {**rows.deployments, key: event.deployment}
    judged = machine.after_failure(rows.machine, known, event.attempt, event.at, fail)
    own = _seen(event, judged.deployments.get(key, event.deployment))
    return _Finding(_Effect(own, event.account, None if judged.lost else False), judged.deployments, judged.machine)


def _reached(rows: Snapshot, event: _Event) -> _Finding:
    """Return what an attempt comes to whose host was reached, or that never tried."""
    key = event.attempt.deployment
    known = {**rows.deployments, key: event.deployment}
    judged = machine.after_answer(rows.machine, known, event.at) if machine.heard(event.attempt) else None
    if judged is None:
        return _Finding(_effect(event))
    event = event._replace(deployment=judged.deployments.get(key, event.deployment))
    return _Finding(_effect(event), judged.deployments, judged.machine)


def _effect(event: _Event) -> _Effect:
    spared = not event.attempt.blame and event.attempt.outcome in _DEPLOYMENTS_FAULT
    return (_spared if spared else _EFFECTS[event.attempt.outcome])(event)


def _seen(event: _Event, record: DeploymentRecord) -> DeploymentRecord:
    """Return the record with the probe's instant, where nothing else has noted it."""
    attempt = event.attempt
    if attempt.kind == "call" or attempt.outcome is Outcome.CANCELLED or record.last_probe_at == event.at:
        return record
    return record._replace(last_probe_at=event.at)


def _answered(event: _Event) -> _Effect:
    after = breaker.succeeded(event.deployment, event.attempt, event.at, event.settings)
    return _Effect(after, holds.answered(event.account, event.attempt), verdict=True)


def _failed(event: _Event) -> _Effect:
    after = breaker.failed(event.deployment, event.attempt, event.at, event.settings, event.rng)
    return _Effect(_seen(event, after), event.account, verdict=False)


def _spared(event: _Event) -> _Effect:
    return _Effect(_seen(event, event.deployment), event.account)


def _rate_limited(event: _Event) -> _Effect:
    """Hold the deployment; or its account, when that was named or a second deployment was refused."""
    record, attempt, at = event.deployment, event.attempt, event.at
    until = at + holds.rate_wait(attempt, at, record.hold_count, event.rng)
    count = holds.rate_count(record, attempt, at)
    held = breaker.held(record, attempt, at, until, count=count)
    return _Effect(held, holds.refused(event.account, attempt, at, until))


def _out_of_quota(event: _Event) -> _Effect:
    attempt, at = event.attempt, event.at
    if attempt.scope not in {"deployment", "model"}:
        seen = _seen(event, event.deployment)
        return _Effect(seen, holds.out_of_quota(event.account, attempt, at), verdict=False)
    until = at + holds.quota_wait(attempt, at)
    held = breaker.held(event.deployment, attempt, at, until, count=event.deployment.hold_count)
    return _Effect(held, event.account, verdict=False)


def _refused(event: _Event) -> _Effect:
    account = holds.blocked(event.account, event.attempt, event.at)
    return _Effect(_seen(event, event.deployment), account, verdict=False)


def _missing(event: _Event) -> _Effect:
    after = breaker.missing(event.deployment, event.attempt, event.at)
    return _Effect(_seen(event, after), event.account, verdict=False)


_DEPLOYMENTS_FAULT = frozenset({one for one, rule in RULES.items() if rule.counts} | {Outcome.INVALID_REQUEST})

_EFFECTS: dict[Outcome, Callable[[_Event], _Effect]] = {
    **dict.fromkeys(Outcome, _spared),
    **dict.fromkeys(_DEPLOYMENTS_FAULT, _failed),
    Outcome.OK: _answered,
    Outcome.TRUNCATED: _answered,
    Outcome.RATE_LIMITED: _rate_limited,
    Outcome.QUOTA_EXHAUSTED: _out_of_quota,
    Outcome.AUTH: _refused,
    Outcome.MODEL_NOT_FOUND: _missing,
}
"""A truncated answer is an answer: it proves that the deployment works."""


def _changes(rows: Snapshot, event: _Event, finding: _Finding) -> Changes:
    attempt, effect = event.attempt, finding.effect
    deployments, accounts = dict(finding.others), {}
    deployment, account = rows.deployments.get(attempt.deployment), rows.accounts.get(attempt.account)
    if effect.deployment is not deployment and effect.deployment != (
        deployment or DeploymentRecord(attempt.deployment)
    ):
        deployments[attempt.deployment] = effect.deployment
    if effect.account is not account and effect.account != (account or AccountRecord(attempt.account)):
        accounts[attempt.account] = effect.account
    before = rows.models.get(attempt.model) or ModelRecord(attempt.model)
    models = {attempt.model: preset.noted(before, attempt, event.at, event.settings, effect.verdict)}
    return Changes(deployments, accounts, models, finding.machine)


def _touched(rows: Snapshot, changed: Changes, attempt: Attempt, refs: Sequence[ModelRef]) -> list[ModelRef]:
    """Return the models whose standing may have changed and whose rows are known."""
    touched = [
        ref
        for ref in refs
        if ref.model == attempt.model
        or ((ref.deployment in changed.deployments or ref.account in changed.accounts) and _known(rows, attempt, ref))
    ]
    if all(ref.model != attempt.model for ref in touched):
        touched.append(ModelRef(attempt.model, attempt.deployment, attempt.account, attempt.host))
    return touched


def _known(rows: Snapshot, attempt: Attempt, ref: ModelRef) -> bool:
    return ref.model in rows.models or attempt.deployment == ref.deployment or attempt.account == ref.account


def _restated(rows: Snapshot, changed: Changes, settings: Settings, now: float, refs: Iterable[ModelRef]) -> Changes:
    """Return the changes with the models' statuses as they then are, and a transition for each that is another."""
    after = Snapshot(
        now,
        {**rows.deployments, **changed.deployments},
        {**rows.accounts, **changed.accounts},
        {**rows.models, **changed.models},
    )
    models, transitions = dict(changed.models), []
    for ref in refs:
        before = after.models.get(ref.model)
        record = _stated(ref, before, after, settings, now)
        if record is not before and record is not None:
            models[ref.model] = record
            was = before.status if before else "unknown"
            if was != record.status:
                transitions.append(Transition(now, ref.model, was, record.status, record.reason))
    return Changes(changed.deployments, changed.accounts, models, changed.machine, tuple(transitions))


def _stated(
    ref: ModelRef, before: ModelRecord | None, after: Snapshot, settings: Settings, now: float
) -> ModelRecord | None:
    """Return a model's row with its status now; None where nothing is known of it and nothing need be written."""
    found = standing(ref, after, settings, now)
    deployment = after.deployments.get(ref.deployment)
    row = deployment.consecutive if deployment else 0
    if before is None:
        if found.status == "unknown":
            return None
        before = ModelRecord(ref.model, ref.deployment, ref.account)
    same = (before.status, before.reason, before.consecutive_failures, before.deployment, before.account)
    if same == (found.status, found.reason, row, ref.deployment, ref.account):
        return before
    return before._replace(
        status=found.status,
        reason=found.reason,
        since=before.since if before.status == found.status else now,
        consecutive_failures=row,
        deployment=ref.deployment,
        account=ref.account,
    )
