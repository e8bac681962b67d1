"""The state as a watch sees it each second: news of every process, and a file that may vanish or be replaced."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from archfb_state.records import Snapshot
from archfb_state.settings import Settings
from archfb_state.storage.database import identity
from archfb_state.store import StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb_state.records import Transition
    from archfb_state.store import Store

VANISHED = "State file vanished; waiting for it…"
NOT_SAVED = "The state cannot be written: what is found is known only here."
LAST = 100
"""Changes of status that are read: more than a second brings."""

_UNREADABLE = (sqlite3.Error, StoreBusy, StoreUnusable, OSError)


class Look(NamedTuple):
    """The state at one instant."""

    rows: Snapshot
    salt: bytes
    stored: tuple[Transition, ...] = ()
    """The last changes of status, oldest first."""
    notes: tuple[str, ...] = ()
    """What is so now, and has to be said for as long."""
    told: tuple[str, ...] = ()
    """What happened once."""
    there: bool = True
    """Whether there is a state to write to."""


class Memory(Protocol):
    """Where a watch looks."""

    def look(self) -> Look:
        """Return the state now; never raises for a file that is gone, busy or damaged."""

    def news(self) -> int | None:
        """Return a descriptor that can be read when it is worth looking at once, if there is one."""

    def close(self) -> None:
        """Let go of it."""


class Unchanging:
    """The last look at a store, made anew only as far as something was written."""

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self._rows: Snapshot | None = None
        self._stored: tuple[Transition, ...] = ()

    def at(self, store: Store) -> tuple[Snapshot, tuple[Transition, ...]]:
        """Return the rows and the last changes of status."""
        rows = store.snapshot()
        if self._rows is None or rows.models is not self._rows.models:
            self._stored = tuple(store.transitions(limit=LAST))
        self._rows = rows
        return rows, self._stored


class PeekedMemory:
    """The state of others, only looked at: nothing is created or written."""

    def __init__(self, path: str, peek: Callable[[str], Store], clock: Callable[[], float] = time.time) -> None:
        """Open nothing yet. `peek` opens a path for reading."""
        self._path = path
        self._peek = peek
        self._clock = clock
        self._store: Store | None = None
        self._identity: tuple[int, int] | None = None
        self._log: tuple[int, int] | None = None
        self._salted = False
        self._kept = Unchanging()
        self._last: Look | None = None

    def look(self) -> Look:
        """Return the state now, or as it last was while its file is gone or cannot be read."""
        there = identity(self._path)
        if there is None and self._last is not None and self._identity is not None:
            return self._as_it_was(VANISHED)
        try:
            self._last = self._now(there)
        except _UNREADABLE as error:
            self._drop()
            return self._as_it_was(f"State cannot be read: {error}")
        return self._last

    def _now(self, there: tuple[int, int] | None) -> Look:
        store = self._store
        if store is None or self._is_another(store, there):
            self._drop()
            self._kept = Unchanging()
            store = self._store = self._peek(self._path)
            self._identity = there
            self._salted = store.meta("salt") is not None
        rows, stored = self._kept.at(store)
        self._log = self._logged()
        waits = there is None and "://" not in self._path
        absent = () if not waits else (f"No state at {self._path} yet; waiting for it…",)
        return Look(rows, store.salt, stored, (*absent, *store.opened.notes))

    def _is_another(self, store: Store, there: tuple[int, int] | None) -> bool:
        """Say whether to open anew; a state without a salt gives each reader one of its own until one is written."""
        if there != self._identity or self._logged() != self._log or store.opened.notes:
            return True
        return not self._salted and store.meta("salt") is not None

    def _logged(self) -> tuple[int, int] | None:
        """Tell the log apart: that of a replaced file may stand beside the new one until its writer takes it away."""
        return identity(f"{self._path}-wal")

    def _as_it_was(self, note: str) -> Look:
        now = self._clock()
        if self._last is None:
            return Look(Snapshot(now), bytes(16), notes=(note,), there=False)
        return self._last._replace(rows=self._last.rows._replace(at=now), notes=(note,), there=False)

    def news(self) -> int | None:
        """Return the store's descriptor, if it has one."""
        return None if self._store is None else _news(self._store)

    def _drop(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = None

    def close(self) -> None:
        """Let go of it."""
        self._drop()


class KeptMemory:
    """The state that this process writes to as well: a store that goes on in memory when it must."""

    def __init__(self, path: str, store: Store, *, patience: float, monotonic: Callable[[], float]) -> None:
        """Watch over an open store. A vanished file is waited for `patience` seconds, then begun anew."""
        self.store = store
        self._path = path
        self._patience = patience
        self._monotonic = monotonic
        self._identity = identity(path)
        self._gone: float | None = None
        self._told = len(store.opened.notes)
        self._shown = 0
        self._kept = Unchanging()
        self._last: Look | None = None

    def look(self) -> Look:
        """Return the state now, or as it last was while its file is gone."""
        if self.store.opened.saving and self._path != ":memory:":
            there = identity(self._path)
            if self._waits(there) and self._last is not None:
                rows = self._last.rows._replace(at=self.store.now())
                return self._last._replace(rows=rows, notes=(VANISHED,), told=(), there=False)
            if there != self._identity:
                self._renew()
            else:
                self._told = len(self.store.opened.notes)
        rows, stored = self._kept.at(self.store)
        opened = self.store.opened
        news, self._shown = opened.notes[self._shown :], len(opened.notes)
        notes = () if opened.saving else (NOT_SAVED,)
        self._last = Look(rows, self.store.salt, stored, notes, news)
        return self._last

    def _waits(self, there: tuple[int, int] | None) -> bool:
        if there is not None:
            self._gone = None
            return False
        now = self._monotonic()
        self._gone = now if self._gone is None else self._gone
        return now - self._gone < self._patience

    def _renew(self) -> None:
        """Let the store find out by itself that its file is another: only it knows what belongs to the old one."""
        if len(self.store.opened.notes) == self._told:
            self.store.settle(Settings(), ())
        if len(self.store.opened.notes) > self._told:
            self._told = len(self.store.opened.notes)
            self._identity = identity(self._path)
            self._gone = None
            self._kept = Unchanging()

    def news(self) -> int | None:
        """Return the store's descriptor, if it has one."""
        return _news(self.store)

    def close(self) -> None:
        """Leave the store to who opened it."""


def _news(store: Store) -> int | None:
    try:
        return store.news()
    except _UNREADABLE:  # the next look says so
        return None
