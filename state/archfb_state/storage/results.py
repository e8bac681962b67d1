"""Runs, the answers they made, the round robin's credits, and small remembered values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archfb_state.storage.rows import RESULTS, RUNS, clean_text, compact

if TYPE_CHECKING:
    import sqlite3

    from archfb_state.decisions import Credits
    from archfb_state.store import PhaseResult, Run

_SAVE_RUN = RUNS.upsert("id")
_SAVE_RESULT = RESULTS.upsert("key", "model", "created_at")
CREDITS = "SELECT model, credit FROM credits WHERE slot = ?"
_CHANGE_CREDIT = "UPDATE credits SET credit = ?3 WHERE slot = ?1 AND model = ?2"
_SAVE_CREDIT = (
    "INSERT INTO credits (slot, model, credit) VALUES (?, ?, ?) "
    "ON CONFLICT (slot, model) DO UPDATE SET credit = excluded.credit"
)
_META = "SELECT value FROM meta WHERE name = ?"
_SAVE_META = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def save_run(connection: sqlite3.Connection, run: Run) -> None:
    """Insert or replace a run."""
    connection.execute(_SAVE_RUN, RUNS.to_row(run))


def runs(connection: sqlite3.Connection, limit: int) -> list[Run]:
    """Return the last runs, newest first."""
    rows = connection.execute(f"{RUNS.select} ORDER BY started_at DESC, id DESC LIMIT ?", (max(0, limit),))
    return [one for one in map(RUNS.from_row, rows) if one is not None]


def run(connection: sqlite3.Connection, id_prefix: str) -> Run | None:
    """Return the run of this id, or the only one whose id begins so."""
    prefix = clean_text(id_prefix)
    sql = f"{RUNS.select} WHERE id = ?1 OR substr(id, 1, length(?1)) = ?1 ORDER BY id <> ?1 LIMIT 2"
    found = connection.execute(sql, (prefix,)).fetchall()
    if not prefix or not found or (len(found) > 1 and found[0][0] != prefix):
        return None
    return RUNS.from_row(found[0])


def save_result(connection: sqlite3.Connection, result: PhaseResult) -> None:
    """Store an answer; the same one again replaces itself."""
    connection.execute(_SAVE_RESULT, RESULTS.to_row(result))


def results(connection: sqlite3.Connection, key: str) -> list[PhaseResult]:
    """Return the answers stored under a key, newest first."""
    sql = f"{RESULTS.select} WHERE key = ? ORDER BY created_at DESC, model"
    return [one for one in map(RESULTS.from_row, connection.execute(sql, (clean_text(key),))) if one is not None]


def run_results(connection: sqlite3.Connection, run_id: str) -> list[PhaseResult]:
    """Return the answers that a run made, oldest first."""
    sql = f"{RESULTS.select} WHERE run_id = ? ORDER BY created_at, key, model"
    return [one for one in map(RESULTS.from_row, connection.execute(sql, (clean_text(run_id),))) if one is not None]


def credits(connection: sqlite3.Connection, slot: str) -> Credits:  # noqa: A001 - the field's word
    """Return one slot's credits by model."""
    return {str(model): credit for model, credit in connection.execute(CREDITS, (slot,)) if type(credit) is float}


def save_credits(connection: sqlite3.Connection, slot: str, before: Credits, after: Credits) -> Credits:
    """Write the credits that changed, and return them as they are stored."""
    kept = {clean_text(model): credit for model, credit in after.items() if credit - credit == 0}
    changed = [(slot, model, credit) for model, credit in kept.items() if before.get(model) != credit]
    if kept.keys() == before.keys():
        connection.executemany(_CHANGE_CREDIT, changed)
        return kept
    connection.executemany(_SAVE_CREDIT, changed)
    gone = before.keys() - kept.keys()
    connection.executemany("DELETE FROM credits WHERE slot = ? AND model = ?", [(slot, one) for one in gone])
    return kept


def meta(connection: sqlite3.Connection, name: str) -> Any:
    """Return a remembered value, or None."""
    row = connection.execute(_META, (clean_text(name),)).fetchone()
    try:
        return json.loads(row[0]) if row else None
    except (ValueError, TypeError):
        return None


def save_meta(connection: sqlite3.Connection, name: str, value: Any) -> None:
    """Remember a value."""
    connection.execute(_SAVE_META, (clean_text(name), compact(value)))


def salt(value: Any) -> bytes | None:
    """Return the salt that a remembered value says, None where it says none."""
    try:
        return bytes.fromhex(value)
    except (ValueError, TypeError):
        return None
