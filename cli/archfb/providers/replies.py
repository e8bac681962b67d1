"""The Reply that leaves this package: verdict, reading and timing put together, with every key scrubbed out."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from archfb.providers.exchange import Reply
from archfb.providers.headroom import Headroom, headroom
from archfb.providers.judge import usage
from archfb.text import clean
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.providers.exchange import HttpRequest
    from archfb.providers.reading import Reading
    from archfb.providers.verdicts import Verdict

MESSAGE_LIMIT = 300
SHORT = 128
"""Characters of a code, an id or a finish reason."""
SECRET_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "proxy-authorization", "api-key")
_IDS = (
    "x-request-id", "request-id", "x-ds-trace-id", "apim-request-id", "mistral-correlation-id", "x-amzn-requestid",
    "x-goog-request-id", "cf-ray",
)  # fmt: skip
_REDACTED = "***"
_LEAST_SECRET = 6
"""Shorter values are no keys, and hiding them would only mangle the text."""


class Timing(NamedTuple):
    """Milliseconds: the whole exchange, and to the first answer text of a stream."""

    latency_ms: float
    ttft_ms: float | None = None


class Scrubber:
    """Takes the secrets of one request out of foreign text."""

    def __init__(self, request: HttpRequest) -> None:
        """Know the values of the request's secret headers, with and without their scheme."""
        values = [value for name, value in request.headers.items() if name.lower() in SECRET_HEADERS]
        bare = [value.split(" ", 1)[1] for value in values if " " in value]
        self._secrets = [one for one in (*values, *bare) if len(one) >= _LEAST_SECRET]

    def text(self, text: str) -> str:
        """Return the text without the secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, _REDACTED)
        return text

    def line(self, text: str | None, limit: int) -> str | None:
        """Return one clean line of at most `limit` characters, or None."""
        if not text:
            return None
        # Secrets go first, since cutting could leave half of one; once more, since cleaning could join two halves.
        short = _one_line(self.text(text[: 50 * limit]))
        return clean(self.text(short), limit=limit) or None


@lru_cache(maxsize=256)
def _one_line(text: str) -> str:
    """Return a text on one clean line: most say the same again and again, as "stop" and a model's name do."""
    return clean(text, one_line=True)


def reply(
    verdict: Verdict,
    reading: Reading,
    headers: Mapping[str, str],
    timing: Timing,
    scrub: Scrubber,
    *,
    status: int | None,
    streamed: bool,
    now: float,
) -> Reply:
    """Return the reply of one exchange: an answer's text is `text`, what came before a failure is `partial`."""
    text = scrub.text("".join(reading.text))
    good = verdict.outcome in (Outcome.OK, Outcome.TRUNCATED)
    room = headroom(headers, now) if headers else Headroom()
    return Reply(
        outcome=verdict.outcome,
        text=text if good else "",
        partial="" if good else text,
        finish_reason=scrub.line(reading.finish, SHORT),
        usage=usage(reading),
        latency_ms=timing.latency_ms,
        ttft_ms=timing.ttft_ms,
        http_status=status,
        message=scrub.line(_told(verdict, reading, streamed=streamed), MESSAGE_LIMIT),
        code=scrub.line(verdict.code, SHORT),
        request_id=scrub.line(_request_id(headers) or verdict.request_id, SHORT),
        model_reported=scrub.line(reading.model, SHORT),
        retry_after_s=verdict.retry_after_s,
        reset_at=verdict.reset_at,
        scope=verdict.scope,
        window=verdict.window,
        parameter=verdict.parameter,
        substitute=verdict.substitute,
        note=scrub.line(verdict.note, MESSAGE_LIMIT),
        remaining_requests=room.requests,
        remaining_tokens=room.tokens,
        remaining_reset_at=room.reset_at,
        streamed=streamed,
    )


def _told(verdict: Verdict, reading: Reading, *, streamed: bool) -> str:
    """Return the message; a stream that failed says how far it had come (each event brings about a token)."""
    come = len(reading.text) if streamed else 0
    if come == 0 or verdict.outcome in (Outcome.OK, Outcome.TRUNCATED, Outcome.CONTENT_FILTERED):
        return verdict.message
    return f"Stream failed after {come} {'token' if come == 1 else 'tokens'}: {verdict.message}"


def _request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in _IDS if headers.get(name)), None)
