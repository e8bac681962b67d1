"""Trying to save, and what to do when it fails: reopen, replace, or go on in memory and catch up later."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from _thread import get_ident
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from archfb_state.settings import Settings
from archfb_state.storage.database import FileMoved, identity
from archfb_state.storage.locking import SUFFIX, FileLock
from archfb_state.storage.sqlite_reports import SqliteReports
from archfb_state.storage.state_file import Corrupt, Newer, open_to_read, set_aside
from archfb_state.storage.way import Unsaved
from archfb_state.store import Opened, StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb_state.records import ModelRef
    from archfb_state.storage.unsaved_store import UnsavedStore
    from archfb_state.storage.way import Way
    from archfb_state.store import Store

T = TypeVar("T")

RETRY_AFTER = 30.0
"""Seconds after which a store that went on in memory tries the file again."""

LOG_INDEX = 32_768
"""Bytes of the index of SQLite's write-ahead log, the least there is."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FAILURES = (sqlite3.Error, UnicodeDecodeError, StoreBusy, OSError, FileMoved, Corrupt, Unsaved, Newer)


class Saving:
    """Holds the store that works at the moment, and changes it when it no longer does."""

    def __init__(
        self,
        way: Way,
        warn: Callable[[str], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open; raises StoreUnusable where the path must not be used."""
        self._way = way
        self._warn = warn
        self._monotonic = monotonic
        self._memory: UnsavedStore | None = None
        self._retry_at: float | None = None
        self._last: tuple[Settings, tuple[ModelRef, ...]] = Settings(), ()
        self._notes: tuple[str, ...] = ()
        self._won: dict[str, Store] = {}
        self._joined: tuple[int, Store] | None = None
        """The thread that does several things together at the moment, and the store it does them with."""
        self._store: Store
        self._open()

    @property
    def opened(self) -> Opened:
        """Return how opening went, and what came up since."""
        return Opened(self._way.path, saving=self._memory is None, notes=self._notes)

    def now(self) -> float:
        """Return the instant by the store's clock."""
        return self._way.core.clock()

    def _open(self) -> None:
        try:
            self._store, notes = self._way.open()
        except _FAILURES as failure:
            self._go_on_in_memory(failure)
        else:
            self._notes += notes

    def _say(self, sentence: str) -> None:
        self._notes += (sentence,)
        if self._warn is not None:
            self._warn(sentence)

    def _do(self, work: Callable[[Store], T]) -> T:
        if self._joined is not None and self._joined[0] == get_ident():
            return work(self._joined[1])
        if self._retry_at is not None and self._monotonic() >= self._retry_at:
            self._catch_up(0.05)
        try:
            return work(self._store)
        except _FAILURES as failure:
            self._mend(failure)
        try:
            return work(self._store)
        except _FAILURES as failure:
            self._go_on_in_memory(failure)
            return work(self._store)

    def _mend(self, failure: Exception) -> None:
        """Make the next try work: with the file where that is possible, else in memory."""
        if isinstance(failure, FileMoved):
            self._say(f"State file {self._way.path} vanished or was replaced; opened anew.")
            failure.database.leave_log()
            self._reopen()
        elif _code(failure) in _DAMAGED or isinstance(failure, UnicodeDecodeError):
            self._replace()
        else:
            self._go_on_in_memory(failure)

    def _reopen(self) -> None:
        self._let_go()
        try:
            self._store, notes = self._way.open()
        except (StoreUnusable, *_FAILURES) as failure:
            self._go_on_in_memory(failure)
        else:
            for note in notes:
                self._say(note)

    def _replace(self) -> None:
        """Set a file aside that turned out damaged, unless another process has done so already."""
        there = self._store.opened_file() if isinstance(self._store, SqliteReports) else None
        self._let_go()
        try:
            lock = FileLock(self._way.path + SUFFIX)
            try:
                lock.acquire(self._way.patience)
                if identity(self._way.path) == there:
                    self._say(set_aside(self._way.path, self.now()))
            finally:
                lock.close()
        except (StoreBusy, OSError) as failure:
            self._go_on_in_memory(failure)
        else:
            self._reopen()

    def _let_go(self) -> None:
        with suppress(AttributeError, *_FAILURES):  # there is no store yet when the first opening failed
            self._store.close()

    def _go_on_in_memory(self, failure: Exception) -> None:
        from archfb_state.storage.unsaved_store import UnsavedStore

        if self._memory is not None:
            raise failure
        self._say(_sentence(self._way.path, failure))
        self._let_go()
        self._memory = UnsavedStore(self._past(), self.opened, self._way.core)
        self._store = self._memory
        if not isinstance(failure, (Newer, Unsaved)):
            self._retry_at = self._monotonic() + RETRY_AFTER

    def _past(self) -> Store | None:
        from archfb_state.storage.sqlite_store import SqliteStore

        try:
            return SqliteStore(open_to_read(self._way.path, 0.2, newer=True), clock=self._way.core.clock)
        except (StoreUnusable, *_FAILURES):
            return None

    def _catch_up(self, patience: float) -> None:
        """Give the file what was kept in memory, if it can be written again."""
        memory = self._memory
        if memory is None or self._retry_at is None:
            return
        self._retry_at = self._monotonic() + RETRY_AFTER
        try:
            store, _ = self._way._replace(patience=patience).open()
        except (StoreUnusable, *_FAILURES):
            return
        try:
            late = self._hand_over(memory, store)
        except _FAILURES:
            store.close()
            return
        memory.close()
        self._store, self._memory, self._retry_at = store, None, None
        self._say(f"State can be saved again; {late} attempts were written late.")

    def _hand_over(self, memory: UnsavedStore, store: Store) -> int:
        kept = memory.unsaved()
        settings, refs = self._last
        store.record(kept.attempts, settings, refs=refs)
        for run in kept.runs:
            store.save_run(run)
        for result in kept.results:
            store.save_result(result)
        for budget, usd in kept.spent:
            store.spend(store.reserve(budget, usd, None) or "", usd)  # without a limit it is always made
        return len(kept.attempts)

    def close(self) -> None:
        """Let go of everything, after one more try to save what was not."""
        self._catch_up(1.0)
        self._let_go()


def _code(failure: Exception) -> int:
    return getattr(failure, "sqlite_errorcode", 0) & 0xFF


def no_room(path: str) -> bool:
    """Say whether the disk is too full for the index of SQLite's log, whose want is told as an I/O error only."""
    with suppress(OSError):
        disk = os.statvfs(os.path.dirname(path))  # noqa: PTH120
        return disk.f_bavail * disk.f_frsize < LOG_INDEX
    return False


def _sentence(path: str, failure: Exception) -> str:
    if isinstance(failure, (Unsaved, Newer)):
        return str(failure)
    if isinstance(failure, StoreBusy):
        return f"{failure}. Running without saving."
    full = _code(failure) == sqlite3.SQLITE_IOERR and no_room(path)
    if full or _code(failure) == sqlite3.SQLITE_FULL or getattr(failure, "errno", None) == errno.ENOSPC:
        return f"Disk full at {path}; health not saved, call not affected."
    if _code(failure) == sqlite3.SQLITE_READONLY:
        return "State is read-only; decisions use it, nothing is saved."
    why = str(failure).removesuffix(".")
    return f"State at {path} cannot be saved: {why}. Running without saving."
