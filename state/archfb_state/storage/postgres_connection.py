"""One connection to PostgreSQL and its transactions; import it only where one is asked for: psycopg is heavy."""

from __future__ import annotations

import logging
import re
from _thread import RLock
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from archfb_state.storage.postgres_failures import Missing, failure, shown
from archfb_state.storage.postgres_schema import BY_VANTAGE, LOCK, NEWS, VERSION
from archfb_state.storage.server_clock import ServerClock
from archfb_state.storage.state_file import Newer
from archfb_state.store import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

T = TypeVar("T")
Question = tuple[str, tuple[Any, ...]]
"""A statement that reads, and its values."""

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what went wrong is said in sentences of ours

CONNECT_S = 5
"""Seconds within which a server must answer."""

_MARK = re.compile(r"'[^']*'|\?(\d*)|\bwindow\b")
_SAME_WITH_VANTAGE = tuple(f"INSERT INTO {name} " for name in BY_VANTAGE)
_WRITES = ("INSERT ", "UPDATE ", "DELETE ")
_HOURS = "CAST(started_at / 3600 AS INTEGER)"
_TICK = "written, schema, extract(epoch FROM clock_timestamp())::double precision"
_WRITE = (
    "BEGIN",
    f"SELECT pg_advisory_xact_lock({LOCK + 1})",
    f"UPDATE archfb.tick SET written = written + 1 RETURNING {_TICK}",  # noqa: S608 - ours
)
_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    f"SELECT {_TICK} FROM archfb.tick",  # noqa: S608 - ours
)
_FLUSH = "BEGIN; SET LOCAL synchronous_commit TO on; SELECT pg_logical_emit_message(true, 'archfb', ''); COMMIT"
"""Waits until everything committed before is on disk (and at synchronous standbys): an empty record of the log."""
_SETTINGS = (
    "SELECT set_config('search_path', 'archfb_here, archfb', $3), set_config('archfb.vantage', $1, $3), "
    "set_config('lock_timeout', $2, $3), set_config('statement_timeout', ($2::text::int + 1000)::text, $3), "
    "set_config('idle_in_transaction_session_timeout', $2, $3), set_config('extra_float_digits', '3', $3), "
    "set_config('synchronous_commit', 'off', $3)"
)
_UNLESS_POOLED = f"{_SETTINGS} WHERE pg_backend_pid() = $4"
"""A pooler tells a process number of its own making; settings of a session would be the next client's there."""


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """Return a statement written for SQLite with PostgreSQL's marks and the keys that hold a vantage."""
    count = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal count
        if found[1] is None:
            return '"window"' if found[0] == "window" else found[0]
        count += 1
        return f"${found[1] or count}"

    sql = _MARK.sub(mark, sql).replace(_HOURS, "TRUNC(started_at / 3600)")
    if sql.startswith(_SAME_WITH_VANTAGE):
        sql = sql.replace("ON CONFLICT (", "ON CONFLICT (vantage, ")
    return sql


class _Rows(list[tuple[Any, ...]]):
    """Rows that were read ahead, asked for as those of a cursor."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self[0] if self else None


class _Later:
    """A statement that has not been sent yet; whoever asks how many rows it met has it sent."""

    def __init__(self, connection: Connection, sql: str, values: Sequence[Any]) -> None:
        self.sql, self.values = sql, values
        self.done: Any = None
        self._connection = connection

    @property
    def rowcount(self) -> int:
        self._connection.flush()
        return int(self.done.rowcount)


class Connection:
    """A session within a transaction, spoken to as sqlite3's connections are, with few journeys to the server.

    What only writes is kept back and goes with whatever next asks something, or with the commit. `before` is the
    state's count of writes when the transaction began, `after` the count once it has been committed. Behind a pooler,
    whose next transaction may be another session's, each one begins with the settings: `pooled`.
    """

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        """Speak to a session."""
        self.session = session
        self.pooled: tuple[str, str] | None = None
        self.before = self.after = 0
        self._later: list[_Later] = []
        self._read: dict[Question, list[tuple[Any, ...]]] = {}

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Execute one statement."""
        if sql.startswith(_WRITES):
            self._outdate(sql)
            if "RETURNING" in translated(sql):
                self.flush()
                return self.session.cursor().execute(translated(sql), values or None)
            later = _Later(self, sql, values)
            self._later.append(later)
            return later
        if (sql, tuple(values)) in self._read:
            return _Rows(self._read.pop((sql, tuple(values))))
        self.flush()
        return self.session.cursor().execute(translated(sql), values or None)

    def _outdate(self, write: str) -> None:
        """Drop what was read ahead of a table that is about to change."""
        words = write.split(None, 3)
        table = words[1] if words[0] == "UPDATE" else words[2]
        self._read = {asked: rows for asked, rows in self._read.items() if f" FROM {table}" not in asked[0]}

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for each row."""
        self._outdate(sql)
        self._later += [_Later(self, sql, row) for row in rows]

    def flush(self, last: str | None = None) -> None:
        """Send what was kept back, and one more statement, in one journey."""
        later, self._later = self._later, []
        if not later:
            if last is not None:
                self.session.execute(last, prepare=False)
            return
        with self.session.pipeline():
            for one in later:
                one.done = self.session.cursor().execute(translated(one.sql), one.values or None)
            if last is not None:
                self.session.execute(last, prepare=False)

    def knows(self, question: Question) -> bool:
        """Say whether the answer has been read ahead."""
        return question in self._read

    def begin(self, steps: Sequence[str], ahead: Sequence[Question]) -> tuple[Any, ...] | None:
        """Begin a transaction, and in the same journey read what will be asked; return what the last step says."""
        self.forget()
        if not ahead and self.pooled is None:
            cursor = self.session.execute("; ".join(steps), prepare=False)
            while cursor.nextset():
                pass
            return cursor.fetchone()
        with self.session.pipeline():
            self.session.execute(steps[0])
            if self.pooled is not None:
                self.session.execute(_SETTINGS, (*self.pooled, True))
            for one in steps[1:-1]:
                self.session.execute(one)
            cursor = self.session.execute(steps[-1])
            asked = self._asked(ahead)
        self._read = {one: rows.fetchall() for one, rows in asked.items()}
        return cursor.fetchone()

    def read_ahead(self, questions: Iterable[Question]) -> None:
        """Read in one journey what will be asked for one by one."""
        self.flush()
        with self.session.pipeline():
            asked = self._asked(questions)
        self._read |= {one: rows.fetchall() for one, rows in asked.items()}

    def _asked(self, questions: Iterable[Question]) -> dict[Question, psycopg.Cursor[Any]]:
        return {one: self.session.cursor().execute(translated(one[0]), one[1] or None) for one in questions}

    def forget(self) -> None:
        """Drop what was kept back and read ahead: the transaction is over."""
        self._later, self._read = [], {}

    def renumber(self) -> None:
        """Let the numbers of appended rows go on after those that were copied."""
        for table in ("attempts", "transitions", "decisions"):
            self.execute(
                f"SELECT setval(pg_get_serial_sequence('archfb.{table}', 'seq'), "  # noqa: S608 - names are ours
                f"greatest(1, (SELECT coalesce(max(seq), 1) FROM archfb.{table})))"
            )


def _taken(_: psycopg.Notify) -> None:
    """Take word of news in: without anybody who does, the driver keeps all of it."""


class PostgresDatabase:
    """A session, and the two ways to use it: `read` and `writing`, each one short transaction."""

    def __init__(
        self,
        url: str,
        *,
        vantage: str = "",
        patience: float = 10.0,
        writable: bool = True,
        clock: ServerClock | None = None,
    ) -> None:
        """Connect. Raises Away with a sentence."""
        self.path = url
        self.patience = patience
        self.writable = writable
        self.vantage = vantage
        self.clock = clock or ServerClock()
        self._mutex = RLock()
        self._listening = False
        self.writing = Writing(self)
        self.ahead: Sequence[Question] = ()
        self.connection = self._connect()

    def _connect(self) -> Connection:
        session = None
        try:
            session = psycopg.connect(
                self.path,
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
                connect_timeout=CONNECT_S,
                tcp_user_timeout=int(1000 * self.patience) + 1000,
                application_name="archfb",
            )
            settings = self.vantage, str(max(1, int(1000 * self.patience)))
            mine = (*settings, False, session.info.backend_pid)
            found = Connection(session)
            if session.execute(_UNLESS_POOLED, mine, prepare=False).fetchone() is None:
                found.pooled, session.prepare_threshold = settings, None
        except psycopg.Error as error:
            if session is not None:
                session.close()
            raise failure(self.path, error) from None
        return found

    def begin(self, steps: Sequence[str]) -> Connection:
        """Begin a transaction, and learn the count of writes and the server's instant in the same round trip."""
        ahead, self.ahead = self.ahead, ()
        row = self.connection.begin(steps, ahead)
        if row is None:
            raise psycopg.errors.UndefinedTable("archfb.tick is empty")
        written, schema, now = row
        if schema > VERSION:
            raise Newer(f"State is from archfb ≥ schema {schema}; this is schema {VERSION}. Running without saving.")
        if schema < VERSION:
            raise Missing(f"State at {shown(self.path)} is of an older archfb (schema {schema})")
        self.clock.set(now)
        self.connection.after = written
        self.connection.before = written - 1 if steps is _WRITE else written
        return self.connection

    def write(self) -> Connection:
        """Begin a transaction that only one process at a time is in."""
        return self.begin(_WRITE)

    def read(self, work: Callable[[Any], T]) -> T:
        """Do what only reads, in one transaction: everything read is of one instant."""
        with self._mutex:
            try:
                connection = self.begin(_READ)
                found = work(connection)
                self.finish("COMMIT")
            except psycopg.Error as error:
                self.undo()
                raise failure(self.path, error) from None
            except BaseException:
                self.undo()
                raise
            return found

    def listen(self) -> int | None:
        """Return the descriptor of the session, to which the server sends word; None behind a pooler."""
        with self._mutex:
            session = self.connection.session
            if self.connection.pooled is not None:
                return None
            try:
                if not self._listening:
                    session.add_notify_handler(_taken)
                    session.execute(f"LISTEN {NEWS}")
                    self._listening = True
                return session.fileno()
            except psycopg.Error as error:
                raise failure(self.path, error) from None

    def finish(self, how: str) -> None:
        """End the transaction."""
        self.connection.flush(how)

    def flush(self) -> None:
        """Wait until what was committed cannot be lost, together with whoever else waits for it. Raises Away."""
        with self._mutex:
            try:
                self.connection.session.execute(_FLUSH, prepare=False)
            except psycopg.Error as error:
                raise failure(self.path, error) from None

    def undo(self) -> None:
        """Take the transaction back, if there is still a session to do so in."""
        self.connection.forget()
        with suppress(psycopg.Error):
            self.finish("ROLLBACK")

    def enter(self) -> None:
        """Keep other threads out."""
        self._mutex.acquire()

    def leave(self) -> None:
        """Let the next thread in."""
        self._mutex.release()

    def close(self) -> None:
        """Let go of the session."""
        with self._mutex, suppress(psycopg.Error):
            self.connection.session.close()


class Writing:
    """A write transaction: one at a time over all hosts, committed or rolled back as a whole."""

    __slots__ = ("_database",)

    def __init__(self, database: PostgresDatabase) -> None:
        """Belong to a database."""
        self._database = database

    def __enter__(self) -> Any:
        """Begin; raises StoreUnusable, StoreBusy, Away, Newer."""
        database = self._database
        if not database.writable:
            raise StoreUnusable("This state was opened only to be read.")
        database.enter()
        try:
            return database.write()
        except BaseException as error:
            database.undo()
            database.leave()
            if isinstance(error, psycopg.Error):
                raise failure(database.path, error) from None
            raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        """Commit, or roll back where anything went wrong."""
        database = self._database
        try:
            if kind is None:
                database.finish("COMMIT")
            else:
                database.undo()
        except psycopg.Error as error:
            database.undo()
            raise failure(database.path, error) from None
        finally:
            database.leave()
        if isinstance(value, psycopg.Error):
            raise failure(database.path, value) from None
