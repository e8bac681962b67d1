"""Answers as they arrive: server-sent events, a JSON array that grows, or one JSON document.

They are told apart by their bytes. The content type is not asked: servers mislabel streams, ignore `stream`, and
send white space, a byte order mark or comments first. Feeding is possible at any byte boundary; what comes out does
not depend on where the bytes were cut.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

DONE = b"[DONE]"
MOST_VALUES = 500_000
"""Values in one document: ten megabytes of empty lists would take a gigabyte once read."""
_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_MARKS = re.compile(rb'["\\\[\]{},]')


class NotJson(ValueError):
    """What arrived cannot be read; the text says what it looks like."""


class Event(NamedTuple):
    """One decoded event: its name where it had one, and its JSON; `done` marks the end of the stream."""

    name: str | None
    body: Any
    done: bool = False


class SseParser:
    """Events from bytes: comments, CR, LF or CRLF, several data lines, no last blank line."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self._rest: list[bytes] = []
        self._name: str | None = None
        self._data: list[bytes] = []
        self._done = False
        self._broken: NotJson | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now; what breaks after them is raised by the next call."""
        if b"\n" not in data and b"\r" not in data:
            self._rest.append(data)
            if not self._rest[0].endswith(b"\r"):
                return []
            data = b""
        buffer = b"".join([*self._rest, data])
        # A CR at the very end may be the first half of a CRLF.
        held = b"\r" if buffer.endswith(b"\r") else b""
        lines = buffer[: len(buffer) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = [lines.pop() + held]
        return self._events(lines)

    def finish(self) -> list[Event]:
        """Return the event that no blank line ended, if there is one."""
        last, self._rest = b"".join(self._rest).rstrip(b"\r"), []
        events = self._events([last, b""])
        if self._broken is not None:
            raise self._broken
        return events

    def _events(self, lines: list[bytes]) -> list[Event]:
        if self._broken is not None:
            raise self._broken
        out: list[Event] = []
        try:
            for line in lines:
                out += self._line(line)
        except NotJson as problem:
            if not out:
                raise
            self._broken = problem
        return out

    def _line(self, line: bytes) -> list[Event]:
        if self._done:
            return []
        if not line.strip():
            return self._dispatch()
        field, _, value = line.partition(b":")
        if field in (b"data", b"error") and value.strip():
            return self._value(field, value[1:] if value.startswith(b" ") else value)
        if field == b"event":
            self._name = value.strip().decode("utf-8", "replace")
        elif line.lstrip()[:1] in (b"{", b"["):
            return [*self._dispatch(), _bare(line)]
        return []

    def _value(self, field: bytes, value: bytes) -> list[Event]:
        """Keep a value; return the event before it, where that is whole: some servers leave the blank lines out.

        An `error` field is llama.cpp's way to say that it failed in the middle.
        """
        before = self._dispatch() if field == b"error" or (len(self._data) == 1 and _whole(self._data[0])) else []
        self._name = "error" if field == b"error" else self._name
        self._data.append(value)
        return before

    def _dispatch(self) -> list[Event]:
        data, name = b"\n".join(self._data).strip(), self._name
        self._data, self._name = [], None
        if not data:
            return []
        if data == DONE:
            self._done = True
            return [Event(name, None, done=True)]
        return [Event(name, decode(data))]


class ArrayParser:
    """The elements of a JSON array, each as soon as its last byte is there."""

    def __init__(self) -> None:
        """Start before the opening bracket."""
        self._open: list[bytes] = []
        self._depth = 0
        self._string = False
        self._seen = 0
        self._backslash = -2

    def feed(self, data: bytes) -> list[Event]:
        """Return the elements that are complete now."""
        out: list[Event] = []
        begun = 0
        for mark in _MARKS.finditer(data):
            if not self._step(mark[0], self._seen + mark.start()):
                continue
            if self._depth == 1 and mark[0] in b"]}":
                out.append(Event(None, decode(b"".join([*self._open, data[begun : mark.end()]]))))
            self._open, begun = [], mark.end()
        if self._depth:
            self._open.append(data[begun:])
        self._seen += len(data)
        return out

    def finish(self) -> list[Event]:
        """Raise where the array was cut off inside an element."""
        rest = b"".join(self._open)
        if self._depth and rest.strip():
            raise NotJson(f"a list of answers was cut off: {show(rest)}")
        return []

    def _step(self, mark: bytes, at: int) -> bool:
        """Follow one mark; return whether an element begins or ends with it."""
        if self._string:
            escaped = self._backslash == at - 1
            self._string = mark != b'"' or escaped
            if mark == b"\\" and not escaped:
                self._backslash = at
            return False
        if mark == b'"':
            self._string = True
        elif mark in b"[{":
            self._depth += 1
            return self._depth == 1
        elif mark in b"]}":
            self._depth -= 1
            return self._depth <= 1
        return mark == b"," and self._depth == 1


class DocumentParser:
    """One JSON document, read when it is whole."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> list[Event]:
        """Keep the bytes."""
        self._parts.append(data)
        return []

    def finish(self) -> list[Event]:
        """Return the document as one event."""
        return [Event(None, decode(b"".join(self._parts)))]


class BodyParser:
    """Whichever of the three the first bytes that are not white space tell."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self._head = b""
        self._parser: SseParser | ArrayParser | DocumentParser | None = None
        self.text = b""
        """The beginning of what is neither JSON nor events, at most 64 KiB."""

    @property
    def streamed(self) -> bool:
        """Whether the answer came as events."""
        return isinstance(self._parser, (SseParser, ArrayParser))

    @property
    def begun(self) -> bool:
        """Whether anything but white space arrived."""
        return self._parser is not None or bool(self.text)

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now; raises NotJson."""
        if self._parser is None:
            data = self._sniff(data)
            if self._parser is None:
                return []
        return self._parser.feed(data)

    def finish(self) -> list[Event]:
        """Return what was still open at the end of the body; raises NotJson."""
        if self._parser is not None:
            return self._parser.finish()
        self.text += self._head
        return []

    def _sniff(self, data: bytes) -> bytes:
        data = (self._head + data).lstrip(_BLANK).removeprefix(_BOM).lstrip(_BLANK)
        self._head = b""
        if self.text:
            self.text = (self.text + data)[:65536]
        elif data[:1] == b"{":
            self._parser = DocumentParser()
        elif data[:1] == b"[":
            self._parser = ArrayParser()
        elif data.startswith((b":", b"data:", b"event:", b"id:", b"retry:")):
            self._parser = SseParser()
        elif any(start.startswith(data) for start in (b"data:", b"event:", b"id:", b"retry:", _BOM)):
            self._head = data
        else:
            self.text = data[:65536]
        return data


def decode(data: bytes) -> Any:
    """Return the JSON of some bytes; raises NotJson with their size and beginning."""
    if len(data) > MOST_VALUES and data.count(b"[") + data.count(b"{") + data.count(b",") > MOST_VALUES:
        raise NotJson(f"holds more than {MOST_VALUES} values")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise NotJson(f"was not valid JSON ({len(data)} bytes, starts {show(data)})") from None


def _bare(line: bytes) -> Event:
    """Return the error that a server wrote into its stream without making it an event."""
    try:
        body = decode(line)
    except NotJson:
        body = None
    if isinstance(body, dict) and body.get("error"):
        return Event("error", body)
    raise NotJson(f"a line of a stream was no event: {show(line)}")


def _whole(data: bytes) -> bool:
    """Return whether this is a JSON document, of which no longer one can be the beginning."""
    data = data.strip()
    if data == DONE or not data.endswith((b"}", b"]")):
        return data == DONE
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def show(data: bytes) -> str:
    """Return the beginning of foreign bytes for a message, quoted; the message is cleaned as a whole later."""
    return f"'{data[:40].decode('utf-8', 'replace')}'"
