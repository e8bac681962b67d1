"""Changes that a person or a finding makes to single records: the same for every store, pure."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from archfb_state.core.drains import ref_of
from archfb_state.records import (
    AccountRecord,
    Changes,
    DeploymentRecord,
    ModelRecord,
    Snapshot,
    Transition,
)
from archfb_state.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archfb_state.records import ModelRef

    Settle = Callable[[Snapshot, Settings, float, Sequence[ModelRef]], Changes]


def learned(
    rows: Snapshot,
    model: str,
    parameter: Mapping[str, str] | None,
    window: tuple[str, int] | None,
    token_ratio: float | None,
) -> Changes:
    """Return the records with a refused parameter, a deployment's true window or an estimate's correction."""
    before = record = rows.models.get(model, ModelRecord(model))
    if parameter:
        record = record._replace(learned={**record.learned, **parameter})
    if token_ratio is not None and token_ratio - token_ratio == 0:
        record = record._replace(token_ratio=token_ratio)
    deployments = {}
    if window is not None:
        name, tokens = window
        deployments[name] = rows.deployments.get(name, DeploymentRecord(name))._replace(window=tokens)
    return Changes(deployments=deployments, models={} if record is before else {model: record})


def limited(
    rows: Snapshot, account: str, requests: int | None, tokens: int | None, reset_at: float | None
) -> Changes:
    """Return the account with what it has left."""
    record = rows.accounts.get(account, AccountRecord(account))
    after = record._replace(remaining_requests=requests, remaining_tokens=tokens, remaining_reset_at=reset_at)
    return Changes(accounts={account: after})


def drained(rows: Snapshot, model: str, by: str, why: str, until: float, now: float) -> Changes:
    """Return the model taken out by hand, and a transition that says so, also where it was out already."""
    record = rows.models.get(model, ModelRecord(model))
    reason = f"drained by {by}: {why}"
    after = record._replace(
        drained_by=by,
        drained_why=why,
        drained_until=until,
        status="unavailable",
        reason=reason,
        since=record.since if record.status == "unavailable" else now,
    )
    told = after._replace(reason=f"{reason} (until {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(until))})")
    return Changes(models={record.model: after}, transitions=(_transition(record, told, now),))


def undrained(rows: Snapshot, model: str, by: str, now: float, settle: Settle) -> Changes:
    """Return the model put back by hand, with whatever status it then has; nothing where it was not drained."""
    record = rows.models.get(model)
    if record is None or record.drained_until is None or record.drained_until <= now:
        return Changes()
    free = record._replace(drained_by=None, drained_why=None, drained_until=None)
    return _settled(rows, free, f"put back by {by}", now, settle)


def forgotten(rows: Snapshot, ref: ModelRef, by: str, now: float) -> Changes:
    """Return fresh records for a model, its deployment and its account; a drain by hand and the cost stay."""
    before = rows.models.get(ref.model, ModelRecord(ref.model))
    said = f"reset by {by}"
    fresh = ModelRecord(
        ref.model, ref.deployment, ref.account, status="unknown", reason=said, since=now, cost_usd=before.cost_usd
    )
    if before.drained_until is not None and before.drained_until > now:
        said = f"{said}, still {before.reason}"
        fresh = fresh._replace(
            status=before.status,
            reason=before.reason,
            drained_by=before.drained_by,
            drained_why=before.drained_why,
            drained_until=before.drained_until,
        )
    return Changes(
        deployments={ref.deployment: DeploymentRecord(ref.deployment)},
        accounts={ref.account: AccountRecord(ref.account)},
        models={ref.model: fresh},
        transitions=(_transition(before, fresh._replace(reason=said), now),),
    )


def _settled(rows: Snapshot, record: ModelRecord, why: str, now: float, settle: Settle) -> Changes:
    found = settle(rows._replace(models={**rows.models, record.model: record}), Settings(), now, (ref_of(record),))
    models = {record.model: record, **found.models}
    told = found.transitions or (_transition(record, models[record.model], now),)
    said = tuple(replace(one, reason=f"{why}: {one.reason}") for one in told)
    return found._replace(models=models, transitions=said)


def _transition(before: ModelRecord, after: ModelRecord, now: float) -> Transition:
    return Transition(now, after.model, before.status, after.status, after.reason)
