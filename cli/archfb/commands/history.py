"""`archfb history`: outcomes and latency over time."""

from typing import Annotated

import typer

from archfb import completion
from archfb.session import session

PERIODS = ((2 * 86400.0, 3600.0), (float("inf"), 86400.0))
"""Up to two days are told by the hour, more by the day."""


def history(
    ctx: typer.Context,
    model: Annotated[
        str | None, typer.Argument(help="One model; default all.", metavar="MODEL", autocompletion=completion.models)
    ] = None,
    since: Annotated[str, typer.Option("--since", metavar="SPAN", help="How far back: 24h, 7d.")] = "24h",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show outcomes and latency by the hour or day, and every change of status with its reason."""
    from archfb.output import console, print_json
    from archfb.spans import span
    from archfb.suggest import one_of
    from archfb.views.history_view import periods

    one = session(ctx)
    back = span(since, "--since")
    config = one.load()
    if model is not None:
        one_of(model, config.models, "model")
    store = one.peek(config)
    try:
        begin = store.now() - back
        found = periods(
            store.attempts(since=begin, model=model), next(size for most, size in PERIODS if back <= most)
        )
        changes = store.transitions(since=begin, model=model)
    finally:
        store.close()
    if json:
        from archfb.routing.json import instant

        told = [
            {"at": instant(c.at), "model": c.model, "from": c.before, "to": c.after, "reason": c.reason}
            for c in changes
        ]
        print_json({"schema": 1, "periods": [period.to_json() for period in found], "transitions": told})
        return 0
    from archfb.views.history_view import history_view

    target = console()
    target.print(history_view(found, changes, target.width))
    return 0
