"""The tables, in plain SQL: meant to be read with any SQLite tool, too.

Instants are REAL Unix seconds; the virtual columns ending in `_utc` say the same in RFC 3339. JSON stands only
where a list or a mapping does.
"""

from __future__ import annotations

from archfb_state.storage.rows import ACCOUNTS, ATTEMPTS, DEPLOYMENTS, MACHINE, MODELS, RESULTS, RUNS, TRANSITIONS
from archfb_state.store import BUCKETS

HISTOGRAM = (*(f"upto_{bound:g}".replace(".", "_") for bound in BUCKETS), f"over_{BUCKETS[-1]:g}")
"""Columns of the latency histogram: attempts in each bucket, not cumulative."""

_TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
TOTALS = ("count", "seconds", *HISTOGRAM, *_TOKENS, "cost_usd")
"""What is summed up, by hour in `rollups` and since the beginning in `totals`."""

_REAL = ("seconds", "cost_usd")


def _utc(column: str) -> str:
    return f"{column}_utc TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', {column}, 'unixepoch')) VIRTUAL"


def _sums() -> str:
    return ",\n  ".join(f"{name} {'REAL' if name in _REAL else 'INTEGER'} NOT NULL DEFAULT 0" for name in TOTALS)


def _table(name: str, *lines: str) -> str:
    return f"CREATE TABLE {name} (\n  " + ",\n  ".join(lines) + "\n)"


CREATE: tuple[str, ...] = (
    _table("meta", "name TEXT PRIMARY KEY", "value TEXT NOT NULL"),
    _table(
        "attempts",
        "seq INTEGER PRIMARY KEY",
        *ATTEMPTS.definitions(),
        _utc("started_at"),
        _utc("ended_at"),
        "UNIQUE (id)",
    ),
    "CREATE INDEX attempts_by_time ON attempts (started_at)",
    _table("model_health", *MODELS.definitions(), _utc("since"), _utc("last_success_at"), "PRIMARY KEY (model)"),
    _table("deployments", *DEPLOYMENTS.definitions(), _utc("retry_at"), "PRIMARY KEY (deployment)"),
    _table("accounts", *ACCOUNTS.definitions(), "PRIMARY KEY (account)"),
    _table("machine", "id INTEGER PRIMARY KEY CHECK (id = 1)", *MACHINE.definitions()),
    _table("transitions", "seq INTEGER PRIMARY KEY", *TRANSITIONS.definitions(), _utc("at")),
    "CREATE INDEX transitions_by_time ON transitions (at)",
    _table(
        "decisions",
        "seq INTEGER PRIMARY KEY",
        "at REAL NOT NULL",
        "call_id TEXT NOT NULL",
        "run_id TEXT",
        "phase TEXT NOT NULL",
        "complexity TEXT NOT NULL",
        "strategy TEXT NOT NULL",
        "first_model TEXT",
        "candidates TEXT NOT NULL",
        "terms TEXT NOT NULL",
        _utc("at"),
    ),
    "CREATE INDEX decisions_by_run ON decisions (run_id) WHERE run_id IS NOT NULL",
    "CREATE INDEX decisions_by_time ON decisions (at)",
    _table("runs", *RUNS.definitions(), _utc("started_at"), "PRIMARY KEY (id)"),
    "CREATE INDEX runs_by_time ON runs (started_at)",
    _table("phase_results", *RESULTS.definitions(), _utc("created_at"), "PRIMARY KEY (key, model, created_at)"),
    "CREATE INDEX phase_results_by_run ON phase_results (run_id) WHERE run_id IS NOT NULL",
    _table(
        "leases",
        "name TEXT PRIMARY KEY",
        "token TEXT NOT NULL",
        "pid INTEGER NOT NULL",
        "acquired_at REAL NOT NULL",
        "expires_at REAL NOT NULL",
    ),
    _table(
        "in_flight",
        "call_id TEXT PRIMARY KEY",
        "model TEXT NOT NULL",
        "pid INTEGER NOT NULL",
        "started_at REAL NOT NULL",
        "expires_at REAL NOT NULL",
    )
    + " WITHOUT ROWID",
    _table(
        "credits", "slot TEXT NOT NULL", "model TEXT NOT NULL", "credit REAL NOT NULL", "PRIMARY KEY (slot, model)"
    )
    + " WITHOUT ROWID",
    _table(
        "rollups",
        "hour REAL NOT NULL",
        "phase TEXT NOT NULL",
        "model TEXT NOT NULL",
        "outcome TEXT NOT NULL",
        _sums(),
        _utc("hour"),
        "PRIMARY KEY (hour, phase, model, outcome)",
    )
    + " WITHOUT ROWID",
    _table(
        "totals",
        "phase TEXT NOT NULL",
        "model TEXT NOT NULL",
        "outcome TEXT NOT NULL",
        _sums(),
        "PRIMARY KEY (phase, model, outcome)",
    )
    + " WITHOUT ROWID",
    _table(
        "handovers",
        "phase TEXT NOT NULL",
        "from_model TEXT NOT NULL",
        "to_model TEXT NOT NULL",
        "count INTEGER NOT NULL DEFAULT 0",
        "PRIMARY KEY (phase, from_model, to_model)",
    )
    + " WITHOUT ROWID",
    _table(
        "budgets",
        "budget TEXT PRIMARY KEY",
        "count INTEGER NOT NULL DEFAULT 0",
        "usd REAL NOT NULL DEFAULT 0",
        "updated_at REAL NOT NULL",
    ),
    _table(
        "reservations",
        "id TEXT PRIMARY KEY",
        "budget TEXT NOT NULL",
        "usd REAL NOT NULL",
        "reserved_at REAL NOT NULL",
        "expires_at REAL NOT NULL",
    ),
    "CREATE INDEX reservations_by_budget ON reservations (budget)",
)
