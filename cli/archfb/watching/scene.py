"""What a watch shows at one instant, and how the changes of status are told: pure, from tables and stored rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from archfb_state.records import Transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.routing.table import StatusTable
    from archfb_state.records import Status

KEPT = 50
"""Changes of status that a watch remembers."""

STEP = 60.0
"""Seconds by which the clock has to step back before that is said: less is an ordinary correction."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is shown, as of `table.at`."""

    title: str
    table: StatusTable
    since: Mapping[str, float] = field(default_factory=dict)
    """When each model came to its status (Unix seconds), where that is known."""
    next_at: Mapping[str, float] = field(default_factory=dict)
    """When each model's next probe is due."""
    probing: frozenset[str] = frozenset()
    """Models that somebody is probing now, in this process or another."""
    changes: tuple[Transition, ...] = ()
    """The last changes of status, oldest first."""
    in_flight: int = 0
    probes: bool = True
    """Whether this watch probes by itself."""
    notes: tuple[str, ...] = ()
    first: int = 0
    """The first model shown, where they do not all fit."""


class Feed(NamedTuple):
    """What has been told of each model so far."""

    shown: Mapping[str, Status]
    since: Mapping[str, float]
    history: tuple[Transition, ...]
    last: Transition | None
    """The newest stored change that has been taken in."""


def begin(table: StatusTable, stored: Sequence[Transition]) -> Feed:
    """Return a feed that takes the table as told; `stored` are the last changes of status, oldest first."""
    shown = {one.name: one.standing.status for one in table.models}
    since = {
        one.name: one.record.since
        for one in table.models
        if one.record.since is not None and one.record.status == one.standing.status
    }
    history = tuple(one for one in stored if one.model in shown)
    return Feed(shown, since, history[-KEPT:], stored[-1] if stored else None)


def follow(feed: Feed, table: StatusTable, stored: Sequence[Transition] = ()) -> tuple[Feed, tuple[Transition, ...]]:
    """Return the feed after another look, and the changes to tell.

    What was stored comes first, so that no step between two looks is left out; then what time alone changed, which
    nobody may have written down yet. A change that was told is not told again once somebody writes it down.
    """
    shown = dict(feed.shown)
    news: list[Transition] = []
    standings = {one.name: one.standing for one in table.models}
    seen = [Transition(table.at, one, "unknown", now.status, now.reason) for one, now in standings.items()]
    for one in (*_later(feed.last, stored), *seen):
        if one.model in standings and shown.get(one.model) != one.after:
            news.append(replace(one, before=shown.get(one.model, one.before)))
            shown[one.model] = one.after
    since = {**feed.since, **{one.model: one.at for one in news}}
    last = stored[-1] if stored else feed.last
    return Feed(shown, since, (*feed.history, *news)[-KEPT:], last), tuple(news)


def _later(last: Transition | None, stored: Sequence[Transition]) -> Sequence[Transition]:
    """Return the stored changes that come after the last one taken in."""
    if last is None:
        return stored
    for at in range(len(stored) - 1, -1, -1):
        if stored[at] == last:
            return stored[at + 1 :]
    return [one for one in stored if one.at > last.at]


def clock_note(table: StatusTable, latest: float) -> str | None:
    """Return what to say where the clock stands before what was seen already; `latest` is the highest time seen."""
    from archfb.views.phrases import duration
    from archfb.views.status_table import last_seen

    evidence = max((last_seen(one) or 0.0 for one in table.models), default=0.0)
    behind = max(latest, evidence) - table.at
    return f"Clock moved back {duration(behind)}; ages shown as 0 until it catches up." if behind > STEP else None
