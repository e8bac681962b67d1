"""How long a model is expected to take for a request, from its last calls."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from archfb_state.core.latest import Latest

if TYPE_CHECKING:
    from archfb_state.records import ModelRecord

MOST_RECENT = 10
ENOUGH = 5
"""Answers from which a model's usual time is known."""
SLOW = 0.95
"""The quantile of the last hundred latencies that is usual at most …"""
OVERDUE = 2.0
"""… and how many times that a call waits until it is overdue …"""
LEAST_OVERDUE = 1.0
"""… seconds at least."""
_AGES = tuple(2.0 ** (-age / 5.0) for age in range(MOST_RECENT))
"""The weight of a value by its age in calls: half after five, so that a change shows after four."""


_last: Latest[tuple[ModelRecord, int, float | None]] = Latest()
"""What each model was expected to take last, and the record from which that was worked out."""


_last_overdue: Latest[tuple[ModelRecord, float | None]] = Latest()


@lru_cache(maxsize=512)
def decayed_median(recent: tuple[float, ...]) -> float:
    """Return the weighted median of at most ten values, the newest last. Raises IndexError without any."""
    ages = _AGES[: len(recent)]
    aged = sorted(zip(recent, reversed(ages), strict=True))
    half = sum(ages) / 2.0
    for value, weight in aged[:-1]:
        half -= weight
        if half <= 0:
            return value
    return aged[-1][0]


def expected_seconds(record: ModelRecord | None, output_tokens: int) -> float | None:
    """Return time to first token + expected output ÷ tokens per second; the usual latency where no pace is known."""
    if record is None:
        return None
    last = _last.get(record.model)
    if last is None or last[0] is not record or last[1] != output_tokens:
        last = _last.keep(record.model, (record, output_tokens, _expected(record, output_tokens)))
    return last[2]


def _expected(record: ModelRecord, output_tokens: int) -> float | None:
    if record.rates:
        first = decayed_median(record.ttfts_ms[-MOST_RECENT:]) / 1000.0 if record.ttfts_ms else 0.0
        return first + output_tokens / decayed_median(record.rates[-MOST_RECENT:])
    return decayed_median(record.latencies_ms[-MOST_RECENT:]) / 1000.0 if record.latencies_ms else None


def overdue_after(record: ModelRecord) -> float | None:
    """Return the seconds after which a call that has no answer yet is overdue; None while too little is known."""
    last = _last_overdue.get(record.model)
    if last is None or last[0] is not record:
        last = _last_overdue.keep(record.model, (record, _overdue_after(record.latencies_ms)))
    return last[1]


def _overdue_after(latencies_ms: tuple[float, ...]) -> float | None:
    if len(latencies_ms) < ENOUGH:
        return None
    slow = sorted(latencies_ms)[int(SLOW * (len(latencies_ms) - 1))]
    return max(LEAST_OVERDUE, OVERDUE * slow / 1000.0)


def speed(seconds: float) -> float:
    """Return the factor of a score, max(0.25, 1 ÷ (1 + T ÷ 10)): half at ten seconds, a quarter from thirty."""
    return 10.0 / (10.0 + seconds) if seconds < 30.0 else 0.25
