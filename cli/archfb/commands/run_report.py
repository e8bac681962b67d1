"""The end of a run as JSON and as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.routing.json import SCHEMA, attempt_json, error_json, instant
from archfb.views.phrases import count, money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archfb.errors import ArchfbError
    from archfb.phases.options import PhaseOutcome, PlannedCall, RunResult


def run_json(result: RunResult) -> dict[str, Any]:
    """Return the document of `run --json`."""
    document = {
        "schema": SCHEMA,
        "ok": result.ok,
        "run_id": result.run_id,
        "repo": result.repo,
        "phases": [phase_json(one) for one in result.phases],
        "cost_usd": result.cost_usd,
        "attempts": [attempt_json(one) for one in result.attempts],
        "notes": list(result.notes),
        "error": error_json(result.error),
    }
    if result.dry_run:
        document["planned"] = [planned_json(one) for one in result.planned]
    return document


def phase_json(one: PhaseOutcome) -> dict[str, Any]:
    """Return one phase; `model` is who made it, or all of them in a line."""
    return {
        "phase": one.phase,
        "status": one.status,
        "model": ", ".join(one.models) or None,
        "models": list(one.models),
        "offline": bool(one.result.made) and all(made.offline for made in one.result.made),
        "result": one.result.to_json(),
        "cost_usd": one.cost_usd,
        "attempts": [attempt_json(attempt) for attempt in one.attempts],
    }


def planned_json(one: PlannedCall) -> dict[str, Any]:
    """Return one call that --dry-run foresees."""
    return {
        "phase": one.phase,
        "role": one.role,
        "files": one.files,
        "input_tokens": one.tokens,
        "candidates": list(one.candidates),
        "cost_usd": one.cost_usd,
        "stored": one.stored,
        "estimated": one.estimated,
    }


def run_failure(error: ArchfbError) -> dict[str, Any]:
    """Return the document of a run that never began, or was interrupted."""
    return {
        "schema": SCHEMA,
        "ok": False,
        "run_id": None,
        "repo": None,
        "phases": [],
        "cost_usd": None,
        "attempts": [],
        "error": {"code": error.code, "message": error.message, "retry_at": instant(error.retry_at)},
    }


def problems(result: RunResult) -> Iterator[str]:
    """Yield what is missing from a result and why, a sentence each."""
    if result.error is not None:
        yield result.error.message
    for phase in result.phases:
        for one in phase.result.missing:
            files = f", with {count(len(one.files), 'file')}" if one.files else ""
            yield f"{phase.phase}: {one.title} is missing{files}: {one.message}"


def dry_run_text(result: RunResult) -> str:
    """Return what a run would send where, as lines."""
    lines = [_planned_line(one) for one in result.planned]
    known = [one.cost_usd for one in result.planned if one.cost_usd is not None]
    unknown = len(result.planned) - len(known)
    more = f", and {count(unknown, 'call')} of unknown price" if unknown else ""
    return "\n".join([*lines, f"{count(len(lines), 'call')}, about {money(sum(known))}{more}. Nothing was sent."])


def _planned_line(one: PlannedCall) -> str:
    if one.stored:
        return f"{one.phase} {one.role}: stored, nothing is sent"
    about = "about " if one.estimated else ""
    to = one.candidates[0] if one.candidates else "nobody"
    rest = f" (then {', '.join(one.candidates[1:])})" if one.candidates[1:] else ""
    size = f"{about}{one.tokens:,} tokens" + (f" of {count(one.files, 'file')}" if one.files else "")
    return f"{one.phase} {one.role}: {size} to {to}{rest}, {money(one.cost_usd)}"
