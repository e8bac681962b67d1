"""Spans of time as people type them: 90, 45s, 30m, 2h, 7d, 1w."""

from __future__ import annotations

import re

from archfb.errors import UsageError

SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(s|min|m|h|d|w|)", re.IGNORECASE)
LONGEST = 10 * 366 * 86400.0


def span(text: str, what: str) -> float:
    """Return seconds. Raises UsageError naming `what` where the text is no span, or no sensible one."""
    found = _SPAN.fullmatch(text.strip())
    seconds = float(found[1]) * SECONDS[found[2].lower()] if found else 0.0
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"{what} must be a span of time such as 90s, 30m, 2h or 7d; got '{text[:40]}'.")
    return seconds
