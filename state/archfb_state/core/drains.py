"""What a person decided about a model, and when that is over. Pure, as all of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb_state.core.standing import drained_until, standing
from archfb_state.records import Changes, ModelRef, Transition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archfb_state.records import ModelRecord, Snapshot
    from archfb_state.settings import Settings


def over(rows: Snapshot, settings: Settings, now: float, refs: Iterable[ModelRef]) -> Changes:
    """Return the models whose drain has ended, freed of it, each with its transition, dated when the drain ended.

    A drain ends by time alone, so that nobody may have been there: the next who writes writes this first, and who
    only reads tells it all the same.
    """
    if all(one.drained_until is None for one in rows.models.values()):
        return Changes()
    models, transitions = {}, []
    for ref in refs:
        before = rows.models.get(ref.model)
        if before is None or before.drained_until is None or drained_until(before, now) is not None:
            continue
        end = before.drained_until
        after = models[ref.model] = _freed(rows, before, settings, end, ref)
        transitions.append(Transition(end, ref.model, before.status, after.status, f"drain over: {after.reason}"))
    return Changes(models=models, transitions=tuple(transitions))


def unwritten(rows: Snapshot, settings: Settings) -> tuple[Transition, ...]:
    """Return the transitions of drains that have ended and that nobody has written down yet."""
    return over(rows, settings, rows.at, map(ref_of, rows.models.values())).transitions


def ref_of(record: ModelRecord) -> ModelRef:
    """Return where a model stood when its row was written; its host from its account."""
    host = record.account.partition("://")[2].partition("/")[0].partition(":")[0]
    return ModelRef(record.model, record.deployment, record.account, host)


def _freed(rows: Snapshot, before: ModelRecord, settings: Settings, end: float, ref: ModelRef) -> ModelRecord:
    free = before._replace(drained_by=None, drained_why=None, drained_until=None)
    found = standing(ref, rows._replace(models={**rows.models, ref.model: free}), settings, end)
    since = before.since if found.status == before.status else end
    return free._replace(status=found.status, reason=found.reason, since=since)
