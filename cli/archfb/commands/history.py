"""`archfb history`: outcomes and latency over time."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archfb import completion
from archfb.commands.options import Json, Since
from archfb.session import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.periods import History
    from archfb_state.records import Transition


def history(
    ctx: typer.Context,
    model: Annotated[
        str | None, typer.Argument(help="One model; default all.", metavar="MODEL", autocompletion=completion.models)
    ] = None,
    since: Since = "24h",
    json: Json = False,
) -> int:
    """Show outcomes and latency by the hour or day, and every change of status with its reason.

    A model's name gives its periods as a table too. Example: archfb history gemini-basic --since 7d
    """
    from archfb import periods
    from archfb.output import console, print_json
    from archfb.routing.prices import is_free
    from archfb.spans import span
    from archfb.suggest import one_of

    one = session(ctx)
    back = span(since, "--since")
    config = one.load()
    if model is not None:
        one_of(model, config.models, "model")
    store = one.peek(config)
    try:
        free = partial(is_free, config)
        found = periods.history(store, back, model=model, keep_days=config.keep_days, free=free)
        changes = periods.changes(store, config, found.begin, model=model)
    finally:
        store.close()
    if json:
        print_json(history_json(found, changes))
        return 0
    from archfb.views.history_view import history_view
    from archfb.views.strip import marks

    target = console()
    target.print(history_view(found, changes, target.width, detailed=model is not None, of=marks(target.encoding)))
    return 0


def history_json(found: "History", changes: "Sequence[Transition]") -> dict[str, Any]:
    """Return the document of `history --json`."""
    from archfb.routing.json import instant

    told = [
        {"at": instant(one.at), "model": one.model, "from": one.before, "to": one.after, "reason": one.reason}
        for one in changes
    ]
    return {
        "schema": 1,
        "period_s": found.size,
        "rough": found.rough,
        "periods": [period.to_json() for period in found.periods],
        "transitions": told,
    }
