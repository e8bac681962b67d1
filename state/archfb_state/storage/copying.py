"""A whole state copied from one database to another: the same tables, row by row, within one transaction."""

from __future__ import annotations

import os
from typing import Any

from archfb_state.storage.locking import SUFFIX
from archfb_state.storage.shape import TABLES
from archfb_state.storage.way import Core, Way
from archfb_state.store import StoreUnusable

_AT_ONCE = 500


def copy(source: Any, target: Any) -> int:
    """Copy everything into a state that knows nothing yet; return how many attempts. Raises StoreUnusable."""
    for table in ("attempts", "model_health", "runs", "totals"):
        if target.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None:  # noqa: S608 - names are ours
            raise StoreUnusable("The target holds a state already; nothing was copied.")
    target.execute("DELETE FROM meta")
    for table, columns in TABLES.items():
        marks = ", ".join("?" * (columns.count(",") + 1))
        cursor = source.execute(f"SELECT {columns} FROM {table}")  # noqa: S608 - names are ours
        while some := cursor.fetchmany(_AT_ONCE):
            target.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", some)  # noqa: S608
    if hasattr(target, "renumber"):
        target.renumber()
    return int(source.execute("SELECT COUNT(*) FROM attempts").fetchone()[0])


def copy_to_new_file(source: Any, path: str) -> int:
    """Copy everything to a new file (0600); raises StoreUnusable where that is impossible."""
    if os.path.exists(path):  # noqa: PTH110
        raise StoreUnusable(f"{path} exists already; not overwritten")
    path = os.path.abspath(path)  # noqa: PTH100
    store, _ = Way(path, 10.0, True, Core()).open()
    try:
        found = store._write(lambda connection: copy(source, connection))  # noqa: SLF001 - a store of our own making
    finally:
        store.close()
    os.unlink(path + SUFFIX) if os.path.exists(path + SUFFIX) else None  # noqa: PTH108, PTH110
    return found
