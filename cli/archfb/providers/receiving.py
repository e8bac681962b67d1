"""One response while it arrives: bounded, decompressed, parsed and read, without any socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.providers.inflate import BadEncodingError, Decoder, decoder
from archfb.providers.judge import NOTHING, api_verdict, error_verdict, no_json, unreadable, usable_verdict
from archfb.providers.reading import Reading
from archfb.providers.sse import BodyParser, NotJson
from archfb.providers.verdicts import Verdict
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb.providers.sse import Event

LIMIT = 10_000_000
"""Bytes of one answer, decompressed."""
ERROR_LIMIT = 1_000_000
"""Bytes of an error's body: what is beyond does not change its name."""


class Receiver:
    """Feed it the bytes of a body; it knows when the answer has ended, and what to make of it."""

    def __init__(self, read: Callable[[Reading, Any], None], status: int, headers: Mapping[str, str]) -> None:
        """Start after the headers (lower-case names)."""
        self.status = status
        self.headers = headers
        self.reading = Reading()
        self.body: Any = None
        """The last document or event, which for metadata is the whole answer."""
        self._read = read
        self._parser = BodyParser()
        self._size = 0
        self._fault: Verdict | None = None
        self._unreadable = False
        self._decoder: Decoder | None = None

    @property
    def streamed(self) -> bool:
        """Whether the answer came as events."""
        return self._parser.streamed

    @property
    def begun(self) -> bool:
        """Whether more than white space arrived."""
        return self._parser.begun

    @property
    def ended(self) -> bool:
        """Whether nothing more needs to be read."""
        return self._fault is not None or self._unreadable or self.reading.done or self.reading.error is not None

    def feed(self, data: bytes) -> bool:
        """Take in bytes from the wire; return whether there was content in them, which keep-alive lines are not."""
        content = False
        try:
            if self._decoder is None:
                self._decoder = decoder(self.headers.get("content-encoding", ""))
            for piece in self._decoder.feed(data):
                if self._too_much(len(piece)):
                    return True
                content = self._take(self._parser.feed(piece)) or content
        except (BadEncodingError, NotJson) as problem:
            self._broken(problem)
        return content or (self.begun and not self.streamed)

    def _too_much(self, size: int) -> bool:
        self._size += size
        limit = LIMIT if self.status < 400 else ERROR_LIMIT
        if self._size <= limit:
            return False
        if self.status < 400:
            packed = self.headers.get("content-encoding", "")
            told = "Compressed answer expands past the limit" if packed else "Answer passed the limit"
            self._fault = Verdict(Outcome.MALFORMED, f"{told} of {LIMIT // 1_000_000} MB; cut.", "too_large")
        else:
            self._unreadable = True
        return True

    def _broken(self, problem: ValueError) -> None:
        if isinstance(problem, NotJson) and self.status >= 400:
            self._unreadable = True
            return
        named = "encoding" if isinstance(problem, BadEncodingError) else "not_json"
        message = str(problem) if named == "encoding" else f"Answer {problem}"
        self._fault = Verdict(Outcome.MALFORMED, message, named)

    def _take(self, events: list[Event]) -> bool:
        content = False
        for event in events:
            if event.done:
                self.reading.done = True
                continue
            self.body = event.body
            content = content or _is_content(event)
            if self.status < 400:
                self._read(self.reading, event.body)
                if event.name == "error":
                    self.reading.fail(event.body)
        return content

    def finish(self) -> None:
        """Note that the body ended."""
        try:
            self._take(self._parser.finish())
        except NotJson as problem:
            self._broken(problem)

    def verdict(self, now: float) -> Verdict:
        """Return the judgement on all that was received."""
        if self._fault is not None:
            return self._fault
        if self._unreadable:
            return unreadable(self.status, self.headers, now)
        if self.body is None and self.reading.error is None:
            return no_json(self._parser.text, self.status, self.headers, now)
        if self.status >= 400:
            return error_verdict(self.body, self.status, self.headers, now)
        said = api_verdict(self.reading, self.status, self.headers, now, streamed=self.streamed)
        return said if said is not NOTHING else usable_verdict(self.reading)


def _is_content(event: Event) -> bool:
    return event.name != "ping" and not (isinstance(event.body, dict) and event.body.get("type") == "ping")
