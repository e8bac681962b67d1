"""What one preset's own row keeps of an attempt: counts, latencies, speed, cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb_state.core.levels import latency_level
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from archfb_state.records import Attempt, ModelRecord
    from archfb_state.settings import Settings

MOST_LATENCIES = 100
MOST_RECENT = 10
TELLING_TOKENS = 32
"""Output tokens from which an answer tells a speed: the pace of a shorter one is its round trip."""
TELLING_SECONDS = 0.001


def noted(record: ModelRecord, attempt: Attempt, at: float, settings: Settings, verdict: bool | None) -> ModelRecord:
    """Return the preset's row after an attempt.

    `verdict` is True for a success, False for a failure, None where the attempt says neither. What is counted is
    calls and probes: a repeat within a call that has failed already is no further failure.
    """
    changes: dict[str, Any] = {"deployment": attempt.deployment, "account": attempt.account}
    if attempt.cost_usd:
        changes["cost_usd"] = record.cost_usd + attempt.cost_usd
    if attempt.kind != "call" and attempt.outcome is not Outcome.CANCELLED:
        changes |= {"last_probe_at": at, "last_probe_kind": attempt.kind}
    if verdict is False:
        changes |= {"failures": record.failures + (not attempt.repeat), "last_failure_at": at}
    elif verdict:
        changes |= {"successes": record.successes + 1, "last_success_at": at, **_timed(record, attempt, at, settings)}
    return record._replace(**changes)


def _timed(record: ModelRecord, attempt: Attempt, at: float, settings: Settings) -> dict[str, Any]:
    if attempt.kind != "call":
        probes = _pushed(record.probe_latencies_ms, attempt.latency_ms, MOST_RECENT)
        return {"probe_latencies_ms": probes, **_level(record, attempt, probes, record.ttfts_ms, settings)}
    changes: dict[str, Any] = {"last_call_success_at": at}
    if attempt.outcome is Outcome.OK:
        changes["latencies_ms"] = _pushed(record.latencies_ms, attempt.latency_ms, MOST_LATENCIES)
    rate = _rate(attempt)
    if rate is not None:
        changes["rates"] = _pushed(record.rates, rate, MOST_RECENT)
    first = _first_token(attempt)
    if first is not None:
        ttfts = _pushed(record.ttfts_ms, first, MOST_RECENT)
        changes |= {"ttfts_ms": ttfts, **_level(record, attempt, record.probe_latencies_ms, ttfts, settings)}
    return changes


def _level(
    record: ModelRecord,
    attempt: Attempt,
    probes: tuple[float, ...],
    ttfts: tuple[float, ...],
    settings: Settings,
) -> dict[str, Any]:
    return {"latency_level": latency_level(probes, ttfts, record.latency_level, settings.of(attempt.model))}


def _pushed(values: tuple[float, ...], value: float, most: int) -> tuple[float, ...]:
    return (*values, value)[-most:]


def _first_token(attempt: Attempt) -> float | None:
    return attempt.ttft_ms if attempt.streamed and not attempt.reasoning else None


def _rate(attempt: Attempt) -> float | None:
    """Return output tokens a second: after the first token where that came without thinking, else over all."""
    tokens = attempt.output_tokens or 0
    seconds = (attempt.latency_ms - (_first_token(attempt) or 0.0)) / 1000.0
    return tokens / seconds if tokens >= TELLING_TOKENS and seconds >= TELLING_SECONDS else None
