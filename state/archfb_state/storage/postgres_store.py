"""The store on PostgreSQL: one memory for many machines, with the statements and the decision core of the file's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from archfb_state.storage import claims, history, inspection
from archfb_state.storage.appending import Appending, questions
from archfb_state.storage.remembered import EVERYTHING, Remembered
from archfb_state.storage.rows import clean_text
from archfb_state.storage.sqlite_store import SqliteStore
from archfb_state.store import Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Attempt, ModelRef, Snapshot
    from archfb_state.storage.postgres_connection import PostgresDatabase, Question
    from archfb_state.storage.way import Core

T = TypeVar("T")

OVER_ALL = ("salt",)
"""Small values that every vantage shares; the others are each vantage's own."""


_EVERYTHING = tuple((one, ()) for one in EVERYTHING)


class _Remembered(Remembered):
    """Kept for as long as the state's count of writes says that nobody else wrote."""

    crowded = True
    """Whether others were seen to write since this session last looked, as they probably will again."""

    def refresh(self, connection: Any) -> None:
        """Forget everything if another session has committed since the last call."""
        self.crowded = connection.before != self._version
        if self.crowded:
            self.forget()
        self._version = connection.after

    def snapshot(self, connection: Any, now: float) -> Snapshot:
        """Return everything as of now."""
        self._load(connection)
        return super().snapshot(connection, now)

    def rows_for(self, connection: Any, attempt: Attempt, refs: Sequence[ModelRef], now: float) -> Snapshot:
        """Return what one attempt may touch, and more: all of it is read in one journey."""
        self._load(connection)
        return super().rows_for(connection, attempt, refs, now)

    def _load(self, connection: Any) -> None:
        if not self.models.whole:
            if not connection.knows(_EVERYTHING[0]):
                connection.read_ahead(_EVERYTHING)
            for kept in (self.deployments, self.accounts, self.models):
                kept.need_all(connection)


def _is_new(connection: Any, event: str, now: float) -> bool:
    """Write down that an event has been here; False where it has been before."""
    sql = "INSERT INTO merges (id, at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"
    return bool(connection.execute(sql, (event, now)).rowcount == 1)


class PostgresStore(SqliteStore):
    """The protocol `Store` over one open `PostgresDatabase`.

    Raises StoreBusy (not locked within the database's patience), Away and Newer; whoever may not fail uses the store
    that `opening.open_state` returns, which goes on locally instead.
    """

    def __init__(self, database: PostgresDatabase, core: Core, *, opened: Opened | None = None) -> None:
        """Use an open database; its own clock rules, unless another one than this machine's is given."""
        super().__init__(
            database,  # type: ignore[arg-type]  # the same methods over another connection
            opened=opened or Opened(database.path, saving=database.writable),
            clock=database.clock if core.clock is time.time else core.clock,
            observe=core.observe,
            settle=core.settle,
            rng=core.rng,
        )
        self._remembered: _Remembered = _Remembered()
        self._vantage = database.vantage

    def _write(self, work: Callable[[Any], T], ahead: Iterable[Question] = ()) -> T:
        """Write, and wait for the disk only once the next writer may go on."""
        done = super()._write(work, ahead)
        self._database.flush()  # type: ignore[attr-defined]
        return done

    def _transact(self, work: Callable[[Any], T], ahead: Iterable[Question] = ()) -> T:
        """Write; where others wrote, everything is read anew while the lock is being waited for, not after."""
        database, asked = self._database, tuple(ahead)
        database.enter()
        try:
            database.ahead = (*asked, *_EVERYTHING) if asked and self._remembered.crowded else asked  # type: ignore[attr-defined]
            return super()._transact(work)
        finally:
            database.leave()

    def _asks(self, attempts: Sequence[Attempt]) -> Iterable[Question]:
        return questions(attempts)

    def _appending(self, connection: Any, attempts: Sequence[Attempt]) -> Appending:
        return Appending(connection, attempts)

    def _holder(self) -> int:
        """Return no process number: one of another host would say nothing here."""
        return 0

    def decide(
        self,
        slot: str,
        call_id: str,
        choose: Callable[[Snapshot, Credits], tuple[Decision, Credits]],
        *,
        run_id: str | None = None,
        expires_s: float = 600.0,
        made: Decision | None = None,
    ) -> Decision:
        """Choose within one transaction; where the call's decision that was `made` before is there, return that."""
        if made is not None and self._transact(lambda connection: history.has_decided(connection, call_id)):
            return made
        return super().decide(slot, call_id, choose, run_id=run_id, expires_s=expires_s)

    def together(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Do several things with this store, each in a transaction of its own."""
        return [work() for work in works]

    def meta(self, name: str, value: Any = None) -> Any:
        """Read a small remembered value (JSON), or write it where one is given; of this vantage, but for the salt."""
        own = name if name in OVER_ALL or not self._vantage else f"{self._vantage}\x1f{name}"
        return super().meta(clean_text(own), value)

    def merge_budgets(
        self, merge: str, spent: Iterable[tuple[str, int, float]], moved: Iterable[tuple[str, float | None]] = ()
    ) -> None:
        """Add what budgets had elsewhere, unless this very merge has been here before.

        `moved` are reservations that were made here, and are among what was spent elsewhere: they are taken back.
        With USD, one that was surely made: if it is gone, so much was settled here already, unheard.
        """
        now = self.now()

        def work(connection: Any) -> None:
            if _is_new(connection, merge, now):
                connection.executemany(claims.ADD, [(budget, count, usd, now) for budget, count, usd in spent])
                for reservation, usd in moved:
                    back = claims.withdraw(connection, reservation, usd)
                    connection.executemany(claims.ADD, [(*one, now) for one in back])

        self._write(work)

    def settle_late(self, reservation: str, usd: float) -> None:
        """Add what was spent of a reservation that was made and counted elsewhere; a second time changes nothing."""
        now = self.now()

        def work(connection: Any) -> None:
            if _is_new(connection, reservation, now):
                connection.execute(claims.ADD, (claims.budget_of(reservation), 0, usd, now))

        self._write(work)

    def news(self) -> int | None:
        """Return the session's descriptor, which can be read once another process has changed a status."""
        return self._database.listen()  # type: ignore[attr-defined, no-any-return]

    def check(self) -> list[str]:
        """Return what is wrong with the stored state, in sentences; empty when sound."""
        return self._read(inspection.unreadable)

    def backup(self, path: str) -> None:
        """Write a consistent copy as a state file (0600); raises StoreUnusable where that is impossible."""
        from archfb_state.storage.copying import copy_to_new_file

        self._read(lambda connection: copy_to_new_file(connection, path))
