"""The end of a run in sentences, and the JSON document of one that never began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.output import mask
from archfb.routing.json import SCHEMA, instant
from archfb.views.phrases import count, money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archfb.errors import ArchfbError
    from archfb.phases.options import PlannedCall, RunResult
    from archfb.phases.rules_file import RulesChange


def run_failure(error: ArchfbError) -> dict[str, Any]:
    """Return the document of a run that never began."""
    return {
        "schema": SCHEMA,
        "ok": False,
        "run_id": None,
        "repo": None,
        "phases": [],
        "partial": False,
        "cost_usd": None,
        "attempts": [],
        "notes": [],
        "error": {"code": error.code, "message": mask(error.message), "retry_at": instant(error.retry_at)},
    }


def refused(result: RunResult, error: ArchfbError) -> dict[str, Any]:
    """Return the document of a run as far as it came, with what ended it or kept its rules out of files."""
    from archfb.phases.output import run_json

    return {**run_json(result), "ok": False, "error": run_failure(error)["error"]}


def changes_json(changes: Iterable[RulesChange] | None) -> dict[str, Any]:
    """Return what a dry run's `--write` would change, as a part of the run's document; empty where it is unknown."""
    if changes is None:
        return {}
    from archfb.phases.output import plain_path

    rows = [{"path": plain_path(str(one.path)), "changed": one.changed, "diff": one.diff} for one in changes]
    return {"changes": rows}


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
    most = "at most about" if sum(known) else "about"  # as if every answer took all that it may
    return "\n".join([*lines, f"{count(len(lines), 'call')}, {most} {money(sum(known))}{more}. Nothing was sent."])


def _planned_line(one: PlannedCall) -> str:
    if one.stored:
        return f"{one.phase} {one.role}: stored, nothing is sent"
    about = "about " if one.estimated else ""
    to = one.candidates[0] if one.candidates else "nobody"
    rest = f" (then {', '.join(one.candidates[1:])})" if one.candidates[1:] else ""
    size = f"{about}{one.tokens:,} tokens" + (f" of {count(one.files, 'file')}" if one.files else "")
    return f"{one.phase} {one.role}: {size} to {to}{rest}, {money(one.cost_usd)}"
