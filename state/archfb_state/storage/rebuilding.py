"""Records whose rows cannot be read, made anew from the attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from archfb_state.records import Changes, ModelRef, Snapshot
from archfb_state.storage.rows import ATTEMPTS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from archfb_state.records import Attempt
    from archfb_state.settings import Settings
    from archfb_state.storage.remembered import Remembered
    from archfb_state.storage.sqlite_reports import Observe

T = TypeVar("T")

REPLAYED = 5000
"""The newest attempts that are looked through; evidence older than they has faded."""

_NEWEST = f"{ATTEMPTS.select} WHERE seq > (SELECT COALESCE(MAX(seq), 0) FROM attempts) - ? ORDER BY seq"  # noqa: S608


def rebuild(connection: sqlite3.Connection, remembered: Remembered, observe: Observe, settings: Settings) -> None:
    """Write anew, within a write transaction, every row that could not be read."""
    from random import Random

    models, deployments, accounts = remembered.damaged()
    rows, rng = Snapshot(0.0), Random(0)  # noqa: S311 - jitter, not secrets
    for attempt in filter(None, map(ATTEMPTS.from_row, connection.execute(_NEWEST, (REPLAYED,)).fetchall())):
        if attempt.model in models or attempt.deployment in deployments or attempt.account in accounts:
            rows = _after(rows, observe(rows, attempt, settings, attempt.ended_at, rng, (_ref(attempt),)), attempt)
    remembered.restore(
        connection,
        Changes(
            deployments=_only(rows.deployments, deployments),
            accounts=_only(rows.accounts, accounts),
            models=_only(rows.models, models),
        ),
    )


def _ref(attempt: Attempt) -> ModelRef:
    return ModelRef(attempt.model, attempt.deployment, attempt.account, attempt.host)


def _after(rows: Snapshot, changes: Changes, attempt: Attempt) -> Snapshot:
    return Snapshot(
        attempt.ended_at,
        {**rows.deployments, **changes.deployments},
        {**rows.accounts, **changes.accounts},
        {**rows.models, **changes.models},
        changes.machine or rows.machine,
    )


def _only(found: Mapping[str, T], wanted: set[str]) -> dict[str, T]:
    return {key: record for key, record in found.items() if key in wanted}
