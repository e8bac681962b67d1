"""What was learned of contents and of whole repositories, in one file that may be lost at any time."""

from __future__ import annotations

import os

from archfb.repository.digests import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any
else:
    try:
        import _sqlite3 as sqlite3  # without the calendar that takes as long to load again
    except ImportError:  # another Python
        import sqlite3

APPLICATION = 0x61726662
SCHEMA = 2
ANALYSER = 16  # counts up with every change of what is kept of a file; part of each key
NAME = "repositories.db"
_LARGEST = 400 << 20
_PATIENCE_S = 2.0
_CHUNK = 500


def default_folder() -> Path:
    """Return the user's cache folder for this program."""
    from pathlib import Path

    import platformdirs

    return Path(platformdirs.user_cache_dir("archfb"))


class Cache:
    """Facts by content, and one picture per repository. Every failure means: not cached.

    Safe between processes: each write is one transaction; a corrupt or foreign file is removed and made anew.
    """

    def __init__(self, folder: Path | str | None) -> None:
        """Open (or make) the file in `folder`; None keeps nothing."""
        self.folder = folder
        self._db = None if folder is None else _open(os.fspath(folder))

    def reopened(self) -> Cache:
        """Return the same cache by a connection of its own: a copy of this process may not use this one's."""
        return Cache(self.folder)

    def picture(self, key: str) -> bytes | None:
        """Return what was kept of a repository, None when nothing is or it is damaged."""
        row = self._one("select checksum, content from pictures where key = ?", (key,))
        if row is None or not isinstance(row[1], bytes) or row[0] != _checksum(row[1]):
            return None
        return row[1]

    def keep_picture(self, key: str, content: bytes) -> None:
        """Keep what is known of a repository."""
        self._write("insert or replace into pictures values (?, ?, ?)", [(key, _checksum(content), content)])

    def has_facts(self) -> bool:
        """Return whether anything is kept of contents at all."""
        return self._one("select 1 from facts limit 1", ()) is not None

    def fact(self, key: bytes) -> bytes | None:
        """Return the facts kept under one key."""
        row = self._one("select content from facts where key = ?", (key,))
        return None if row is None else row[0]

    def facts(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the facts kept under these keys."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            marks = ",".join("?" * len(some))
            found |= self._all(f"select key, content from facts where key in ({marks})", some)  # noqa: S608
        return found

    def keep_facts(self, facts: Mapping[bytes, bytes]) -> None:
        """Keep facts under their keys."""
        rows = ((key, facts[key]) for key in sorted(facts))  # in order: each page is written once
        self._write("insert or ignore into facts values (?, ?)", rows)

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _one(self, sql: str, values: Sequence[object]) -> tuple[bytes, ...] | None:
        rows = self._all(sql, values)
        return rows[0] if rows else None

    def _all(self, sql: str, values: Sequence[object]) -> list[Any]:
        if self._db is None:
            return []
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error:
            return []

    def _write(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        if self._db is None:
            return
        try:
            self._db.execute("begin immediate")
            self._db.executemany(sql, rows)
            self._db.execute("commit")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("rollback")


def _checksum(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def _open(folder: str) -> sqlite3.Connection | None:
    path = f"{folder}/{NAME}"
    for _ in range(2):
        try:
            _make(folder, path)
            return _connected(path)
        except sqlite3.OperationalError:
            return None  # locked, full, read-only: nothing is cached this time
        except sqlite3.DatabaseError:
            _drop(path)
        except OSError:
            return None
    return None


def _make(folder: str, path: str) -> None:
    os.makedirs(folder, 0o700, exist_ok=True)
    if os.path.isfile(path) and os.path.getsize(path) > _LARGEST:
        _drop(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _drop(path: str) -> None:
    """Remove the file, unless another process was first."""
    from contextlib import suppress

    with suppress(FileNotFoundError):
        os.unlink(path)


def _connected(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    try:
        # Rebuildable, so nothing waits for the disk; what a power cut damages is found out and dropped.
        db.execute("pragma synchronous = off")
        found = (db.execute("pragma application_id").fetchone()[0], db.execute("pragma user_version").fetchone()[0])
        if found != (APPLICATION, SCHEMA):
            _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("begin immediate")
    found = (db.execute("pragma application_id").fetchone()[0], db.execute("pragma user_version").fetchone()[0])
    if found != (APPLICATION, SCHEMA):
        if db.execute("select count(*) from sqlite_master").fetchone()[0]:
            db.execute("rollback")
            raise sqlite3.DatabaseError("another program's file, or another version's")
        db.execute("create table facts (key blob primary key, content text not null) without rowid")
        db.execute("create table pictures (key text primary key, checksum blob not null, content blob not null)")
        db.execute(f"pragma application_id = {APPLICATION}")
        db.execute(f"pragma user_version = {SCHEMA}")
    db.execute("commit")
