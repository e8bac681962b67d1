"""Opening the state: creating, migrating, or saying in a sentence why it cannot be used."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from archfb_state.storage.database import Database
from archfb_state.storage.examination import MOUNTS, examine
from archfb_state.storage.locking import SUFFIX, FileLock
from archfb_state.store import Opened, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from archfb_state.storage.sqlite_reports import Observe, Settle
    from archfb_state.storage.sqlite_store import SqliteStore
    from archfb_state.store import Store

APPLICATION_ID = 0x61726662
"""Marks a file as ours ("arfb"), as `file` and SQLite tools show it."""

VERSION = 1
"""`user_version` of the schema that this program writes."""


class Newer(Exception):
    """The schema is one that only a later program knows."""


class Corrupt(Exception):
    """SQLite finds the file damaged."""


class Unsaved(Exception):
    """The run can go on, but nothing will be saved; the argument says why."""


class Core(NamedTuple):
    """What a store is given: its clock, and the decision core where it is not the real one."""

    clock: Callable[[], float] = time.time
    observe: Observe | None = None
    settle: Settle | None = None
    rng: Random | None = None


def open_state(
    path: str | None,
    *,
    patience: float = 10.0,
    clock: Callable[[], float] = time.time,
    explicit: bool = True,
    warn: Callable[[str], None] | None = None,
    observe: Observe | None = None,
    settle: Settle | None = None,
    rng: Random | None = None,
    mounts: str = MOUNTS,
) -> Store:
    """Open the state at a path, creating and migrating it as needed.

    `patience` (seconds) bounds every wait for a lock. `explicit` says that the path was asked for by name: then a
    network disk is an error. Whatever can be survived is: the store goes on in memory, `opened.saving` is False,
    `opened.notes` say why, and what comes up later is given to `warn`, too. `:memory:` or None saves nothing.
    `observe`, `settle` and `rng` stand in for the decision core's, `mounts` for the system's list of file systems.
    Raises StoreUnusable with a sentence for a path that must not be used.
    """
    from archfb_state.storage.lasting_store import LastingStore
    from archfb_state.storage.memory_store import MemoryStore

    core = Core(clock, observe, settle, rng)
    if path is None or path == ":memory:":
        return MemoryStore(clock=clock, observe=observe, settle=settle, rng=rng)
    return LastingStore(Way(os.path.abspath(path), patience, explicit, core, mounts), warn)  # noqa: PTH100


def peek(path: str, *, patience: float = 1.0, clock: Callable[[], float] = time.time) -> Store:
    """Open the state only to read it: nothing is created, migrated or written; an absent file is an empty state."""
    from archfb_state.storage.peeking_store import PeekingStore

    path = os.path.abspath(path)  # noqa: PTH100
    return PeekingStore(path, exists=examine(path).exists, patience=patience, clock=clock)


def open_to_read(path: str, patience: float, *, newer: bool = False) -> Database:
    """Open an existing file for reading only, a newer one only if told so.

    Raises StoreUnusable, Newer, Corrupt, StoreBusy, sqlite3.Error.
    """
    database = _first_that_opens(path, patience)
    try:
        if not _is_current(database, newer=newer):
            raise sqlite3.OperationalError("the state is being created, or of an older version")
    except BaseException:
        database.close()
        raise
    return database


def _first_that_opens(path: str, patience: float) -> Database:
    database = Database(path, patience=patience, mode="ro")
    try:
        database.patient("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN:  # no log can be made here: nobody writes here
            database.close()
            return Database(path, patience=patience, mode="immutable")
    except sqlite3.DatabaseError:
        pass  # whoever looks at what is in it will be told
    return database


def _is_current(database: Database, *, newer: bool = False) -> bool:
    """Say whether the schema is this program's (or a newer one that may be read); False for a new or older one."""
    try:
        marked, found, tables = database.read(_marks)
    except sqlite3.DatabaseError as error:
        raise _damage(database.path, error) from None
    if not tables and 0 < os.path.getsize(database.path) < 512:  # noqa: PTH202
        raise _not_ours(database.path)
    if marked != APPLICATION_ID and (marked or found or tables):
        raise StoreUnusable(
            f"{database.path} belongs to another program (application_id {marked:#x}, not archfb's). Not touched."
        )
    if found > VERSION and not newer:
        raise Newer(
            f"State is from a later archfb (schema {found}; this one knows {VERSION}). Running without saving."
        )
    return bool(found >= VERSION)


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


def _damage(path: str, error: sqlite3.DatabaseError) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return _not_ours(path)
    if code == sqlite3.SQLITE_CORRUPT:
        return Corrupt(str(error))
    return error


class Way(NamedTuple):
    """How the state is opened, the first time and again."""

    path: str
    patience: float
    explicit: bool
    core: Core
    mounts: str = MOUNTS

    def open(self) -> tuple[SqliteStore, tuple[str, ...]]:
        """Open for writing, with what should be said; raises StoreUnusable, Unsaved, StoreBusy, sqlite3.Error."""
        notes: list[str] = []
        self._look(notes)
        lock = self._lock()
        try:
            return self._opened(lock, notes), tuple(notes)
        except BaseException:
            lock.close()
            raise

    def _look(self, notes: list[str]) -> None:
        found = examine(self.path, mounts=self.mounts)
        if found.file_system is not None:
            said = (
                f"{self.path} is on {found.file_system}; SQLite is unsafe there. Use a local disk or postgresql://…"
            )
            raise StoreUnusable(said) if self.explicit else Unsaved(said + ". Running without saving.")
        if found.exists and found.mode & 0o077:
            os.chmod(self.path, 0o600)  # noqa: PTH101
            notes.append(f"{self.path} could be used by others (mode {found.mode:04o}); set to 0600.")
        if not found.exists and not self.explicit:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120

    def _lock(self) -> FileLock:
        try:
            return FileLock(self.path + SUFFIX)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise Unsaved(f"Disk full at {self.path}; health not saved, call not affected.") from None
            if os.path.exists(self.path):  # noqa: PTH110
                raise Unsaved("State is read-only; decisions use it, nothing is saved.") from None
            raise StoreUnusable(f"Cannot create {self.path}: {error.strerror}. Use --state.") from None

    def _opened(self, lock: FileLock, notes: list[str]) -> SqliteStore:
        from archfb_state.storage.sqlite_store import SqliteStore

        database = self._current(lock) or self._made(lock, notes)
        core = self.core
        return SqliteStore(
            database,
            opened=Opened(self.path, notes=tuple(notes)),
            clock=core.clock,
            observe=core.observe,
            settle=core.settle,
            rng=core.rng,
        )

    def _current(self, lock: FileLock) -> Database | None:
        """Open a file that needs nothing done, which needs no lock; None for any other."""
        if not os.path.exists(self.path):  # noqa: PTH110
            return None
        database = Database(self.path, patience=self.patience, lock=lock)
        try:
            if _is_current(database) and database.patient("PRAGMA journal_mode").fetchone()[0] == "wal":
                database.prepare()
                return database
        except Corrupt:
            pass
        except BaseException:
            database.connection.close()
            raise
        database.connection.close()
        return None

    def _made(self, lock: FileLock, notes: list[str]) -> Database:
        """Create, migrate or replace the file, one process at a time."""
        lock.acquire(self.patience)
        try:
            try:
                return self._brought_up(lock)
            except Corrupt:
                notes.append(set_aside(self.path, self.core.clock()))
                return self._brought_up(lock)
        finally:
            lock.release()

    def _brought_up(self, lock: FileLock) -> Database:
        from archfb_state.storage.migrations import bring_up

        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        database = Database(self.path, patience=self.patience, lock=lock)
        try:
            if not _is_current(database):
                bring_up(database)
            database.patient("PRAGMA journal_mode=WAL").fetchone()
            database.prepare()
        except BaseException:
            database.connection.close()
            raise
        return database


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
