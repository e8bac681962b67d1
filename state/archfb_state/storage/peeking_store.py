"""The stored state, only looked at: nothing is created or written, and a file that comes and goes is waited for."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from archfb_state.storage.database import Database, connect
from archfb_state.storage.remembered import Remembered
from archfb_state.storage.sqlite_store import SqliteStore
from archfb_state.storage.state_file import Corrupt, Newer, open_to_read
from archfb_state.store import Opened, StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class PeekingStore(SqliteStore):
    """The reading half of the protocol; `decide` chooses and remembers nothing, other changes raise sqlite3.Error."""

    def __init__(
        self,
        path: str,
        *,
        exists: bool,
        patience: float,
        clock: Callable[[], float],
        warn: Callable[[str], None] | None = None,
    ) -> None:
        """Look at a path that has been examined; damage that is met later is given to `warn`."""
        self._path = path
        self._warn = warn
        self._patience = patience
        self._note: str | None = None
        super().__init__(self._look(exists), clock=clock)
        self.opened = self._opened()

    def _opened(self) -> Opened:
        return Opened(self._path, saving=False, notes=() if self._note is None else (self._note,))

    def check(self) -> list[str]:
        """Return what is wrong with the stored state, in sentences; that it cannot be read is one."""
        return super().check() if self._note is None else [self._note]

    def backup(self, path: str) -> None:
        """Write a consistent copy (0600) to a new file; raises StoreUnusable where there is nothing to copy, too."""
        if self._stands_in:
            raise StoreUnusable(f"{self._note or f'There is no state at {self._path}'}: nothing to copy to {path}")
        super().backup(path)

    def _look(self, exists: bool) -> Database:
        self._stands_in = False
        try:
            if exists:
                self._note = None
                return open_to_read(self._path, self._patience)
        except Newer as newer:
            self._note = str(newer)
        except (Corrupt, StoreBusy, sqlite3.Error) as error:
            self._note = f"State at {self._path} cannot be read: {error}"
        self._stands_in = True
        return nothing(self._path, self._patience)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._database.moved():
            self._look_again()
        try:
            return super()._read(work)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self._give_up(error)
        return super()._read(work)

    def _give_up(self, error: Exception) -> None:
        """Go on with an empty state in the place of one that turned out damaged."""
        self._note = f"State at {self._path} cannot be read: {error}"
        with suppress(sqlite3.Error):
            self._database.close()
        self._stands_in = True
        self._database = nothing(self._path, self._patience)
        self._remembered = Remembered()
        self.opened = self._opened()
        if self._warn is not None:
            self._warn(self._note)

    def _look_again(self) -> None:
        with suppress(sqlite3.Error):
            self._database.close()
        exists = self._database.look() is not None
        try:
            self._database = self._look(exists)
        except StoreUnusable as unusable:
            self._note = str(unusable)
            self._stands_in = True
            self._database = nothing(self._path, self._patience)
        if not exists:
            self._note = "State file vanished; waiting for it…"
        self._remembered = Remembered()
        self.opened = self._opened()


def nothing(path: str, patience: float) -> Database:
    """Return an empty database in memory that stands in for the file at the path."""
    from archfb_state.storage import schema

    connection = connect(":memory:", "memory")
    for statement in schema.CREATE:
        connection.execute(statement)
    return Database(path, patience=patience, connection=connection)
