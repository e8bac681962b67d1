"""Events for log aggregation: one JSON object a line, without keys, prompts or answers."""

from __future__ import annotations

import fcntl
import os
import select
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from archfb import events
from archfb.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.events import Event, Observer
    from archfb.session import Session
    from archfb_state.records import Attempt

VARIABLE = "ARCHFB_LOG"
ROTATE_AT = 10 * 1024 * 1024
"""Bytes at which the file becomes PATH.1, that PATH.2, and so on."""

KEPT = 3
"""Earlier files that are kept."""

NAMES = {
    events.PhaseStarted: "phase",
    events.PhaseEnded: "phase",
    events.CallStarted: "decision",
    events.AttemptStarted: "asking",
    events.AttemptEnded: "attempt",
    events.ProbeEnded: "attempt",
    events.CallEnded: "call",
    events.StatusChanged: "transition",
    events.RunChanged: "run",
    events.Note: "note",
}


def record(event: Event, at: float) -> dict[str, Any]:
    """Return an event as one flat JSON object; `at` is Unix seconds."""
    head: dict[str, Any] = {"at": precise(at), "event": NAMES[type(event)]}
    match event:
        case events.AttemptEnded():
            called = {"call_id": event.call_id, "phase": event.phase, "role": event.role}
            return {**head, **called, **_attempt(event.attempt), "next_model": event.next_model}
        case events.ProbeEnded(attempt):
            return {**head, "call_id": attempt.call_id, "phase": "probe", **_attempt(attempt)}
        case events.StatusChanged(change):
            moved = {"model": change.model, "from": change.before, "to": change.after, "reason": change.reason}
            return {**head, "at": precise(change.at), **moved}
        case events.CallStarted(call_id, phase, role, decision):
            from archfb.routing.json import decision_json

            return {**head, "call_id": call_id, "role": role, **decision_json(decision), "phase": phase}
        case events.RunChanged(run):
            from archfb.routing.json import instant

            told = {**asdict(run), "started_at": instant(run.started_at), "ended_at": instant(run.ended_at)}
            return {**head, "run_id": told.pop("id"), "status": _status(run.ok), **told}
        case events.PhaseStarted():
            return {**head, "status": "started", **asdict(event)}
    return {**head, **asdict(event)}


def precise(at: float) -> str | None:
    """Return Unix seconds as RFC 3339 in UTC with milliseconds."""
    from archfb.routing.json import instant

    whole = instant(at)
    return None if whole is None else f"{whole[:-1]}.{int(at % 1 * 1000):03d}Z"


def _attempt(one: Attempt) -> dict[str, Any]:
    from archfb.routing.json import attempt_json

    told = attempt_json(one)
    return {**told, "at": precise(one.ended_at), "started_at": precise(one.started_at), "run_id": one.run_id}


def _status(ok: bool | None) -> str:
    return "started" if ok is None else "done" if ok else "failed"


class EventLog:
    """Appends events to a file; each is one write, so that processes sharing it never mix lines."""

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        """Open the file, mode 0600. Raises UsageError where that is impossible."""
        from archfb.whole_file import descriptor

        # What a container's log is named is written to as it is, whatever stands behind it, and never rotated.
        self.stream = descriptor(path)
        self.path = os.path.realpath(path)
        self.run_id: str | None = None
        self._clock = clock
        try:
            self._file = self._open()
        except OSError as error:
            raise UsageError(f"Cannot write the log {path}: {error.strerror}.") from error

    def _open(self) -> int:
        if self.stream is not None:
            return os.dup(self.stream)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(self.path, flags, 0o600)

    def __call__(self, event: Event) -> None:
        """Append one event; a full disk is no reason to lose the call."""
        import json

        from archfb.output import plain_json

        if isinstance(event, events.RunChanged):
            self.run_id = event.run.id
        told = record(event, self._clock())
        if told.get("run_id") is None:
            told["run_id"] = self.run_id
        line = json.dumps(plain_json(told), separators=(",", ":")) + "\n"
        with suppress(OSError):
            self._append(line.encode("ascii"))

    def _append(self, line: bytes) -> None:
        if self.stream is not None:
            if select.select([], [self._file], [], 0)[1]:
                os.write(self._file, line)
            return
        if not self._is_there():
            self._again()
        if os.fstat(self._file).st_size >= ROTATE_AT:
            self._rotate()
        os.write(self._file, line)

    def _is_there(self) -> bool:
        """Whether the path still leads to the open file; another process, or logrotate, may have moved it."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))  # noqa: PTH116 - pathlib is not loaded here
        except FileNotFoundError:
            return False

    def _again(self) -> None:
        before, self._file = self._file, self._open()
        os.close(before)

    def _rotate(self) -> None:
        """Move the files on, unless another process has just done so."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        if self._is_there():
            names = [self.path, *(f"{self.path}.{number}" for number in range(1, KEPT + 1))]
            for number in range(KEPT, 0, -1):
                with suppress(FileNotFoundError):
                    os.replace(names[number - 1], names[number])  # noqa: PTH105 - pathlib is not loaded here
        self._again()


def observers(session: Session, *others: Observer) -> Observer:
    """Return one observer that tells all others, and the log where one was asked for."""
    import time

    path = session.log_json or session.environ.get(VARIABLE)
    all_of_them = [*others, EventLog(path, time.time)] if path else list(others)

    def tell(event: Event) -> None:
        for one in all_of_them:
            one(event)

    return tell
