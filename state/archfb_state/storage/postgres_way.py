"""The way to a state on PostgreSQL: connecting, creating and migrating it once, or saying why it cannot be used."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from archfb_state.storage.postgres_failures import Missing, failure, refuse_password
from archfb_state.storage.postgres_schema import LOCK, STEPS
from archfb_state.store import Opened, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb_state.storage.postgres_connection import PostgresDatabase
    from archfb_state.storage.postgres_schema import Step
    from archfb_state.storage.postgres_store import PostgresStore
    from archfb_state.storage.server_clock import ServerClock
    from archfb_state.storage.way import Core


class PostgresWay(NamedTuple):
    """How a state on PostgreSQL is opened, the first time and again."""

    path: str
    vantage: str
    patience: float
    core: Core
    writable: bool = True
    clock: ServerClock | None = None

    def open(self) -> tuple[PostgresStore, tuple[str, ...]]:
        """Open; raises StoreUnusable, Away, Newer, StoreBusy."""
        return _opened(self), ()


def _opened(way: PostgresWay) -> PostgresStore:
    """Connect, and bring the schema up to date where it may be written; raises StoreUnusable, Away, Newer."""
    check_url(way.path)
    from archfb_state.storage.postgres_connection import PostgresDatabase
    from archfb_state.storage.postgres_store import PostgresStore

    database = PostgresDatabase(
        way.path, vantage=way.vantage, patience=way.patience, writable=way.writable, clock=way.clock
    )
    try:
        _made_sure(database)
    except BaseException:
        database.close()
        raise
    return PostgresStore(database, way.core, opened=Opened(way.path, saving=way.writable))


def check_url(url: str) -> None:
    """Raise StoreUnusable where a URL holds a password or cannot be read, or where psycopg is not installed."""
    refuse_password(url)
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise StoreUnusable(
            "A state on PostgreSQL needs psycopg, which is not installed: pip install 'archfb[postgres]'."
        ) from None
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise StoreUnusable("The database's URL cannot be read; write postgresql://user@host/name.") from None


def _made_sure(database: PostgresDatabase) -> None:
    try:
        database.read(lambda _: None)
    except Missing:
        if not database.writable:
            raise
        bring_up(database)
        database.read(lambda _: None)


def bring_up(database: PostgresDatabase, steps: Sequence[Step] = STEPS) -> None:
    """Create or migrate the schema as a whole, one process at a time; raises Away, StoreBusy."""
    import psycopg

    session = database.connection.session
    try:
        with session.transaction():
            session.execute("SELECT pg_advisory_xact_lock($1)", (LOCK,))
            for step in steps[_version(database) :]:
                for statement in step.statements:
                    session.execute(statement, prepare=False)
                if step.version == 1:
                    salt = json.dumps(os.urandom(16).hex())
                    session.execute("INSERT INTO archfb.meta (name, value) VALUES ('salt', $1)", (salt,))
            session.execute("UPDATE archfb.tick SET schema = $1 WHERE schema < $1", (steps[-1].version,))
    except psycopg.Error as error:
        raise failure(database.path, error) from None


def _version(database: PostgresDatabase) -> int:
    session = database.connection.session
    there = session.execute("SELECT to_regclass('archfb.tick') IS NOT NULL").fetchone()
    row = session.execute("SELECT schema FROM archfb.tick").fetchone() if there and there[0] else None
    return int(row[0]) if row else 0
