"""Outcomes and latency over time, and every change of status with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archfb.views.fitting import PLAIN_BELOW, Column, table
from archfb.views.phrases import instant, milliseconds, money, name, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from archfb_state.records import Attempt, Transition


@dataclass(frozen=True, slots=True)
class Period:
    """What happened to one model in one stretch of time that begins at `at` (Unix seconds)."""

    at: float
    model: str
    ok: int
    failed: int
    outcomes: tuple[tuple[str, int], ...]
    p50_ms: float | None
    p95_ms: float | None
    cost_usd: float

    @property
    def availability(self) -> float:
        """Return the share of attempts that gave an answer."""
        return self.ok / (self.ok + self.failed) if self.ok + self.failed else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the period as `history --json` prints it."""
        from archfb.routing.json import instant as rfc3339

        return {
            "at": rfc3339(self.at),
            "model": self.model,
            "attempts": self.ok + self.failed,
            "availability": round(self.availability, 4),
            "outcomes": dict(self.outcomes),
            "latency_ms": {"p50": self.p50_ms, "p95": self.p95_ms},
            "cost_usd": self.cost_usd,
        }


def periods(attempts: Iterable[Attempt], seconds: float) -> list[Period]:
    """Return the attempts gathered by model and by stretches of `seconds`, oldest first."""
    groups: dict[tuple[float, str], list[Attempt]] = {}
    for one in attempts:
        groups.setdefault((one.started_at // seconds * seconds, one.model), []).append(one)
    return [_period(at, model, found) for (at, model), found in sorted(groups.items())]


def _period(at: float, model: str, attempts: list[Attempt]) -> Period:
    from archfb.routing.table import percentile

    outcomes: dict[str, int] = {}
    for one in attempts:
        outcomes[str(one.outcome)] = outcomes.get(str(one.outcome), 0) + 1
    took = [one.latency_ms for one in attempts if one.outcome == "ok"]
    ok = outcomes.get("ok", 0)
    return Period(
        at,
        model,
        ok,
        len(attempts) - ok - outcomes.get("cancelled", 0),
        tuple(sorted(outcomes.items())),
        percentile(took, 0.50),
        percentile(took, 0.95),
        sum(one.cost_usd or 0.0 for one in attempts),
    )


PERIOD_COLUMNS: list[Column[Period]] = [
    Column("From (UTC)", lambda one: instant(one.at)[:16]),
    Column("Model", lambda one: name(one.model), flexible=40),
    Column("Answered", lambda one: f"{one.ok}/{one.ok + one.failed}", right=True),
    Column("Share", lambda one: percent(one.availability), rank=1, right=True),
    Column("p50", lambda one: milliseconds(one.p50_ms), rank=2, right=True),
    Column("p95", lambda one: milliseconds(one.p95_ms), rank=3, right=True),
    Column("Cost", lambda one: money(one.cost_usd), rank=5, right=True),
    Column("Outcomes", lambda one: ", ".join(f"{n} {what}" for what, n in one.outcomes), rank=4, flexible=40),
]


def history_view(found: Sequence[Period], changes: Sequence[Transition], width: int) -> RenderableType:
    """Return the periods as a table and the changes of status as lines."""
    from rich.console import Group
    from rich.text import Text

    if not found and not changes:
        return Text("Nothing was recorded in that time.")
    lines = Text("\n".join(change_line(one) for one in changes) or "No change of status.")
    if width < PLAIN_BELOW:
        rows = "\n".join(f"{name(one.model)} {one.ok}/{one.ok + one.failed}" for one in found)
        return Group(Text(rows), lines)
    return Group(table(PERIOD_COLUMNS, found, width), Text(""), lines)


def change_line(one: Transition) -> str:
    """Return one change of status in a line."""
    return f"{instant(one.at)} {name(one.model)}: {one.before} to {one.after} ({name(one.reason)})"
