"""`archfb runs`: past runs, or one of them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from archfb.commands.options import Json
from archfb.session import session

if TYPE_CHECKING:
    from archfb_state.store import Run, Store


def runs(
    ctx: typer.Context,
    id: Annotated[str | None, typer.Argument(help="A run, or the beginning of its id.", metavar="ID")] = None,  # noqa: A002
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="How many runs.")] = 20,
    json: Json = False,
) -> int:
    """List past runs, newest first, or show one with every phase, attempt, cost and decision."""
    one = session(ctx)
    store = one.peek(one.load())
    try:
        if id is None:
            show_list(store.runs(limit=limit), json)
        else:
            show_one(store, id, json)
    finally:
        store.close()
    return 0


def show_list(found: "list[Run]", json: bool) -> None:
    """Print the list."""
    from archfb.output import console, print_json

    if json:
        print_json({"schema": 1, "runs": [run_json(run) for run in found]})
        return
    from archfb.views.runs_view import runs_view

    target = console()
    target.print(runs_view(found, target.width))


def show_one(store: "Store", id_prefix: str, json: bool) -> None:
    """Print one run. Raises UsageError where there is none."""
    from archfb.errors import UsageError
    from archfb.output import console, print_json

    run = store.run(id_prefix)
    if run is None:
        raise UsageError(f"No single run begins with '{id_prefix[:40]}'.", hint="See `archfb runs`.")
    results, decisions = store.run_results(run.id), store.decisions(run.id)
    attempts = [one for one in store.attempts(run_id=run.id) if one.phase != "probe"]
    if json:
        from archfb.routing.json import attempt_json, decision_json
        from archfb.views.runs_view import phases_of

        document = run_json(run)
        document["phases"] = [
            {"phase": phase, "status": status} for phase, status in phases_of(run, results, attempts)
        ]
        document["results"] = [
            {
                "phase": one.phase,
                "role": one.role,
                "model": one.model,
                "offline": one.offline,
                "cost_usd": one.cost_usd,
            }
            for one in results
        ]
        document["attempts"] = [attempt_json(one) for one in attempts]
        document["decisions"] = [decision_json(one.decision) for one in decisions]
        print_json(document)
        return
    from archfb.views.runs_view import run_view

    target = console()
    target.print(run_view(run, results, attempts, decisions, target.width))


def run_json(run: "Run") -> dict[str, Any]:
    """Return one run as JSON."""
    from archfb.routing.json import instant

    return {
        "schema": 1,
        "id": run.id,
        "started_at": instant(run.started_at),
        "ended_at": instant(run.ended_at),
        "command": run.command,
        "repo": run.repo,
        "phase": run.phase,
        "ok": run.ok,
        "error": run.error,
        "cost_usd": run.cost_usd,
    }
