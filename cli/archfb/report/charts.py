"""Drawings as inline SVG: strips of availability, latency over time, cost a day; coloured by the style sheet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from archfb.periods import DAY
from archfb.report.markup import el, joined
from archfb.views.phrases import instant, milliseconds, money, percent
from archfb.views.strip import colour

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archfb.periods import History, Period
    from archfb.report.markup import Markup

WIDTH = 720.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 8.0, 8.0, 20.0
STRIP_HEIGHT, LATENCY_HEIGHT, COST_HEIGHT = 22.0, 130.0, 180.0
TICKS_MS = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 600_000)
HUES = 8
"""Colours of models in the style sheet; what comes after shares the last."""


def strip(rows: Mapping[float, Period], history: History) -> Markup:
    """Return a cell per period, coloured by the share of attempts that were answered."""
    grid = history.grid
    step = WIDTH / len(grid)
    cells = [_cell(rows.get(at), at, number * step, step) for number, at in enumerate(grid)]
    size = f"0 0 {WIDTH:g} {STRIP_HEIGHT:g}"
    what = el("title", "Availability over time")
    return el("svg", what, *cells, viewBox=size, role="img", class_="chart", preserveAspectRatio="none")


def _cell(one: Period | None, at: float, x: float, step: float) -> Markup:
    share = one.availability if one else None
    kind = {"green": "ok", "yellow": "warn", "red": "bad", "dim": "none"}[colour(share)]
    said = "nothing asked" if one is None or share is None else f"{one.ok} of {one.ok + one.failed}, {percent(share)}"
    gap = min(1.0, step / 4)
    return el(
        "g",
        el("title", f"{instant(at)[:16]} UTC: {said}"),
        el("rect", x=x, y=0, width=round(step - gap, 2), height=STRIP_HEIGHT, class_=kind),
    )


class Scale(NamedTuple):
    """Time from left to right and latency, by its logarithm, from bottom to top."""

    begin: float
    end: float
    low: float
    high: float

    def x(self, at: float) -> float:
        """Return where an instant stands."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - self.begin) / max(1.0, self.end - self.begin)

    def y(self, ms: float) -> float:
        """Return where a latency stands."""
        share = (math.log(max(ms, 1.0)) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return TOP + (LATENCY_HEIGHT - TOP - BOTTOM) * (1 - share)


def latency(rows: Mapping[float, Period], history: History) -> Markup | None:
    """Return the 50th, 95th and 99th percentile over time, None where nothing was answered."""
    known = [one for one in rows.values() if one.p50_ms is not None]
    values = [value for one in known for value in (one.p50_ms, one.p95_ms, one.p99_ms) if value]
    if not values:
        return None
    low = max((tick for tick in TICKS_MS if tick <= min(values)), default=1)
    high = min((tick for tick in TICKS_MS if tick >= max(values)), default=int(max(values)) + 1)
    scale = Scale(history.grid[0], history.grid[-1] + history.size, low, high if high > low else low * 3)
    lines = [
        _line(rows, history, scale, name, kind)
        for name, kind in (("p99_ms", "p99"), ("p95_ms", "p95"), ("p50_ms", "p50"))
    ]
    return _svg(LATENCY_HEIGHT, "Latency over time", *_axes(scale, history), *lines)


def _axes(scale: Scale, history: History) -> Iterable[Markup]:
    for tick in (one for one in TICKS_MS if scale.low <= one <= scale.high):
        y = scale.y(tick)
        yield el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid")
        yield el("text", _seconds(tick), x=LEFT - 6, y=y + 4, text_anchor="end")
    yield from _times(scale, history)


def _times(scale: Scale, history: History) -> Iterable[Markup]:
    grid = history.grid
    count = min(6, len(grid))
    for number in range(count):
        at = grid[number * len(grid) // count]
        said = instant(at)[5:16] if history.size < DAY else instant(at)[:10]
        yield _below(number, said, scale.x(at), LATENCY_HEIGHT)


def _below(number: int, said: str, x: float, height: float) -> Markup:
    """Return a label of the axis of time; every other one gives way where the page is narrow."""
    return el("text", said, x=x, y=height - 5, text_anchor="start", class_="between" if number % 2 else None)


def _seconds(ms: float) -> str:
    return f"{ms / 1000:g} s"


def _line(rows: Mapping[float, Period], history: History, scale: Scale, name: str, kind: str) -> Markup:
    """Return one percentile, broken where nothing was answered; a lone point is a dot."""
    parts: list[list[tuple[float, float, str]]] = [[]]
    for at in history.grid:
        value = getattr(rows[at], name) if at in rows else None
        if value is None:
            parts.append([])
            continue
        said = f"{kind} {milliseconds(value)}, {instant(at)[:16]} UTC"
        parts[-1].append((scale.x(at + history.size / 2), scale.y(value), said))
    drawn = [_polyline(part, kind) for part in parts if len(part) > 1]
    dots = [
        el("circle", cx=x, cy=y, r=2, class_=f"dot {kind}") if len(part) == 1 else _target(x, y, said)
        for part in parts
        for x, y, said in part
    ]
    return el("g", *drawn, *dots)


def _polyline(part: Sequence[tuple[float, float, str]], kind: str) -> Markup:
    return el("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in part), class_=kind)


def _target(x: float, y: float, said: str) -> Markup:
    return el("g", el("title", said), el("circle", cx=x, cy=y, r=4, class_="target"))


def cost(usd: Mapping[tuple[float, str], float], models: Sequence[str]) -> Markup | None:
    """Return a bar per day, a colour per model; None where nothing cost anything."""
    if not usd:
        return None
    days = sorted({day for day, _ in usd})
    first, last = int(days[0] // DAY), int(days[-1] // DAY)
    grid = [at * DAY for at in range(first, last + 1)]
    most = max(sum(usd.get((day, model), 0.0) for model in models) for day in grid) or 1.0
    step = (WIDTH - LEFT - RIGHT) / max(7, len(grid))
    bars = [
        bar for number, day in enumerate(grid) for bar in _bars(usd, models, day, LEFT + number * step, step, most)
    ]
    every = max(1, len(grid) // 8)
    labels = [
        _below(number, instant(day)[5:10], LEFT + number * every * step, COST_HEIGHT)
        for number, day in enumerate(grid[::every])
    ]
    return _svg(COST_HEIGHT, "Cost per day and model", *_cost_axis(most), *bars, *labels)


def _cost_axis(most: float) -> Iterable[Markup]:
    for share in (0.0, 0.5, 1.0):
        y = _cost_y(share)
        yield el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid")
        yield el("text", money(most * share), x=LEFT - 6, y=y + 4, text_anchor="end")


def _cost_y(share: float) -> float:
    return TOP + (COST_HEIGHT - TOP - BOTTOM) * (1 - share)


def _bars(
    usd: Mapping[tuple[float, str], float], models: Sequence[str], day: float, x: float, step: float, most: float
) -> Iterable[Markup]:
    below = 0.0
    for number, model in enumerate(models):
        spent = usd.get((day, model), 0.0)
        if not spent:
            continue
        top, bottom = _cost_y((below + spent) / most), _cost_y(below / most)
        below += spent
        yield el(
            "g",
            el("title", f"{instant(day)[:10]}: {model} {money(spent)}"),
            el("rect", x=x, y=top, width=max(1.0, step * 0.8), height=bottom - top, class_=hue(number)),
        )


def hue(number: int) -> str:
    """Return the class of the colour of a model."""
    return f"hue{min(number, HUES - 1)}"


def _svg(height: float, what: str, *pieces: Markup) -> Markup:
    size = f"0 0 {WIDTH:g} {height:g}"
    return el("svg", el("title", what), joined(*pieces), viewBox=size, role="img", class_="chart")
