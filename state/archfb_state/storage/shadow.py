"""The local file beside a state on PostgreSQL: what was last known of it, and what happened while it was away."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb_state.records import Changes
from archfb_state.storage.results import meta, save_meta
from archfb_state.storage.rows import RESULTS, RUNS
from archfb_state.storage.way import Core, Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb_state.records import Attempt, ModelRef, Snapshot
    from archfb_state.settings import Settings
    from archfb_state.storage.postgres_store import PostgresStore
    from archfb_state.storage.sqlite_store import SqliteStore

KEEP_FRESH = 60.0
"""Seconds after which what is known of the database is written down again."""

LATE, MERGING = ".late", ".merging"
"""Endings of the empty files that say that there is something to merge, and that it was being merged."""

MOVED = "moved:"
"""How the remembered values begin that name reservations of the database that were settled, or made again, here."""

_MOVED = f"substr(name, 1, {len(MOVED)}) = '{MOVED}'"
_AT_ONCE = 200
_HEALTH = ("deployments", "accounts", "model_health", "machine")
_PAST = (
    *("attempts", "runs", "phase_results", "budgets", "decisions", "transitions", "rollups", "totals", "handovers"),
    *("in_flight", "credits"),
)


class Shadow(NamedTuple):
    """Where the file is, and how it is opened."""

    path: str
    core: Core
    patience: float = 10.0

    def way(self) -> Way:
        """Return how the file is opened."""
        return Way(self.path, self.patience, False, self.core)

    @property
    def is_stale(self) -> bool:
        """Whether what it knows should be written down again."""
        try:
            return not 0.0 <= time.time() - os.stat(self.path + ".known").st_mtime < KEEP_FRESH  # noqa: PTH116
        except OSError:
            return True

    @property
    def is_late(self) -> bool:
        """Whether there is something to merge."""
        return any(os.path.exists(self.path + one) for one in (LATE, MERGING))  # noqa: PTH110

    def age(self) -> float | None:
        """Return how many seconds ago what it knows was true; None where it knows nothing."""
        try:
            return max(0.0, time.time() - os.stat(self.path + ".known").st_mtime)  # noqa: PTH116
        except OSError:
            return None

    def ahead(self) -> float | None:
        """Return by how many seconds the database's clock was ahead of this machine's; None where nobody has seen."""
        try:
            with open(self.path + ".known", encoding="ascii") as known:  # noqa: PTH123
                found = float(known.read(40) or "0")
        except (OSError, ValueError):
            return None
        return found if isfinite(found) else None

    def begin(self) -> None:
        """Note that something has to be merged, unless that is noted already."""
        if os.path.exists(self.path + LATE):  # noqa: PTH110
            return
        with suppress(OSError):
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
            _touch(self.path + LATE)

    def remember(self, known: Snapshot, salt: bytes, now: float) -> None:
        """Write down what is known now, by the database's clock, unless something must be merged first."""
        if not self.is_late:
            store, _ = self.way().open()
            try:
                store._write(lambda connection: _replaced(store, connection, known, salt))  # noqa: SLF001 - its own file
                _touch(self.path + ".known", f"{now - time.time():.3f}")
            finally:
                store.close()

    def merge(self, shared: PostgresStore, settings: Settings, refs: Sequence[ModelRef]) -> int:
        """Give the database what happened without it, each thing exactly once; return how many attempts.

        Whoever dies on the way has done no harm: attempts, runs and answers are known by their ids, the sums of the
        budgets by the id of the merge, and the file is emptied only afterwards, under its own lock.
        """
        store, _ = self.way().open()
        try:
            found: int = store._write(lambda connection: self._merged(store, connection, shared, settings, refs))  # noqa: SLF001
            with suppress(FileNotFoundError):
                os.unlink(self.path + MERGING)  # noqa: PTH108
            return found
        finally:
            store.close()

    def _merged(
        self, store: SqliteStore, connection: Any, shared: PostgresStore, settings: Settings, refs: Sequence[ModelRef]
    ) -> int:
        generation = meta(connection, "generation") or os.urandom(16).hex()
        if meta(connection, "generation") is None:  # kept even if this process dies before the end
            save_meta(connection, "generation", generation)
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
        now = shared.now()
        late = 0.0 if self.ahead() is not None else now - time.time()
        attempts = [_by_the_clock_there(one, late, now) for one in _attempts(connection)]
        for at in range(0, len(attempts), _AT_ONCE):
            shared.record(attempts[at : at + _AT_ONCE], settings, refs=refs)
        for run in filter(None, map(RUNS.from_row, connection.execute(RUNS.select).fetchall())):
            shared.save_run(run)
        for result in filter(None, map(RESULTS.from_row, connection.execute(RESULTS.select).fetchall())):
            shared.save_result(result)
        spent = connection.execute("SELECT budget, count, usd FROM budgets").fetchall()
        moved = connection.execute(f"SELECT name, value FROM meta WHERE {_MOVED}").fetchall()  # noqa: S608 - ours
        shared.merge_budgets(generation, spent, [(name[len(MOVED) :], json.loads(usd)[0]) for name, usd in moved])
        with suppress(FileNotFoundError):  # before the lock is let go: who writes then notes it again
            os.rename(self.path + LATE, self.path + MERGING)  # noqa: PTH104
        for table in _PAST:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names are ours
        connection.execute(f"DELETE FROM meta WHERE name IN ('folded', 'generation') OR {_MOVED}")  # noqa: S608 - ours
        store._remembered.forget()  # noqa: SLF001 - its own file
        return len(attempts)


def _by_the_clock_there(attempt: Attempt, late: float, now: float) -> Attempt:
    """Correct an attempt by what this machine's clock was wrong; none can be of a time to come."""
    ended = min(now, attempt.ended_at + late)
    return replace(attempt, started_at=min(ended, attempt.started_at + late), ended_at=ended)


def _touch(path: str, text: str = "") -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, text.encode("ascii"))
    finally:
        os.close(handle)
    os.utime(path)


def _replaced(store: SqliteStore, connection: Any, known: Snapshot, salt: bytes) -> None:
    for table in _HEALTH:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names are ours
    remembered = store._remembered  # noqa: SLF001 - its own file
    remembered.forget()
    remembered.apply(connection, Changes(known.deployments, known.accounts, known.models, known.machine))
    save_meta(connection, "salt", salt.hex())


def _attempts(connection: Any) -> list[Any]:
    from archfb_state.storage.rows import ATTEMPTS

    rows = connection.execute(f"{ATTEMPTS.select} ORDER BY seq").fetchall()
    return [one for one in map(ATTEMPTS.from_row, rows) if one is not None]
