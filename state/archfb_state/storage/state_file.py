"""The state's file as it is found: whether it is ours, of which schema, whole or damaged."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING, TypeVar

from archfb_state.storage.database import Database
from archfb_state.store import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

APPLICATION_ID = 0x61726662
"""Marks a file as ours ("arfb"), as `file` and SQLite tools show it."""

VERSION = 1
"""`user_version` of the schema that this program writes."""


class Newer(Exception):
    """The schema is one that only a later program knows."""


class Corrupt(Exception):
    """SQLite finds the file damaged, or a table or column of ours is gone."""


def open_to_read(path: str, patience: float, *, newer: bool = False) -> Database:
    """Open an existing file for reading only, a newer one only if told so.

    Raises StoreUnusable, Newer, Corrupt, StoreBusy, sqlite3.Error.
    """
    database = _first_that_opens(path, patience)
    try:
        if not is_current(database, newer=newer):
            raise sqlite3.OperationalError("the state is being created, or of an older version")
    except BaseException:
        database.close()
        raise
    return database


def _first_that_opens(path: str, patience: float) -> Database:
    database = Database(path, patience=patience, mode="ro")
    try:
        database.patient("PRAGMA schema_version").fetchone()
    except sqlite3.DatabaseError as error:  # of any other whoever looks at what is in it will be told
        if _no_log_here(error, path):
            database.close()
            return Database(path, patience=patience, mode="immutable")
    return database


def _no_log_here(error: sqlite3.DatabaseError, path: str) -> bool:
    """Say whether a log cannot be made here, so that nobody writes, or only its index, on a full disk."""
    code = _code(error)
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}:  # the latter of a folder that may not be written
        log = path + "-wal"
        return not os.path.exists(log) or os.path.getsize(log) == 0  # noqa: PTH110, PTH202
    return code == sqlite3.SQLITE_CANTOPEN


def is_current(database: Database, *, newer: bool = False) -> bool:
    """Say whether the schema is this program's (or a newer one that may be read); False for a new or older one."""
    marked, found, tables = _looked(database, _marks)
    if not tables and 0 < os.path.getsize(database.path) < 512:  # noqa: PTH202
        raise _not_ours(database.path)
    if marked != APPLICATION_ID and (marked or found or tables):
        raise StoreUnusable(
            f"{database.path} belongs to another program: its application_id differs ({marked:#x}); not touched."
        )
    if found > VERSION and not newer:
        raise Newer(f"State is from archfb ≥ schema {found}; this is schema {VERSION}. Running without saving.")
    if found == VERSION:
        _refuse_misfit(database)
    return bool(found >= VERSION)


def _refuse_misfit(database: Database) -> None:
    from archfb_state.storage.shape import compare

    try:
        _looked(database, compare)
    except sqlite3.OperationalError as error:
        raise (Corrupt(str(error)) if error.sqlite_errorcode == sqlite3.SQLITE_ERROR else error) from None


def _looked(database: Database, look: Callable[[sqlite3.Connection], T]) -> T:
    try:
        return database.read(look)
    except sqlite3.DatabaseError as error:
        raise _damage(database.path, error) from None
    except UnicodeDecodeError as error:  # of what SQLite says of the schema
        raise Corrupt(str(error)) from None


def _marks(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return application_id, user_version and the number of tables, all of one instant."""
    marked, found, tables = (
        connection.execute(sql).fetchone()[0]
        for sql in ("PRAGMA application_id", "PRAGMA user_version", "SELECT COUNT(*) FROM sqlite_master")
    )
    return marked, found, tables


def _not_ours(path: str) -> StoreUnusable:
    with open(path, "rb") as file:  # noqa: PTH123
        first = file.read(16)
    return StoreUnusable(f"{path} is not an archfb state file (first bytes {first!r}). Not touched.")


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _damage(path: str, error: sqlite3.DatabaseError) -> Exception:
    code = _code(error)
    if code == sqlite3.SQLITE_NOTADB:
        return _not_ours(path)
    if code == sqlite3.SQLITE_CORRUPT:
        return Corrupt(str(error))
    return error


def set_aside(path: str, now: float) -> str:
    """Move a damaged file out of the way, with its log; return what to say. Call it with the lock held."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    kept = f"{path}.corrupt-{stamp}-{os.getpid()}"
    for suffix in ("", "-wal", "-shm"):
        try:
            os.rename(path + suffix, kept + suffix)  # noqa: PTH104
        except FileNotFoundError:
            continue
    return f"State was damaged; kept as {kept}; starting fresh."
