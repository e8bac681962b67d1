"""When to come back: every form in which providers say it, as seconds from now or as an instant.

Forms seen: `retry-after` in seconds, fractions or as an HTTP date; `retry-after-ms`; a body's `RetryInfo` ("37s");
durations ("21m36.001s", "120ms", "6m0s"); RFC 3339 instants; Unix seconds or milliseconds; "try again in 2.3s" in
prose. What is negative, not a number or unreadable counts for nothing, an instant in the past is 0, and anything far
is cut to a day.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archfb.providers.foreign import dig, items, string, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 86_400.0
"""Seconds beyond which a hint is cut: a whole day is longer than any rate limit's window."""

_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PIECE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(ms|us|µs|ns|d|h|m|s)")
_DURATION = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,12})?(?:ms|us|µs|ns|d|h|m|s)){1,8}")
_NUMBER = re.compile(r"[+]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_PROSE = re.compile(
    r"(?:(?:try again|retry|wait|available|reset)[^.0-9]{0,40}?(?:in|after|for)|please wait)\s+"
    r"((?:[0-9]{1,9}(?:\.[0-9]{1,9})?\s?(?:ms|hours?|minutes?|seconds?|days?|h|m|s)\b\s?){1,4}"
    r"|(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|d|h|m|s)){1,5})",
    re.IGNORECASE,
)
_FIELDS = ("retry_after", "retry_after_seconds")
_PROSE_PIECE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?(ms|d|h|m|s)", re.IGNORECASE)


def clamp(seconds: float) -> float | None:
    """Return seconds between 0 and a day; None for what is negative, infinite or not a number."""
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, LONGEST)


def number(text: str) -> float | None:
    """Return a plain decimal number, or None."""
    return float(text) if _NUMBER.fullmatch(text) else None


def duration(text: str) -> float | None:
    """Return the seconds of "21m36.001s", "120ms" or "37s"; None for anything else."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(amount) * _UNITS[unit] for amount, unit in _PIECE.findall(text))


def instant(text: str) -> float | None:
    """Return the Unix seconds of an HTTP date or an RFC 3339 instant, or None."""
    from email.utils import parsedate_to_datetime

    try:
        at = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def seconds_until(text: str, now: float) -> float | None:
    """Return the seconds until what one header or field says, in any of the forms."""
    text = text.strip()
    plain = number(text)
    if plain is not None:
        return clamp(_from_number(plain, now))
    length = duration(text)
    if length is not None:
        return clamp(length)
    at = instant(text)
    return None if at is None else clamp(max(0.0, at - now))


def _from_number(value: float, now: float) -> float:
    # Beyond ten years a number can only be an instant: Unix milliseconds, else Unix seconds.
    if value > 1e11:
        return max(0.0, value / 1000 - now)
    if value > 3.2e8:
        return max(0.0, value - now)
    return value


def prose(text: str) -> float | None:
    """Return the seconds of "Please try again in 1m9.696s" and its like; None where nothing is said."""
    found = _PROSE.search(text[:4000])
    if not found:
        return None
    return clamp(sum(float(amount) * _UNITS[unit.lower()] for amount, unit in _PROSE_PIECE.findall(found[1])))


def retry_after(headers: Mapping[str, str], bodies: Iterable[Any], message: str, now: float) -> float | None:
    """Return how long to wait, in seconds: the headers first, then a body's field, then its prose.

    `headers` has lower-case names, `bodies` are the answer's and those of the errors within it. Where both
    `retry-after` and `retry-after-ms` are sent the longer counts, since coming back early is refused again.
    """
    told = [_milliseconds(headers.get("retry-after-ms")), seconds_until(headers.get("retry-after", ""), now)]
    heard = [one for one in told if one is not None]
    if heard:
        return max(heard)
    told_in = (_retry_info(body, now) for body in bodies)
    return next((said for said in (*told_in, prose(message)) if said is not None), None)


def odd_wait(headers: Mapping[str, str], now: float) -> str | None:
    """Return what was made of a `retry-after` that cannot be kept (ignored, or cut to the longest), else None."""
    said = headers.get("retry-after", "").strip()
    wait = seconds_until(said, now)
    if not said or (wait is not None and wait < LONGEST):
        return None
    return f"Retry-After '{said[:60]}' " + ("ignored" if wait is None else f"cut to {LONGEST / 3600:g} h")


def _milliseconds(text: str | None) -> float | None:
    value = number(text.strip()) if text else None
    return None if value is None else clamp(value / 1000)


def _retry_info(body: Any, now: float) -> float | None:
    """Return Google's RetryInfo, a `retry_after` field wherever the body has it, or a header that it quotes."""
    error = dig(body, "error") or body
    for detail in items(dig(error, "details")):
        if words(dig(detail, "@type")).endswith("RetryInfo"):
            return duration(words(dig(detail, "retryDelay")))
    places = [dig(place, name) for place in (error, body, dig(error, "metadata")) for name in _FIELDS]
    quoted = [dig(error, "metadata", "headers", name) for name in ("Retry-After", "X-RateLimit-Reset")]
    return next((told for told in (_field(value, now) for value in (*places, *quoted)) if told is not None), None)


def _field(value: Any, now: float) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return clamp(float(value))
    return seconds_until(value, now) if string(value) else None


def next_month(now: float) -> float:
    """Return when the next month begins (UTC), which is when monthly spend caps end."""
    at = datetime.fromtimestamp(now, UTC)
    later = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)
    return later.replace(day=1).timestamp()


def next_pacific_midnight(now: float) -> float:
    """Return when the day ends in California, when Gemini's daily quotas end.

    Where this machine has no time zones it is an hour late in summer.
    """
    try:
        from zoneinfo import ZoneInfo

        at = datetime.fromtimestamp(now, ZoneInfo("America/Los_Angeles"))
    except (ImportError, KeyError, ValueError, OSError):
        at = datetime.fromtimestamp(now, UTC) - timedelta(hours=8)
        return (at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1, hours=8)).timestamp()
    day = (at + timedelta(days=1)).date()
    return datetime(day.year, day.month, day.day, tzinfo=at.tzinfo).timestamp()
