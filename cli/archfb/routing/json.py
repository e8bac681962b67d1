"""The JSON forms of answers, decisions and attempts; programs rely on each field."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archfb.routing.answer import Answer, CallError
    from archfb_state.decisions import Decision, Ranked
    from archfb_state.records import Attempt

SCHEMA = 1


def instant(at: float | None) -> str | None:
    """Return Unix seconds as RFC 3339 in UTC, whole seconds; None stays None."""
    if at is None or not -62135596800 <= at < 253402300800:
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def attempt_json(one: Attempt) -> dict[str, Any]:
    """Return one attempt of `attempts`."""
    return {
        "id": one.id,
        "model": one.model,
        "kind": one.kind,
        "outcome": str(one.outcome),
        "http_status": one.http_status,
        "at": instant(one.started_at),
        "latency_ms": round(one.latency_ms, 1),
        "ttft_ms": None if one.ttft_ms is None else round(one.ttft_ms, 1),
        "retry_after_s": one.retry_after_s,
        "reset_at": instant(one.reset_at),
        "code": one.code,
        "message": one.message,
        "request_id": one.request_id,
        "finish_reason": one.finish_reason,
        "usage": {
            "input_tokens": one.input_tokens,
            "output_tokens": one.output_tokens,
            "reasoning_tokens": one.reasoning_tokens,
            "cached_tokens": one.cached_tokens,
        },
        "cost_usd": one.cost_usd,
    }


def ranked_json(one: Ranked) -> dict[str, Any]:
    """Return one candidate of `decision`."""
    return {
        "model": one.model,
        "status": one.status,
        "score": round(one.score, 6),
        "eligible": one.eligible,
        "why": one.why,
        "terms": {name: round(value, 6) for name, value in one.terms.items()},
        "retry_at": instant(one.retry_at),
    }


def decision_json(decision: Decision) -> dict[str, Any]:
    """Return a whole decision, as `route --json` prints it."""
    return {
        "schema": SCHEMA,
        "phase": decision.phase,
        "complexity": decision.complexity,
        "complexity_terms": dict(decision.terms),
        "strategy": decision.strategy,
        "first_choice": decision.order[0].model if decision.order else None,
        "decision": [ranked_json(one) for one in decision.ranked],
    }


def error_json(error: CallError | None) -> dict[str, Any] | None:
    """Return `error`, or None."""
    if error is None:
        return None
    return {"code": error.code, "message": error.message, "retry_at": instant(error.retry_at)}


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return the document of `ask --json`."""
    return {
        "schema": SCHEMA,
        "ok": answer.ok,
        "text": answer.text,
        "model": answer.model,
        "offline": answer.offline,
        "complexity": answer.complexity,
        "finish_reason": answer.finish_reason,
        "truncated": answer.truncated,
        "continued": answer.continued,
        "usage": asdict(answer.usage),
        "cost_usd": answer.cost_usd,
        "attempts": [attempt_json(one) for one in answer.attempts],
        "decision": [ranked_json(one) for one in answer.decision],
        "error": error_json(answer.error),
    }
