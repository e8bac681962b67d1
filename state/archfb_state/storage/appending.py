"""Attempts appended on PostgreSQL: what must be known of earlier ones is read while the lock is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb_state.storage.history import FOLD_EVERY, INSERT_ATTEMPT, fold, folded
from archfb_state.storage.rows import ATTEMPTS, clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb_state.records import Attempt
    from archfb_state.storage.postgres_connection import Question

_UNFOLDED = "SELECT (SELECT MAX(seq) FROM attempts), (SELECT value FROM meta WHERE name = 'folded')"


def questions(attempts: Sequence[Attempt]) -> tuple[Question, ...]:
    """Return what is to be asked before these attempts are appended."""
    ids = tuple(sorted({clean_text(one.id) for one in attempts}))
    there = f"SELECT id FROM attempts WHERE id IN ({', '.join('?' * len(ids))})"  # noqa: S608 - marks
    return ((there, ids), (_UNFOLDED, ())) if ids else ()


class Appending:
    """Appends a row of attempts, each id once, without waiting for the server to say what became of each."""

    def __init__(self, connection: Any, attempts: Sequence[Attempt]) -> None:
        """Look which are there already, and bring the sums up to date where many are not in them."""
        self._connection = connection
        self._there: set[str] = set()
        asked = questions(attempts)
        if asked:
            self._there = {row[0] for row in connection.execute(*asked[0]).fetchall()}
            newest, done = connection.execute(*asked[1]).fetchone()
            if (newest or 0) - (int(done) if str(done).isdigit() else folded(connection)) >= FOLD_EVERY:
                fold(connection, newest)

    def __call__(self, attempt: Attempt) -> Attempt | None:
        """Append an attempt and return it as it is stored; None where its id was there already."""
        kept, row = ATTEMPTS.bound(attempt)
        if kept.id in self._there:
            return None
        self._there.add(kept.id)
        self._connection.execute(INSERT_ATTEMPT, row)
        return kept
