"""One open SQLite file: its connection, its transactions, its checkpoints."""

from __future__ import annotations

import os
import sqlite3
import time
from _thread import RLock
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from archfb_state.storage.locking import locker, waits
from archfb_state.store import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from archfb_state.storage.locking import FileLock

T = TypeVar("T")

_AS_IT_IS: dict[None, None] = {}
sqlite3.register_adapter(type(None), _AS_IT_IS.get)
"""None is bound as None, as ever: without an adapter each one is looked for in vain, at ten times a number's cost."""

WAL_LIMIT = 8 * 2**20
"""Bytes of write-ahead log after which it is moved into the database."""

_LOG_EVERY = 32
_LOOK_AFTER = 0.1
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class FileMoved(Exception):
    """The file at the path is no longer the one that is open: deleted or replaced under way."""

    def __init__(self, database: Database) -> None:
        """Name the database that lost its file."""
        super().__init__(database.path)
        self.database = database


def is_busy(error: sqlite3.Error) -> bool:
    """Say whether the error only means that another one is at work."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY


def connect(path: str, mode: str) -> sqlite3.Connection:
    """Open the file (`mode`: rw, ro, immutable or memory) in autocommit, without SQLite's own waiting."""
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    options = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    if mode == "memory":
        quoted = ""
    connection = sqlite3.connect(
        f"file:{quoted}?{options}", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


def identity(path: str) -> tuple[int, int] | None:
    """Return what tells the file at a path from every other, None where there is none."""
    try:
        there = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
    except OSError:
        return None
    return there.st_ino, there.st_dev


class Database:
    """A connection, and the two ways to use it: `reading` and `writing`, each one short transaction."""

    def __init__(
        self,
        path: str,
        *,
        patience: float = 10.0,
        mode: str = "rw",
        lock: FileLock | None = None,
        connection: sqlite3.Connection | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open the file, which must exist; only with a lock can it be written. Raises sqlite3.Error or OSError."""
        self.path = path
        self.patience = patience
        self.writable = lock is not None
        self._monotonic = monotonic
        self._sleep = sleep
        self._mutex = RLock()
        self._writes = 0
        self.depth = 0
        """Transactions that were begun within one another: only the outermost is one."""
        self._side: dict[str, tuple[int, int]] = {}
        self._checkpoint_at = WAL_LIMIT
        self.lock = lock
        self.connection = connection or connect(path, mode)
        self._identity = self.look()
        self._looked = 0.0
        self.writing = Writing(self)

    def prepare(self) -> None:
        """Set the connection up for writing, once the file is known to be ours."""
        for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=0", "secure_delete=OFF", "temp_store=MEMORY"):
            self.patient(f"PRAGMA {pragma}")

    def patient(self, sql: str) -> sqlite3.Cursor:
        """Execute one statement, waiting while another process is in the way; then StoreBusy."""
        try:
            return self.connection.execute(sql)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        return self.patiently(lambda connection: connection.execute(sql))

    def patiently(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do what can be done again, waiting while another process is in the way; then StoreBusy."""
        try:
            return work(self.connection)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        for _ in waits(self.patience, self._monotonic, self._sleep):
            try:
                return work(self.connection)
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
        raise StoreBusy(f"State is held by {self.holder()}")

    def holder(self) -> str:
        """Return "pid P (since T)" of who holds the database as the system tells it; T is when waiting began."""
        began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - self.patience))
        pid = locker(self.path + "-shm") or locker(self.path)
        return "another program" if pid is None else f"pid {pid} (since {began})"

    def look(self) -> tuple[int, int] | None:
        """Return what tells the file at the path from every other, None where there is none."""
        return identity(self.path)

    @property
    def opened_file(self) -> tuple[int, int] | None:
        """Return what tells the file that is open from every other."""
        return self._identity

    def moved(self) -> bool:
        """Say whether the file, or its lock, was deleted or replaced under way; looks at most ten times a second."""
        now = self._monotonic()
        if now - self._looked < _LOOK_AFTER:
            return False
        self._looked = now
        return self.look() != self._identity or (self.lock is not None and self.lock.moved())

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do what only reads, in one transaction: everything read is of one instant."""
        with self._mutex:
            return self.patiently(lambda connection: _in_one(connection, work))

    def enter(self) -> None:
        """Keep other threads out."""
        self._mutex.acquire()

    def leave(self) -> None:
        """Let the next thread in."""
        self._mutex.release()

    def after_write(self) -> None:
        """Move the log into the database when it has grown; called with the lock held."""
        self._writes += 1
        if self._writes == 1:
            self._side = {suffix: one for suffix in ("-wal", "-shm") if (one := identity(self.path + suffix))}
        if self._writes % _LOG_EVERY == 0 and self._log_size() > self._checkpoint_at:
            self.checkpoint()

    def _log_size(self) -> int:
        try:
            return os.stat(self.path + "-wal").st_size  # noqa: PTH116 - a Path costs more than the call
        except OSError:
            return 0

    def checkpoint(self) -> None:
        """Move the log into the database; where a reader is in the way, try again after as much more."""
        with suppress(sqlite3.OperationalError):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._checkpoint_at = self._log_size() + WAL_LIMIT

    def close(self) -> None:
        """Close under the lock where it is free: the last one to close moves the log into the database."""
        with self._mutex:
            if self.lock is not None and not self.lock.closed:
                with suppress(StoreBusy, OSError):
                    self.lock.acquire(min(self.patience, 0.1))
            self.connection.close()
            if self.lock is not None:
                self.lock.close()

    def leave_log(self) -> None:
        """Take away the log that belongs to a file which is no longer at the path, lest it be read into another."""
        for suffix, mine in self._side.items():
            with suppress(OSError):
                there = os.stat(self.path + suffix)  # noqa: PTH116
                if (there.st_ino, there.st_dev) == mine:
                    os.unlink(self.path + suffix)  # noqa: PTH108


def _in_one(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    if connection.in_transaction:
        return work(connection)
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class Writing:
    """A write transaction: under the lock, begun immediately, committed or rolled back as a whole."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        """Belong to a database."""
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        """Take the lock and begin; raises StoreBusy, FileMoved, sqlite3.Error."""
        database = self._database
        if database.lock is None:
            raise sqlite3.OperationalError("attempt to write a readonly database")
        database.enter()
        if database.depth:
            database.depth += 1
            return database.connection
        try:
            database.lock.acquire(database.patience)
            try:
                if database.moved():
                    raise FileMoved(database)
                database.patient("BEGIN IMMEDIATE")
            except BaseException:
                database.lock.release()
                raise
        except BaseException:
            database.leave()
            raise
        database.depth = 1
        return database.connection

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        """Commit, or roll back where anything went wrong; within another transaction leave that to its end."""
        database = self._database
        database.depth -= 1
        if database.depth:
            database.leave()
            return
        try:
            if kind is None:
                database.patient("COMMIT")
                database.after_write()
            elif database.connection.in_transaction:
                database.connection.execute("ROLLBACK")
        except sqlite3.Error:
            if database.connection.in_transaction:
                database.connection.execute("ROLLBACK")
            raise
        finally:
            database.lock.release()  # type: ignore[union-attr]  # __enter__ saw it
            database.leave()
