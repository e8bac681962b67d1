"""What another strategy would have changed, and how far the figures can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archfb.views.fitting import PLAIN_BELOW, Column, table
from archfb.views.phrases import count, percent

if TYPE_CHECKING:
    from rich.console import RenderableType

    from archfb.routing.replay import Figures, Replay

FEW_KNOWN = 0.5
"""Share of known calls under which the figures are more a guess than a count."""


class Row(NamedTuple):
    """One figure: as it was, as it would have been, and the 5 % and 95 % bounds of the difference."""

    what: str
    was: str
    would: str
    low: str
    high: str


def rows(found: Replay) -> list[Row]:
    """Return the figures as words."""
    return [
        _row("Cost", "usd", found, _usd, _usd_change),
        _row("Seconds", "seconds", found, _plain, _change),
        _row("Calls without an answer", "failures", found, _plain, _change),
        _row("Wasted attempts", "wasted", found, _plain, _change),
    ]


def _row(what: str, name: str, found: Replay, said: Any, change: Any) -> Row:
    was, would, low, high = (getattr(one, name) for one in (found.actual, found.replayed, found.low, found.high))
    return Row(what, said(was), said(would), change(low), change(high))


def _usd(value: float) -> str:
    return f"${value:,.2f}" if abs(value) >= 1 else f"${value:.4f}" if abs(value) >= 0.01 else f"${value:.6f}"


def _usd_change(value: float) -> str:
    return ("-" if value < 0 else "+") + _usd(abs(value)) if value else "$0"


def _plain(value: float) -> str:
    return f"{value:,.1f}"


def _change(value: float) -> str:
    return f"{value:+,.1f}" if abs(value) >= 0.05 else "0"


COLUMNS: list[Column[Row]] = [
    Column("", lambda one: one.what),
    Column("As it was", lambda one: one.was, right=True),
    Column("As it would be", lambda one: one.would, right=True),
    Column("Change, 5 %", lambda one: one.low, rank=1, right=True),
    Column("95 %", lambda one: one.high, rank=1, right=True),
]


def replay_view(found: Replay, phase: str | None, width: int) -> RenderableType:
    """Return what `route --replay` shows."""
    from rich.console import Group
    from rich.text import Text

    if not found.calls:
        return Text(f"No call{f' of {phase}' if phase else ''} was recorded in that time.")
    said = [Text(headline(found, phase)), Text(""), figures(found, width), Text(""), Text(trust(found))]
    return Group(*said)


def figures(found: Replay, width: int) -> RenderableType:
    """Return the figures as a table, or as lines where none fits."""
    from rich.text import Text

    if width >= PLAIN_BELOW:
        return table(COLUMNS, rows(found), width)
    lines = [f"{one.what}: {one.was}, would be {one.would} ({one.low} to {one.high})" for one in rows(found)]
    return Text("\n".join(lines))


def headline(found: Replay, phase: str | None) -> str:
    """Return what was replayed."""
    return (
        f"{phase or 'All phases'}: {count(found.calls, 'call')} again with {found.strategy}; "
        f"{found.changed:,} would have asked another model first."
    )


def trust(found: Replay) -> str:
    """Return how far the figures can be trusted."""
    share = (
        f"{percent(found.known)} of it is known from the very call, the rest from what the models did around then."
    )
    if found.known < FEW_KNOWN:
        return f"{share} Take the figures for a guess."
    return share


def replay_json(found: Replay, phase: str | None) -> dict[str, Any]:
    """Return the document of `route --replay --json`."""
    return {
        "schema": 1,
        "phase": phase,
        "strategy": found.strategy,
        "calls": found.calls,
        "changed": found.changed,
        "known": round(found.known, 4),
        "actual": _figures_json(found.actual),
        "replayed": _figures_json(found.replayed),
        "change_p5": _figures_json(found.low),
        "change_p95": _figures_json(found.high),
    }


def _figures_json(one: Figures) -> dict[str, float]:
    return {
        "cost_usd": round(one.usd, 6),
        "seconds": round(one.seconds, 3),
        "failures": round(one.failures, 3),
        "wasted_attempts": round(one.wasted, 3),
    }
