"""Outcomes and latency over time, and every change of status with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.periods import DAY, HOUR, Period
from archfb.views.fitting import PLAIN_BELOW, Column, table
from archfb.views.phrases import NOTHING, count, instant, milliseconds, money, moved, name, percent
from archfb.views.strip import UNICODE, amounts, shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType
    from rich.text import Text

    from archfb.periods import History
    from archfb.views.strip import Marks
    from archfb_state.records import Transition

LABEL = 11
"""Columns before a strip."""

PERIOD_COLUMNS: list[Column[Period]] = [
    Column("From (UTC)", lambda one: instant(one.at)[:16]),
    Column("Model", lambda one: name(one.model), flexible=40),
    Column("Answered", lambda one: f"{one.ok}/{one.ok + one.failed}", right=True),
    Column("Share", lambda one: share(one.availability), rank=1, right=True),
    Column("p50", lambda one: milliseconds(one.p50_ms), rank=2, right=True),
    Column("p95", lambda one: milliseconds(one.p95_ms), rank=3, right=True),
    Column("p99", lambda one: milliseconds(one.p99_ms), rank=6, right=True),
    Column("Cost", lambda one: money(one.cost_usd), rank=5, right=True),
    Column("Outcomes", lambda one: ", ".join(f"{n} {what}" for what, n in one.outcomes), rank=4, flexible=40),
]


def share(found: float | None) -> str:
    """Return an availability; of nothing nothing is known."""
    return NOTHING if found is None else percent(found)


def history_view(
    found: History, changes: Sequence[Transition], width: int, *, detailed: bool = False, of: Marks = UNICODE
) -> RenderableType:
    """Return a chart per model, with `detailed` every period as a row of a table, and the changes as lines."""
    from rich.console import Group
    from rich.text import Text

    if not found.periods and not changes:
        return Text("Nothing was recorded in that time.")
    lines = Text("\n".join(change_line(one) for one in changes) or "No change of status.")
    parts: list[RenderableType] = [chart(model, rows, found, width, of) for model, rows in found.by_model().items()]
    if found.periods:
        parts.append(Text(scale_line(found, width)))
    if detailed and found.periods and width >= PLAIN_BELOW:
        parts += [Text(""), table(PERIOD_COLUMNS, found.periods, width)]
    return Group(*parts, Text(""), lines)


def chart(model: str, rows: dict[float, Period], found: History, width: int, of: Marks) -> Text:
    """Return one model's totals, availability and latency over time, in lines no wider than the terminal."""
    from rich.text import Text

    cells = [rows.get(at) for at in shown(found, width)]
    lines = Text(f"{name(model, 40)}: {totals(rows.values())}\n", no_wrap=True, overflow="ellipsis")
    lines.append("  answered ".ljust(LABEL))
    lines.append(shares((one.availability if one else None for one in cells), of))
    for label, key in (("  p50", "p50_ms"), ("  p95", "p95_ms")):
        values = [getattr(one, key) if one else None for one in cells]
        lines.append(f"\n{label.ljust(LABEL)}{amounts(values, of)}{span_of(values)}")
    return lines.append("\n")


def shown(found: History, width: int) -> tuple[float, ...]:
    """Return the stretches that the width has room for, the newest of them."""
    room = max(8, width - LABEL - 18)
    return found.grid[-room:]


def totals(rows: Iterable[Period]) -> str:
    """Return what all periods of a model come to."""
    ok = failed = 0
    costs, outcomes = list[float | None](), dict[str, int]()
    for one in rows:
        ok, failed = ok + one.ok, failed + one.failed
        costs.append(one.cost_usd)
        for what, number in one.outcomes:
            outcomes[what] = outcomes.get(what, 0) + number
    answered = share(ok / (ok + failed) if ok + failed else None)
    bad = [f"{number} {what}" for what, number in sorted(outcomes.items(), key=lambda one: -one[1]) if what != "ok"]
    return ", ".join([f"{ok}/{ok + failed} answered ({answered})", _cost(costs), *bad])


def _cost(costs: Sequence[float | None]) -> str:
    known = sum(one or 0.0 for one in costs)
    return "price unknown" if None in costs and not known else money(known)


def span_of(values: Sequence[float | None]) -> str:
    """Return the least and the most of a strip."""
    known = [one for one in values if one is not None]
    if not known:
        return ""
    low, high = milliseconds(min(known)), milliseconds(max(known))
    return f" {low}" if low == high else f" {low} to {high}"


def scale_line(found: History, width: int) -> str:
    """Return what a column of the strips is."""
    grid = shown(found, width)
    what = "an hour" if found.size == HOUR else "a day" if found.size == DAY else "a week"
    cut = f", the last {count(len(grid), 'column')}" if len(grid) < len(found.grid) else ""
    rough = "; percentiles from hourly sums" if found.rough else ""
    return f"A column is {what}, from {instant(grid[0])[:16]} UTC{cut}{rough}."


def change_line(one: Transition) -> str:
    """Return one change of status in a line."""
    return f"{instant(one.at)} {name(one.model)}: {moved(one.before, one.after)} ({name(one.reason)})"
