"""Results as files: each phase's Markdown and the run's JSON, written as each finishes and never half."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archfb.errors import UsageError
from archfb.whole_file import put

if TYPE_CHECKING:
    from pathlib import Path

    from archfb.phases.options import PhaseOutcome, PlannedCall, RunResult


def run_json(result: RunResult) -> dict[str, Any]:
    """Return the document of `run --json`."""
    from archfb.routing.json import attempt_json, error_json

    found: dict[str, Any] = {
        "schema": 1,
        "ok": result.ok,
        "run_id": result.run_id,
        "repo": plain_path(result.repo),
        "phases": [phase_json(one) for one in result.phases],
        "partial": result.partial,
        "cost_usd": result.cost_usd,
        "attempts": [attempt_json(one) for one in result.attempts],
        "notes": list(result.notes),
        "error": error_json(result.error),
    }
    if result.dry_run:
        found["dry_run"] = [planned_json(one) for one in result.planned]
        found["phases"] = []
    return found


def phase_json(one: PhaseOutcome) -> dict[str, Any]:
    """Return one phase of the run's document."""
    return {
        "phase": one.phase,
        "status": one.status,
        "model": one.models[0] if len(one.models) == 1 else None,
        "models": list(one.models),
        "offline": bool(one.result.made) and all(made.offline for made in one.result.made),
        "cost_usd": one.cost_usd,
        "attempts": len(one.attempts),
        "result": one.result.to_json(),
    }


def planned_json(one: PlannedCall) -> dict[str, Any]:
    """Return one call of a dry run."""
    return {
        "phase": one.phase,
        "role": one.role,
        "files": one.files,
        "tokens": one.tokens,
        "candidates": list(one.candidates),
        "cost_usd": one.cost_usd,
        "stored": one.stored,
        "estimated": one.estimated,
    }


def plain_path(path: str) -> str:
    """Return a path without bytes that are not text."""
    from archfb.phases.records import plain

    return plain(path)


def write_phase(folder: Path, outcome: PhaseOutcome) -> Path:
    """Write `phaseN.md` or `final.md`; returns its path. Raises UsageError where the folder cannot be written."""
    path = folder / f"{outcome.phase}.md"
    write_whole(path, outcome.result.to_markdown().encode("utf-8", "replace"))
    return path


def write_run(folder: Path, result: RunResult) -> Path:
    """Write `run.json`; returns its path. Raises UsageError where the folder cannot be written."""
    path = folder / "run.json"
    write_whole(path, (json.dumps(run_json(result), indent=1) + "\n").encode("ascii"))
    return path


def write_whole(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Put a file in place in one step, so that no reader sees half of it.

    `mode` is the file's permission bits (default: what a new file gets). Raises UsageError with the reason.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, content, mode)
    except OSError as error:
        raise UsageError(f"Cannot write {plain_path(str(path))}: {error.strerror}.") from error
