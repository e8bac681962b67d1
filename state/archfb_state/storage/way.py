"""The way to a file that can be written: locked, created, migrated, or replaced where it is damaged."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from archfb_state.storage.database import Database
from archfb_state.storage.examination import MOUNTS, examine
from archfb_state.storage.locking import SUFFIX, FileLock
from archfb_state.storage.state_file import Corrupt, is_current, set_aside
from archfb_state.store import Opened, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from archfb_state.storage.sqlite_reports import Observe, Settle
    from archfb_state.storage.sqlite_store import SqliteStore


class Unsaved(Exception):
    """The run can go on, but nothing will be saved; the argument says why."""


class Core(NamedTuple):
    """What a store is given: its clock, and the decision core where it is not the real one."""

    clock: Callable[[], float] = time.time
    observe: Observe | None = None
    settle: Settle | None = None
    rng: Random | None = None


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
            self._make_folder()

    def _make_folder(self) -> None:
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        except OSError as error:
            raise self._refused(error) from None

    def _lock(self) -> FileLock:
        try:
            return FileLock(self.path + SUFFIX)
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> Exception:
        if error.errno == errno.ENOSPC:
            return Unsaved(f"Disk full at {self.path}; health not saved, call not affected.")
        if os.path.exists(self.path) or (error.errno == errno.EROFS and not self.explicit):  # noqa: PTH110
            return Unsaved("State is read-only; decisions use it, nothing is saved.")
        return StoreUnusable(f"Cannot create {self.path}: {error.strerror}. Use --state.")

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
            if is_current(database) and database.patient("PRAGMA journal_mode").fetchone()[0] == "wal":
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
            if not is_current(database):
                bring_up(database)
            database.patient("PRAGMA journal_mode=WAL").fetchone()
            database.prepare()
        except BaseException:
            database.connection.close()
            raise
        return database
