"""The schema's steps: each done as a whole or not at all, under the lock, after a backup."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from archfb_state.storage import inspection, schema
from archfb_state.storage.state_file import APPLICATION_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb_state.storage.database import Database


PAGE_SIZE = 2048
"""Bytes: an attempt touches five pages, and what is written is whole pages (measured: 15 % less CPU than 4096)."""


class Step(NamedTuple):
    """One step: the version that it leads to, what it is called, its statements."""

    version: int
    name: str
    statements: tuple[str, ...]


STEPS: tuple[Step, ...] = (Step(1, "first tables", schema.CREATE),)


class MigrationFailed(Exception):
    """A step failed twice; the state is as it was before it."""


def version(connection: sqlite3.Connection) -> int:
    """Return the schema's version in the file; 0 in a new one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def bring_up(database: Database, steps: Sequence[Step] = STEPS) -> None:
    """Bring the file up to date, after a backup of what it holds; call it with the lock held.

    Raises MigrationFailed naming the step.
    """
    before = version(database.connection)
    if before == 0:
        database.patient(f"PRAGMA page_size={PAGE_SIZE:d}")
    database.patient("PRAGMA journal_mode=WAL").fetchone()  # first: in any other mode readers would be in the way
    if 0 < before < steps[-1].version:
        copy = f"{database.path}.before-{steps[-1].version}"
        if not os.path.exists(copy):  # noqa: PTH110
            inspection.backup(database.connection, copy)
    for step in steps:
        if before < step.version:
            _twice(database, step)


def _twice(database: Database, step: Step) -> None:
    try:
        _apply(database, step)
    except sqlite3.OperationalError as first:
        if first.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
            raise
        try:
            _apply(database, step)
        except sqlite3.OperationalError as error:
            raise MigrationFailed(
                f"Step {step.version} ({step.name}) of the state's schema failed: {error}"
            ) from error


def _apply(database: Database, step: Step) -> None:
    connection = database.connection
    database.patient("BEGIN IMMEDIATE")
    try:
        if step.version == 1:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        for statement in step.statements:
            connection.execute(statement)
        if step.version == 1:
            connection.execute(
                "INSERT INTO meta (name, value) VALUES ('salt', ?)", (json.dumps(os.urandom(16).hex()),)
            )
        connection.execute(f"PRAGMA user_version={step.version:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
