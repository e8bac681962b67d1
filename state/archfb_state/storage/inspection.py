"""Looking the stored state over, and copying it."""

from __future__ import annotations

import os
import sqlite3

from archfb_state.storage.rows import ACCOUNTS, ATTEMPTS, DEPLOYMENTS, MACHINE, MODELS, RUNS, TRANSITIONS, Table
from archfb_state.store import StoreUnusable

_CHECKED: tuple[Table[object], ...] = (DEPLOYMENTS, ACCOUNTS, MODELS, MACHINE, ATTEMPTS, TRANSITIONS, RUNS)  # type: ignore[assignment]


def problems(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong, in sentences."""
    try:
        return _problems(connection)
    except sqlite3.DatabaseError as error:
        return [f"Damaged: {error}"]


def _problems(connection: sqlite3.Connection) -> list[str]:
    found = [f"Damaged: {row[0]}" for row in connection.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
    return found or unreadable(connection)


def unreadable(connection: sqlite3.Connection) -> list[str]:
    """Return which tables hold rows that cannot be read, in sentences."""
    found = []
    for table in _CHECKED:
        lost = sum(1 for row in connection.execute(table.select) if table.from_row(row) is None)
        if lost:
            found.append(f"{lost} row{'s' if lost > 1 else ''} of {table.name} cannot be read; ignored")
    return found


def backup(connection: sqlite3.Connection, path: str) -> None:
    """Copy the whole database to a new file (0600); raises StoreUnusable where that is impossible."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise StoreUnusable(f"{path} exists already; not overwritten") from None
    except OSError as error:
        raise StoreUnusable(f"Cannot write {path}: {error.strerror}") from None
    copy = sqlite3.connect(path, isolation_level=None)
    try:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        os.unlink(path)  # noqa: PTH108
        raise StoreUnusable(f"Cannot copy to {path}: {error}") from None
    finally:
        copy.close()
