"""A watch that no terminal shows: one line, or one JSON object, for each change of status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.routing.json import SCHEMA, instant
from archfb.views.phrases import name
from archfb.views.status_table import chain_words, reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.routing.table import StatusTable
    from archfb.watching.scene import Scene
    from archfb_state.records import Transition


def lines_of(scene: Scene, news: Sequence[Transition], *, json: bool, first: bool) -> list[str]:
    """Return what to write of a scene: how everything stands, the first time, then the changes."""
    table = scene.table
    if json:
        documents = [table_json(table)] if first else []
        return [one_line(one) for one in (*documents, *(change_json(one, table) for one in news))]
    return [*(table_lines(table) if first else []), *(change_line(one, table) for one in news)]


def one_line(document: dict[str, Any]) -> str:
    """Return a JSON document on one line, in ASCII."""
    import json

    from archfb.output import plain_json

    return json.dumps(plain_json(document), separators=(",", ":"), allow_nan=False)


def table_lines(table: StatusTable) -> list[str]:
    """Return how everything stands at the beginning."""
    at = instant(table.at)
    models = [f"{at} {name(one.name)}: {one.standing.status}, {reason(one)}" for one in table.models]
    return models + [f"{at} {name(one.phase)}: {chain_words(one)}" for one in table.chains]


def change_line(change: Transition, table: StatusTable) -> str:
    """Return a change as one line; with it when the model is tried again, where it is still out."""
    retry = _retry_at(change, table)
    again = f", again at {retry}" if retry is not None else ""
    return (
        f"{instant(change.at)} {name(change.model)}: {change.before} -> {change.after}, {name(change.reason)}{again}"
    )


def table_json(table: StatusTable) -> dict[str, Any]:
    """Return the document of `status --json`, marked as the first of a stream."""
    return {"event": "table", **table.to_json()}


def change_json(change: Transition, table: StatusTable) -> dict[str, Any]:
    """Return a change as one object of the stream."""
    return {
        "event": "change",
        "schema": SCHEMA,
        "at": instant(change.at),
        "model": change.model,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
        "retry_at": _retry_at(change, table),
    }


def _retry_at(change: Transition, table: StatusTable) -> str | None:
    now = {one.name: one.standing for one in table.models}.get(change.model)
    return instant(now.retry_at) if now is not None and now.status == change.after else None
