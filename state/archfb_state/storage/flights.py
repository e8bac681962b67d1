"""Calls in flight, counted without reading them again: what this connection writes is kept up with in memory."""

from __future__ import annotations

import os
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

SKEW = 1.0
"""Seconds by which an instant may lie in the future before it counts as written by a clock that was wrong."""

ALL = "SELECT call_id, model, started_at, expires_at FROM in_flight"
_DEPART = (
    "INSERT INTO in_flight (call_id, model, pid, started_at, expires_at) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (call_id) DO UPDATE SET model = excluded.model, started_at = excluded.started_at, "
    "expires_at = excluded.expires_at"
)
_EXPIRED = "DELETE FROM in_flight WHERE expires_at <= ? OR started_at > ? OR typeof(expires_at) <> 'real'"
_ENDED = "DELETE FROM in_flight WHERE call_id = ?"
_MOVED = "UPDATE in_flight SET model = ?, started_at = ? WHERE call_id = ?"

LONGEST_WAIT = 130.0
"""Seconds for which a call in flight is taken to wait for its model: longer than an attempt's usual time-out, and its
process may have crashed."""


def waiting_since(began: Iterable[float], now: float) -> float | None:
    """Return the earliest of some instants that is not too long ago for a call to be waiting; None without any."""
    return min((at for at in began if at > now - LONGEST_WAIT), default=None)


class Flights:
    """The rows of `in_flight`, and how many each model has, for as long as none of them begins or ends to count."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._models: dict[str, str] = {}
        self._began: dict[str, dict[str, float]] = {}
        self._known = False
        self._since = self._until = 0.0
        self._stale = False

    def forget(self) -> None:
        """Read again when needed: another process wrote, or a transaction came to nothing."""
        self._known = False

    def counts(self, connection: sqlite3.Connection, now: float) -> dict[str, int]:
        """Return the unexpired calls in flight by model."""
        self._look(connection, now)
        return {model: len(calls) for model, calls in self._began.items()}

    def waiting(self, connection: sqlite3.Connection, now: float) -> dict[str, float]:
        """Return since when the oldest call at each model waits, those left out that are too old to be waiting."""
        self._look(connection, now)
        found = ((model, waiting_since(calls.values(), now)) for model, calls in self._began.items())
        return {model: since for model, since in found if since is not None}

    def _look(self, connection: sqlite3.Connection, now: float) -> None:
        if not self._known or not self._since <= now < self._until:
            self._read(connection, now)

    def _read(self, connection: sqlite3.Connection, now: float) -> None:
        self._models, self._began, self._stale, self._known = {}, {}, False, True
        self._since, self._until = -inf, inf
        for call_id, model, began, ends in connection.execute(ALL):
            if type(began) is float and type(ends) is float and began <= now + SKEW and ends > now:
                self._add(str(call_id), str(model), began, ends)
                continue
            self._stale = True
            if type(began) is float and type(ends) is float:
                self._leave_out(began, ends, now)

    def _leave_out(self, began: float, ends: float, now: float) -> None:
        if ends <= now:
            self._since = max(self._since, ends)
        else:
            self._until = min(self._until, began - SKEW)

    def _add(self, call_id: str, model: str, began: float, ends: float) -> None:
        self._take(call_id)
        self._models[call_id] = model
        self._began.setdefault(model, {})[call_id] = began
        self._since, self._until = max(self._since, began - SKEW), min(self._until, ends)

    def _take(self, call_id: str) -> None:
        model = self._models.pop(call_id, None)
        if model is not None:
            calls = self._began[model]
            del calls[call_id]
            if not calls:
                del self._began[model]

    def depart(self, connection: sqlite3.Connection, call_id: str, model: str, now: float, seconds: float) -> None:
        """Put a call in flight, and sweep away those that expired."""
        self._look(connection, now)
        if self._stale:
            connection.execute(_EXPIRED, (now, now + SKEW))
            self._stale = False
        connection.execute(_DEPART, (call_id, model, os.getpid(), now, now + seconds))
        self._add(call_id, model, now, now + seconds)

    def moved(self, connection: sqlite3.Connection, call_id: str, model: str | None, now: float) -> None:
        """Name the model that a call is at from now on, or end it."""
        if model is None:
            connection.execute(_ENDED, (call_id,))
            self._take(call_id)
        elif connection.execute(_MOVED, (model, now, call_id)).rowcount:
            self._known = False
