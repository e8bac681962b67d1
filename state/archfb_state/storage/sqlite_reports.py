"""The store in one SQLite file: its transactions, and what it tells of the past."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

from archfb_state.storage import history, inspection, results
from archfb_state.storage.remembered import Remembered
from archfb_state.store import Opened

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from random import Random

    from archfb_state.records import Attempt, Changes, ModelRef, Snapshot, Transition
    from archfb_state.settings import Settings
    from archfb_state.storage.database import Database
    from archfb_state.store import Counter, PhaseResult, Run, StoredDecision

    Observe = Callable[[Snapshot, Attempt, Settings, float, Random, Sequence[ModelRef]], Changes]
    Question = tuple[str, tuple[Any, ...]]
    Settle = Callable[[Snapshot, Settings, float, Sequence[ModelRef]], Changes]

T = TypeVar("T")


class SqliteReports:
    """The reading half of the protocol, and how both halves reach the file."""

    def __init__(
        self,
        database: Database,
        *,
        opened: Opened | None = None,
        clock: Callable[[], float] = time.time,
        observe: Observe | None = None,
        settle: Settle | None = None,
        rng: Random | None = None,
    ) -> None:
        """Use an open database; `observe` and `settle` are the decision core's unless given."""
        self.opened = opened or Opened(database.path, saving=database.writable)
        self._database = database
        self._clock = clock
        self._observe = observe
        self._settle = settle
        self._rng = rng
        self._remembered = Remembered()
        self._salt: bytes | None = None

    def _core(self) -> tuple[Observe, Settle]:
        # imported when first needed: reading alone must start fast
        if self._observe is None or self._settle is None:
            from archfb_state.core.evidence import observe, settle

            self._observe = self._observe or observe
            self._settle = self._settle or settle
        return self._observe, self._settle

    def _random(self) -> Random:
        if self._rng is None:
            from random import Random

            self._rng = Random()  # noqa: S311 - jitter, not secrets
        return self._rng

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return self._database.read(work)

    def _write(self, work: Callable[[sqlite3.Connection], T], ahead: Iterable[Question] = ()) -> T:
        """Write what is reported as done: it must be there whatever happens next."""
        return self._transact(work, ahead)

    def _transact(self, work: Callable[[sqlite3.Connection], T], _ahead: Iterable[Question] = ()) -> T:
        """Write what can be lost with the server: turns and calls in flight.

        `_ahead` is what `work` will ask, for a database so far away that it had better be told in the same journey.
        """
        try:
            with self._database.writing as connection:
                self._remembered.refresh(connection)
                return work(connection)
        except BaseException:
            self._remembered.forget()
            raise

    @property
    def salt(self) -> bytes:
        """Return the state's own salt, for fingerprints of keys."""
        if self._salt is None:
            self._salt = results.salt(self.meta("salt"))
        if self._salt is None:
            self._salt = os.urandom(16)
            if self._database.writable:
                self.meta("salt", self._salt.hex())
        return self._salt

    def opened_file(self) -> tuple[int, int] | None:
        """Return what tells the file that is open from every other."""
        return self._database.opened_file

    def now(self) -> float:
        """Return the instant by the store's clock."""
        return self._clock()

    def attempts(
        self, *, since: float = 0.0, model: str | None = None, run_id: str | None = None, limit: int | None = None
    ) -> Iterator[Attempt]:
        """Yield attempts, oldest first (the newest `limit` of them)."""
        if limit is not None:
            return iter(self._read(lambda c: history.newest_attempts(c, since, model, run_id, limit)))
        return history.attempt_pages(self._page, since, model, run_id)

    def _page(self, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
        return self._read(lambda c: c.execute(sql, values).fetchall())

    def transitions(
        self, *, since: float = 0.0, model: str | None = None, limit: int | None = None
    ) -> list[Transition]:
        """Return changes of status, oldest first (the newest `limit` of them)."""
        return self._read(lambda c: history.transitions(c, since, model, limit))

    def counters(self) -> list[Counter]:
        """Return the totals for the metrics."""
        return self._read(history.counters)

    def hours(self, *, since: float, model: str | None = None) -> list[tuple[float, Counter]]:
        """Return hourly totals (the hour's first instant, totals), for the history."""
        return self._read(lambda c: history.hours(c, since, model))

    def fallbacks(self) -> dict[tuple[str, str, str], int]:
        """Return hand-overs by (phase, from, to)."""
        return self._read(history.fallbacks)

    def decisions(self, run_id: str) -> list[StoredDecision]:
        """Return a run's decisions in order."""
        return self._read(lambda c: history.decisions(c, run_id))

    def save_run(self, run: Run) -> None:
        """Insert or replace a run."""
        self._write(lambda c: results.save_run(c, run))

    def runs(self, *, limit: int = 20) -> list[Run]:
        """Return the last runs, newest first."""
        return self._read(lambda c: results.runs(c, limit))

    def run(self, id_prefix: str) -> Run | None:
        """Return one run by its id or an unambiguous beginning of it."""
        return self._read(lambda c: results.run(c, id_prefix))

    def save_result(self, result: PhaseResult) -> None:
        """Store a finished call's answer."""
        self._write(lambda c: results.save_result(c, result))

    def results(self, key: str) -> list[PhaseResult]:
        """Return the answers stored under a key, newest first."""
        return self._read(lambda c: results.results(c, key))

    def run_results(self, run_id: str) -> list[PhaseResult]:
        """Return the answers that a run made, oldest first."""
        return self._read(lambda c: results.run_results(c, run_id))

    def prune(self, *, keep_days: int, steps: int = 1) -> int:
        """Roll up and drop old attempts in small steps; return how many went."""
        gone = 0
        for _ in range(steps):
            step = self._write(lambda c: history.prune_step(c, self._clock(), keep_days * 86400.0))
            gone += step
            if step < history.PRUNE_STEP:
                break
        return gone

    def meta(self, name: str, value: Any = None) -> Any:
        """Read a small remembered value (JSON), or write it where one is given."""
        if value is None:
            return self._read(lambda c: results.meta(c, name))
        self._write(lambda c: results.save_meta(c, name, value))
        return value

    def news(self) -> int | None:
        """Return None: whoever wants to know looks."""
        return None

    def check(self) -> list[str]:
        """Return what is wrong with the stored state, in sentences; empty when sound."""
        return self._read(inspection.problems)

    def backup(self, path: str) -> None:
        """Write a consistent copy (0600) to a new file; raises StoreUnusable where one is there already."""
        self._read(lambda c: inspection.backup(c, path))

    def close(self) -> None:
        """Let go of everything."""
        self._database.close()
