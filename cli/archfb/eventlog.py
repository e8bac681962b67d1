"""Events for log aggregation: one JSON object a line, without keys, prompts or answers."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from archfb import events
from archfb.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.events import Event, Observer
    from archfb.session import Session

VARIABLE = "ARCHFB_LOG"
ROTATE_AT = 10 * 1024 * 1024
"""Bytes at which the file is moved to PATH.1, which is replaced."""


def record(event: Event, at: float) -> dict[str, Any]:
    """Return an event as one flat JSON object; `at` is Unix seconds."""
    from archfb.routing.json import instant

    head = {"at": instant(at), "event": type(event).__name__}
    match event:
        case events.AttemptEnded():
            from archfb.routing.json import attempt_json

            called = {"call_id": event.call_id, "phase": event.phase, "role": event.role}
            told = attempt_json(event.attempt)
            return {**head, **called, **told, "run_id": event.attempt.run_id, "next_model": event.next_model}
        case events.StatusChanged(change):
            return {**head, **asdict(change), "at": instant(change.at)}
        case events.CallStarted(call_id, phase, role, decision):
            from archfb.routing.json import decision_json

            return {**head, "call_id": call_id, "role": role, **decision_json(decision), "phase": phase}
    return {**head, **asdict(event)}


class EventLog:
    """Appends events to a file; each is one write, so that processes sharing it never mix lines."""

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        """Open the file, mode 0600. Raises UsageError where that is impossible."""
        self.path = path
        self._clock = clock
        try:
            self._file = self._open()
        except OSError as error:
            raise UsageError(f"Cannot write the log {path}: {error.strerror}.") from error

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __call__(self, event: Event) -> None:
        """Append one event; a full disk is no reason to lose the call."""
        import json

        from archfb.output import plain_json

        line = json.dumps(plain_json(record(event, self._clock())), separators=(",", ":")) + "\n"
        try:
            if os.fstat(self._file).st_size >= ROTATE_AT:
                os.replace(self.path, f"{self.path}.1")  # noqa: PTH105 - pathlib is not loaded here
                os.close(self._file)
                self._file = self._open()
            os.write(self._file, line.encode("ascii"))
        except OSError:
            return


def observers(session: Session, *others: Observer) -> Observer:
    """Return one observer that tells all others, and the log where one was asked for."""
    import time

    path = session.log_json or session.environ.get(VARIABLE)
    all_of_them = [*others, EventLog(path, time.time)] if path else list(others)

    def tell(event: Event) -> None:
        for one in all_of_them:
            one(event)

    return tell
