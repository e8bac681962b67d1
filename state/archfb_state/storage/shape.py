"""The tables and their columns, as this program reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb_state.storage import rows
from archfb_state.storage.schema import TOTALS

if TYPE_CHECKING:
    import sqlite3

_SUMS = ", ".join(TOTALS)

TABLES = {
    "attempts": f"seq, {rows.ATTEMPTS.list}",
    "model_health": rows.MODELS.list,
    "deployments": rows.DEPLOYMENTS.list,
    "accounts": rows.ACCOUNTS.list,
    "machine": f"id, {rows.MACHINE.list}",
    "transitions": f"seq, {rows.TRANSITIONS.list}",
    "decisions": "seq, at, call_id, run_id, phase, complexity, strategy, first_model, candidates, terms",
    "runs": rows.RUNS.list,
    "phase_results": rows.RESULTS.list,
    "credits": "slot, model, credit",
    "rollups": f"hour, phase, model, outcome, {_SUMS}",
    "totals": f"phase, model, outcome, {_SUMS}",
    "handovers": "phase, from_model, to_model, count",
    "budgets": "budget, count, usd, updated_at",
    "meta": "name, value",
}
"""What a copy of a state takes along."""

MOMENTARY = {
    "leases": "name, token, pid, acquired_at, expires_at",
    "in_flight": "call_id, model, pid, started_at, expires_at",
    "reservations": "id, budget, usd, reserved_at, expires_at",
}
"""What is true for a moment only."""


def compare(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.OperationalError where a table or a column is not there, whoever took it away."""
    for table, columns in (TABLES | MOMENTARY).items():
        connection.execute(f"SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608 - names are ours
