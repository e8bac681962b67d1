"""Threshold levels with hysteresis: entered at the limit, left below four fifths of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb_state.records import Level
    from archfb_state.settings import Thresholds

LEAVE = 0.8
ENOUGH_CALLS = 9.5
"""Decayed calls from which an error rate means something: ten calls that have aged by some minutes."""
ENOUGH_LATENCIES = 3
MOST_RECENT = 10
DECAYED = 1.005
"""Calls some minutes apart have decayed unequally: one failure of ten is 10 % although it was the first of them."""


def median(values: Sequence[float]) -> float:
    """Return the median of at least one value (`statistics` costs more to import than all of this)."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0


def level(value: float, before: Level, warning: float, critical: float) -> Level:
    """Return the level of a value, given the one before."""
    if value >= critical * (LEAVE if before == "critical" else 1.0):
        return "critical"
    if value >= warning * (LEAVE if before else 1.0):
        return "warning"
    return ""


def error_level(calls: float, errors: float, before: Level, thresholds: Thresholds) -> Level:
    """Return the level of an error rate; from about ten calls on."""
    if calls < ENOUGH_CALLS:
        return ""
    return level(DECAYED * errors / calls, before, thresholds.error_rate_warning, thresholds.error_rate_critical)


def latency_level(
    probes_ms: Sequence[float], ttfts_ms: Sequence[float], before: Level, thresholds: Thresholds
) -> Level:
    """Return the level of how slow a model is."""
    slowest = slowness(probes_ms, ttfts_ms)
    if slowest is None:
        return ""
    return level(slowest, before, thresholds.latency_warning, thresholds.latency_critical)


def slowness(probes_ms: Sequence[float], ttfts_ms: Sequence[float]) -> float | None:
    """Return the greater of two medians in seconds: of the last ten probes, and of ten times to the first token."""
    medians = [median(one[-MOST_RECENT:]) / 1000.0 for one in (probes_ms, ttfts_ms) if len(one) >= ENOUGH_LATENCIES]
    return max(medians, default=None)
