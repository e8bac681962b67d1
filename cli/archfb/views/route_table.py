"""A routing decision explained: every candidate, its score and terms, or why it is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archfb.views.fitting import PLAIN_BELOW, Column, table
from archfb.views.phrases import NOTHING, STATUS_STYLES, name, until

if TYPE_CHECKING:
    from rich.console import RenderableType

    from archfb_state.decisions import Decision, Ranked


class Place(NamedTuple):
    """A candidate, and its place in the order of asking (None: it is left out)."""

    candidate: Ranked
    place: int | None


def route_view(decision: Decision, width: int, now: float) -> RenderableType:
    """Return what `route` shows."""
    from rich.console import Group
    from rich.text import Text

    if width < PLAIN_BELOW:
        return Text("\n".join(route_lines(decision)))
    rows = table(columns(now), places(decision), width)
    return Group(Text(headline(decision)), Text(""), rows, Text(""), Text(outcome(decision)))


def route_lines(decision: Decision) -> list[str]:
    """Return the same as plain lines."""
    return [headline(decision), *place_lines(decision), outcome(decision)]


def place_lines(decision: Decision) -> list[str]:
    """Return a line for each candidate."""
    return [f"{_place(one)} {name(one.candidate.model)}: {name(one.candidate.why)}" for one in places(decision)]


def places(decision: Decision) -> list[Place]:
    """Return the candidates with their places."""
    order = {one.model: at for at, one in enumerate(decision.order, start=1)}
    return [Place(one, order.get(one.model) if one.eligible else None) for one in decision.ranked]


def columns(now: float) -> list[Column[Place]]:
    """Return every column of the table, as of an instant."""
    return [
        Column("#", _place, right=True),
        Column("Model", lambda one: name(one.candidate.model), flexible=40),
        Column(
            "Status",
            lambda one: one.candidate.status,
            style=lambda one: STATUS_STYLES[one.candidate.status],
        ),
        Column("Score", _score, rank=1, right=True),
        Column("Why", lambda one: name(one.candidate.why), flexible=30),
        Column("Terms", _terms, rank=3, flexible=40),
        Column("Retry", lambda one: until(one.candidate.retry_at, now), rank=2, right=True),
    ]


def headline(decision: Decision) -> str:
    """Return what was asked for, and how the complexity came about."""
    terms = ", ".join(f"{name(term)} {value:g}" for term, value in decision.terms.items() if value)
    return f"{decision.phase}: {decision.complexity} complexity{f' ({terms})' if terms else ''}, {decision.strategy}"


def outcome(decision: Decision) -> str:
    """Return who would be asked, in one sentence."""
    names = [name(one.model) for one in decision.order]
    if not names:
        return "Nobody can be asked now."
    return f"First {names[0]}" + (f", then {', '.join(names[1:])}." if names[1:] else ".")


def _place(one: Place) -> str:
    return NOTHING if one.place is None else str(one.place)


def _score(one: Place) -> str:
    return NOTHING if one.place is None else f"{one.candidate.score:.3f}"


def _terms(one: Place) -> str:
    return " ".join(f"{name(term)}={value:.3g}" for term, value in one.candidate.terms.items())
