"""How long a model is expected to take for a request, from its last calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb_state.records import ModelRecord

MOST_RECENT = 10
_AGES = tuple(2.0 ** (-age / 5.0) for age in range(MOST_RECENT))
"""The weight of a value by its age in calls: half after five, so that a change shows after four."""


def decayed_median(values: Sequence[float]) -> float:
    """Return the weighted median of the last ten values, the newest last. Raises IndexError without any."""
    recent = values[-MOST_RECENT:]
    aged = sorted(zip(recent, reversed(_AGES[: len(recent)]), strict=True))
    half = sum(_AGES[: len(recent)]) / 2.0
    for value, weight in aged:
        half -= weight
        if half <= 0:
            return value
    return aged[-1][0]


def expected_seconds(record: ModelRecord | None, output_tokens: int) -> float | None:
    """Return time to first token + expected output ÷ tokens per second; the usual latency where no pace is known."""
    if record is None:
        return None
    if record.rates:
        first = decayed_median(record.ttfts_ms) / 1000.0 if record.ttfts_ms else 0.0
        return first + output_tokens / decayed_median(record.rates)
    return decayed_median(record.latencies_ms) / 1000.0 if record.latencies_ms else None


def speed(seconds: float) -> float:
    """Return the factor of a score: half at ten seconds, a quarter from thirty."""
    return max(0.25, 1.0 / (1.0 + seconds / 10.0))
